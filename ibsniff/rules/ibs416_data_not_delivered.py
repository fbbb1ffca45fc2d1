"""What one side sent did not reach the other.

Seen: bytes that were sent at least three times over 3 s or longer and never acknowledged, while the receiver's window
was open; or bytes that never passed the place of the capture, while the receiver, well after they were sent, still
acknowledges only what came before them.
Meaning: the bytes were lost on the way: a firewall, a tunnel or an MTU that is too small drops them (small packets may
still pass), a connection table on the way lost this connection, or the receiver's machine is suspended or gone. The
program that waits for these bytes waits rightly.
How sure: a kernel that receives data acknowledges it, whatever its program does (RFC 9293, 3.8.6.3). The packets do not
show where on the way the bytes were lost, and a suspended machine looks the same, unless it still sends data on another
connection of the same two: medium. Bytes that were acknowledged
and are not in the capture were not lost on the way: IBS005 reports them.
What else: at the end of a capture, before a RST, and while the receiver's window is closed, a missing acknowledgment
proves nothing, and nothing is reported.
What to do: ping the receiver's machine with short and with long packets; if only short ones are answered, lower the MTU
(the length of the longest packet that an interface sends). Capture there too, and check whether the bytes arrive.
"""

from __future__ import annotations

from ibsniff.facts.delivery import REPEATED_FOR, half_of, unacknowledged, undelivered
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.liveness import unanswered
from ibsniff.formatting import counted, duration, seconds_between
from ibsniff.model import (
    NANOSECONDS,
    Confidence,
    Conversation,
    Evidence,
    Fault,
    Moment,
    Outcome,
    Rung,
    Severity,
    Side,
    Stall,
)
from ibsniff.rules.registry import Statement, cited, conversation_rule
from ibsniff.rules.wording.orders import never_confirmed


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """One side's bytes stay unacknowledged."""
    for side in Side:
        stall = unacknowledged(conversation.connection, side)
        if stall is not None and not _is_reported_elsewhere(conversation, side, stall):
            return _statement(conversation, index, side, stall)
    return None


def _statement(conversation: Conversation, index: CaptureIndex, side: Side, stall: Stall) -> Statement:
    receiver = Side.SERVER if side is Side.CLIENT else Side.CLIENT
    since_ns = stall.since.time_ns + round(REPEATED_FOR * NANOSECONDS)
    beside = index.related.heard_meanwhile(conversation, since_ns) if receiver is Side.SERVER else None
    proof = stall.below if undelivered(conversation.connection, side) is not None else None
    return Statement(
        f"{never_confirmed(conversation)}{_summary(conversation, side, receiver, stall, beside=beside, is_proved=proof is not None)}",
        Fault.NETWORK,
        Confidence.MEDIUM,
        packets=(
            stall.since.packet,
            stall.last.packet,
            proof.packet if proof else None,
            _last_data(beside) if beside is not None else None,
        ),
        remedy=_what_to_do(conversation, receiver, beside),
        explains=conversation.missing,
    )


def _last_data(beside: Conversation) -> Evidence | None:
    return cited(beside, beside.connection.from_server.last_data, "the server still sends data on another connection")


def _what_to_do(conversation: Conversation, receiver: Side, beside: Conversation | None) -> str:
    connection = conversation.connection
    where = connection.server.ip if receiver is Side.SERVER else connection.client.ip
    sizes = (
        f"Ping {where} with 20 and with 1,300 bytes: if only the long packets get no answer, lower the MTU of the VPN's or "
        "tunnel's interface, which is the length of the longest packet that it sends."
    )
    look = f"Look at firewalls, tunnels and VPNs, and capture on {where} too: do these bytes arrive there?"
    return f"{sizes} Otherwise: {look[0].lower()}{look[1:]}" if beside is not None else f"{look} {sizes}"


def _summary(
    conversation: Conversation,
    side: Side,
    receiver: Side,
    stall: Stall,
    *,
    beside: Conversation | None,
    is_proved: bool,
) -> str:
    half = half_of(conversation.connection, side)
    if not stall.repeats:
        gap = next((gap for gap in half.gaps if gap.offset == stall.offset), None)
        amount = counted(gap.length, "byte") if gap else "Bytes"
        return (
            f"{amount} of the {side} were lost before they came to the place of this capture: the {receiver}'s later "
            "packets still ask for them."
        )
    sent = (
        f"The {side} sent {counted(max(half.length - stall.offset, 1), 'byte')} {stall.repeats + 1} times in "
        f"{duration(seconds_between(stall.since, stall.last))}, and the {receiver} "
    )
    if is_proved:
        return f"{sent}never received them: its later packets still ask for them. They were lost on the way."
    if beside is not None:
        return (
            f"{sent}never acknowledged them. Its machine runs, because it still sent data to {beside.id}, from the same client "
            "address. So packets of this connection are lost on the way, perhaps only long ones."
        )
    return (
        f"{sent}never acknowledged them: they were lost on the way, or every answer to them was, or the {receiver}'s "
        "machine is suspended or gone."
    )


def _is_reported_elsewhere(conversation: Conversation, side: Side, stall: Stall) -> bool:
    """The receiver had left before, or a rule on this stage of the handshake or IBS409 says it."""
    ended = conversation.connection.ended
    if ended is not None and ended.by is not side and _is_before(ended.moment, stall.since):
        return True
    if not stall.repeats:
        return False
    is_proved = undelivered(conversation.connection, side) is not None
    if side is Side.CLIENT and not is_proved and unanswered(conversation) is not None:
        return True
    if conversation.dialogue.ready is not None or conversation.outcome is Outcome.JOINED:
        return False
    return side is Side.CLIENT or conversation.rung in (Rung.NOTHING, Rung.CALLED, Rung.CONNECTED, Rung.ANSWERED)


def _is_before(earlier: Moment, later: Moment) -> bool:
    return earlier.packet < later.packet
