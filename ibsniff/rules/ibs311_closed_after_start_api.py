"""TWS answered the hello and closed the connection after START_API.

Seen: a version reply, START_API in the right form, and the server's FIN or RST before nextValidId, without error 326.
Meaning: an error of TWS shortly before gives the reason: 10141 (the paper trading disclaimer must be accepted), 1100 or
2110 (TWS has lost its connection to IB). Without one it is not established. Possible are a client id in use whose error text was lost, requests sent too early, or TWS
not accepting the API ("since API is not accepted" in its log).
How sure: it is certain that the server closed. Of the disclaimer TWS says so itself: high; a lost connection to IB may
not be the reason: medium. Without such an error the cause is open in every known case: low.
Sources: IB's API documentation (message codes); stoqey/ib 162, ib_async 143 and 169, tws_async 2 (all unexplained).
What to do: accept the disclaimer; wait for IB's servers; else try another client id; send nothing between START_API and nextValidId; read TWS's log around that time.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import opening_packets
from ibsniff.facts.reliability import all_captured
from ibsniff.facts.server_close import ServerClose, server_close
from ibsniff.ib import errors
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Rung, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.endings import closed_or_reset, time_between
from ibsniff.rules.wording.stated_reason import stated_reason

OTHER_ID = Alternative(
    "the client id is in use and the error text was lost", Fault.CLIENT, "another client id works at once"
)
NOT_ACCEPTED = Alternative(
    "TWS does not accept the API in its present state",
    Fault.TWS_STATE,
    "its log says 'Ignoring API request ... since API is not accepted'",
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """The server closed between START_API and nextValidId."""
    connection, start = conversation.connection, conversation.dialogue.start
    ended = connection.ended
    if server_close(conversation) is not ServerClose.AFTER_START_API or conversation.rung is not Rung.STARTED:
        return None
    if ended is None or start is None or errors.CLIENT_ID_IN_USE in conversation.dialogue.errors:
        return None
    if not all_captured(conversation, Side.SERVER):
        return None
    closed = (
        f"TWS answered and {closed_or_reset(ended)} the connection {time_between(start.moment, ended.moment)} after"
    )
    reason = stated_reason(conversation)
    if reason is not None:
        return Statement(
            f"{closed} START_API: {reason.text}.",
            reason.fault,
            reason.confidence,
            packets=(*opening_packets(conversation), start.moment.packet, reason.packet),
            remedy=reason.remedy,
            alternatives=reason.alternatives,
            explains=Rung.READY,
        )
    return Statement(
        f"{closed} START_API, without a reason. The packets do not show why.",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=(*opening_packets(conversation), start.moment.packet),
        remedy="Try another client id; send nothing between START_API and nextValidId; read TWS's log of that time: "
        "the lines 'Ignoring API request ... since API is not accepted' or 'Terminating async queue' there tell more.",
        alternatives=(OTHER_ID, NOT_ACCEPTED),
        explains=Rung.READY,
    )
