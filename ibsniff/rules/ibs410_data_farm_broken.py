"""TWS has lost its connection to one of IB's data farms.

Seen: error 2103 (market data), 2105 (historical data) or 2157 (security definitions) about a farm, and no later message
that the same farm is connected again, or idle until it is needed.
Meaning: TWS cannot reach a part of IB's servers: quotes, history or contract look-ups do not come. The API session
itself works. Which farm serves which instrument is not said in the API's messages.
How sure: TWS says so itself, but not whether IB's servers or the Internet connection of TWS's machine is the reason: medium.
Low when messages are missing from the capture, as the message that the farm is back may be among them.
Sources: IB's API documentation (message codes 2103 to 2158).
What to do: wait; check TWS's status line (double-click "Data"); look at IB's system status.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted
from ibsniff.ib import errors
from ibsniff.model import Confidence, Conversation, DataFarm, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.alternatives import NO_INTERNET
from ibsniff.rules.wording.endings import session_works

MAX_NAMED = 4
"""Farms named in the sentence."""


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """A data farm was lost, and is not back."""
    broken = {farm: last for farm, last in conversation.dialogue.farms.items() if last.code in errors.FARM_BROKEN}
    if not broken:
        return None
    farms = "one of IB's data farms" if len(broken) == 1 else f"{counted(len(broken), 'data farm')} of IB"
    codes = ", ".join(map(str, sorted({last.code for last in broken.values()})))
    return Statement(
        f"{session_works(conversation)}TWS has lost its connection to {farms}: {_named([*broken])} (error {codes}).",
        Fault.IB,
        Confidence.LOW if conversation.dialogue.bytes_after_gap else Confidence.MEDIUM,
        packets=(last.moment.packet for last in broken.values()),
        remedy="Wait for 2104, 2106 or 2158; check TWS's status line and IB's system status.",
        alternatives=(NO_INTERNET,),
    )


def _named(farms: list[DataFarm]) -> str:
    more = f" and {len(farms) - MAX_NAMED} more" if len(farms) > MAX_NAMED else ""
    return (
        ", ".join(f"{farm.name:quoted} ({farm.kind})" if farm.name else farm.kind for farm in farms[:MAX_NAMED]) + more
    )
