"""What befell a capture while it was made: said in words, which its pcapng file carries as comments of statistics blocks.

So that a file tells what the live report told, our reader takes them from there again (draft-ietf-opsawg-pcapng,
section 3.5, ``opt_comment``). Comments of other programs are none of these and change nothing.
"""

from __future__ import annotations

import re

from ibsniff.capture.clock_jumps import MAX_TIME_NS
from ibsniff.capture.input_record import InputRecord

NOT_CAPTURED = "not captured: "
"""What follows says what was not heard; silences may be no more than that."""
NOTE = "note: "
"""What follows is worth knowing and took nothing away."""
CLOCK_JUMPED = "clock jumped: "
"""Two times follow, nanoseconds since the epoch: the first was to come, and the next packet bears the second."""
_TWO_TIMES = re.compile(r"([0-9]{1,19}) to ([0-9]{1,19})")
"""No more digits than 63 bits have: anybody can write such a comment."""

MAX_COMMENTS = 100
"""Kept of one capture: a loose cable makes two a minute."""
TOO_MANY_COMMENTS = NOTE + "more happened to the interfaces than is written down"


def clock_jumped(before_ns: int, after_ns: int) -> str:
    """The comment that the clock was set, or the machine slept."""
    return f"{CLOCK_JUMPED}{before_ns} to {after_ns}"


def apply_comment(record: InputRecord, comment: str, next_packet: int) -> None:
    """Write down what a comment says; anything else is none, and is left alone."""
    if comment.startswith(NOT_CAPTURED):
        record.truncate(comment.removeprefix(NOT_CAPTURED))
    elif comment.startswith(NOTE):
        record.note(comment.removeprefix(NOTE))
    elif comment.startswith(CLOCK_JUMPED) and (times := _TWO_TIMES.fullmatch(comment.removeprefix(CLOCK_JUMPED))):
        before_ns, after_ns = map(int, times.groups())
        if max(before_ns, after_ns) <= MAX_TIME_NS:
            record.add_clock_jump(next_packet, before_ns, after_ns)
