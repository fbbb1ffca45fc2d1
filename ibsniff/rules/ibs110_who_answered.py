"""Where the silence or the hang-up came from, beyond the server's address.

Seen: a server that was silent to a good hello, or hung up without a word, and whose TTL and addresses tell that it is a
container behind its bridge, the Windows host of a WSL, or lies behind routers.
Meaning: it decides which address TWS sees, and so which one must be trusted: a container's bridge and some port maps
show TWS another one than the client has. Over a bridge a relay is likelier too.
How sure: TTL and addresses are on the wire; what they are usual for may have been changed by someone: low.
Sources: clifton/docker-ib-gateway 1 and ib_insync 386 (bridge), ib_insync 529 (WSL's address, not the host's).
What to do: trust the address TWS sees; when in doubt capture on its machine.
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
"""Closed without a byte, and not as a relay does."""


@conversation_rule(Severity.NOTE)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Its address is not all that is known of who answered."""
    connection, hello = conversation.connection, conversation.dialogue.hello
    turned_away = server_close(conversation) in CLOSED_BY_TWS and (hello is None or hello.is_valid)
    path = network_path(connection) if turned_away or silent_to_valid_hello(conversation) else None
    if path is None or connection.syn_ack is None:
        return None
    return Statement(
        f"{who_answered(path, connection)}.",
        Fault.NONE,
        Confidence.LOW,
        packets=(connection.syn_ack.packet,),
        remedy=address_tws_sees(path, connection),
    )
