"""The server ended a working session.

Seen: after the session was ready, or in one that was at work already when the capture began, the server's FIN or RST.
Meaning: TWS was closed or restarted (every night, if set so), or its API was switched off or moved to another port.
How sure: it is certain that the server ended the session; the packets do not show why, unless an error said so
before. Undetermined when a RST answers the first message after minutes without data, as a router or relay in between
may have dropped the connection; when the client had stopped reading, or had sent a message just before; when earlier
messages are missing from the capture; and on a relay's port.
Sources: QuantConnect Lean 242 (nightly restart: all sockets reset at one instant, back after 79 s).
What to do: let the client reconnect with pauses that grow longer; check TWS's auto restart time.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.ports import on_relay_port
from ibsniff.facts.server_close import ServerClose, server_close
from ibsniff.facts.timing import clock_stepped_back
from ibsniff.formatting import seconds_between
from ibsniff.ib import errors
from ibsniff.model import Confidence, Conversation, Ended, Fault, How, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.endings import time_between
from ibsniff.rules.wording.remedies import auto_restart

REPORTED = {errors.MESSAGE_RATE_EXCEEDED, errors.API_PORT_CHANGED}
"""Errors that say why: other rules report them."""

IDLE = 300.0
"""Seconds without data after which routers and relays may drop a connection; RFC 5382 asks for 2 h, few comply."""
DROPPED_ON_THE_WAY = (
    "The RST answered the client's first message after a long time without data: a router or relay in between may have "
    "dropped the connection"
)
ITS_LOG = "TWS's log of that time tells whether it was closed or restarted"
UPON_A_MESSAGE = 0.1
"""Seconds within which a close may be the answer to the client's last message."""


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """The session was ready, and then the server ended it."""
    ended, began = conversation.connection.ended, conversation.dialogue.ready or conversation.connection.first
    if server_close(conversation) is not ServerClose.WITHIN_SESSION or ended is None:
        return None
    if REPORTED & conversation.dialogue.errors.keys():
        return None
    if Side.CLIENT in conversation.dialogue.unframed:  # IBS412 says what came before
        return None
    another = _another_reason(conversation, ended)
    why, restart = (
        another or "This usually means that TWS was closed or restarted",
        f"check {auto_restart(conversation.connection.server.port)}",
    )
    return Statement(
        f"The session worked for {time_between(began, ended.moment)}{_at_least(conversation)}; then the server ended it "
        f"({ended.how.upper()}). {why}.",
        Fault.UNDETERMINED if another else Fault.TWS_STATE,
        Confidence.LOW if another else Confidence.MEDIUM,
        packets=(ended.moment.packet,),
        remedy=f"Let the program reconnect with pauses that grow longer; {ITS_LOG if another else restart}.",
    )


def _at_least(conversation: Conversation) -> str:
    """It began before the capture did."""
    return " or longer" if conversation.dialogue.ready is None else ""


def _another_reason(conversation: Conversation, ended: Ended) -> str:
    """Another possible reason for the end, as the packets show; empty when there is none."""
    connection = conversation.connection
    sent, received = connection.from_client.last_data, connection.from_server.last_data
    if conversation.dialogue.bytes_after_gap:
        return "Earlier messages are missing from the capture; they may have said why"
    if connection.from_client.zero_windows:
        return (
            "The client had stopped reading before (zero window); it is not known whether TWS closes connections for "
            "that"
        )
    if sent is not None and received is not None and received.time_ns < sent.time_ns:
        if ended.how is How.RST and seconds_between(received, sent) > IDLE:
            return DROPPED_ON_THE_WAY
        if clock_stepped_back(sent, ended.moment):
            return "How long no data was sent before is not known, because the capture's clock stepped back"
        if seconds_between(sent, ended.moment) < UPON_A_MESSAGE:
            return (
                f"This was {time_between(sent, ended.moment)} after the client's last message, which may be the reason"
            )
    if on_relay_port(connection):
        return "A relay usually listens on this port: the relay was stopped, or its backend was"
    return ""
