"""TWS took the call from another machine, heard a good hello, and said nothing.

Seen: a complete connection between two machines, a valid hello acknowledged, and no byte from the server.
Meaning: most often TWS shows a dialog, "Accept incoming connection?", and waits for a click: the client's address is
not in its Trusted IPs. Or it hangs. Both are on the TWS side; the client's hello is right.
How sure: silent to a valid hello is certain; between dialog and hang the packets do not decide: medium.
Sources: ib_async 18, ib_insync 529 and 381, SumZeroTrading 11 (dialog); IbcAlpha/IBC 334 (no ranges in the list).
What else: a hang (then loopback clients are not answered either); a relay with a silent inner side.
What to do: click Yes, and add the client's address as TWS sees it to API > Settings > Trusted IPs: this single
address, as ranges are ignored and IPv6 addresses are entries of their own. If a client on TWS's own machine is not
answered either, restart TWS.
"""

from __future__ import annotations

from ibsniff.model import Alternative, Capture, Conversation, Fault, Rung, Severity
from ibsniff.rules.felt import felt
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.silences import causes_besides, not_the_box, silent_to_a_good_hello, sureness
from ibsniff.rules.words import address_to_trust, packets_of, settings_path, silence

HANGS = Alternative(
    "TWS or Gateway hangs",
    Fault.TWS_STATE,
    "a client on its own machine is not answered either; `ss -ltn` there shows a growing Recv-Q",
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, capture: Capture) -> Statement | None:
    """Silence to a good hello, between two machines."""
    connection = conversation.connection
    if not silent_to_a_good_hello(conversation) or connection.same_host:
        return None
    address = address_to_trust(connection)
    return Statement(
        f"{connection.server} took the call, received a good hello, and said nothing ({silence(conversation)}). It "
        f"probably waits for someone to accept the connection from {address}, or it hangs; the client did its part.{felt(conversation)}",
        Fault.TWS_STATE,
        sureness(capture),
        packets=packets_of(conversation),
        remedy=f"Look for a dialog on the TWS screen and click Yes; add {address} (this one address, no range) under "
        f"Trusted IPs ({settings_path(connection.server.port)}). {not_the_box(connection.server.port)}",
        alternatives=(HANGS, *causes_besides(conversation)),
        explains=Rung.ANSWERED,
    )
