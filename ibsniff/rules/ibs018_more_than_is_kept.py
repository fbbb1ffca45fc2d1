"""The conversation holds more than ibsniff keeps of one conversation.

Seen: more bytes waited behind a gap than ibsniff keeps waiting, or there were errors with more different codes than it
counts separately.
Meaning: ibsniff gave up a gap before the bytes that might have filled it arrived, or errors with further codes are
counted but not listed. No real session comes near these limits; a peer that tries to fill this program's memory does.
How sure: certain; the limits are this program's own.
What to do: nothing about the session; ``ibsniff streams`` shows what was sent.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.NOTE)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Find a limit that was reached."""
    connection, beyond = conversation.connection, conversation.dialogue.errors_beyond
    exceeded = []
    if connection.from_client.limit_reached or connection.from_server.limit_reached:
        exceeded.append("a gap in it was given up early because too many bytes waited behind it")
    if beyond:
        exceeded.append(f"the details of {counted(beyond, 'error')} with further codes are left out")
    if not exceeded:
        return None
    return Statement(
        f"This conversation holds more than ibsniff keeps: {'; '.join(exceeded)}.",
        Fault.NONE,
        Confidence.HIGH,
        packets=(connection.first.packet, connection.last.packet),
    )
