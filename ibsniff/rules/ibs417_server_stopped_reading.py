"""The server stopped reading.

Seen: the server's TCP window is closed (zero), for 5 s or longer, until the end.
Meaning: its receive buffer is full and nobody empties it: the program that listens is frozen, or its thread for this
client hangs. The client's kernel may not send anything more, so its silence is not its own doing. When the window has
been closed from the beginning, even the hello cannot be sent.
How sure: the server's own kernel reports the closed window (RFC 9293, 3.8.6.1), so it is certain that the program does
not read; on a relay's port, that program may be the relay, whose backend does not read: low.
What to do: reconnect; when a new connection is not answered either, restart TWS or Gateway.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.ports import on_relay_port
from ibsniff.facts.windows import closed_to_the_end
from ibsniff.formatting import duration
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.orders import AT_A_RESTART, never_confirmed

RELAY = Alternative(
    "a relay (ssh -L, socat, a container's port) listens there, and it cannot pass on what it reads",
    Fault.NETWORK,
    "a capture between the relay and TWS shows whether TWS reads",
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """The server's window stays closed."""
    closed = closed_to_the_end(conversation, Side.SERVER)
    if closed is None:
        return None
    relayed = on_relay_port(conversation.connection)
    return Statement(
        f"{never_confirmed(conversation)}The server stopped reading: its TCP window was closed for {duration(closed.seconds)}, until the end. The "
        "client may not send anything in that time.",
        Fault.TWS_STATE,
        Confidence.LOW if relayed else Confidence.MEDIUM,
        packets=(closed.since.packet,),
        remedy="Let the program reconnect. If its new connection is not answered either, restart TWS or Gateway. "
        f"{AT_A_RESTART}",
        alternatives=(RELAY,),
        explains=conversation.missing,
    )
