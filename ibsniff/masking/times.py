"""Times in sentences of ours: marked where the sentence is made, written where it is shown.

A screen shows local time and everything else UTC, which the rules that make the sentences do not know. So a time stands
between the marks that also enclose quotations (`wire_text`). Nobody else can set those, so nobody else can set a time.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache

from ibsniff.clock import Clock
from ibsniff.masking.wire_text import BEGIN, END


class TimeForm(StrEnum):
    """How a time is written; the value is the letter behind the mark, none of those of quotations."""

    DATE_AND_TIME = "d"
    TIME_OF_DAY = "c"
    PERIOD = "p"


def marked_time(form: TimeForm, earlier_ns: int, later_ns: int | None = None) -> str:
    """An instant, or a period, to become part of a sentence."""
    return f"{BEGIN}{form}{earlier_ns},{earlier_ns if later_ns is None else later_ns}{END}"


def with_times(text: str, clock: Clock) -> str:
    """The sentence with its times as this clock shows them; quotations stay marked."""
    if BEGIN not in text:
        return text

    def shown(found: re.Match[str]) -> str:
        earlier_ns, later_ns = int(found[2]), int(found[3])
        match TimeForm(found[1]):
            case TimeForm.PERIOD:
                return clock.period(earlier_ns, later_ns)
            case TimeForm.TIME_OF_DAY:
                return clock.time_of_day(earlier_ns)
            case TimeForm.DATE_AND_TIME:
                return clock.date_and_time(earlier_ns)

    return _marked_times().sub(shown, text)


@cache
def _marked_times() -> re.Pattern[str]:
    return re.compile(f"{BEGIN}([dcp])(-?[0-9]+),(-?[0-9]+){END}")
