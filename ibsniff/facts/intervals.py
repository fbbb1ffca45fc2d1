"""Numbers, times and conversations that are searched thousands of times, so no search may look at all of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from heapq import heappop, heappush
from itertools import accumulate
from typing import NamedTuple

from ibsniff.model import Conversation


class RangeMinimum:
    """A list of numbers that finds the minimum of any range: a sparse table of the ranges of 1, 2, 4, 8 ... numbers."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._levels = [list(numbers)]
        length = 1
        while 2 * length <= len(self._levels[0]):
            halves = self._levels[-1]
            self._levels.append(list(map(min, halves, halves[length:])))
            length *= 2

    def between(self, first: int, end: int) -> int | None:
        """The smallest number from the index ``first`` up to, but not including, ``end``; None for an empty range."""
        if first >= end:
            return None
        level = (end - first).bit_length() - 1
        return min(self._levels[level][first], self._levels[level][end - (1 << level)])


class Timeline:
    """Numbers, each with a time."""

    def __init__(self, marks: Iterable[tuple[int, int]]) -> None:
        """``marks`` are pairs of a time and a number."""
        ordered = sorted(marks)
        self._times_ns = [time_ns for time_ns, _ in ordered]
        self._numbers = RangeMinimum(number for _, number in ordered)

    def least(self, from_ns: int, until_ns: int) -> int | None:
        """The smallest number from one time to another, both included."""
        return self._numbers.between(bisect_left(self._times_ns, from_ns), bisect_right(self._times_ns, until_ns))


class CaptureOrder:
    """Conversations in the order of the capture, which is not their order in time when the clock steps back."""

    def __init__(self, conversations: list[Conversation]) -> None:
        self.first, self.last = conversations[0], conversations[-1]
        self._conversations = conversations
        earliest = accumulate((one.connection.first.time_ns for one in conversations), min)
        self._ascending = [-time_ns for time_ns in earliest]

    def first_before(self, time_ns: int) -> Conversation | None:
        """The first conversation that began before that time."""
        place = bisect_right(self._ascending, -time_ns)
        return self._conversations[place] if place < len(self._conversations) else None


class Interval(NamedTuple):
    """From one time until another; the end is not part of it."""

    from_ns: int
    until_ns: float
    """Infinite when it has no end."""

    def covers(self, time_ns: int) -> bool:
        """Tell whether that time lies in the interval."""
        return self.from_ns <= time_ns < self.until_ns


def first_that_covers(intervals: Iterable[tuple[Interval, int]], times_ns: Iterable[int]) -> dict[int, int]:
    """For each time that lies in an interval, the smallest number of the intervals it lies in."""
    coming = sorted(intervals, reverse=True)
    begun: list[tuple[int, float]] = []
    found: dict[int, int] = {}
    for time_ns in sorted(set(times_ns)):
        while coming and coming[-1][0].from_ns <= time_ns:
            interval, number = coming.pop()
            heappush(begun, (number, interval.until_ns))
        while begun and begun[0][1] <= time_ns:
            heappop(begun)
        if begun:
            found[time_ns] = begun[0][0]
    return found
