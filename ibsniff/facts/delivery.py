"""Whether what one side sent has reached the other side's machine, as far as acknowledgments show it.

Bytes are taken for delivered unless there is evidence against it. The end of the capture, a delayed ACK, data before a RST
and probes of a closed window are no evidence: in all of them the ACK is missing for another reason.
"""

from __future__ import annotations

from ibsniff.facts.timing import MINIMUM_WAIT, round_trip
from ibsniff.formatting import seconds_between
from ibsniff.model import Connection, Half, Side, Stall

REPEATS, REPEATED_FOR = 2, 3.0
"""A sender that repeats the same bytes so often, over so many seconds, has received no ACK of them: kernels repeat after
0.2 to 1 s and then wait twice as long each time (RFC 6298, 5.5). A single repeat may cross a delayed ACK."""


def half_of(connection: Connection, side: Side) -> Half:
    """What this side sent."""
    return connection.from_client if side is Side.CLIENT else connection.from_server


def unacknowledged(connection: Connection, side: Side) -> Stall | None:
    """What this side sent again and again, and the other never acknowledged although its window was open.

    Either it was lost on the way, or every ACK of it was, or the other machine is suspended or gone.
    """
    stall, other = half_of(connection, side).stall, half_of(connection, _other(side))
    if stall is None or other.window_closed is not None or not other.segments:
        return None
    if stall.repeats < REPEATS or seconds_between(stall.since, stall.last) < REPEATED_FOR:
        return undelivered(connection, side)
    return stall


def undelivered(connection: Connection, side: Side) -> Stall | None:
    """What this side sent and the other side has not received: later packets of the other side still ask for it.

    The bytes were repeated, or were never captured and others came after them. In both cases the other side's ACK, well
    after the bytes were sent, names the first of them as the next one that it expects (RFC 9293, 3.4).
    """
    stall, other = half_of(connection, side).stall, half_of(connection, _other(side))
    if stall is None or stall.below is None or other.window_closed is not None:
        return None
    if stall.repeats and (stall.repeats < REPEATS or seconds_between(stall.since, stall.last) < REPEATED_FOR):
        return None
    still_waits = seconds_between(stall.since, stall.below) >= MINIMUM_WAIT + round_trip(connection)
    return stall if still_waits else None


def lost_bytes(connection: Connection, side: Side) -> int:
    """Bytes that this side sent, that are in no packet of the capture, and that the other side has not received either.

    They were lost on the way to the place of the capture, not by the capture.
    """
    stall = undelivered(connection, side)
    if stall is None or stall.repeats:
        return 0
    return sum(gap.length for gap in half_of(connection, side).gaps if gap.offset == stall.offset)


def _other(side: Side) -> Side:
    return Side.SERVER if side is Side.CLIENT else Side.CLIENT
