"""What the rules about a session under way have in common."""

from __future__ import annotations

from ibsniff.formatting import seconds_between
from ibsniff.model import NANOSECONDS, PATIENCE, Conversation, Ended, Half, Moment, Side
from ibsniff.rules.path import there_and_back
from ibsniff.rules.silences import FAIR_CHANCE, round_trip


def settled_after(conversation: Conversation, moment: Moment) -> bool:
    """Nothing more can be expected: the connection ended, or was watched for long enough after this moment."""
    if conversation.connection.ended is not None:
        return True
    return (conversation.watched_until_ns - moment.time_ns) / NANOSECONDS >= PATIENCE


def unseen_before_reset(half: Half) -> int:
    """How many bytes it must have sent, by the number of its RST, that were not captured; one may be a FIN and no byte."""
    if half.reset_at is None or half.fin is not None:
        return 0
    return max(0, half.reset_at - half.length - 1)


def all_captured(conversation: Conversation, side: Side) -> bool:
    """No byte of this side is missing, nor awaited, in what the capture holds."""
    connection = conversation.connection
    half = connection.from_client if side is Side.CLIENT else connection.from_server
    return half.captured >= half.length and not unseen_before_reset(half)


def started_too_late(conversation: Conversation) -> bool:
    """The server's end came before START_API, or met it on the way: what the client said then is not its reason."""
    connection, start = conversation.connection, conversation.dialogue.start
    ended = connection.ended
    if start is None or ended is None or ended.by is not Side.SERVER:
        return False
    if ended.moment.packet < start.moment.packet:
        return True
    return seconds_between(start.moment, ended.moment) < _quickest_answer(conversation)


def _quickest_answer(conversation: Conversation) -> float:
    """Seconds an answer takes at the least where the capture was made: as the handshake or, if quicker, the hello's did."""
    hello, reply = conversation.dialogue.hello, conversation.dialogue.reply
    if hello is None or reply is None:
        return 0.0
    return min(there_and_back(conversation.connection), seconds_between(hello.complete, reply.began))


def client_stopped_after_reply(conversation: Conversation) -> bool:
    """The reply came while both were there, the client had its time to go on, and all it sent was captured."""
    dialogue, ended = conversation.dialogue, conversation.connection.ended
    reply = dialogue.reply
    if reply is None or dialogue.ready or dialogue.start:
        return False
    if not all(all_captured(conversation, side) for side in Side):
        return False
    server = conversation.connection.from_server
    if server.acked < server.length:  # it may not have arrived
        return False
    no_chance = (
        _left_without_it(conversation)
        or _server_left(ended, reply.complete)
        or _patience_was_over(conversation, reply.complete)
    )
    return not no_chance and settled_after(conversation, reply.complete)


def _left_without_it(conversation: Conversation) -> bool:
    """The client's end came before the reply, or met it on the way: it did not know of it."""
    ended, heard = conversation.connection.ended, conversation.connection.from_server.ack_of_first_data
    if ended is None or ended.by is not Side.CLIENT:
        return False
    return heard is None or heard.packet > ended.moment.packet


def _server_left(ended: Ended | None, reply: Moment) -> bool:
    """It hung up upon its own reply: the client had no chance to go on."""
    return ended is not None and ended.by is Side.SERVER and seconds_between(reply, ended.moment) < FAIR_CHANCE


def _patience_was_over(conversation: Conversation, reply: Moment) -> bool:
    """The reply came late, and the client left just then: whether because of it, or of its own clock, is not known."""
    ended, hello = conversation.connection.ended, conversation.dialogue.hello
    if ended is None or hello is None or seconds_between(hello.complete, reply) < FAIR_CHANCE:
        return False
    return seconds_between(reply, ended.moment) < FAIR_CHANCE + round_trip(conversation.connection)
