"""The client's own machine rejected the server's SYN-ACK.

Seen: SYN, SYN-ACK, and then a RST from the client before the connection was complete.
Meaning: the client's kernel did not expect that SYN-ACK: the program had given up already, or the answer came on
another path than the call left by (WSL's mirrored mode, two routes), or a port scanner only tests the port.
How sure: certain that the client's side ended it; why is not to be seen.
Sources: microsoft/WSL 13013.
What to do: in WSL try NAT mode; capture with ``-i any`` to see which way the packets go.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Alternative, Confidence, Conversation, Fault, How, Outcome, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule

SCANNER = Alternative(
    "a port scanner that only tests whether the port is open",
    Fault.CLIENT,
    "the same source calls many ports, and never completes a connection",
)


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """SYN-ACK, answered by the client's RST."""
    connection = conversation.connection
    ended = connection.ended
    if conversation.outcome is not Outcome.NOT_ASKED or connection.established is not None or ended is None:
        return None
    if connection.syn_ack is None or ended.by is not Side.CLIENT or ended.how is not How.RST:
        return None
    return Statement(
        "The server accepted, and the client's own machine rejected that with a RST.",
        Fault.UNDETERMINED,
        Confidence.MEDIUM,
        packets=(connection.first.packet, connection.syn_ack.packet, ended.moment.packet),
        remedy="In WSL try NAT instead of mirrored networking; capture with -i any to see which way the packets go.",
        alternatives=(SCANNER,),
        explains=conversation.missing,
    )
