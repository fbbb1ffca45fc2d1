"""TWS answers other addresses, and not this one.

Seen: in one capture, a client whose good hello is met with silence (or a hang-up), and another one, from another
address, that the same server answers.
Meaning: TWS works; it does not take connections from this address. It shows a dialog and waits for a click, or it
rejects the address by its settings.
How sure: both are in the capture; between dialog and setting the packets do not decide: medium.
Sources: ib_async 18; ib_insync 529 and 381; IBKR-API-Rust 28; IbcAlpha/IBC 334.
What to do: add this single address to Trusted IPs (ranges are ignored, IPv6 addresses are entries of their own), and
untick "Allow connections from localhost only".
"""

from __future__ import annotations

from ibsniff.model import Capture, Confidence, Conversation, Fault, Rung, Severity
from ibsniff.rules.closing import hung_up
from ibsniff.rules.company import by_server
from ibsniff.rules.registry import Statement, capture_rule
from ibsniff.rules.silences import silent_to_a_good_hello
from ibsniff.rules.words import address_to_trust, settings_path


@capture_rule(Severity.ERROR)
def check(capture: Capture) -> Statement | None:
    """One address served, another not."""
    for conversations in by_server(capture, whole_host=True):
        served = {one.connection.client.address for one in conversations if one.rung is Rung.READY}
        for one in reversed(conversations):
            if served and one.connection.client.address not in served and _turned_away(one):
                return _statement(one, next(two for two in conversations if two.rung is Rung.READY))
    return None


def _turned_away(conversation: Conversation) -> bool:
    hello = conversation.dialogue.hello
    if conversation.connection.same_host or (hello is not None and not hello.is_valid):
        return False
    return silent_to_a_good_hello(conversation) or hung_up(conversation) is not None


def _statement(one: Conversation, served: Conversation) -> Statement:
    address, port = address_to_trust(one.connection), one.connection.server.port
    return Statement(
        f"{one.connection.server} serves {served.connection.client.ip} ({served.id}) and not {address}: it does not take "
        "connections from this address, or waits for a click to do so.",
        Fault.TWS_CONFIG,
        Confidence.MEDIUM,
        packets=(
            *(one.dialogue.hello.packets if one.dialogue.hello else (one.connection.first.packet,)),
            *(served.dialogue.reply.packets if served.dialogue.reply else ()),
        ),
        remedy=f"{settings_path(port)}: add {address} to Trusted IPs (this one address: ranges are ignored, IPv6 is an "
        "entry of its own), and untick Allow connections from localhost only. Look for a dialog on its screen.",
        conversations=(one.id, served.id),
    )
