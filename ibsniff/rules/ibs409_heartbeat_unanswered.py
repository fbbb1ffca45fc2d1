"""TWS stopped answering in a working session.

Seen: a session that is ready, or was at work already when the capture began. The client asks something that a TWS that
works answers at once (the time, ids, accounts, positions, open orders), and for 5 s or longer (10 s for positions, orders
and accounts) not one byte comes from the server. The silence counts from the first such question after its last byte. Or
the server sends a part of a message, and nothing more for 5 s.
Meaning: when the questions are acknowledged, the program that listens is frozen or hangs, or a relay in front of it (ssh -L,
socat) has lost it. When they are not, the machine or the path is gone.
How sure: the silence is certain; a frozen process was reproduced and gave the same picture: medium. Low on a relay's port,
as the relay may have lost its backend, and for a single request for the time that came within 5 s of another one, which TWS
may leave unanswered: reported only where requests at this pace had been answered. A row of three or more such requests over
10 s is sure, unless they came so quickly (within 2 s) that TWS may drop each of them: then undetermined. Half a message between two machines may
also have been lost on the way: undetermined. Undetermined when the client had closed
its own window, as then nobody could send it anything, and when the server answered its FIN.
Low as well if the capture joined the session when TWS was silent already: then the silence counts from the first question in
the capture, if there are ACKs of the server and not one byte.
Sources: TraderAlice/OpenAlice 294 (a stopped Gateway process); ib_insync 604 and 479, rust-ibapi 314 (requests for the time
that came too soon).
What else: no other message proves anything by its silence. History, scanners, contract chains and executions may take
minutes; an order may be held in TWS; a quiet market sends nothing.
What to do: reconnect; when a new connection is not answered either, restart TWS. Let the program request the time regularly
(``reqCurrentTime``, every 5 s or less often), so that it notices.
"""

from __future__ import annotations

from ibsniff.facts.delivery import unacknowledged, undelivered
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.liveness import HalfMessage, Unanswered, half_message, unanswered, unanswered_since_joined
from ibsniff.facts.ports import on_relay_port
from ibsniff.facts.questions import QUESTIONS, SURE_ROW
from ibsniff.facts.timing import closed_after_client
from ibsniff.formatting import duration
from ibsniff.model import Alternative, Confidence, Connection, Conversation, Fault, Moment, Severity, Side
from ibsniff.rules.registry import Statement, cited, conversation_rule
from ibsniff.rules.wording.orders import AT_A_RESTART, never_confirmed

RELAY_LOST_IT = Alternative(
    "a relay in front of TWS (ssh -L, socat, a container's port) lost its connection to it and keeps this one open",
    Fault.NETWORK,
    "another client that connects to TWS directly is answered",
)
DROPPED = (
    "It is frozen, or it drops requests for the time that come too soon after each other: the packets do not tell which. Asked "
    "every 5 s or less often, it answers each"
)
RECONNECT_FIRST = (
    "Let the program reconnect. If its new connection is not answered either, TWS or Gateway hangs: restart it. "
    f"{AT_A_RESTART}"
)
NETWORK_FIRST = (
    "Check whether the machine can still be reached; look at VPNs, tunnels and firewalls on the way. Then let the program "
    "reconnect."
)

LAST_DATA = "the last data of the server"


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """A question that TWS always answers got no answer, and nothing else came."""
    may_be_lost = bool(conversation.lost_in_wait)  # of the questions, the time that sequence numbers prove is counted
    if not may_be_lost and (late := unanswered_since_joined(conversation)) is not None:
        return _since_joined(conversation, late, index)
    connection, question = conversation.connection, unanswered(conversation)
    received = connection.from_server.last_data
    half = half_message(conversation) if question is None and not may_be_lost else None
    if received is None or (question is None and half is None):
        return None
    if undelivered(connection, Side.CLIENT) is not None or unacknowledged(connection, Side.SERVER) is not None:
        return None  # IBS416 reports what was lost on the way
    if half is not None:
        return _half_message(conversation, half, received, index)
    assert question is not None
    what, fault = _why(connection)
    doubtful = index.reliability.may_have_missed(conversation)
    if fault is Fault.TWS_STATE:
        doubtful = doubtful or not question.is_sure or on_relay_port(connection)
        if not question.is_sure and question.asked_again >= SURE_ROW - 1:
            what, fault = DROPPED, Fault.UNDETERMINED
    awake = question.seconds - index.reliability.seconds_jumped(conversation, question.asked)
    doubtful = doubtful or awake < QUESTIONS[question.name].patience  # the machine may have slept in between
    return Statement(
        f"{never_confirmed(conversation)}The session worked, and then TWS stopped answering: the client asked {_asked(question)} and received nothing for "
        f"{duration(question.seconds)}. {what}.",
        fault,
        Confidence.LOW if doubtful or fault is Fault.UNDETERMINED else Confidence.MEDIUM,
        packets=(cited(conversation, received, LAST_DATA), question.asked),
        remedy=NETWORK_FIRST if fault is Fault.NETWORK else _what_to_do(conversation, index),
        alternatives=(RELAY_LOST_IT,) if fault is Fault.TWS_STATE else (),
    )


def _since_joined(conversation: Conversation, question: Unanswered, index: CaptureIndex) -> Statement:
    return Statement(
        f"{never_confirmed(conversation)}TWS answers nothing, at least since the capture began: the client asked {_asked(question)} and received nothing for "
        f"{duration(question.seconds)}. What it sent was acknowledged. How the session began is not known.",
        Fault.TWS_STATE,
        Confidence.LOW,
        packets=(question.asked,),
        remedy=_what_to_do(conversation, index),
        alternatives=(RELAY_LOST_IT,),
        explains=conversation.missing,
    )


def _half_message(conversation: Conversation, half: HalfMessage, received: Moment, index: CaptureIndex) -> Statement:
    connection = conversation.connection
    is_certain = connection.same_host and not on_relay_port(connection) and not closed_after_client(connection)
    return Statement(
        f"{never_confirmed(conversation)}The session worked, and then TWS stopped in the middle of a message: nothing more "
        f"came for {duration(half.seconds)}.",
        Fault.TWS_STATE if is_certain else Fault.UNDETERMINED,
        Confidence.MEDIUM if is_certain else Confidence.LOW,
        packets=(half.began, cited(conversation, received, LAST_DATA)),
        remedy=_what_to_do(conversation, index),
        alternatives=(RELAY_LOST_IT,),
    )


def _what_to_do(conversation: Conversation, index: CaptureIndex) -> str:
    """Reconnect, unless a new connection was seen to get no answer either; then only a restart is left."""
    later = index.server_history.silent_after(conversation)
    if later is None:
        return RECONNECT_FIRST
    return (
        f"Restart TWS or Gateway: a new connection ({later.id}) was not answered either. {AT_A_RESTART} Then let the program "
        "reconnect."
    )


def _asked(question: Unanswered) -> str:
    what = "for the time" if QUESTIONS[question.name].is_clock else f"({question.name})"
    if not question.asked_again:
        return what
    return f"{what}, went on asking ({question.asked_again} more)"


def _why(connection: Connection) -> tuple[str, Fault]:
    """What that means, and who has to act."""
    if connection.from_client.window_closed is not None:
        return "The client had closed its TCP window, so nothing could be sent to it", Fault.UNDETERMINED
    if closed_after_client(connection):
        return (
            "The program that listens there does not hang, because it closed its side when the client did",
            Fault.UNDETERMINED,
        )
    if unacknowledged(connection, Side.CLIENT) is not None:
        return "The path to it is broken, or its machine is gone", Fault.NETWORK
    if connection.from_client.acked < connection.from_client.length:
        return "The question was not acknowledged, so it may not have arrived", Fault.UNDETERMINED
    return "The program that listens there is frozen or hangs", Fault.TWS_STATE
