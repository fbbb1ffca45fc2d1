"""The conversation holds more than is kept of one.

Seen: more bytes waited behind a hole than are kept waiting, or there were errors of more codes than are tallied.
Meaning: a hole was given up before the bytes that might have filled it, or errors of further codes are counted and not
told. No real session comes near these bounds; a peer that wants to fill this program's memory does.
How sure: certain; the bounds are this program's own.
What to do: nothing about the session; ``ibsniff streams`` shows what was sent.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.NOTE)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """A bound was reached."""
    connection, beyond = conversation.connection, conversation.dialogue.errors_beyond
    said = []
    if connection.from_client.limit_reached or connection.from_server.limit_reached:
        said.append("a hole in it was given up early, as too many bytes waited behind it")
    if beyond:
        said.append(f"{counted(beyond, 'error')} of further codes not told one by one")
    if not said:
        return None
    return Statement(
        f"This conversation holds more than is kept of one: {'; '.join(said)}.",
        Fault.NONE,
        Confidence.HIGH,
        packets=(connection.first.packet, connection.last.packet),
    )
