"""The stand-ins that may be published in the place of account numbers.

A capture that is shared must not name anybody's account. A stand-in keeps the letters and the length of the account it
replaces, so that no message changes its size. Its digits begin with four zeros; the others number the accounts of one
capture: ``DU0000001``, ``DU0000002``, ``DUK000001``.
"""

from __future__ import annotations

import re

KIND = r"D?[UFI][A-Z]?"
"""The letters in front: U (an account), F and I (advisor, broker), with D before them on paper; newer paper accounts have
a third letter, as in DUK. `ibsniff.masking` knows what else looks like an account."""

STAND_IN = re.compile(rf"{KIND}0{{4}}\d{{1,5}}[A-Z]?")
"""The one form of a stand-in.

Four zeros, because the number of a paper account with three letters has six digits and may begin with a zero: one in ten
thousand of those would pass for a stand-in. Others that were seen in public code begin with no zero.
"""


def is_stand_in(account: str) -> bool:
    """Tell whether an account number is a stand-in, which anybody may publish."""
    return STAND_IN.fullmatch(account) is not None


def stand_in(account: str, number: int) -> str:
    """Make the stand-in for an account: its letters and length, and a number of one digit to five.

    Raises ValueError when the account or the number does not fit the form.
    """
    parts = re.fullmatch(rf"({KIND})(\d+)([A-Z]?)", account.upper())
    made = f"{parts[1]}{number:0{len(parts[2])}d}{parts[3]}" if parts else ""
    if len(made) != len(account) or not is_stand_in(made):
        raise ValueError(f"no stand-in number {number} for an account of {len(account)} characters")
    return made
