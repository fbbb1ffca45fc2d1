"""The client id is in use.

Seen: error 326 in answer to START_API; the connection ends.
Meaning: another session with the same id is open: another program, a second instance of this one, or an old
connection that TWS has not closed yet.
How sure: TWS says so itself. This is not reported for a session that TWS accepted.
Sources: IB's API documentation (message code 326); ib_insync 76, 106, 339.
What to do: use another client id, close the other session, or wait up to a minute after a crash.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.ib import errors
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule

LEFTOVER = Alternative(
    "an old connection of the same program that TWS has not closed yet",
    Fault.TWS_STATE,
    "it works again after a minute, or after TWS shows the client as disconnected",
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """TWS sends 326."""
    tally, start = conversation.dialogue.errors.get(errors.CLIENT_ID_IN_USE), conversation.dialogue.start
    if tally is None or conversation.dialogue.ready is not None:
        return None  # this session was accepted: what the error means there is not known
    named = f"Client id {start.client_id}" if start is not None and start.client_id is not None else "The client id"
    return Statement(
        f"{named} is already in use: TWS refuses a second session with it.",
        Fault.CLIENT,
        Confidence.HIGH,
        packets=(start.moment.packet if start else None, *(one.moment.packet for one in tally.examples)),
        remedy="Use another client id; or close the session that uses it, if it is left over. After a crash wait a minute.",
        alternatives=(LEFTOVER,),
        explains=conversation.missing,
    )
