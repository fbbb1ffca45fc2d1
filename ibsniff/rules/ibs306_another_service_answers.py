"""The program that answers is not TWS.

Seen: the server's first bytes are not an IB reply: HTTP, a TLS alert, an SSH or VNC greeting, or unknown bytes.
Meaning: the client connects to the wrong port or the wrong machine. The Client Portal Gateway (5000) is another
product; 5900 is VNC, 7462 the command port of IBC.
How sure: high for services known by their greeting; undetermined for unknown bytes.
Sources: ib_insync 578, lbilli/rib 12 (Client Portal Gateway); TLS alert and HTTP measured with stand-ins.
What to do: use the API port: 7497 or 7496 for TWS, 4002 or 4001 for Gateway, unless it was changed.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import opening_packets
from ibsniff.model import Confidence, Conversation, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """The server answers in another protocol."""
    reply = conversation.dialogue.reply
    if conversation.outcome is not Outcome.FOREIGN or reply is None:
        return None
    server = conversation.connection.server
    known = reply.service is not None
    what = (
        f"The program that answers on {server} speaks {reply.service}"
        if known
        else f"{server} answers, but not in IB's protocol"
    )
    return Statement(
        f"{what}: this is not the API port of TWS.",
        Fault.NETWORK if known else Fault.UNDETERMINED,
        Confidence.HIGH if known else Confidence.LOW,
        packets=(*opening_packets(conversation), *reply.packets),
        remedy="Connect to the API port: 7497 or 7496 for TWS, 4002 or 4001 for Gateway (API > Settings > Socket "
        "port).",
        explains=conversation.missing,
    )
