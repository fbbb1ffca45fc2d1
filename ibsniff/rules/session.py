"""What the rules about a session under way have in common."""

from __future__ import annotations

from ibsniff.model import NANOSECONDS, PATIENCE, Conversation, Ended, Moment, Side
from ibsniff.rules.silences import FAIR_CHANCE
from ibsniff.rules.words import seconds_between


def settled_after(conversation: Conversation, moment: Moment) -> bool:
    """Nothing more can be expected: the connection ended, or was watched for long enough after this moment."""
    if conversation.connection.ended is not None:
        return True
    return (conversation.watched_until_ns - moment.time_ns) / NANOSECONDS >= PATIENCE


def all_captured(conversation: Conversation, side: Side) -> bool:
    """No byte of this side is missing, nor awaited, in what the capture holds."""
    connection = conversation.connection
    half = connection.from_client if side is Side.CLIENT else connection.from_server
    return half.captured >= half.length


def client_stopped_after_reply(conversation: Conversation) -> bool:
    """The reply came while both were there, the client had its time to go on, and all it sent was captured."""
    dialogue, ended = conversation.dialogue, conversation.connection.ended
    reply = dialogue.reply
    if reply is None or dialogue.ready or dialogue.start or not all_captured(conversation, Side.CLIENT):
        return False
    server = conversation.connection.from_server
    if server.acked < server.length:  # it may not have arrived
        return False
    left_before = ended is not None and ended.moment.time_ns < reply.complete.time_ns
    return not (left_before or _server_left(ended, reply.complete)) and settled_after(conversation, reply.complete)


def _server_left(ended: Ended | None, reply: Moment) -> bool:
    """It hung up upon its own reply: the client had no chance to go on."""
    return ended is not None and ended.by is Side.SERVER and seconds_between(reply, ended.moment) < FAIR_CHANCE
