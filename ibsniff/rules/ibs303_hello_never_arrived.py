"""The hello, or the answer to it, was sent but never acknowledged.

Seen: a complete connection, the client's hello, often retransmitted, and no acknowledgment of it. In a capture made
near the server, it may be the server's answer that is retransmitted again and again.
Meaning: the data did not reach the other machine's kernel, or the way back is broken: TWS had no chance to answer, or
the client did not receive the answer. Possible causes are a firewall that lets the connection through and drops data,
a broken tunnel, or an MTU problem. When the server repeats its SYN-ACK after the client's ACK, and earlier connections
were accepted and never served, its accept queue is full: its kernel drops the ACK and the hello until the program that
listens accepts connections again.
How sure: a kernel that receives data acknowledges it (RFC 9293, 3.8.6.3). This capture does not show where the data
was lost, and a machine that goes to sleep after it accepted the connection looks the same: medium. Undetermined and low
when the server repeats its SYN-ACK and no other connection shows whether its queue is full; a server that served
somebody and left nobody waiting since then has room in it.
What to do: capture on the server's machine too, and check whether the hello arrives; where the accept queue is full,
restart TWS or Gateway.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import opening_packets
from ibsniff.facts.timing import waited_long_enough
from ibsniff.formatting import counted
from ibsniff.model import Alternative, Confidence, Connection, Conversation, Fault, Outcome, Rung, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.commands import queue_is_full
from ibsniff.rules.wording.endings import silence

ENOUGH = 2
"""Connections from another machine that were accepted and not served: a single one may wait for somebody's click."""
LOST_ON_THE_WAY = Alternative(
    "the packets of this connection alone are lost on the way",
    Fault.NETWORK,
    "capture on the server's machine: does the hello arrive there?",
)
QUEUE_IS_FULL = Alternative(
    "the accept queue of the server is full",
    Fault.TWS_STATE,
    "other clients are accepted and not served either, and it works again after a restart of TWS or Gateway",
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """No acknowledgment of the hello."""
    connection = conversation.connection
    if _answer_lost(conversation):
        return Statement(
            f"The server sent its answer {counted(connection.from_server.retransmissions + 1, 'time')}, and the client "
            "never acknowledged it: it was lost on the way back, and the client has not received it.",
            Fault.NETWORK,
            Confidence.MEDIUM,
            packets=opening_packets(conversation),
            remedy="Capture on the client's machine too, and check whether the answer arrives there. Look at "
            "firewalls, tunnels and the MTU.",
            explains=conversation.missing,
        )
    if (
        conversation.outcome is not Outcome.SILENT
        or not _hello_lost(connection)
        or not waited_long_enough(conversation)
    ):
        return None
    sent = f"sent {connection.from_client.retransmissions + 1} times"
    if connection.repeated_syn_acks and not index.related.serves(conversation):
        count, latest = index.related.waiting_before(conversation)
        if latest is not None and count >= (1 if connection.same_host else ENOUGH):
            return _queue_is_full(conversation, count, latest, sent)
        return _queue_or_network(conversation, sent)
    return Statement(
        f"The client's hello, {sent}, was never acknowledged ({silence(conversation)}): it was lost on the way, or "
        "everything that came back was lost.",
        Fault.NETWORK,
        Confidence.MEDIUM,
        packets=opening_packets(conversation),
        remedy="Capture on the server's machine too, and check whether the hello arrives there. Look at firewalls, "
        "tunnels and the MTU.",
        alternatives=(QUEUE_IS_FULL,) if connection.repeated_syn_acks else (),
        explains=conversation.missing,
    )


def _queue_is_full(conversation: Conversation, count: int, latest: Conversation, sent: str) -> Statement:
    connection = conversation.connection
    repeated = counted(len(connection.repeated_syn_acks), "time")
    return Statement(
        f"The client's hello, {sent}, was never acknowledged ({silence(conversation)}), and {connection.server} repeated its "
        f"SYN-ACK {repeated} after the client's ACK, while {counted(count, 'earlier connection')} "
        f"({latest.id} the latest) were accepted and never served: its accept queue is full, because the program that "
        "listens there hangs. This is not a firewall.",
        Fault.TWS_STATE,
        Confidence.MEDIUM,
        packets=(*opening_packets(conversation), *(moment.packet for moment in connection.repeated_syn_acks)),
        remedy=f"Check {queue_is_full(connection)} would confirm it. Then restart TWS or Gateway, and close the connections "
        "that got no answer.",
        alternatives=(LOST_ON_THE_WAY,),
        explains=conversation.missing,
    )


def _queue_or_network(conversation: Conversation, sent: str) -> Statement:
    """The SYN arrived, and neither the ACK nor the hello did; no other connection shows which of the two causes it was."""
    connection = conversation.connection
    repeated = counted(len(connection.repeated_syn_acks), "time")
    return Statement(
        f"The client's hello, {sent}, was never acknowledged ({silence(conversation)}), and {connection.server} repeated its "
        f"SYN-ACK {repeated} after the client's ACK. Either everything after the SYN was lost on the way, or the server's accept "
        "queue is full, because the program that listens there hangs.",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=(*opening_packets(conversation), *(moment.packet for moment in connection.repeated_syn_acks)),
        remedy=f"Check {queue_is_full(connection)} would confirm the second. Otherwise capture on the server's machine too: does "
        "the hello arrive there?",
        alternatives=(LOST_ON_THE_WAY, QUEUE_IS_FULL),
        explains=conversation.missing,
    )


def _hello_lost(connection: Connection) -> bool:
    """The client's kernel retransmitted the hello, and nothing acknowledged it."""
    return connection.from_client.ack_of_first_data is None and connection.from_client.retransmissions > 0


def _answer_lost(conversation: Conversation) -> bool:
    """The server retransmitted its reply, and the client never acknowledged any of it."""
    server = conversation.connection.from_server
    if conversation.outcome is not Outcome.REPLIED or conversation.rung is not Rung.ANSWERED:
        return False
    return server.retransmissions > 0 and server.acked == 0
