"""TWS answers other addresses, but not this one.

Seen: in one capture, a client whose valid hello gets no answer (or whose connection is closed), and another client,
from another address, that the same server answers.
Meaning: TWS works, but it does not accept connections from this address. It shows a dialog and waits for a click, or
its settings reject the address.
How sure: both are in the capture; the packets do not show whether it is the dialog or a setting: medium. Low when the
other client was not accepted while the unanswered one waited, but before or after (TWS may have hung, or not been
running; a TWS that accepts no new clients may go on serving the ones it has); when TWS was shutting down or starting;
or when one client connected to the loopback and it does not show that the other connected to the same machine.
Not reported while the server served nobody, for clients that sent nothing (a port test), and on the usual port of a
relay: behind it TWS sees the relay's address for all clients alike.
Sources: ib_async 18; ib_insync 529 and 381; IBKR-API-Rust 28; IbcAlpha/IBC 334.
What to do: add this single address to Trusted IPs (ranges are ignored, IPv6 addresses need entries of their own), and
untick "Allow connections from localhost only".
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.network_path import captured_near_client, captured_near_server
from ibsniff.facts.ports import on_relay_port
from ibsniff.facts.server_close import closed_without_reply
from ibsniff.facts.server_history import is_starting, times_down
from ibsniff.facts.server_silence import latest_silent, silent_to_valid_hello
from ibsniff.model import Confidence, Connection, Conversation, Endpoint, Fault, Outcome, Rung, Severity
from ibsniff.rules.registry import Statement, capture_rule, cited
from ibsniff.rules.wording.remedies import address_to_trust, settings_path, trusted_entry


@capture_rule(Severity.ERROR)
def check(index: CaptureIndex) -> Iterator[Statement]:
    """One address is served, another is not."""
    for conversations in index.related.by_server_port:
        ready = [one for one in conversations if one.rung is Rung.READY]
        latest = {one.connection.client.address: one for one in conversations if ready and _may_be_rejected(one, index)}
        if not latest:
            continue
        hangs = any(_address_is_not_the_reason(one, index) for one in latest_silent(conversations))
        sessions, down = _SessionsOnPort(ready), times_down(conversations)
        for one in reversed(latest.values()):
            served = sessions.on_same_machine(one.connection)
            if not served or any(one.connection.client.address in group.clients for group in served):
                continue
            changing = index.server_history.session_ended_with(one) is not None or is_starting(
                down, one.connection.last
            )
            certain = (
                _works_meanwhile(one, served) and not sessions.same_server_is_inferred(one.connection) and not changing
            )
            if certain or not hangs:
                yield _statement(one, min(served, key=_place).first, certain=certain)


class _Served:
    """Sessions, with what is looked up thousands of times: their addresses, and when the server sent them data."""

    def __init__(self, sessions: list[tuple[int, Conversation]]) -> None:
        """Each with its place among all."""
        self.place, self.first = sessions[0]
        self.clients = frozenset(one.connection.client.address for _, one in sessions)
        halves = [one.connection.from_server for _, one in sessions]
        self.accepted_ns = sorted(half.first_data.time_ns for half in halves if half.first_data is not None)
        self.last_data_ns = max((half.last_data.time_ns for half in halves if half.last_data is not None), default=-1)

    def accepted_between(self, from_ns: int, until_ns: int) -> bool:
        """A session was accepted at that time."""
        return bisect_left(self.accepted_ns, from_ns) < bisect_right(self.accepted_ns, until_ns)


class _SessionsOnPort:
    """All sessions on a port, by the server they connected to."""

    def __init__(self, ready: list[Conversation]) -> None:
        by_server: dict[Endpoint, list[tuple[int, Conversation]]] = defaultdict(list)
        for place, one in enumerate(ready):
            by_server[one.connection.server].append((place, one))
        same_host = [(place, one) for place, one in enumerate(ready) if one.connection.same_host]
        self._by_server = {server: _Served(sessions) for server, sessions in by_server.items()}
        self._same_host = _Served(same_host) if same_host else None

    def on_same_machine(self, rejected: Connection) -> list[_Served]:
        """Sessions with the same server address; or with this machine's own, if the rejected one came from outside."""
        local = self._same_host if rejected.same_host or not captured_near_client(rejected) else None
        return [group for group in (self._by_server.get(rejected.server), local) if group is not None]

    def same_server_is_inferred(self, rejected: Connection) -> bool:
        """It is only likely that both reached one TWS: one connected within its machine, the other did not."""
        return rejected.server not in self._by_server and (rejected.same_host or not captured_near_server(rejected))


def _place(group: _Served) -> int:
    return group.place


def _address_is_not_the_reason(silent: Conversation, index: CaptureIndex) -> bool:
    """No answer, where the address cannot be the reason: it means that TWS hangs."""
    return silent.connection.client.is_loopback or index.server_history.served_at_once_before(silent) is not None


def _works_meanwhile(one: Conversation, served: list[_Served]) -> bool:
    """The server accepted one of the sessions while the other client waited.

    When the server closed the connection, it is enough that it sent them data before and after: it accepts connections.
    """
    connection = one.connection
    began_ns = connection.first.time_ns
    until_ns = connection.ended.moment.time_ns if connection.ended is not None else one.watched_until_ns
    if one.outcome is Outcome.SILENT:
        return any(group.accepted_between(began_ns, until_ns) for group in served)
    later = any(group.last_data_ns >= began_ns for group in served)
    return later and any(group.accepted_between(0, until_ns) for group in served)


def _may_be_rejected(conversation: Conversation, index: CaptureIndex) -> bool:
    """It failed as TWS rejects an address: not a port test, not a relay's connection, and not while nobody was served."""
    connection, hello = conversation.connection, conversation.dialogue.hello
    if connection.client.is_loopback or on_relay_port(connection) or (hello is not None and not hello.is_valid):
        return False
    failed = silent_to_valid_hello(conversation) or closed_without_reply(conversation) is not None
    return failed and connection.from_client.length > 0 and not index.in_outage(conversation)


def _statement(one: Conversation, served: Conversation, *, certain: bool) -> Statement:
    doubt = "" if certain else " This holds if both connected to the same TWS, and it worked at that time."
    address, port = address_to_trust(one.connection), one.connection.server.port
    return Statement(
        f"{one.connection.server} serves {served.connection.client.ip} ({served.id}) but not {address}: it does not "
        f"accept connections from this address, or waits for someone to click Yes in its dialog.{doubt}",
        Fault.TWS_CONFIG,
        Confidence.MEDIUM if certain else Confidence.LOW,
        packets=(
            *(
                cited(one, piece)
                for piece in (one.dialogue.hello.pieces if one.dialogue.hello else (one.connection.first,))
            ),
            *(cited(served, piece) for piece in (served.dialogue.reply.pieces if served.dialogue.reply else ())),
        ),
        remedy=f"{'Connect to 127.0.0.1 instead; or, in ' if one.connection.same_host else ''}{settings_path(port)}: "
        f"add {trusted_entry(one.connection)} to Trusted IPs, and untick Allow connections from localhost only. Look "
        "for a dialog on the TWS screen.",
        conversations=(one.id, served.id),
    )
