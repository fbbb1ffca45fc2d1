"""The capture does not prove a silence: it ends too early, or lost packets meanwhile.

Seen: the server's turn had come, and the capture stops a moment later. Or the capture lost packets while the next step
was awaited, and no later packet shows by its sequence numbers that nothing was missed.
Meaning: a TWS that answers in the next second looks the same. A classic pcap does not say how long it went on after
its last packet: the usual ticket, stopped while the bot still waits, is five packets and proves nothing.
How sure: certain that nothing is proved.
What to do: let the program give up (or stop it) before stopping the capture; or say how long you watched with
``--watched-until +10``.
"""

from __future__ import annotations

from ibsniff.facts.evidence import opening_packets
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.timing import client_finished
from ibsniff.formatting import counted, duration, seconds
from ibsniff.model import (
    Confidence,
    Conversation,
    Dialect,
    Fault,
    Outcome,
    ReplyKind,
    Severity,
    WatchedBy,
)
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """The server still had time when the capture ended."""
    connection, dialogue = conversation.connection, conversation.dialogue
    if conversation.lost_in_wait and _is_awaited(conversation):
        return _lost(conversation)
    if conversation.outcome is not Outcome.UNPROVEN or not connection.syn_count:
        return None
    if not connection.from_server.segments and connection.from_client.segments > connection.syn_count:
        return None
    if dialogue.hello is not None and dialogue.hello.dialect is Dialect.NOT_CAPTURED:
        return None
    if dialogue.reply is not None and dialogue.reply.kind is ReplyKind.NOT_CAPTURED:
        return None
    watched = duration(seconds(conversation.watched_until_ns - client_finished(conversation).time_ns))
    what = "the program spoke" if connection.from_client.first_data else "the program called"
    if says_no_end(conversation):
        known = f"the file's last packet comes {watched} after {what}, and it does not say how long it went on"
    else:
        known = f"watched for only {watched} after {what}"
    return Statement(
        f"Not proven: {known}; {conversation.patience:g} s or more are needed, or until the program gives up.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=opening_packets(conversation),
        remedy=f"Watch longer: start the capture, start the program, wait {conversation.patience:g} s or until it gives up, stop the "
        "program, then stop the capture. If you did watch longer than the file says, read it with --watched-until "
        "+SECONDS.",
        explains=conversation.missing,
    )


def _is_awaited(conversation: Conversation) -> bool:
    """The next step did not come: an answer, or what the client does after it."""
    connection, outcome = conversation.connection, conversation.outcome
    if outcome is Outcome.UNPROVEN:
        return bool(connection.syn_count)
    return outcome is Outcome.REPLIED and conversation.missing is not None


def _lost(conversation: Conversation) -> Statement:
    return Statement(
        f"Not proven: while the next step was awaited, the capture lost {counted(conversation.lost_in_wait, 'packet')}; "
        "what seems not to have come may be among them.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=opening_packets(conversation),
        remedy="Capture again with a filter on the API port and a larger buffer: tcpdump -B 65536 'tcp port 7497'.",
        explains=conversation.missing,
    )


def says_no_end(conversation: Conversation) -> bool:
    """Nothing but its last packet tells until when the capture went on."""
    return conversation.watched_by is WatchedBy.LAST_PACKET
