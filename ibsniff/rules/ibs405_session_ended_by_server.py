"""A working session was ended by the server.

Seen: after the session was ready, the server's FIN or RST.
Meaning: TWS was closed or restarted (every night, if set so), or its API was switched off or moved to another port.
How sure: that the server ended it is certain; why is not to be seen, unless an error said so before. Undetermined when
a RST answers the first word after minutes of quiet, as a router or relay in between may have dropped it.
Sources: QuantConnect Lean 242 (nightly restart: all sockets reset at one instant, back after 79 s).
What to do: let the client reconnect with growing pauses; see TWS's auto restart time.
"""

from __future__ import annotations

from ibsniff.model import Capture, Confidence, Conversation, Fault, How, Outcome, Severity, Side
from ibsniff.rules.ibs402_too_many_messages import CODE as PACING
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.words import between, seconds_between

IDLE = 300.0
"""Seconds of quiet after which routers and relays may drop a connection; RFC 5382 asks for two hours, few comply."""
FORGOTTEN = (
    "It answered the client's first word after a long quiet: what lies between them may have forgotten the connection"
)


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _capture: Capture) -> Statement | None:
    """Ready, and then ended by the server."""
    ended, ready = conversation.connection.ended, conversation.dialogue.ready
    if ended is None or ready is None or ended.by is not Side.SERVER or PACING in conversation.dialogue.errors:
        return None
    if conversation.outcome is Outcome.UNPROVEN:  # one direction was captured: the other may have said goodbye first
        return None
    heard = conversation.connection.from_server.last_data or ready
    spoke = conversation.connection.from_client.last_data or ready
    forgotten = ended.how is How.RST and seconds_between(heard, spoke) > IDLE
    why = FORGOTTEN if forgotten else "TWS was closed or restarted, as a rule"
    return Statement(
        f"The session worked for {between(ready, ended.moment)}; then the server ended it ({ended.how.upper()}). {why}.",
        Fault.UNDETERMINED if forgotten else Fault.TWS_STATE,
        Confidence.LOW if forgotten else Confidence.MEDIUM,
        packets=(ended.moment.packet,),
        remedy="Let the program reconnect with growing pauses; see Auto restart under Global Configuration > Lock and "
        "Exit.",
    )
