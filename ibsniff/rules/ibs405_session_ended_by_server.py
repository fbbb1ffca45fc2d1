"""A working session was ended by the server.

Seen: after the session was ready, the server's FIN or RST.
Meaning: TWS was closed or restarted (every night, if set so), or its API was switched off or moved to another port.
How sure: that the server ended it is certain; why is not to be seen, unless an error said so before. Undetermined when
a RST answers the first word after minutes of quiet, as a router or relay in between may have dropped it; when the client
had stopped reading, or had spoken just before; when messages before are missing; and on a relay's port.
Sources: QuantConnect Lean 242 (nightly restart: all sockets reset at one instant, back after 79 s).
What to do: let the client reconnect with growing pauses; see TWS's auto restart time.
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
from ibsniff.rules.wording.durations import time_between
from ibsniff.rules.wording.menus import auto_restart

TOLD = {errors.MESSAGE_RATE_EXCEEDED, errors.API_PORT_CHANGED}
"""Errors that say why: other rules repeat them."""

IDLE = 300.0
"""Seconds of quiet after which routers and relays may drop a connection; RFC 5382 asks for two hours, few comply."""
FORGOTTEN = (
    "It answered the client's first word after a long quiet: what lies between them may have forgotten the connection"
)
ITS_LOG = "TWS's log of that time tells whether it was closed or restarted"
UPON_A_WORD = 0.1
"""Seconds within which a hang-up may be the answer to the client's last word."""


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Ready, and then ended by the server."""
    ended, ready = conversation.connection.ended, conversation.dialogue.ready
    if server_close(conversation) is not ServerClose.WITHIN_SESSION or ended is None or ready is None:
        return None
    if TOLD & conversation.dialogue.errors.keys():
        return None
    if Side.CLIENT in conversation.dialogue.unframed:  # IBS412 says what came before
        return None
    another = _another_reason(conversation, ended)
    why, restart = (
        another or "TWS was closed or restarted, as a rule",
        f"see {auto_restart(conversation.connection.server.port)}",
    )
    return Statement(
        f"The session worked for {time_between(ready, ended.moment)}; then the server ended it ({ended.how.upper()}). {why}.",
        Fault.UNDETERMINED if another else Fault.TWS_STATE,
        Confidence.LOW if another else Confidence.MEDIUM,
        packets=(ended.moment.packet,),
        remedy=f"Let the program reconnect with growing pauses; {ITS_LOG if another else restart}.",
    )


def _another_reason(conversation: Conversation, ended: Ended) -> str:
    """What else may have ended it, as the packets show; empty when nothing does."""
    connection = conversation.connection
    spoke, heard = connection.from_client.last_data, connection.from_server.last_data
    if conversation.dialogue.bytes_after_gap:
        return "Messages before that are missing in the capture; they may have said why"
    if connection.from_client.zero_windows:
        return "The client had stopped reading before (zero window); whether TWS hangs up over that is not known"
    if spoke is not None and heard is not None and heard.time_ns < spoke.time_ns:
        if ended.how is How.RST and seconds_between(heard, spoke) > IDLE:
            return FORGOTTEN
        if clock_stepped_back(spoke, ended.moment):
            return "How long it was quiet before that is not known, because the capture's clock stepped back"
        if seconds_between(spoke, ended.moment) < UPON_A_WORD:
            return (
                f"It came {time_between(spoke, ended.moment)} after the client's last message, which may be the reason"
            )
    if on_relay_port(connection):
        return "A relay usually listens on this port: it was stopped, or what is behind it"
    return ""
