"""Durations, counts and times of day, in the one form in which all of ibsniff writes them."""

from __future__ import annotations

from datetime import UTC, datetime

from ibsniff.masking.times import TimeForm, marked_time
from ibsniff.model import NANOSECONDS, Moment

# ---------------------------------------------------------------------------------------------------------------
# Durations

NO_TIME = "0 s"


def seconds(nanoseconds: int) -> float:
    """Nanoseconds as seconds."""
    return nanoseconds / NANOSECONDS


def seconds_between(earlier: Moment, later: Moment) -> float:
    """Seconds from one packet to another; negative when the capture's clock stepped back between them."""
    return seconds(later.time_ns - earlier.time_ns)


def duration(length: float) -> str:
    """A number of seconds, as short as its size allows: ``50 µs``, ``4.2 ms``, ``37 ms``, ``2.1 s``, ``3 min 07 s``, ``2 d 04 h``."""
    if length < 0:
        positive = duration(-length)
        return positive if positive == NO_TIME else f"-{positive}"
    if length < 0.000_099_5:
        return _below_100_microseconds(round(length * NANOSECONDS))
    if length < 0.009_95:
        return f"{_one_decimal(length * 1000)} ms"
    if length < 0.999_5:
        return f"{length * 1000:.0f} ms"
    return f"{_one_decimal(length)} s" if length < 59.95 else _from_one_minute(length)


def elapsed(earlier: Moment, later: Moment) -> str:
    """The time from one packet to another, in words."""
    return duration(seconds_between(earlier, later))


def age(length: float) -> str:
    """Whole seconds, minutes, hours or days, rounded down, so that it changes once a second at most: ``7 s``, ``3 min``."""
    whole = max(0, int(length))
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if whole >= size:
            return f"{whole // size} {unit}"
    return f"{whole} s"


def _below_100_microseconds(nanoseconds: int) -> str:
    if nanoseconds < 1000:
        return f"{nanoseconds} ns" if nanoseconds else NO_TIME
    return f"{nanoseconds / 1000:.0f} µs"


def _from_one_minute(length: float) -> str:
    whole = round(length)
    if whole < 120:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(length / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(length / 3600)
    return f"{hours // 24} d {hours % 24:02d} h"


def _one_decimal(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


# ---------------------------------------------------------------------------------------------------------------
# Counts


def counted(number: int, noun: str) -> str:
    """A number of things: ``1 segment``, ``1,024 segments``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


# ---------------------------------------------------------------------------------------------------------------
# Dates and times of day


def iso(time_ns: int) -> str:
    """``2026-01-05T09:30:00.123456789Z``, for programs and logs: always UTC.

    pcapng times have 64 bits: what lies outside the years 1 to 9999 is given as seconds since 1970 (``@...``).
    """
    whole, nanoseconds = divmod(time_ns, NANOSECONDS)
    try:
        return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"
    except (OverflowError, ValueError, OSError):
        return f"@{whole}.{nanoseconds:09d}"


def date_and_time(time_ns: int) -> str:
    """``2026-01-05 09:30:00 UTC``, in a sentence: between marks, so that a screen shows it as local time."""
    return marked_time(TimeForm.DATE_AND_TIME, time_ns)


def time_of_day(time_ns: int) -> str:
    """``09:30:00 UTC``, in a sentence that tells the date elsewhere."""
    return marked_time(TimeForm.TIME_OF_DAY, time_ns)


def period(earlier_ns: int, later_ns: int) -> str:
    """``2026-01-05 09:30:00 to 09:31:00 UTC``, in a sentence: the date is given once when both times share it."""
    return marked_time(TimeForm.PERIOD, earlier_ns, later_ns)
