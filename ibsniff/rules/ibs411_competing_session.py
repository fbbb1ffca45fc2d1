"""Another session of the same user takes the market data.

Seen: error 10197. TWS does not say when it is over: only data that comes again shows it, and then it is a note.
Meaning: the user is logged in twice (TWS and a phone, or live and paper with shared data): only one gets live data.
How sure: TWS says so itself. IB's servers give the data to one login of a user only; TWS and the program are in order.
Sources: IB's API documentation (message code 10197).
What to do: log the other session out, or use a separate user for the API.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.subscriptions import TakenData, taken_data
from ibsniff.facts.timing import end_of_wait_ns
from ibsniff.formatting import counted, duration, elapsed, seconds
from ibsniff.ib import errors
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, cited, conversation_rule
from ibsniff.rules.wording.endings import session_works
from ibsniff.timeline.asked import name_of

MAX_CITED = 4
"""Subscriptions whose last data is cited."""


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """TWS sends 10197."""
    tally, taken = conversation.dialogue.errors.get(errors.COMPETING_SESSION), taken_data(conversation)
    if tally is None or taken is None:
        return None
    stopped = [
        cited(conversation, one.last_answer, f"last data of {name_of(one)}") for one in taken.stopped[:MAX_CITED]
    ]
    return Statement(
        f"{session_works(conversation)}Another session of the same user {_what_it_does(conversation, taken)}",
        Fault.IB,
        Confidence.HIGH,
        packets=[*(one.moment.packet for one in tally.examples), *stopped],
        remedy="Log the other session out, or use a separate user for the API.",
        severity=Severity.NOTE if taken.back is not None else None,
    )


def _what_it_does(conversation: Conversation, taken: TakenData) -> str:
    """It takes the data, which has not come since; or it took it, and every subscription has data again."""
    if taken.back is not None:
        return (
            "took the market data (error 10197); the data came again, and the last of it was seen "
            f"{elapsed(taken.said.moment, taken.back)} later."
        )
    takes = "takes the market data (error 10197)"
    if not taken.stopped:
        return f"{takes}."
    silent = seconds(end_of_wait_ns(conversation) - taken.said.moment.time_ns)
    which = counted(len(taken.stopped), "subscription")
    return f"{takes}: {which} brought nothing more after that, in the {duration(silent)} until the end."
