"""TWS took the call from another machine, heard a good hello, and said nothing.

Seen: a complete connection between two machines, a valid hello acknowledged, and no byte from the server.
Meaning: most often TWS shows a dialog, "Accept incoming connection?", and waits for a click: the client's address is
not in its Trusted IPs. Or it hangs. Both are on the TWS side; the client's hello is right. A Gateway was seen to hang
up on such an address rather than to ask: silent, it rather hangs.
How sure: silent to a valid hello is certain; between dialog and hang the packets do not decide: medium.
Sources: ib_async 18, ib_insync 529 and 381, SumZeroTrading 11 (dialog); ib-controller 197 (Gateway); IbcAlpha/IBC 334 (no ranges in the list).
Hardly so when the same address was served at once before, nor behind a relay, which TWS sees as its own loopback. When
the server closed its side as soon as the client did, a program reads there: it does not hang, and may be no TWS.
What else: a hang (then loopback clients are not answered either); a relay with a silent inner side.
What to do: click Yes, and add the client's address as TWS sees it to API > Settings > Trusted IPs: this single
address, as ranges are ignored and IPv6 addresses are entries of their own. If a client on TWS's own machine is not
answered either, restart TWS.
"""

from __future__ import annotations

from ibsniff.facts.evidence import opening_packets
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.ports import API_PORTS, application, on_relay_port
from ibsniff.facts.server_silence import closed_after_client, silent_to_valid_hello
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Rung, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.alternatives import causes_of_silence
from ibsniff.rules.wording.client_symptom import client_symptom
from ibsniff.rules.wording.commands import accepts_no_more
from ibsniff.rules.wording.durations import silence
from ibsniff.rules.wording.menus import address_to_trust, settings_path, trusted_entry
from ibsniff.rules.wording.remedies import look_into_its_log, not_the_checkbox

DOES_NOT_HANG = "does not hang, as it closed its side when the client did"
RATHER_REJECTS = " (though a Gateway was seen to hang up on strangers rather than to ask)"


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Silence to a good hello, between two machines."""
    connection = conversation.connection
    if not silent_to_valid_hello(conversation) or connection.same_host:
        return None
    why, remedy = _reading(conversation, index)
    port = connection.server.port
    hangs = Alternative(
        "TWS or Gateway hangs",
        Fault.TWS_STATE,
        f"a client on its own machine is not answered either; there {accepts_no_more(connection)}",
    )
    lives = closed_after_client(connection)
    return Statement(
        f"{connection.server} took the call, received a good hello, and said nothing ({silence(conversation)}). {why}; "
        f"the client did its part.{client_symptom(conversation)}",
        Fault.TWS_STATE if port in API_PORTS else Fault.UNDETERMINED,
        Confidence.LOW if lives else index.reliability.confidence_in_silence(connection),
        packets=opening_packets(conversation),
        remedy=f"{remedy} {not_the_checkbox(port)} {look_into_its_log(connection)}",
        alternatives=(*(() if lives else (hangs,)), *causes_of_silence(conversation)),
        explains=Rung.ANSWERED,
    )


def _reading(conversation: Conversation, index: CaptureIndex) -> tuple[str, str]:
    """What it probably is, and what to do first."""
    connection, address = conversation.connection, address_to_trust(conversation.connection)
    lives = closed_after_client(connection)
    served = index.server_history.served_at_once_before(conversation)
    if served is not None:
        state = DOES_NOT_HANG if lives else "hangs or is still starting"
        why = f"It served {address} at once before ({served.id}): so it is hardly the address, it {state}"
        return why, "Look at the TWS or Gateway window; if it does not react, restart it."
    trust = f"add {trusted_entry(connection)} under Trusted IPs ({settings_path(connection.server.port)})"
    if on_relay_port(connection):
        why = (
            "A relay usually listens on this port, and what is behind it hangs, is still starting, or waits for a click"
        )
        return why, f"Look behind the relay, and capture there. If there is none: {trust}."
    or_else = f", or is a relay with a silent inner side; it {DOES_NOT_HANG}" if lives else ", or it hangs"
    if application(connection.server.port) == "Gateway" and not lives:
        why = (
            f"It hangs, is still starting, or waits for someone to accept the connection from {address}{RATHER_REJECTS}"
        )
        dialog = "See whether its window reacts; if not, restart it. If it shows a dialog, click Yes"
        return why, f"{dialog}; to be let in without one, {trust}."
    why = f"It probably waits for someone to accept the connection from {address}{or_else}"
    return why, f"Look for a dialog on the TWS screen and click Yes; {trust}."
