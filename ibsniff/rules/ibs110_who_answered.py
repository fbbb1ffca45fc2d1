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

from ibsniff.model import Capture, Confidence, Conversation, Fault, Severity
from ibsniff.rules.closing import closed_by_relay, hung_up
from ibsniff.rules.path import path
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.silences import silent_to_a_good_hello


@conversation_rule(Severity.NOTE)
def check(conversation: Conversation, _capture: Capture) -> Statement | None:
    """Its address is not all that is known of who answered."""
    connection, hello = conversation.connection, conversation.dialogue.hello
    turned_away = hung_up(conversation) is not None and (hello is None or hello.is_valid)
    if turned_away and closed_by_relay(conversation) is not None:
        return None
    answerer = path(connection) if turned_away or silent_to_a_good_hello(conversation) else None
    if answerer is None or connection.syn_ack is None:
        return None
    return Statement(
        f"{answerer.who}.",
        Fault.NONE,
        Confidence.LOW,
        packets=(connection.syn_ack.packet,),
        remedy=answerer.meaning,
    )
