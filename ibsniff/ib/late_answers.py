"""How long TWS left a question unanswered before it answered after all: a hang that ended.

Only questions count that TWS answers by itself within milliseconds, and of requests for the time only those that it cannot
have dropped because another one came just before.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ibsniff.model import NANOSECONDS, LateAnswer, Moment, Request

AT_ONCE = frozenset({"REQ_CURRENT_TIME", "REQ_CURRENT_TIME_IN_MILLIS", "REQ_IDS", "REQ_MANAGED_ACCTS"})
"""Questions about what TWS knows by itself: its clock, its ids, the accounts of the user."""
LATE_NS = 30 * NANOSECONDS
"""Far longer than a busy TWS needs for one of these."""
APART_NS = 2 * NANOSECONDS
"""TWS drops a request for the time that comes within about a second of another one (ib_insync 604 and 479)."""


def late_answer(row: Sequence[Request], before: Moment | None, answered: Moment) -> LateAnswer | None:
    """The wait that this answer ends; None if it is not long, or not known.

    ``row`` are the questions of one name that it answers, in the order they were asked, and ``before`` is when the last one was
    asked that was answered earlier.
    """
    if answered.time_ns - row[0].asked.time_ns < LATE_NS:
        return None
    first = _first_demanding(row, before)
    if first.may_have_missed or answered.time_ns - first.asked.time_ns < LATE_NS:
        return None
    return LateAnswer(first.name, first.asked, answered)


def _first_demanding(row: Sequence[Request], before: Moment | None) -> Request:
    """The first question that TWS had to answer: the only one, the first of several well apart, or else the last."""
    if len(row) == 1:
        return row[0]
    apart = [later for earlier, later in pairwise(row) if _are_apart(earlier.asked, later.asked)]
    if before is None or _are_apart(before, row[0].asked):
        apart.insert(0, row[0])
    return apart[0] if len(apart) > 2 else row[-1]


def _are_apart(earlier: Moment, later: Moment) -> bool:
    return later.time_ns - earlier.time_ns >= APART_NS
