"""How one side ended a connection, and how long something took until then, as parts of a sentence."""

from __future__ import annotations

from ibsniff.facts.liveness import Standing, standing
from ibsniff.facts.timing import client_finished
from ibsniff.formatting import duration, elapsed, seconds, seconds_between
from ibsniff.model import Conversation, Ended, How, Moment, Rung, Side

UNKNOWN_TIME = "an unknown time"
"""Printed in place of a duration during which the capture's clock stepped back."""


def closed_or_reset(ended: Ended) -> str:
    """``closed`` for a FIN, ``reset`` for a RST."""
    return "reset" if ended.how is How.RST else "closed"


def time_between(earlier: Moment, later: Moment) -> str:
    """The time from one packet to another."""
    return elapsed(earlier, later) if seconds_between(earlier, later) >= 0 else UNKNOWN_TIME


def session_works(conversation: Conversation) -> str:
    """A sentence to begin with where the session itself is in order: TWS answered, and rejected or lost something in it."""
    ended = conversation.connection.ended
    if conversation.rung is not Rung.READY or (ended is not None and ended.by is Side.SERVER):
        return ""
    sentences = {Standing.CLOSED: "The session worked. ", Standing.HEARD: "The session works. "}
    return sentences.get(standing(conversation), "")


def silence(conversation: Conversation) -> str:
    """How long the server was silent, and what ended that time."""
    connection, began = conversation.connection, client_finished(conversation)
    ended = connection.ended
    if ended is not None:
        who = "client" if ended.by is Side.CLIENT else "server"
        if ended.moment.packet < began.packet:  # nobody waited for what came after the end
            began = connection.established or connection.first
        return f"{time_between(began, ended.moment)}, until the {who} closed"
    watched = seconds(conversation.watched_until_ns - began.time_ns)
    return f"{duration(watched)}, until the end of the capture"
