"""The hello, or the answer to it, was sent and never acknowledged.

Seen: a complete connection, the client's hello, often sent again, and no acknowledgment of it. Captured near the server
it may be the server's answer that is sent again and again.
Meaning: it did not reach the other's kernel, or the way back is broken: TWS had no chance to answer, or the client none
to hear it. A firewall that lets the connection through and drops data, a broken tunnel, or an MTU problem.
How sure: a kernel that receives data acknowledges it (RFC 9293, 3.8.6.3); where it was lost is not to be seen here, and a
machine that falls asleep after it has accepted looks the same: medium.
What to do: capture on the server's machine too, and see whether the hello arrives.
"""

from __future__ import annotations

from ibsniff.facts.evidence import opening_packets
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.timing import waited_long_enough
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Connection, Conversation, Fault, Outcome, Rung, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.durations import silence


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """No acknowledgment of the hello."""
    connection = conversation.connection
    if _answer_lost(conversation):
        return Statement(
            f"The server answered, sent that {counted(connection.from_server.retransmissions + 1, 'time')}, and the client "
            "never acknowledged it: it was lost on the way back, the client has not heard it.",
            Fault.NETWORK,
            Confidence.MEDIUM,
            packets=opening_packets(conversation),
            remedy="Capture on the client's machine too: does the answer arrive there? Look at firewalls, tunnels and MTU.",
            explains=conversation.missing,
        )
    if (
        conversation.outcome is not Outcome.SILENT
        or not _hello_lost(connection)
        or not waited_long_enough(conversation)
    ):
        return None
    sent = f"sent {connection.from_client.retransmissions + 1} times"
    return Statement(
        f"The client's hello, {sent}, was never acknowledged ({silence(conversation)}): it was lost on the way, or all "
        "that came back was.",
        Fault.NETWORK,
        Confidence.MEDIUM,
        packets=opening_packets(conversation),
        remedy="Capture on the server's machine too: does the hello arrive there? Look at firewalls, tunnels and MTU.",
        explains=conversation.missing,
    )


def _hello_lost(connection: Connection) -> bool:
    """The client's kernel sent it again and again."""
    return connection.from_client.ack_of_first_data is None and connection.from_client.retransmissions > 0


def _answer_lost(conversation: Conversation) -> bool:
    """The server says the same again and again, and the client goes on as if it had said nothing."""
    server = conversation.connection.from_server
    if conversation.outcome is not Outcome.REPLIED or conversation.rung is not Rung.ANSWERED:
        return False
    return server.retransmissions > 0 and server.acked == 0
