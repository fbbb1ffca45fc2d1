"""TWS answered late.

Seen: the version reply came more than a second after the hello, besides the time that packets take there and back.
Meaning: TWS usually answers within milliseconds. Someone clicked Yes in its dialog meanwhile, or TWS was busy or had
just started. A client with a short timeout has given up by then.
How sure: the delay is certain; what TWS spent the time on is inferred.
Sources: ib_async 18, SumZeroTrading 11.
What to do: add the client's address to Trusted IPs if a dialog appears; give the client a longer timeout.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.timing import MINIMUM_WAIT, round_trip, time_to_acknowledge
from ibsniff.formatting import elapsed, seconds_between
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.NOTE)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """More than a second passed between hello and reply."""
    hello, reply = conversation.dialogue.hello, conversation.dialogue.reply
    if hello is None or reply is None or not (hello.is_valid and reply.is_whole):
        return None
    connection = conversation.connection
    on_the_way = max(round_trip(connection), time_to_acknowledge(connection))
    if seconds_between(hello.complete, reply.complete) < MINIMUM_WAIT + on_the_way:
        return None
    if connection.from_client.retransmissions or connection.from_server.retransmissions:
        what = f"The answer to the hello took {elapsed(hello.complete, reply.complete)}"
        return Statement(
            f"{what}. Packets were lost on the way and retransmitted, which took part of that time.",
            Fault.NONE,
            Confidence.HIGH,
            packets=(*hello.packets, *reply.packets),
        )
    why = "it may have been starting, busy or stuck meanwhile"
    if not connection.same_host:
        why = "someone may have clicked Yes in its dialog meanwhile, or it may have recovered"
    return Statement(
        f"TWS took {elapsed(hello.complete, reply.complete)} to answer the hello; usually this takes milliseconds: "
        f"{why}.",
        Fault.NONE,
        Confidence.HIGH,
        packets=(*hello.packets, *reply.packets),
    )
