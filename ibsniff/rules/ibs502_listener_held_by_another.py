"""A client was answered only after another client had left.

Seen: one connection waits with a valid hello. Another one, opened before it, has sent nothing or an incomplete hello;
when that one ends, the waiting one is answered within a few milliseconds.
Meaning: TWS reads the first bytes of new connections one after the other; a connection that sends nothing delays the
others.
How sure: it is certain that the answer came at the moment when the other ended. That TWS serves new connections one
at a time is inferred from its log and was measured with a listener of that kind: medium.
Sources: ib-ruby's comments on TWS's log (JTS-SocketListener); nautilus_trader 4796; a single-threaded listener
measured.
What to do: stop the program that opened the other connection (a health check, a port test, a program that hangs), or
make it close its connection.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.intervals import Timeline
from ibsniff.facts.opening import sent_no_hello
from ibsniff.facts.timing import MINIMUM_WAIT
from ibsniff.formatting import elapsed, seconds_between
from ibsniff.model import Confidence, Conversation, Endpoint, Fault, Reply, Severity, Side
from ibsniff.rules.registry import Statement, capture_rule, cited
from ibsniff.rules.wording.commands import lists_listeners
from ibsniff.rules.wording.what_was_sent import sent_instead_of_hello

AT_ONCE_NS = 20_000_000
"""20 ms between the end of the one and the answer to the other: a free listener serves the next client at once."""


@capture_rule(Severity.ERROR)
def check(index: CaptureIndex) -> Iterator[Statement]:
    """An answer that came when another client left."""
    leavers = _leavers(index)
    departures = {server: Timeline(map(_departure, those)) for server, those in leavers.items()}
    told = set[Endpoint]()
    for waiting in index.conversations:
        connection, reply = waiting.connection, _late_reply(waiting)
        if reply is None or connection.server not in departures or connection.server in told:
            continue
        earliest = departures[connection.server].least(reply.began.time_ns - AT_ONCE_NS, reply.began.time_ns)
        if earliest is None or earliest >= connection.first.time_ns:
            continue
        holder = _holder(waiting, reply, leavers[connection.server])
        if holder is not None:
            told.add(connection.server)
            yield _statement(waiting, holder)


def _leavers(index: CaptureIndex) -> dict[Endpoint, list[Conversation]]:
    """By server, the clients that sent no hello and left. Those that the server closed did not block it."""
    found: dict[Endpoint, list[Conversation]] = defaultdict(list)
    for one in index.conversations:
        ended = one.connection.ended
        if ended is not None and ended.by is Side.CLIENT and sent_no_hello(one):
            found[one.connection.server].append(one)
    return found


def _departure(leaver: Conversation) -> tuple[int, int]:
    """When it ended, and when it began."""
    assert leaver.connection.ended is not None
    return leaver.connection.ended.moment.time_ns, leaver.connection.first.time_ns


def _late_reply(waiting: Conversation) -> Reply | None:
    hello, reply = waiting.dialogue.hello, waiting.dialogue.reply
    if hello is None or reply is None or not hello.is_valid or not reply.is_whole:
        return None
    return reply if seconds_between(hello.complete, reply.began) >= MINIMUM_WAIT else None


def _holder(waiting: Conversation, reply: Reply, leavers: list[Conversation]) -> Conversation | None:
    """The first of the clients that came before this one and left when it was answered."""
    for one in leavers:
        left_ns, came_ns = _departure(one)
        if came_ns < waiting.connection.first.time_ns and 0 <= reply.began.time_ns - left_ns <= AT_ONCE_NS:
            return one
    return None


def _statement(waiting: Conversation, holder: Conversation) -> Statement:
    hello, reply, ended = waiting.dialogue.hello, waiting.dialogue.reply, holder.connection.ended
    assert hello is not None
    assert reply is not None
    assert ended is not None
    return Statement(
        f"{waiting.connection.client} waited {elapsed(hello.complete, reply.began)} for its answer, until "
        f"{holder.connection.client} ({holder.id}), which {sent_instead_of_hello(holder)}, ended its connection: that "
        "connection blocked TWS.",
        Fault.TWS_STATE,
        Confidence.MEDIUM,
        packets=(
            cited(holder, holder.connection.first),
            *(cited(waiting, piece) for piece in hello.pieces),
            cited(holder, ended.moment),
            *(cited(waiting, piece) for piece in reply.pieces),
        ),
        remedy=f"Stop the program that connected from {holder.connection.client}: a health check or port test that "
        f"opens connections and sends nothing. Ask the operating system instead ({lists_listeners(holder.connection)}).",
        conversations=(waiting.id, holder.id),
    )
