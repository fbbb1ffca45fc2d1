"""A client was answered only when another one had gone.

Seen: one connection waits with a good hello; another one, opened before it, has sent nothing or half a hello; when that
one ends, the waiting one is answered within a few milliseconds.
Meaning: TWS reads the first bytes of new connections one after the other; one that says nothing holds up the rest.
How sure: that the answer came at the moment the other ended is certain; that TWS serves openings one at a time is
inferred from its log and was measured with a listener of that kind: medium.
Sources: ib-ruby's comments on TWS's log (JTS-SocketListener); nautilus_trader 4796; a single-threaded listener measured.
What to do: stop what opened the other connection (a health check, a port test, a hung program), or make it close.
"""

from __future__ import annotations

from ibsniff.model import Capture, Confidence, Conversation, Fault, Severity, Side
from ibsniff.rules.company import begun_before, said_little, said_what
from ibsniff.rules.registry import Statement, capture_rule
from ibsniff.rules.silences import FAIR_CHANCE
from ibsniff.rules.words import between, seconds_between

AT_ONCE = 0.02
"""Seconds between the one's end and the other's answer: what is freed is served at once."""


@capture_rule(Severity.ERROR)
def check(capture: Capture) -> Statement | None:
    """An answer that came when somebody else left."""
    for waiting in capture.conversations:
        holder = _holder(waiting, capture)
        if holder is not None:
            return _statement(waiting, holder)
    return None


def _holder(waiting: Conversation, capture: Capture) -> Conversation | None:
    hello, reply = waiting.dialogue.hello, waiting.dialogue.reply
    if hello is None or reply is None or not hello.is_valid or not reply.is_whole:
        return None
    if seconds_between(hello.complete, reply.began) < FAIR_CHANCE:
        return None
    for other in begun_before(waiting, capture):
        ended = other.connection.ended
        if ended is None or ended.by is not Side.CLIENT or not said_little(other):
            continue  # whom the server itself sent away did not hold it up until then: it was not awake
        if 0 <= seconds_between(ended.moment, reply.began) <= AT_ONCE:
            return other
    return None


def _statement(waiting: Conversation, holder: Conversation) -> Statement:
    hello, reply, ended = waiting.dialogue.hello, waiting.dialogue.reply, holder.connection.ended
    assert hello is not None
    assert reply is not None
    assert ended is not None
    return Statement(
        f"{waiting.connection.client} waited {between(hello.complete, reply.began)} for its answer, until "
        f"{holder.connection.client} ({holder.id}), which {said_what(holder)}, had gone: that one held TWS up.",
        Fault.TWS_STATE,
        Confidence.MEDIUM,
        packets=(holder.connection.first.packet, *hello.packets, ended.moment.packet, *reply.packets),
        remedy=f"Stop what called from {holder.connection.client}: a health check or port test that opens connections "
        "and says nothing. Ask the system instead (ss -ltn).",
        conversations=(waiting.id, holder.id),
    )
