"""TWS answered after the client had closed the connection.

Seen: a valid hello, then the client's FIN or RST, and the version reply after that.
Meaning: TWS was slow: someone had to click Yes in its dialog first, or TWS had just started. The client's timeout was
shorter. Both can be fixed: add the address to Trusted IPs, or raise the client's timeout.
How sure: the order is certain; what TWS spent the time on is inferred. Undetermined when the client waited for less
than a second, or when packets were lost on the way and retransmitted.
Sources: ib_async 18 (the dialog); wboayue/rust-ibapi 761 (just after a restart).
What to do: try again now; give the client a timeout of 10 s or more; add its address to Trusted IPs if it is remote.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import opening_packets
from ibsniff.facts.timing import waited_long_enough
from ibsniff.model import Confidence, Conversation, Fault, Outcome, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.endings import time_between


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """The reply came after the client's FIN or RST."""
    hello, reply = conversation.dialogue.hello, conversation.dialogue.reply
    ended = conversation.connection.ended
    if conversation.outcome is not Outcome.REPLIED or hello is None or reply is None or ended is None:
        return None
    if not (hello.is_valid and reply.is_whole):
        return None
    if ended.by is not Side.CLIENT or ended.moment.time_ns > reply.began.time_ns or conversation.dialogue.start:
        return None
    connection = conversation.connection
    retransmitted = connection.from_client.retransmissions + connection.from_server.retransmissions
    early = not waited_long_enough(conversation) or bool(retransmitted)
    lost = " Packets were lost on the way and retransmitted, which took part of that time." if retransmitted else ""
    trust = "" if conversation.connection.same_host else ", and add its address to Trusted IPs"
    return Statement(
        f"TWS answered {time_between(hello.complete, reply.complete)} after the hello, but the client had closed the "
        f"connection {time_between(ended.moment, reply.complete)} earlier.{lost}",
        Fault.UNDETERMINED if early else Fault.TWS_STATE,
        Confidence.LOW if early else Confidence.MEDIUM,
        packets=(*opening_packets(conversation), *reply.packets),
        remedy=f"Try again: TWS answers now. Give the client a timeout of 10 s or more{trust}.",
        explains=conversation.missing,
    )
