"""Another machine does not answer the call at all.

Seen: SYNs go out, again and again, and nothing comes back: no SYN-ACK, no RST, no ICMP.
Meaning: most often a firewall drops them silently (Windows Defender treats WSL's network as public), or nobody is at
that address. TWS answers or refuses at once; it never leaves a SYN unanswered while it runs well.
How sure: that nothing came back here is certain; where it was lost is not to be seen on this side. A kernel repeats a
call that nothing answers, after a second or more: called once only, or again sooner, it is undetermined. So it is when
the same address had got through before: no firewall's rule was the reason then, and the address was right. And where
another client was met with silence, or one on TWS's own machine is not answered either: TWS may hang.
A note, and nobody's turn, when the program went on to the name's address of the other IP version.
Sources: microsoft/WSL 4139, 4585 (Windows firewall); mementum/backtrader 217 (mistyped address).
What to do: allow the port in the server's firewall; check the address; capture on the server's machine too.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import duration, seconds
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Outcome, Rung, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.alternatives import ASLEEP
from ibsniff.rules.wording.unanswered import unless_other_ip_version_followed, why_in_doubt

HUNG = Alternative(
    "TWS hangs and its queue of waiting connections is full",
    Fault.TWS_STATE,
    "earlier connections were accepted and never answered; on the server `ss -ltn` shows Recv-Q above Send-Q",
)
STILL_THERE = "See that its machine is still there, and TWS on it. "
NO_HOST = b"\0"
"""First byte of 0.0.0.0/8, which is no machine's address (RFC 1122, 3.2.1.3): a typing error for 127.0.0.1 or another."""
WRONG_ADDRESS = Alternative(
    "the address is wrong or stale (a WSL host's address changes with a restart)",
    Fault.NETWORK,
    "ping it; from WSL compare with `ip route show default`",
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Nothing comes back from another machine."""
    connection = conversation.connection
    if conversation.outcome is not Outcome.UNREACHABLE or connection.same_host:
        return None
    if connection.unreachable is not None or conversation.arp_unanswered:
        return None
    once = why_in_doubt(connection)
    calls = f"{connection.syn_count} calls" if connection.syn_count > 1 else "the call"
    nobody = len(connection.server.address) == 4 and connection.server.address.startswith(NO_HOST)
    before = index.related.accepted_before(conversation)
    why = "That is no machine's address." if nobody else f"A firewall drops them, or nobody is there{once}."
    silent = index.related.other_unanswered(conversation)
    if silent is not None:
        why = f"Nor was another client answered ({silent.id}): TWS hangs, or they have different reasons{once}."
    if before is not None:
        why = f"It accepted a call from {connection.client.ip} before ({before.id}): since then it hangs, sleeps or is cut off{once}."
    watched = duration(seconds(conversation.watched_until_ns - connection.first.time_ns))
    statement = Statement(
        f"No answer at all from {connection.server}: {calls} in {watched}, not even a refusal. {why}",
        Fault.UNDETERMINED if once or before or silent else Fault.NETWORK,
        Confidence.LOW if once or before or silent else Confidence.MEDIUM,
        packets=[moment.packet for moment in connection.syns],
        remedy=f"{STILL_THERE if before else ''}On {connection.server.ip} allow inbound TCP port {connection.server.port} "
        f"from {connection.client.ip} (from WSL: a Windows Defender rule for the vEthernet (WSL) network); check the address.",
        alternatives=(HUNG, ASLEEP) if before else (HUNG, WRONG_ADDRESS) if silent else (WRONG_ADDRESS, HUNG),
        explains=Rung.CONNECTED,
    )
    return unless_other_ip_version_followed(statement, conversation, index)
