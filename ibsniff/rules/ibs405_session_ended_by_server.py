"""A working session was ended by the server.

Seen: after the session was ready, the server's FIN or RST.
Meaning: TWS was closed or restarted (every night, if set so), or its API was switched off or moved to another port.
How sure: that the server ended it is certain; why is not to be seen, unless an error said so before.
Sources: QuantConnect Lean 242 (nightly restart: all sockets reset at one instant, back after 79 s).
What to do: let the client reconnect with growing pauses; see TWS's auto restart time.
"""

from __future__ import annotations

from ibsniff.model import Capture, Confidence, Conversation, Fault, Severity, Side
from ibsniff.rules.ibs402_too_many_messages import CODE as PACING
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.words import between


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _capture: Capture) -> Statement | None:
    """Ready, and then ended by the server."""
    ended, ready = conversation.connection.ended, conversation.dialogue.ready
    if ended is None or ready is None or ended.by is not Side.SERVER or PACING in conversation.dialogue.errors:
        return None
    return Statement(
        f"The session worked for {between(ready, ended.moment)}; then the server ended it ({ended.how.upper()}). TWS was "
        "closed or restarted, as a rule.",
        Fault.TWS_STATE,
        Confidence.MEDIUM,
        packets=(ended.moment.packet,),
        remedy="Let the program reconnect with growing pauses; see Auto restart under Global Configuration > Lock and "
        "Exit.",
    )
