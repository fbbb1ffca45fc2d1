"""Another machine does not answer the connection attempt at all.

Seen: the SYN is sent again and again, and nothing comes back: no SYN-ACK, no RST, no ICMP.
Meaning: most often a firewall drops the packets silently (Windows Defender treats WSL's network as public), or no
machine is at that address. TWS accepts or refuses at once; it never leaves a SYN unanswered while it runs well.
How sure: it is certain that nothing came back here; this side does not show where it was lost. A kernel repeats a SYN
that nothing answers, after a second or more: if it was sent only once, or again sooner, the cause is undetermined. It
is also undetermined when the same address got through before: then a firewall rule was not the reason, and the address
was right. And when another client was not answered either, or a connection attempt on TWS's own machine: then TWS may
hang.
It is only a note, with nothing to fix, when the program then tried the name's address of the other IP version.
Sources: microsoft/WSL 4139, 4585 (Windows firewall); mementum/backtrader 217 (mistyped address).
What to do: allow the port in the server's firewall; check the address; capture on the server's machine too.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Outcome, Rung, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.alternatives import ASLEEP
from ibsniff.rules.wording.commands import queue_is_full
from ibsniff.rules.wording.unanswered import syns_sent, unless_other_ip_version_followed, why_in_doubt

STILL_RUNNING = "Check that the server's machine and TWS are still running. "
NO_HOST = b"\0"
"""First byte of 0.0.0.0/8, which is no machine's address (RFC 1122, 3.2.1.3): 127.0.0.1 or another was mistyped."""
WRONG_ADDRESS = Alternative(
    "the address is wrong or out of date (a WSL host's address changes with a restart)",
    Fault.NETWORK,
    "ping it; from WSL, compare it with `ip route show default`",
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find a SYN to another machine that nothing answers."""
    connection = conversation.connection
    if conversation.outcome is not Outcome.UNREACHABLE or connection.same_host:
        return None
    if connection.unreachable is not None or conversation.arp_unanswered:
        return None
    doubt = why_in_doubt(connection)
    no_host = len(connection.server.address) == 4 and connection.server.address.startswith(NO_HOST)
    before = index.related.accepted_before(conversation)
    why = f"A firewall drops the packets, or no machine is there{doubt}."
    if no_host:
        why = "That cannot be a machine's address."
    silent = index.related.other_unanswered(conversation)
    if silent is not None:
        why = f"Another client was not answered either ({silent.id}): TWS hangs, or each has its own reason{doubt}."
    if before is not None:
        why = (
            f"It accepted a connection from {connection.client.ip} before ({before.id}): since then it hangs, sleeps "
            f"or is cut off{doubt}."
        )
    hung = Alternative(
        "TWS hangs and its accept queue is full",
        Fault.TWS_STATE,
        f"earlier connections were accepted and never answered; on the server {queue_is_full(connection)}",
    )
    statement = Statement(
        f"No answer at all from {connection.server}, not even a refusal ({syns_sent(conversation)}). {why}",
        Fault.UNDETERMINED if doubt or before or silent else Fault.NETWORK,
        Confidence.LOW if doubt or before or silent else Confidence.MEDIUM,
        packets=[moment.packet for moment in connection.syns],
        remedy=f"{STILL_RUNNING if before else ''}On {connection.server.ip}, allow inbound TCP port "
        f"{connection.server.port} from {connection.client.ip} (from WSL: a Windows Defender rule for the vEthernet "
        "(WSL) network). Check the address.",
        alternatives=(hung, ASLEEP) if before else (hung, WRONG_ADDRESS) if silent else (WRONG_ADDRESS, hung),
        explains=Rung.CONNECTED,
    )
    return unless_other_ip_version_followed(statement, conversation, index)
