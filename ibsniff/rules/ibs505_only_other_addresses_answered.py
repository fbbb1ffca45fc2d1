"""TWS answers other addresses, and not this one.

Seen: in one capture, a client whose good hello is met with silence (or a hang-up), and another one, from another
address, that the same server answers.
Meaning: TWS works; it does not take connections from this address. It shows a dialog and waits for a click, or it
rejects the address by its settings.
How sure: both are in the capture; between dialog and setting the packets do not decide: medium. Low when the one was
not taken in while the silent one waited, but before or after (TWS may have hung, or not been up; one that takes no new
clients may go on serving the ones it has); when TWS was just going down or starting; or when the one called the loopback
and it is not to be seen that the other called the same machine.
Sources: ib_async 18; ib_insync 529 and 381; IBKR-API-Rust 28; IbcAlpha/IBC 334.
What to do: add this single address to Trusted IPs (ranges are ignored, IPv6 addresses are entries of their own), and
untick "Allow connections from localhost only".
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.network_path import captured_near_client, captured_near_server
from ibsniff.facts.server_close import closed_without_reply
from ibsniff.facts.server_history import is_starting, times_down
from ibsniff.facts.server_silence import latest_silent, silent_to_valid_hello
from ibsniff.model import Confidence, Connection, Conversation, Endpoint, Fault, Outcome, Rung, Severity
from ibsniff.rules.registry import Statement, capture_rule
from ibsniff.rules.wording.menus import address_to_trust, settings_path, trusted_entry


@capture_rule(Severity.ERROR)
def check(index: CaptureIndex) -> Statement | None:
    """One address served, another not."""
    for conversations in index.related.by_server_port:
        ready = [one for one in conversations if one.rung is Rung.READY]
        latest = {one.connection.client.address: one for one in conversations if ready and _turned_away(one)}
        if not latest:
            continue
        hangs = any(_is_no_matter_of_address(one, index) for one in latest_silent(conversations))
        everyone, down = _Everyone(ready), times_down(conversations)
        for one in reversed(latest.values()):
            served = everyone.on_the_machine_called_by(one.connection)
            if not served or any(one.connection.client.address in group.clients for group in served):
                continue
            changing = index.server_history.session_ended_with(one) is not None or is_starting(
                down, one.connection.last
            )
            certain = _works_meanwhile(one, served) and not everyone.inferred(one.connection) and not changing
            if certain or not hangs:
                return _statement(one, min(served, key=_place).first, certain=certain)
    return None


class _Served:
    """Sessions, and what thousands of others ask about them: from which addresses, and when they were spoken to."""

    def __init__(self, sessions: list[tuple[int, Conversation]]) -> None:
        """Each with its place among all."""
        self.place, self.first = sessions[0]
        self.clients = frozenset(one.connection.client.address for _, one in sessions)
        halves = [one.connection.from_server for _, one in sessions]
        self.taken_ns = sorted(half.first_data.time_ns for half in halves if half.first_data is not None)
        self.heard_ns = max((half.last_data.time_ns for half in halves if half.last_data is not None), default=-1)

    def taken_between(self, from_ns: int, until_ns: int) -> bool:
        """One was taken in at that time."""
        return bisect_left(self.taken_ns, from_ns) < bisect_right(self.taken_ns, until_ns)


class _Everyone:
    """All sessions on a port, by what they called."""

    def __init__(self, ready: list[Conversation]) -> None:
        by_server: dict[Endpoint, list[tuple[int, Conversation]]] = defaultdict(list)
        for place, one in enumerate(ready):
            by_server[one.connection.server].append((place, one))
        same_host = [(place, one) for place, one in enumerate(ready) if one.connection.same_host]
        self._by_server = {server: _Served(sessions) for server, sessions in by_server.items()}
        self._same_host = _Served(same_host) if same_host else None

    def on_the_machine_called_by(self, called: Connection) -> list[_Served]:
        """The same address was called; or this machine's own, and the other call came in from outside."""
        local = self._same_host if called.same_host or not captured_near_client(called) else None
        return [group for group in (self._by_server.get(called.server), local) if group is not None]

    def inferred(self, called: Connection) -> bool:
        """That both called the same TWS is only likely: one called its own machine, and the other an address outside."""
        return called.server not in self._by_server and (called.same_host or not captured_near_server(called))


def _place(group: _Served) -> int:
    return group.place


def _is_no_matter_of_address(silent: Conversation, index: CaptureIndex) -> bool:
    """Silence where no address can be the reason: it says that TWS hangs."""
    return silent.connection.client.is_loopback or index.server_history.served_at_once_before(silent) is not None


def _works_meanwhile(one: Conversation, served: list[_Served]) -> bool:
    """It took one of them in while the other waited.

    To one that hangs up it is enough that it spoke to them before and after: it does take calls.
    """
    connection = one.connection
    began_ns = connection.first.time_ns
    until_ns = connection.ended.moment.time_ns if connection.ended is not None else one.watched_until_ns
    if one.outcome is Outcome.SILENT:
        return any(group.taken_between(began_ns, until_ns) for group in served)
    later = any(group.heard_ns >= began_ns for group in served)
    return later and any(group.taken_between(0, until_ns) for group in served)


def _turned_away(conversation: Conversation) -> bool:
    hello = conversation.dialogue.hello
    if conversation.connection.client.is_loopback or (hello is not None and not hello.is_valid):
        return False
    return silent_to_valid_hello(conversation) or closed_without_reply(conversation) is not None


def _statement(one: Conversation, served: Conversation, *, certain: bool) -> Statement:
    doubt = "" if certain else " This is so if both called one TWS, and it worked at that time."
    address, port = address_to_trust(one.connection), one.connection.server.port
    return Statement(
        f"{one.connection.server} serves {served.connection.client.ip} ({served.id}) and not {address}: it does not take "
        f"connections from this address, or waits for a click to do so.{doubt}",
        Fault.TWS_CONFIG,
        Confidence.MEDIUM if certain else Confidence.LOW,
        packets=(
            *(one.dialogue.hello.packets if one.dialogue.hello else (one.connection.first.packet,)),
            *(served.dialogue.reply.packets if served.dialogue.reply else ()),
        ),
        remedy=f"{'Call 127.0.0.1 instead; or, in ' if one.connection.same_host else ''}{settings_path(port)}: add {trusted_entry(one.connection)} to Trusted IPs, and "
        "untick Allow connections from localhost only. Look for a dialog on its screen.",
        conversations=(one.id, served.id),
    )
