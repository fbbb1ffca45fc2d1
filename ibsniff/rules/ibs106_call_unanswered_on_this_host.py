"""A connection attempt on the same machine is not answered at all.

Seen: SYNs over loopback, and nothing comes back.
Meaning: usually this is not a firewall. A program that listens but never accepts fills its accept queue, in which
connections wait (51 with Java's default on Linux); from then on the kernel ignores further SYNs. TWS or Gateway hangs,
and has done so for as long as it took to fill the queue.
How sure: the mechanism was measured with a Java listener on Linux; that TWS hangs is inferred. If the SYN was sent only
once, the cause is undetermined, because a kernel repeats a SYN that nothing answers.
Sources: gnzsnz/ib-gateway-docker 77 and UnusualAlpha/ib-gateway-docker 52 fit it to the minute.
What to do: check whether ``ss -ltn`` shows Recv-Q 51 and Send-Q 50 on the port; restart TWS or Gateway; find the
program that leaves connections open.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Outcome, Rung, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.commands import lists_packet_filter, queue_is_full
from ibsniff.rules.wording.unanswered import syns_sent, why_in_doubt

LOCAL_FILTER = "a packet filter on this machine drops loopback traffic (rare), or WSL's mirrored mode loses the answer"


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Find a SYN on one machine that nothing answers."""
    connection = conversation.connection
    if conversation.outcome is not Outcome.UNREACHABLE or not connection.same_host:
        return None
    if connection.unreachable is not None:
        return None
    doubt = why_in_doubt(connection)
    return Statement(
        f"{connection.server} is on this machine and does not answer the connection attempt "
        f"({syns_sent(conversation)}). Most likely the program that listens there hangs, and its accept queue is "
        f"full{doubt}.",
        Fault.UNDETERMINED if doubt else Fault.TWS_STATE,
        Confidence.LOW if doubt else Confidence.MEDIUM,
        packets=[moment.packet for moment in connection.syns],
        remedy=f"Run {queue_is_full(connection)} would confirm it. Then restart TWS or Gateway, and find the program "
        "that connects and never closes its connections.",
        alternatives=(
            Alternative(
                LOCAL_FILTER, Fault.NETWORK, f"{lists_packet_filter(connection)}; in WSL capture with `-i any`"
            ),
        ),
        explains=Rung.CONNECTED,
    )
