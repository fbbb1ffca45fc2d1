"""Another session of the same user takes the market data.

Seen: error 10197.
Meaning: the user is logged in twice (TWS and a phone, or live and paper with shared data): only one gets live data.
How sure: TWS says so itself. IB's servers give the data to one login of a user only; TWS and the program are in order.
Sources: IB's API documentation (message code 10197).
What to do: log the other session out, or use a separate user for the API.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.ib import errors
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.endings import session_works


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """TWS sends 10197."""
    tally = conversation.dialogue.errors.get(errors.COMPETING_SESSION)
    if tally is None:
        return None
    return Statement(
        f"{session_works(conversation)}Another session of the same user takes the market data (error 10197).",
        Fault.IB,
        Confidence.HIGH,
        packets=(one.moment.packet for one in tally.examples),
        remedy="Log the other session out, or use a separate user for the API.",
    )
