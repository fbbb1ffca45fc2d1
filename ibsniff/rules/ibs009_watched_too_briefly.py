"""The capture does not prove a silence: it ends too early, packets were lost meanwhile, or the interface was down.

Seen: the server has to answer next, and the capture ends a moment later. Or the capture lost packets while the next
step was awaited, or an interface was down, and no later packet shows by its sequence numbers that nothing was missed.
Meaning: a TWS that answers in the next second looks the same. A classic pcap file does not say how long the capture ran
after its last packet: a capture that was stopped while the bot still waits usually has five packets and proves nothing.
How sure: it is certain that nothing is proved.
What to do: let the program give up, or stop it, before you stop the capture; or state how long you watched with
``--watched-until +10``.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import opening_packets
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
    """Find a capture that ended, or lost packets, while the server still had time to answer."""
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
    what = "the program sent data" if connection.from_client.first_data else "the program tried to connect"
    if says_no_end(conversation):
        known = (
            f"the last packet comes {watched} after {what}, and the file does not say how much longer the capture ran"
        )
    else:
        known = f"the capture covers only {watched} after {what}"
    return Statement(
        f"It is certain only that no answer was captured. Whether none came is not decided: {known}. A capture of "
        f"{conversation.patience:g} s or more, or until the program gives up, decides it.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=opening_packets(conversation),
        remedy=f"Capture for longer: start the capture, start the program, wait {conversation.patience:g} s or until "
        "it gives up, stop the program, then stop the capture. If you watched for longer than the file says, read it "
        "with `--watched-until +SECONDS`.",
        explains=conversation.missing,
    )


def _is_awaited(conversation: Conversation) -> bool:
    """Tell whether the next step did not come: an answer, or what the client does after it."""
    connection, outcome = conversation.connection, conversation.outcome
    if outcome is Outcome.UNPROVEN:
        return bool(connection.syn_count)
    return outcome is Outcome.REPLIED and conversation.missing is not None


def _lost(conversation: Conversation) -> Statement:
    packets = sum(loss.packets or 0 for loss in conversation.lost_in_wait)
    was_down = any(loss.packets is None for loss in conversation.lost_in_wait)
    if was_down:
        lost = "an interface was down while the next step was awaited; what seems to be missing may have come then"
    else:
        lost = (
            f"the capture lost {counted(packets, 'packet')} while the next step was awaited; what seems to be missing "
            "may be among them"
        )
    return Statement(
        f"It is certain only that the next step was not captured. Whether it came is not decided: {lost}.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=opening_packets(conversation),
        remedy="Capture again, and keep the interface up while it captures."
        if was_down
        else "Capture again with a filter on the API port and a larger buffer: `tcpdump -B 65536 'tcp port 7497'`.",
        explains=conversation.missing,
    )


def says_no_end(conversation: Conversation) -> bool:
    """Tell whether nothing but the last packet shows how long the capture ran."""
    return conversation.watched_by is WatchedBy.LAST_PACKET
