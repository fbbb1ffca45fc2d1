"""TWS accepted the connection from another machine, received a valid hello, and did not answer.

Seen: a complete connection between two machines, a valid hello that was acknowledged, and no byte from the server.
Meaning: most often TWS shows the dialog "Accept incoming connection?" and waits for a click, because the client's
address is not in its Trusted IPs. Or it hangs. Both are on the TWS side; the client's hello is valid. A Gateway was
seen to close the connection from such an address instead of asking: when it does not answer, a hang is more likely.
How sure: it is certain that a valid hello got no answer; the packets do not show whether it is the dialog or a hang:
medium. The dialog is unlikely when the same address was served at once before, and behind a relay, whose connections
TWS sees as coming from its own loopback. When the server closed its side as soon as the client did, a program reads
there: it does not hang, and may not be TWS.
Sources: ib_async 18, ib_insync 529 and 381, SumZeroTrading 11 (dialog); ib-controller 197 (Gateway); IbcAlpha/IBC 334
(no ranges in the list).
What else: a hang (then clients on the loopback are not answered either); a relay whose backend does not answer.
What to do: click Yes, and add the client's address as TWS sees it to API > Settings > Trusted IPs. Enter this single
address: ranges are ignored, and IPv6 addresses need entries of their own. If a client on TWS's own machine is not
answered either, restart TWS.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import opening_packets
from ibsniff.facts.ports import API_PORTS, application, on_relay_port
from ibsniff.facts.server_silence import silent_to_valid_hello
from ibsniff.facts.timing import closed_after_client
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Rung, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.alternatives import causes_of_silence
from ibsniff.rules.wording.client_symptom import client_symptom
from ibsniff.rules.wording.commands import accepts_no_more
from ibsniff.rules.wording.endings import silence
from ibsniff.rules.wording.remedies import (
    address_to_trust,
    look_into_its_log,
    not_the_checkbox,
    settings_path,
    trusted_entry,
)

DOES_NOT_HANG = "does not hang, because it closed its side when the client did"
MORE_LIKELY_CLOSES = (
    " (but a Gateway was seen to close the connections of addresses it does not know instead of asking)"
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """A valid hello got no answer, between two machines."""
    connection = conversation.connection
    if not silent_to_valid_hello(conversation) or connection.same_host:
        return None
    why, remedy = _probable_cause(conversation, index)
    port = connection.server.port
    hangs = Alternative(
        "TWS or Gateway hangs",
        Fault.TWS_STATE,
        f"a client on its own machine gets no answer either; there {accepts_no_more(connection)}",
    )
    reads = closed_after_client(connection)
    return Statement(
        f"{connection.server} accepted the connection and received a valid hello, but did not answer "
        f"({silence(conversation)}). {why}. The client did its part.{client_symptom(conversation)}",
        Fault.TWS_STATE if port in API_PORTS else Fault.UNDETERMINED,
        Confidence.LOW if reads else index.reliability.confidence_in_silence(connection),
        packets=opening_packets(conversation),
        remedy=f"{remedy} {not_the_checkbox(port)} {look_into_its_log(connection)}",
        alternatives=(*(() if reads else (hangs,)), *causes_of_silence(conversation)),
        explains=Rung.ANSWERED,
    )


def _probable_cause(conversation: Conversation, index: CaptureIndex) -> tuple[str, str]:
    """What the cause probably is, and what to do first."""
    connection, address = conversation.connection, address_to_trust(conversation.connection)
    reads = closed_after_client(connection)
    served = index.server_history.served_at_once_before(conversation)
    if served is not None:
        state = DOES_NOT_HANG if reads else "hangs or is still starting"
        why = f"It served {address} at once before ({served.id}), so the address is probably not the reason: it {state}"
        return why, "Look at the TWS or Gateway window; if it does not respond, restart it."
    trust = f"add {trusted_entry(connection)} under Trusted IPs ({settings_path(connection.server.port)})"
    if on_relay_port(connection):
        why = (
            "A relay usually listens on this port, and its backend hangs, is still starting, or waits for someone to "
            "click Yes in its dialog"
        )
        return why, f"Look behind the relay, and capture there. If there is no relay, {trust}."
    or_else = f", or is a relay whose backend does not answer; it {DOES_NOT_HANG}" if reads else ", or it hangs"
    if application(connection.server.port) == "Gateway" and not reads:
        why = (
            "It hangs, is still starting, or waits for someone to accept the connection from "
            f"{address}{MORE_LIKELY_CLOSES}"
        )
        dialog = "Check whether its window responds; if not, restart it. If it shows a dialog, click Yes"
        return why, f"{dialog}; to be accepted without a dialog, {trust}."
    why = f"It probably waits for someone to accept the connection from {address}{or_else}"
    return why, f"Look for a dialog on the TWS screen and click Yes; {trust}."
