"""TWS lost its connection to IB.

Seen: error 1100 or 2110 in a session that stays open; 1101 or 1102 says that the connection is back.
Meaning: this is not the API socket, but TWS's own connection to IB's servers. It happens at the nightly reset and
when the Internet connection fails.
How sure: TWS itself says that the connection is lost. It does not say whether IB's servers or the Internet in between
is the reason: medium.
Sources: IB's API documentation (system message codes); IbcAlpha/IBC 251 (1100, then 1102 after 15 s).
What to do: check that the machine on which TWS runs has Internet access; wait; after 1101 subscribe to market data
again.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.session import errors_of
from ibsniff.ib import errors
from ibsniff.model import Confidence, Conversation, Fault, Severity, WireError
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.alternatives import NO_INTERNET
from ibsniff.rules.wording.endings import time_between


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """TWS sends 1100 or 2110, and perhaps 1101 or 1102."""
    lost, restored = (
        errors_of(conversation, errors.IB_CONNECTION_DOWN),
        errors_of(conversation, errors.IB_CONNECTION_RESTORED),
    )
    last = conversation.dialogue.ib_connection
    if not lost or last is None:
        return None
    back = last.code in errors.IB_CONNECTION_RESTORED
    state = " and has it back" if back else _session_since(conversation, last)
    return Statement(
        f"TWS lost its connection to IB's servers{state}.",
        Fault.IB,
        Confidence.MEDIUM,
        packets=(one.moment.packet for one in (*lost, *restored)),
        remedy="After 1101 subscribe to market data again; after 1102 do nothing."
        if back
        else "Wait for 1101 or 1102; check TWS's status line and your Internet connection.",
        alternatives=() if back else (NO_INTERNET,),
        severity=Severity.NOTE if back else None,
    )


def _session_since(conversation: Conversation, lost: WireError) -> str:
    """What became of the API session, which does not depend on this connection."""
    ended = conversation.connection.ended
    if ended is None:
        return "; the API session itself stays open"
    return f"; {time_between(lost.moment, ended.moment)} later the {ended.by} ended the API session"
