"""How long something took, when that is known, and how long a server was silent."""

from __future__ import annotations

from ibsniff.facts.timing import client_finished
from ibsniff.formatting import duration, elapsed, seconds, seconds_between
from ibsniff.model import Conversation, Moment, Side

UNKNOWN_TIME = "an unknown time"
"""What is said of a duration across which the capture's clock stepped back."""


def time_between(earlier: Moment, later: Moment) -> str:
    """Say how long it was from one packet to another."""
    return elapsed(earlier, later) if seconds_between(earlier, later) >= 0 else UNKNOWN_TIME


def silence(conversation: Conversation) -> str:
    """Say how long the server was silent, and how it is known."""
    connection, began = conversation.connection, client_finished(conversation)
    ended = connection.ended
    if ended is not None:
        who = "client" if ended.by is Side.CLIENT else "server"
        if ended.moment.packet < began.packet:  # what came after the end was not waited for
            began = connection.established or connection.first
        return f"{time_between(began, ended.moment)}, until the {who} closed"
    watched = seconds(conversation.watched_until_ns - began.time_ns)
    return f"{duration(watched)}, as long as was watched"
