"""TWS answered, and late.

Seen: the version reply came more than a second after the hello.
Meaning: TWS answers within milliseconds as a rule. Someone clicked Yes in its dialog meanwhile, or it was busy or just
starting. A client with a short timeout has gone by then.
How sure: the delay is certain; what it was spent on is inferred.
Sources: ib_async 18, SumZeroTrading 11.
What to do: add the client's address to Trusted IPs if a dialog comes up; give the client a longer timeout.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.timing import MINIMUM_WAIT, round_trip
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
    if seconds_between(hello.complete, reply.complete) < MINIMUM_WAIT + round_trip(connection):
        return None
    if connection.from_client.retransmissions or connection.from_server.retransmissions:
        what = f"The answer to the hello took {elapsed(hello.complete, reply.complete)}"
        return Statement(
            f"{what}; packets were lost on the way and sent again, which took its part of that.",
            Fault.NONE,
            Confidence.HIGH,
            packets=(*hello.packets, *reply.packets),
        )
    woke = "it may have been starting, busy or stuck meanwhile"
    if not connection.same_host:
        woke = "someone may have clicked Yes in its dialog meanwhile, or it woke"
    return Statement(
        f"TWS took {elapsed(hello.complete, reply.complete)} to answer the hello; usually it takes milliseconds: {woke}.",
        Fault.NONE,
        Confidence.HIGH,
        packets=(*hello.packets, *reply.packets),
    )
