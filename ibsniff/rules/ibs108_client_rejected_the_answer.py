"""The client's own machine rejected the server's SYN-ACK.

Seen: SYN, SYN-ACK, and then a RST from the client before the connection was established.
Meaning: the client's kernel did not expect that SYN-ACK: the program had already given up, or the answer came back on
another path than the SYN had taken (WSL's mirrored mode, two routes), or a port scanner is only testing the port.
How sure: it is certain that the client's side ended the connection; the packets do not show why.
Sources: microsoft/WSL 13013.
What to do: in WSL, try NAT mode; capture with ``-i any`` to see which way the packets go.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Alternative, Confidence, Conversation, Fault, How, Outcome, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule

SCANNER = Alternative(
    "a port scanner that only tests whether the port is open",
    Fault.CLIENT,
    "the same source connects to many ports and never completes a connection",
)


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Find a SYN-ACK that the client's machine answers with a RST."""
    connection = conversation.connection
    ended = connection.ended
    if conversation.outcome is not Outcome.NOT_ASKED or connection.established is not None or ended is None:
        return None
    if connection.syn_ack is None or ended.by is not Side.CLIENT or ended.how is not How.RST:
        return None
    return Statement(
        "It is certain that the server accepted the connection and the client's own machine rejected it with a RST. Why is "
        "not decided: the program had given up, the answer came on another path, or it was a port scan.",
        Fault.UNDETERMINED,
        Confidence.MEDIUM,
        packets=(connection.first.packet, connection.syn_ack.packet, ended.moment.packet),
        remedy="Capture with `-i any` to see which way the packets go. In WSL, try NAT instead of mirrored networking.",
        alternatives=(SCANNER,),
        explains=conversation.missing,
    )
