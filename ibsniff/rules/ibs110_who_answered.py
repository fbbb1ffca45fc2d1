"""The TTL and the addresses tell more about the server that was silent or closed the connection.

Seen: a server that did not answer a valid hello, or closed the connection without sending data, and whose TTL and
addresses show that it is a container behind its bridge, the Windows host of a WSL, or a machine behind routers.
Meaning: this decides which address TWS sees, and so which one must be trusted: with a container's bridge and with some
port mappings, TWS sees another address than the one the client has. Over a bridge, a relay is more likely too.
How sure: TTL and addresses are in the packets, but someone may have changed what they usually stand for: low.
Sources: clifton/docker-ib-gateway 1 and ib_insync 386 (bridge), ib_insync 529 (WSL's address, not the host's).
What to do: trust the address that TWS sees; when in doubt, capture on its machine.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.network_path import network_path
from ibsniff.facts.server_close import ServerClose, server_close
from ibsniff.facts.server_silence import silent_to_valid_hello
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.who_answered import address_tws_sees, who_answered

CLOSED_BY_TWS = (
    ServerClose.WAITED_FOR_HELLO,
    ServerClose.BEFORE_HELLO,
    ServerClose.HELLO_UNREAD,
    ServerClose.UNKNOWN_MOMENT,
    ServerClose.AFTER_HELLO,
)
"""Ways to close without sending a byte that are not those of a relay."""


@conversation_rule(Severity.NOTE)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Find a server about which more is known than its address."""
    connection, hello = conversation.connection, conversation.dialogue.hello
    closed_by_tws = server_close(conversation) in CLOSED_BY_TWS and (hello is None or hello.is_valid)
    path = network_path(connection) if closed_by_tws or silent_to_valid_hello(conversation) else None
    if path is None or connection.syn_ack is None:
        return None
    return Statement(
        f"{who_answered(path, connection)}.",
        Fault.NONE,
        Confidence.LOW,
        packets=(connection.syn_ack.packet,),
        remedy=address_tws_sees(path, connection),
    )
