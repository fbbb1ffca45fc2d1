"""Why an order was rejected, where the text of error 201 says it in words that are known.

The number 201 stands for every reason. Its text begins ``Order rejected - reason:`` and goes on in IB's own words.
"""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.ib import errors
from ibsniff.model import Fault, WireError, WireText


class RejectionReason(NamedTuple):
    """A reason for which IB rejects orders."""

    phrases: tuple[str, ...]
    """Any of them, in the text of the error."""
    fault: Fault
    advice: str
    """A sentence or two."""
    source: str


REASONS = (
    RejectionReason(
        ("equity with loan value", "must exceed the initial margin", "must exceed the margin req", "initial margin of"),
        Fault.IB,
        "The account has too little equity for the margin of this order. Place a smaller order, or add funds.",
        "ib_insync 704; texts of error 201 in public logs",
    ),
    RejectionReason(
        ("available funds", "insufficient funds", "insufficient cash"),
        Fault.IB,
        "The account has too little money for this order. Place a smaller order, or add funds.",
        "texts of error 201 in public logs",
    ),
    RejectionReason(
        ("trading permission", "no permission to trade"),
        Fault.IB,
        "The account may not trade this. Request the trading permission in IB's Client Portal.",
        "texts of error 201 in public logs",
    ),
)


def reason_of(error: WireError) -> RejectionReason | None:
    """The reason that the text of an error 201 names; None if it is another error, or names none that is known."""
    return reason_in(error.text) if error.code == errors.ORDER_REJECTED else None


def reason_in(text: WireText) -> RejectionReason | None:
    """The reason that a text names."""
    return next((one for one in REASONS if any(map(text.mentions, one.phrases))), None)
