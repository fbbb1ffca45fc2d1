"""Until when the user says that the wire was watched, which a capture may not say itself."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from ibsniff.capture.input_record import InputRecord
from ibsniff.clock import UTC_CLOCK, Clock
from ibsniff.model import NANOSECONDS, ExitCode, UserError

RELATIVE = re.compile(r"\+(\d{1,12}(?:\.\d{1,9})?)s?")
"""Seconds, to the nanosecond; 12 digits are longer than anybody has watched."""


class WatchedUntil(NamedTuple):
    """A moment, or a time after the last packet."""

    time_ns: int | None
    """None when it is counted from the last packet."""
    after_last_packet_ns: int = 0

    def apply_to(self, record: InputRecord) -> None:
        """Add it to what is known of an input that was read to its end."""
        last_ns = record.last_time_ns or 0
        record.vouch(last_ns + self.after_last_packet_ns if self.time_ns is None else self.time_ns)


def watched_until(moment: datetime | timedelta) -> WatchedUntil:
    """A moment, which must have a time zone, or a time after the last packet."""
    if isinstance(moment, timedelta):
        return WatchedUntil(None, _nanoseconds(moment))
    return WatchedUntil(UTC_CLOCK.read(moment))


def parse_watched_until(text: str, clock: Clock = UTC_CLOCK) -> WatchedUntil:
    """Understand ``+SECONDS`` or an ISO 8601 time (of this clock unless it names a zone).

    Raises UserError for anything else.
    """
    if match := RELATIVE.fullmatch(text):
        return WatchedUntil(None, round(float(match[1]) * NANOSECONDS))
    try:
        return WatchedUntil(clock.read(datetime.fromisoformat(text)))
    except (ValueError, OverflowError, OSError):
        raise UserError(
            f"--watched-until {text}: not a time",
            "Give seconds after the last packet, as +10, or a time, as 2026-01-05T09:30:10Z",
            ExitCode.USAGE,
        ) from None


def _nanoseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1) * 1000
