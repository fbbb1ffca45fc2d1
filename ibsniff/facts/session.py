"""How far a session got that the client began, and which errors TWS sent in it."""

from __future__ import annotations

import re

from ibsniff.facts.reliability import all_captured
from ibsniff.facts.timing import MINIMUM_WAIT, is_within, round_trip
from ibsniff.formatting import seconds_between
from ibsniff.ib import errors
from ibsniff.model import NANOSECONDS, PATIENCE, Conversation, Dialect, Ended, Hello, Moment, Reply, Side, WireError

NEW_PORT = re.compile(r"new port\D{1,9}(\d{1,5})\b", re.IGNORECASE)
"""In the text of error 1300: ``Please reconnect on the new port - 7500``."""
LARGEST_PORT = 65_535

UNREPORTED = (*errors.PAPER_TRADING_DISCLAIMER, *errors.IB_CONNECTION_DOWN)
"""Errors after which TWS may close a connection, and which no other rule states as the reason."""
RIGHT_AFTER = 10.0
"""Seconds after such an error within which it is taken for the reason of a close."""


def settled_after(conversation: Conversation, moment: Moment) -> bool:
    """Tell whether nothing more can be expected: the connection ended, or was watched long enough after this moment."""
    if conversation.connection.ended is not None:
        return True
    return (conversation.watched_until_ns - moment.time_ns) / NANOSECONDS >= PATIENCE


def errors_of(conversation: Conversation, codes: tuple[int, ...]) -> list[WireError]:
    """The errors with these codes that were kept, in order of time."""
    tallies = conversation.dialogue.errors
    found = [one for code in codes if code in tallies for one in tallies[code].examples]
    return sorted(found, key=lambda one: one.moment.time_ns)


def reason_for_close(conversation: Conversation) -> WireError | None:
    """The last error before the server's close that may be the reason for it, if it came shortly before."""
    ended = conversation.connection.ended
    if ended is None or ended.by is not Side.SERVER:
        return None
    found = [one for one in errors_of(conversation, UNREPORTED) if one.moment.packet <= ended.moment.packet]
    if not found or not 0 <= seconds_between(found[-1].moment, ended.moment) <= RIGHT_AFTER:
        return None
    last = conversation.dialogue.ib_connection
    is_back = last is not None and last.code in errors.IB_CONNECTION_RESTORED
    return None if is_back and found[-1].code in errors.IB_CONNECTION_DOWN else found[-1]


def new_api_port(conversation: Conversation) -> int | None:
    """The port that TWS names in error 1300, when its API port was changed; None when it names none."""
    for error in errors_of(conversation, (errors.API_PORT_CHANGED,)):
        named = NEW_PORT.search(str(error.text))
        if named and 0 < int(named[1]) <= LARGEST_PORT:
            return int(named[1])
    return None


def version_not_offered(hello: Hello, reply: Reply) -> bool:
    """Tell whether the client did not offer the server's version: then it is right to close."""
    version, lowest, highest = reply.server_version, hello.min_version, hello.max_version
    if hello.dialect is Dialect.LEGACY or version is None or lowest is None or highest is None:
        return False
    return not lowest <= version <= highest


def client_stopped_after_reply(conversation: Conversation) -> bool:
    """Tell whether the client had the reply and time to continue, and did not; all that both sent was captured."""
    dialogue, ended = conversation.dialogue, conversation.connection.ended
    reply = dialogue.reply
    if reply is None or dialogue.ready or dialogue.start:
        return False
    if not all(all_captured(conversation, side) for side in Side):
        return False
    server = conversation.connection.from_server
    if server.acked < server.length:  # the reply may not have arrived
        return False
    no_chance = (
        _closed_before_reply(conversation)
        or _server_closed(ended, reply.complete)
        or _timeout_was_near(conversation, reply.complete)
    )
    return not no_chance and settled_after(conversation, reply.complete)


def _closed_before_reply(conversation: Conversation) -> bool:
    """Tell whether the client ended before it received the reply."""
    ended, acknowledged = conversation.connection.ended, conversation.connection.from_server.ack_of_first_data
    if ended is None or ended.by is not Side.CLIENT:
        return False
    return acknowledged is None or acknowledged.packet > ended.moment.packet


def _server_closed(ended: Ended | None, reply: Moment) -> bool:
    """Tell whether the server closed right after its reply: the client had no chance to continue."""
    return ended is not None and ended.by is Side.SERVER and seconds_between(reply, ended.moment) < MINIMUM_WAIT


def _timeout_was_near(conversation: Conversation, reply: Moment) -> bool:
    """Tell whether the client closed just after a late reply: because of it or of its own timeout is not known."""
    ended, hello = conversation.connection.ended, conversation.dialogue.hello
    if ended is None or hello is None or is_within(hello.complete, reply, MINIMUM_WAIT):
        return False
    return seconds_between(reply, ended.moment) < MINIMUM_WAIT + round_trip(conversation.connection)
