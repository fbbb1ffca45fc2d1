"""The client was late, or gone, when TWS answered.

Seen: the client's kernel acknowledged the version reply at once, and START_API came more than 2 s later; or the client
reset the connection when the session became ready, and had neither closed it before nor waited long.
Meaning: the program did not run when its answer came. It was blocked (a long computation, a synchronous call inside an
event loop, a debugger, a machine that slept), or it was killed or crashed. A library whose time to connect is over by
then reports TimeoutError, although TWS answered at once.
How sure: that the kernel had the answer is certain (RFC 9293, 3.8.6.3), and so is the time in between; what the program
did meanwhile is not known: low. Only a note when the client went on to use the session.
What else: START_API may have been lost on the way and sent again, where it was captured near the server. A program may
end its connection with a RST on purpose.
What to do: look at what the program did at that time; do not block its event loop.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.reliability import all_captured
from ibsniff.facts.timing import MINIMUM_WAIT, is_within, round_trip
from ibsniff.formatting import elapsed, seconds_between
from ibsniff.model import Alternative, Confidence, Conversation, Fault, How, Moment, Outcome, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule

LATE = 2.0
"""Seconds after which a START_API is late: clients send it as soon as they have the reply (EClient.startApi)."""
AT_ONCE = 0.5
"""Seconds in which a kernel acknowledges data, besides the round trip: delayed ACKs come after at most that (RFC 9293,
3.8.6.3)."""

RESENT = Alternative(
    "START_API was lost on the way here and sent again",
    Fault.NETWORK,
    "a capture on the client's machine shows START_API earlier",
)
ON_PURPOSE = Alternative(
    "the program only tests whether TWS answers, and ends the connection with a RST on purpose (SO_LINGER, or bytes left "
    "unread)",
    Fault.CLIENT,
    "its log or its source",
)


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """START_API came late, or a RST came in its place."""
    if conversation.outcome is not Outcome.REPLIED or not all_captured(conversation, Side.CLIENT):
        return None
    late, reset = _late_start(conversation), _reset_when_ready(conversation)
    if late is None and reset is None:
        return None
    parts, packets, others = [], [], []
    if late is not None:
        reply, start = late
        parts.append(
            f"START_API came {elapsed(reply, start)} after the version reply, which the client's machine had acknowledged "
            "at once"
        )
        packets += [reply.packet, start.packet]
        others.append(RESENT)
    if reset is not None:
        ready, rst = reset
        parts.append(
            f"the client reset the connection {elapsed(ready, rst)} after the session became ready, without closing it first"
        )
        packets += [ready.packet, rst.packet]
        others.append(ON_PURPOSE)
    seen = ", and then ".join(parts)
    return Statement(
        f"{seen[0].upper()}{seen[1:]}: the program was probably {'killed, or it crashed' if reset else 'blocked'}.",
        Fault.CLIENT,
        Confidence.LOW,
        packets=packets,
        remedy="Look at what the program did at that time: a long computation, a synchronous call inside an event loop, a "
        "debugger, a machine that slept, an exception in its log.",
        alternatives=tuple(others),
        explains=conversation.missing,
        severity=Severity.NOTE if reset is None and _went_on(conversation) else None,
    )


def _late_start(conversation: Conversation) -> tuple[Moment, Moment] | None:
    """The reply and the START_API that came late after it, although the client's kernel had the reply at once."""
    connection, reply, start = conversation.connection, conversation.dialogue.reply, conversation.dialogue.start
    acknowledged, travel = connection.from_server.ack_of_first_data, round_trip(connection)
    if reply is None or start is None or start.before_reply or acknowledged is None:
        return None
    if not is_within(reply.began, acknowledged, AT_ONCE + travel):
        return None
    if seconds_between(reply.complete, start.moment) < LATE + travel:
        return None
    return reply.complete, start.moment


def _reset_when_ready(conversation: Conversation) -> tuple[Moment, Moment] | None:
    """When the session became ready, and the RST that the client sent then, although it had not waited long."""
    connection, dialogue, ended = conversation.connection, conversation.dialogue, conversation.connection.ended
    ready, start = dialogue.ready, dialogue.start
    if ready is None or start is None or ended is None or ended.by is not Side.CLIENT or ended.how is not How.RST:
        return None
    at_once = MINIMUM_WAIT + round_trip(connection)
    if not is_within(start.moment, ready, at_once) or not is_within(ready, ended.moment, at_once):
        return None
    return None if _went_on(conversation) or connection.from_client.fin else (ready, ended.moment)


def _went_on(conversation: Conversation) -> bool:
    """The client used the session."""
    ready, sent = conversation.dialogue.ready, conversation.connection.from_client.last_data
    return ready is not None and sent is not None and sent.packet > ready.packet
