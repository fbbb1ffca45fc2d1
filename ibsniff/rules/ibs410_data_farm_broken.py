"""TWS has lost its connection to one of IB's data farms.

Seen: errors 2103 (market data), 2105 (historical data) or 2157 (security definitions), and no message that the
connection is back.
Meaning: TWS cannot reach a part of IB's servers: quotes, history or contract look-ups do not come. The API session
itself works.
How sure: TWS says so itself; low when messages are missing from the capture, as the message that the farm is back may
be among them.
Sources: IB's API documentation (message codes 2103 to 2158).
What to do: wait; check TWS's status line (double-click "Data"); look at IB's system status.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.session import errors_of
from ibsniff.ib import errors
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule

FARMS = {
    errors.MARKET_DATA_FARM_BROKEN: (errors.MARKET_DATA_FARM_OK,),
    errors.HISTORICAL_FARM_BROKEN: (errors.HISTORICAL_FARM_OK, errors.HISTORICAL_FARM_IDLE),
    errors.DEFINITION_FARM_BROKEN: (errors.DEFINITION_FARM_OK,),
}
"""Error -> the errors that say that the farm works again (or is connected on demand)."""


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """A data farm was lost, and is not back."""
    broken = []
    for code, restored in FARMS.items():
        lost, back = errors_of(conversation, (code,)), errors_of(conversation, restored)
        if lost and not (back and back[-1].moment.time_ns > lost[-1].moment.time_ns):
            broken.append(lost[-1])
    if not broken:
        return None
    return Statement(
        f"TWS has lost its connection to one of IB's data farms (error {', '.join(str(one.code) for one in broken)}).",
        Fault.IB,
        Confidence.LOW if conversation.dialogue.bytes_after_gap else Confidence.HIGH,
        packets=(one.moment.packet for one in broken),
        remedy="Wait for 2104, 2106 or 2158; check TWS's status line and IB's system status.",
    )
