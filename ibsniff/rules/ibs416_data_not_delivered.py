"""What one side sent did not reach the other.

Seen: bytes that were sent at least three times over 3 s or longer and never acknowledged, while the receiver's window
was open; or bytes that never passed the place of the capture, while the receiver, well after they were sent, still
acknowledges only what came before them.
Meaning: the bytes were lost on the way: a firewall, a tunnel or an MTU that is too small drops them (small packets may
still pass), a connection table on the way lost this connection, or the receiver's machine is suspended or gone. The
program that waits for these bytes waits rightly.
How sure: a kernel that receives data acknowledges it, whatever its program does (RFC 9293, 3.8.6.3). The packets do not
show where on the way the bytes were lost, and a suspended machine looks the same: medium. Bytes that were acknowledged
and are not in the capture were not lost on the way: IBS005 reports them.
What else: at the end of a capture, before a RST, and while the receiver's window is closed, a missing acknowledgment
proves nothing, and nothing is reported.
What to do: capture on the receiver's machine too, and check whether the bytes arrive there.
"""

from __future__ import annotations

from ibsniff.facts.delivery import half_of, unacknowledged, undelivered
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.liveness import unanswered
from ibsniff.formatting import counted, duration, seconds_between
from ibsniff.model import Confidence, Conversation, Fault, Moment, Outcome, Rung, Severity, Side, Stall
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.orders import never_confirmed


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """One side's bytes stay unacknowledged."""
    for side in Side:
        stall = unacknowledged(conversation.connection, side)
        if stall is not None and not _is_reported_elsewhere(conversation, side, stall):
            return _statement(conversation, side, stall)
    return None


def _statement(conversation: Conversation, side: Side, stall: Stall) -> Statement:
    receiver = Side.SERVER if side is Side.CLIENT else Side.CLIENT
    proof = stall.below if undelivered(conversation.connection, side) is not None else None
    return Statement(
        f"{never_confirmed(conversation)}{_summary(conversation, side, receiver, stall, is_proved=proof is not None)}",
        Fault.NETWORK,
        Confidence.MEDIUM,
        packets=(stall.since.packet, stall.last.packet, proof.packet if proof else None),
        remedy=f"Capture on the {receiver}'s machine too, and check whether these bytes arrive there. Look at firewalls, "
        "tunnels and VPNs; if only long packets are lost, lower the MTU of the interface.",
        explains=conversation.missing,
    )


def _summary(conversation: Conversation, side: Side, receiver: Side, stall: Stall, *, is_proved: bool) -> str:
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
