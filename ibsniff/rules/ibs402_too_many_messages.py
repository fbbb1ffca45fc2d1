"""The client sends more messages than TWS allows.

Seen: error 100, perhaps followed by the end of the connection.
Meaning: the limit (50 messages a second, or half the number of market data lines) was exceeded. TWS ends the session
if this happens repeatedly.
How sure: TWS says so itself.
Sources: IB's API documentation (message code 100); ib_insync 201.
What to do: send fewer messages a second; or untick "Reject messages above maximum allowed message rate", so that TWS
queues them.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted
from ibsniff.ib import errors
from ibsniff.model import Confidence, Conversation, Fault, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """TWS sends 100."""
    tally, ended = conversation.dialogue.errors.get(errors.MESSAGE_RATE_EXCEEDED), conversation.connection.ended
    if tally is None:
        return None
    closed = ended is not None and ended.by is Side.SERVER
    return Statement(
        f"The client sent too many messages a second: TWS reported error 100 {counted(tally.count, 'time')}"
        f"{' and ended the session' if closed else ''}.",
        Fault.CLIENT,
        Confidence.HIGH,
        packets=(
            *(one.moment.packet for one in tally.examples),
            ended.moment.packet if closed and ended is not None else None,
        ),
        remedy="Send at most 50 messages a second (ib_async limits the rate by itself), or untick API > Settings > "
        "Reject messages above maximum allowed message rate.",
        explains=conversation.missing,
    )
