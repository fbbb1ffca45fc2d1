"""What the rules about a session under way have in common."""

from __future__ import annotations

from ibsniff.model import NANOSECONDS, PATIENCE, Conversation, Moment


def settled_after(conversation: Conversation, moment: Moment) -> bool:
    """Nothing more can be expected: the connection ended, or was watched for long enough after this moment."""
    if conversation.connection.ended is not None:
        return True
    return (conversation.watched_until_ns - moment.time_ns) / NANOSECONDS >= PATIENCE


def client_stopped_after_reply(conversation: Conversation) -> bool:
    """The reply came, and the client had its time to go on."""
    reply = conversation.dialogue.reply
    return reply is not None and settled_after(conversation, reply.complete)
