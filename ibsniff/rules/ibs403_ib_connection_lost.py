"""TWS lost its connection to IB.

Seen: error 1100 or 2110 on a session that stays up; 1101 or 1102 says it is back.
Meaning: not the API socket: TWS's own link to IB's servers. It happens at the nightly reset and when the Internet
fails.
How sure: that the link is lost TWS says itself; whether IB's servers or the Internet between is the reason it does not
say: medium.
Sources: IB's API documentation (system message codes); IbcAlpha/IBC 251 (1100, then 1102 after 15 s).
What to do: see that the machine of TWS has Internet; wait; after 1101 subscribe to market data again.
"""

from __future__ import annotations

from ibsniff.facts.api_errors import errors_of
from ibsniff.facts.index import CaptureIndex
from ibsniff.ib import errors
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule

LOST = (errors.IB_CONNECTION_LOST, errors.IB_CONNECTION_BROKEN)
RESTORED = (errors.IB_CONNECTION_RESTORED_DATA_LOST, errors.IB_CONNECTION_RESTORED_DATA_KEPT)

NO_INTERNET = Alternative(
    "the machine of TWS has lost its own way to the Internet",
    Fault.NETWORK,
    "a web page does not open there either; IB's system status page tells of IB's own troubles",
)


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """1100, and perhaps 1101 or 1102."""
    lost, restored = errors_of(conversation, LOST), errors_of(conversation, RESTORED)
    if not lost:
        return None
    back = bool(restored) and restored[-1].moment.time_ns >= lost[-1].moment.time_ns
    again = " and has it again" if back else "; the API session itself stays up"
    return Statement(
        f"TWS lost its connection to IB's servers{again}.",
        Fault.IB,
        Confidence.MEDIUM,
        packets=(one.moment.packet for one in (*lost, *restored)),
        remedy="After 1101 subscribe to market data again; after 1102 do nothing."
        if back
        else "Wait for 1101 or 1102; see TWS's status line and your Internet connection.",
        alternatives=() if back else (NO_INTERNET,),
        severity=Severity.NOTE if back else None,
    )
