"""TWS has lost one of IB's data farms.

Seen: errors 2103 (market data), 2105 (historical data) or 2157 (security definitions), and no word of its return.
Meaning: a part of IB's servers is not reachable for TWS: quotes, history or contract look-ups do not come. The API
session itself is up.
How sure: TWS says so itself; low when messages are missing in the capture, as its return may be among them.
Sources: IB's API documentation (message codes 2103 to 2158).
What to do: wait; see TWS's status line (double-click "Data"); look at IB's system status.
"""

from __future__ import annotations

from ibsniff.facts.api_errors import errors_of
from ibsniff.facts.index import CaptureIndex
from ibsniff.ib import errors
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule

FARMS = {
    errors.MARKET_DATA_FARM_BROKEN: (errors.MARKET_DATA_FARM_OK,),
    errors.HISTORICAL_FARM_BROKEN: (errors.HISTORICAL_FARM_OK, errors.HISTORICAL_FARM_IDLE),
    errors.DEFINITION_FARM_BROKEN: (errors.DEFINITION_FARM_OK,),
}
"""Broken -> what says that it is fine again (or that it wakes on demand)."""


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """A farm broke, and was not mended."""
    broken = []
    for code, mended in FARMS.items():
        lost, back = errors_of(conversation, (code,)), errors_of(conversation, mended)
        if lost and not (back and back[-1].moment.time_ns > lost[-1].moment.time_ns):
            broken.append(lost[-1])
    if not broken:
        return None
    return Statement(
        f"TWS has lost a data farm of IB's (error {', '.join(str(one.code) for one in broken)}).",
        Fault.IB,
        Confidence.LOW if conversation.dialogue.bytes_after_gap else Confidence.HIGH,
        packets=(one.moment.packet for one in broken),
        remedy="Wait for 2104, 2106 or 2158; see TWS's status line and IB's system status.",
    )
