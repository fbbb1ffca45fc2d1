"""A client id was taken, because another connection held it.

Seen: START_API with a client id is refused (error 326), or the server closes the connection after it, while an
earlier connection to the same server with the same id is in one of these states: it is still open; it is half open,
as the client has sent its FIN and TWS has not closed its side; or the client retransmitted its FIN, and it was never
acknowledged.
Meaning: TWS accepts each id once. The first connection may be left over from a program that reconnected without
closing, or that crashed. Where the client did close and TWS did not, TWS still holds the connection: the id works
again later, or after a restart. Where the FIN was never acknowledged, TWS does not know of it: the network must be
fixed.
When nothing acknowledges what TWS sends on the first connection, its client is gone, and nobody can close it any more.
How sure: both numbers, and who closed, are in the packets; without error 326 the reason is inferred. That a
half-closed session keeps its id was reported, hence medium.
Sources: IB's API documentation (message code 326); nautilus_trader 4193 and 4412; ib_insync 106 and 386 (CLOSE_WAIT).
What to do: give each program an id of its own; close the old connection only if it is left over from the same program;
where its client is gone, use another id until TWS notices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from math import inf

from ibsniff.facts.delivery import unacknowledged
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.intervals import Interval, first_that_covers
from ibsniff.facts.server_close import start_came_too_late
from ibsniff.facts.timing import ENDS_TOGETHER_NS
from ibsniff.ib import errors
from ibsniff.model import Confidence, Connection, Conversation, Fault, How, Rung, Severity, Side
from ibsniff.rules.registry import Statement, capture_rule


@capture_rule(Severity.ERROR)
def check(index: CaptureIndex) -> Iterator[Statement]:
    """The same id, at the same time, on the same server."""
    for conversations in index.related.by_server:
        for client_id, rivals in _by_client_id(conversations).items():
            for later, first in _refused_and_held(rivals):
                if errors.CLIENT_ID_IN_USE not in later.dialogue.errors and _ended_together(first, later):
                    continue  # the server ended both: it is going down
                yield _statement(later, first, client_id, surely=not index.capture.facts.dropped)
                break


def _by_client_id(conversations: list[Conversation]) -> dict[int, list[Conversation]]:
    """Those that sent START_API, by the id they asked for."""
    rivals: dict[int, list[Conversation]] = defaultdict(list)
    for one in conversations:
        start = one.dialogue.start
        if start is not None and start.client_id is not None:
            rivals[start.client_id].append(one)
    return rivals


def _refused_and_held(rivals: list[Conversation]) -> Iterator[tuple[Conversation, Conversation]]:
    """The rejected ones, each with the first connection that held the id when it sent START_API."""
    rejected = [one for one in rivals if _was_rejected(one)]
    holders = [(place, one) for place, one in enumerate(rivals) if errors.CLIENT_ID_IN_USE not in one.dialogue.errors]
    open_ones = [(_open(one), place) for place, one in holders]
    half_open = [(span, place) for place, one in holders for span in (_half_open(one), _fin_lost(one)) if span]
    asked = [_asked_ns(one) for one in rejected]
    held, held_if_refused = first_that_covers(open_ones, asked), first_that_covers(open_ones + half_open, asked)
    for later in rejected:
        place = (held_if_refused if errors.CLIENT_ID_IN_USE in later.dialogue.errors else held).get(_asked_ns(later))
        if place is not None:
            yield later, rivals[place]


def _asked_ns(rival: Conversation) -> int:
    assert rival.dialogue.start is not None
    return rival.dialogue.start.moment.time_ns


def _was_rejected(later: Conversation) -> bool:
    ended = later.connection.ended
    closed = ended is not None and ended.by is Side.SERVER and not start_came_too_late(later)
    return later.rung is not Rung.READY and (errors.CLIENT_ID_IN_USE in later.dialogue.errors or closed)


def _ended_together(first: Conversation, later: Conversation) -> bool:
    one, two = first.connection.ended, later.connection.ended
    if one is None or two is None or one.by is not Side.SERVER:
        return False
    return abs(one.moment.time_ns - two.moment.time_ns) <= ENDS_TOGETHER_NS


def _open(one: Conversation) -> Interval:
    """From its START_API until either side ended the connection."""
    ended = one.connection.ended
    return Interval(max(_asked_ns(one) + 1, one.connection.first.time_ns), ended.moment.time_ns if ended else inf)


def _half_open(one: Conversation) -> Interval | None:
    """From the acknowledgment of the client's FIN until the server closed its side."""
    acknowledged, closed_ns = one.connection.from_client.ack_of_fin, _server_closed_ns(one)
    if acknowledged is None or closed_ns is None:
        return None
    return Interval(max(_asked_ns(one) + 1, acknowledged.time_ns), closed_ns)


def _fin_lost(one: Conversation) -> Interval | None:
    """The time during which the client's FIN was retransmitted, because it was not acknowledged."""
    client, closed_ns = one.connection.from_client, _server_closed_ns(one)
    if closed_ns is None or not client.fin_repeats:
        return None
    return Interval(_asked_ns(one) + 1, min(client.ack_of_fin.time_ns if client.ack_of_fin else inf, closed_ns))


def _server_closed_ns(one: Conversation) -> float | None:
    """When the server closed its side after the client's FIN; infinite if it did not; None if the end was another."""
    ended, server = one.connection.ended, one.connection.from_server
    if ended is None or ended.by is not Side.CLIENT or ended.how is not How.FIN or server.rst is not None:
        return None
    return inf if server.fin is None else server.fin.time_ns


def _statement(later: Conversation, first: Conversation, client_id: int, *, surely: bool) -> Statement:
    starts = [one.dialogue.start.moment for one in (first, later) if one.dialogue.start]
    fin_lost = _fin_lost(first)
    half, lost = (
        not _open(first).covers(_asked_ns(later)),
        fin_lost is not None and fin_lost.covers(_asked_ns(later)),
    )
    gone = not half and not lost and _is_gone(first.connection)
    reported = errors.CLIENT_ID_IN_USE in later.dialogue.errors
    inferred = "" if reported else f" TWS closed {later.id} without error 326, so this reason is inferred."
    same_machine = first.connection.client.address == later.connection.client.address
    whose = "the same machine" if same_machine else first.connection.client.ip
    moved = not same_machine and first.connection.last.time_ns < later.connection.first.time_ns
    if lost:
        holds = "was closed by a FIN that TWS's machine never acknowledged, so it was still open for TWS"
        remedy = (
            "Find out what drops the FIN on the way (a firewall, a VPN, a NAT); use another client id until TWS "
            "notices."
        )
    elif half:
        holds = "was closed by the client (FIN), but TWS had not closed its side"
        remedy = (
            "Wait until TWS closes that connection, or use another client id meanwhile; if it never does, restart TWS."
        )
    elif gone:
        holds = "was still open for TWS, although nothing acknowledges what TWS sends to it any more"
        remedy = (
            "Nobody can close that socket: its machine is gone, or has another address now. Use another client id until "
            "TWS notices, which may take minutes; find out what cut the connection (a VPN, DHCP, a NAT, sleep)."
        )
    else:
        holds = "was still open"
        remedy = _another_id(later, first, same_machine=same_machine, moved=moved)
    return Statement(
        f"Client id {client_id} was taken when {later.id} asked for it: {first.id} from {whose} {holds}.{inferred}",
        Fault.NETWORK if lost or gone else Fault.TWS_STATE if half else Fault.CLIENT,
        Confidence.LOW
        if half and not surely
        else Confidence.MEDIUM
        if half or gone or moved or not reported
        else Confidence.HIGH,
        packets=(moment.packet for moment in starts),
        remedy=remedy,
        conversations=(later.id, first.id),
    )


def _another_id(later: Conversation, first: Conversation, *, same_machine: bool, moved: bool) -> str:
    """What to do while the first connection may be at work: it is not the one to end."""
    own = f"Give the program that was refused, on {later.connection.client} ({later.id}), a client id of its own."
    old = f"{first.connection.client} ({first.id})"
    if same_machine:
        return (
            f"{own} Only if {old} is left over from the same program, close that connection instead: a program must close "
            "its old socket before it connects again. After a crash, TWS may notice only after a while."
        )
    keep = f" {old} is on another machine: leave it alone if it is at work."
    if not moved:
        return own + keep
    return (
        f"{own}{keep} If {first.connection.client.ip} was this machine's own address before, nobody can close that socket: "
        "use another client id until TWS notices."
    )


def _is_gone(connection: Connection) -> bool:
    """What the server sends to the client is not acknowledged any more, or cannot be delivered."""
    report = connection.unreachable
    undeliverable = report is not None and report.source == connection.server
    return undeliverable or unacknowledged(connection, Side.SERVER) is not None
