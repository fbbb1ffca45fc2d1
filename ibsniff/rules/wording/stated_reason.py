"""What TWS said shortly before it closed a connection."""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.facts.session import reason_for_close
from ibsniff.ib import errors
from ibsniff.model import Alternative, Confidence, Conversation, Fault
from ibsniff.rules.wording.alternatives import NO_INTERNET


class Reason(NamedTuple):
    """What TWS said shortly before it closed a connection, and who must act."""

    text: str
    """A sentence."""
    fault: Fault
    confidence: Confidence
    remedy: str
    packet: int
    alternatives: tuple[Alternative, ...] = ()


def stated_reason(conversation: Conversation) -> Reason | None:
    """The reason that TWS gave by an error shortly before it closed; None when it gave none."""
    error = reason_for_close(conversation)
    if error is None:
        return None
    if error.code in errors.PAPER_TRADING_DISCLAIMER:
        return Reason(
            f"TWS reports that the paper trading disclaimer was not accepted (error {error.code})",
            Fault.TWS_STATE,
            Confidence.HIGH,
            "Log in to TWS or Gateway for paper trading, and accept the disclaimer in its window.",
            error.moment.packet,
        )
    return Reason(
        f"TWS had lost its connection to IB's servers just before (error {error.code})",
        Fault.IB,
        Confidence.MEDIUM,
        "Check TWS's status line and the Internet connection of its machine; let the program reconnect with pauses that "
        "grow longer.",
        error.moment.packet,
        (NO_INTERNET,),
    )
