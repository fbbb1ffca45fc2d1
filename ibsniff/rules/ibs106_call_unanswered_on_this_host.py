"""On the same machine the call is not answered at all.

Seen: SYNs over loopback, and nothing comes back.
Meaning: not a firewall as a rule. A program that listens and never accepts fills its queue of waiting connections (51
with Java's default on Linux); from then on the kernel ignores further SYNs. TWS or Gateway hangs, and has for as long
as it took to fill the queue.
How sure: the mechanism was measured with a Java listener on Linux; that TWS hangs is inferred. Called once only, it is
undetermined, as a kernel repeats a call that nothing answers.
Sources: gnzsnz/ib-gateway-docker 77 and UnusualAlpha/ib-gateway-docker 52 fit it to the minute.
What to do: ``ss -ltn`` shows Recv-Q 51 and Send-Q 50 on the port; restart TWS or Gateway; find the program that leaves
connections open.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import duration, seconds
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Outcome, Rung, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.commands import queue_is_full
from ibsniff.rules.wording.unanswered import why_in_doubt

LOCAL_FILTER = Alternative(
    "a packet filter on this machine drops loopback traffic (rare), or WSL's mirrored mode loses the answer",
    Fault.NETWORK,
    "`iptables -L` or `nft list ruleset`; in WSL capture with -i any",
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Nothing comes back on one machine."""
    connection = conversation.connection
    if conversation.outcome is not Outcome.UNREACHABLE or not connection.same_host:
        return None
    if connection.unreachable is not None:
        return None
    once = why_in_doubt(connection)
    watched = duration(seconds(conversation.watched_until_ns - connection.first.time_ns))
    return Statement(
        f"{connection.server} is on this machine and does not answer the call ({connection.syn_count} SYNs in "
        f"{watched}): most likely what listens there hangs, and its queue of waiting connections is full{once}.",
        Fault.UNDETERMINED if once else Fault.TWS_STATE,
        Confidence.LOW if once else Confidence.MEDIUM,
        packets=[moment.packet for moment in connection.syns],
        remedy=f"Look at {queue_is_full(connection)} would confirm it. Then restart TWS or Gateway, and find the program that "
        "connects and never closes.",
        alternatives=(LOCAL_FILTER,),
        explains=Rung.CONNECTED,
    )
