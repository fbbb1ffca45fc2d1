"""Comments that record what happened to interfaces and clock during a live capture.

They are written into the statistics blocks of the pcapng file (draft-ietf-opsawg-pcapng, section 3.5, ``opt_comment``),
and our reader evaluates them, so that the file gives the same report as the live capture. Comments of other programs do
not have these forms and are ignored.
"""

from __future__ import annotations

import re

from ibsniff.capture.input_record import InputRecord
from ibsniff.capture.pcapng_interface import MAX_TIME_NS
from ibsniff.model import WireText

NOT_CAPTURED = "not captured: "
"""Followed by what interrupted the capture: a silence may be due to that alone."""
NOTE = "note: "
"""Followed by an event that did not interrupt the capture."""
CLOCK_JUMPED = "clock jumped: "
"""Followed by two times in nanoseconds since the epoch: the expected time, and the time stamp of the next packet."""
INTERFACE_DOWN = "interface down: "
"""Followed by two times in nanoseconds since the epoch: between them nothing was captured on an interface."""
_TWO_TIMES = re.compile(r"([0-9]{1,19}) to ([0-9]{1,19})")
"""At most as many digits as 63 bits need: any program could have written the comment."""

MAX_COMMENTS = 100
"""Comments on events that are kept of one capture: a loose cable may cause two each minute."""
TOO_MANY_COMMENTS = NOTE + "further events on the interfaces are not recorded"


def clock_jumped(before_ns: int, after_ns: int) -> str:
    """Return the comment that the clock was set or the machine slept."""
    return f"{CLOCK_JUMPED}{before_ns} to {after_ns}"


def interface_down(since_ns: int, until_ns: int) -> str:
    """Return the comment that an interface captured nothing for a time."""
    return f"{INTERFACE_DOWN}{since_ns} to {until_ns}"


def apply_comment(record: InputRecord, comment: str, next_packet: int) -> None:
    """Record what one of our comments says; ignore any other."""
    if comment.startswith(NOT_CAPTURED):
        record.lose_interface(f"{WireText(comment.removeprefix(NOT_CAPTURED)):quoted}")
    elif comment.startswith(NOTE):
        record.note(f"{WireText(comment.removeprefix(NOTE)):quoted}")
    elif (times := _times_after(CLOCK_JUMPED, comment)) is not None:
        record.add_clock_jump(next_packet, *times)
    elif (times := _times_after(INTERFACE_DOWN, comment)) is not None:
        record.add_outage(*times)


def _times_after(form: str, comment: str) -> tuple[int, int] | None:
    """Return the two times that follow in a comment of this form; None if it is no such comment."""
    found = _TWO_TIMES.fullmatch(comment.removeprefix(form)) if comment.startswith(form) else None
    if found is None:
        return None
    first_ns, second_ns = map(int, found.groups())
    return (first_ns, second_ns) if max(first_ns, second_ns) <= MAX_TIME_NS else None
