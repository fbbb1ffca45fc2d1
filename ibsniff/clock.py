"""Instants as people read them: in UTC, or in the time zone of this machine.

What travels (JSON, Markdown, lines for logs, comments in captures) is in UTC. A screen shows local time, as Wireshark and
the logs of TWS do. The zone is looked up for each instant, so days and daylight saving time are right for each of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

NANOSECONDS = 1_000_000_000

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

LONGEST_ABBREVIATION = 6
"""Letters of a zone's abbreviation; Windows gives whole names instead, in the user's language."""


class Stamp(NamedTuple):
    """One instant as a clock shows it; the parts of date and time of day are empty for one that no calendar has."""

    date: str
    time: str
    zone: str

    def __str__(self) -> str:
        return f"{self.unzoned} {self.zone}"

    @property
    def unzoned(self) -> str:
        """Date and time of day, where the zone is named elsewhere."""
        return f"{self.date} {self.time}".strip()

    @property
    def of_day(self) -> str:
        """The time of day with its zone, where the date is told elsewhere."""
        return f"{self.time} {self.zone}"


class Clock(NamedTuple):
    """A time zone in which instants are shown and read; None is that of this machine."""

    zone: tzinfo | None

    def stamp(self, time_ns: int) -> Stamp:
        """Date, time of day and zone; seconds since 1970 (``@...``) outside the years 1 to 9999."""
        try:
            moment = self._moment(time_ns // NANOSECONDS)
        except (OverflowError, ValueError, OSError):
            whole, nanoseconds = divmod(time_ns, NANOSECONDS)
            return Stamp("", f"@{whole}.{nanoseconds:09d}", "UTC")
        return Stamp(f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}", _zone_name(moment))

    def date_and_time(self, time_ns: int) -> str:
        """``2026-01-05 10:30:00 CET``."""
        return str(self.stamp(time_ns))

    def time_of_day(self, time_ns: int) -> str:
        """``10:30:00 CET``, where the date is told elsewhere."""
        return self.stamp(time_ns).of_day

    def offset(self, time_ns: int) -> timedelta | None:
        """How far this clock is ahead of UTC at that instant; None for one that no calendar has."""
        try:
            return self._moment(time_ns // NANOSECONDS).utcoffset()
        except (OverflowError, ValueError, OSError):
            return None

    def period(self, earlier_ns: int, later_ns: int) -> str:
        """``2026-01-05 10:30:00 to 10:31:00 CET``: date and zone are given once when both times share them."""
        earlier, later = self.stamp(earlier_ns), self.stamp(later_ns)
        begin = earlier.unzoned if earlier.zone == later.zone else str(earlier)
        return f"{begin} to {later.of_day if earlier.date == later.date else later}"

    def column(self, times_ns: Iterable[int]) -> TimeColumn:
        """The times of a table, whose heading names their zone."""
        stamps = [self.stamp(time_ns) for time_ns in times_ns]
        zones, dates = {stamp.zone for stamp in stamps}, {stamp.date for stamp in stamps}
        return TimeColumn(self, zones.pop() if len(zones) == 1 else None, dates.pop() if len(dates) == 1 else None)

    def heading(self, zone: str | None) -> str:
        """What a heading says of the times below it: ``UTC``, ``local time, CET``, or ``local time`` for several zones."""
        if zone == "UTC" or self.zone == UTC:
            return "UTC"
        return "local time" if zone is None else f"local time, {zone}"

    def read(self, moment: datetime) -> int:
        """Nanoseconds since 1970 of a date and time that somebody gave, in this zone unless it says otherwise."""
        if moment.tzinfo is None:
            moment = moment.astimezone() if self.zone is None else moment.replace(tzinfo=self.zone)
        return (moment - EPOCH) // timedelta(microseconds=1) * 1000

    def read_time_of_day(self, of_day: time, on_day_of_ns: int) -> int:
        """Nanoseconds since 1970 of a time of day, on the day that this clock shows at another instant."""
        shown = self.stamp(on_day_of_ns).date
        day = date.fromisoformat(shown) if shown else EPOCH.date()
        return self.read(datetime.combine(day, of_day))

    def _moment(self, seconds: int) -> datetime:
        return datetime.fromtimestamp(seconds, UTC).astimezone(self.zone)


class TimeColumn(NamedTuple):
    """The times of one table: the zone stands in the heading, or in each row if they have several."""

    clock: Clock
    zone: str | None
    date: str | None = None
    """If all times have the same."""

    @property
    def heading_with_date(self) -> str:
        """The same with the date, if all times share it: ``2026-01-05, UTC``."""
        return ", ".join(filter(None, (self.date, self.heading)))

    def shortest(self, time_ns: int) -> str:
        """A time as short as a heading with the date allows."""
        return self.time_of_day(time_ns) if self.date else self.month_and_time(time_ns)

    @property
    def heading(self) -> str:
        """What the heading says of the zone."""
        return self.clock.heading(self.zone)

    def date_and_time(self, time_ns: int) -> str:
        """Date and time of day, as short as the heading allows."""
        stamp = self.clock.stamp(time_ns)
        return stamp.unzoned if self.zone else str(stamp)

    def milliseconds(self, time_ns: int) -> str:
        """``10:30:00.123``."""
        return f"{self.clock.stamp(time_ns).time}.{time_ns // 1_000_000 % 1000:03d}"

    def month_and_time(self, time_ns: int) -> str:
        """``01-05 10:30:00``, where the year is told elsewhere, as short as the heading allows."""
        return self.date_and_time(time_ns)[5:] if self.clock.stamp(time_ns).date else self.time_of_day(time_ns)

    def time_of_day(self, time_ns: int) -> str:
        """The time of day, as short as the heading allows."""
        stamp = self.clock.stamp(time_ns)
        return stamp.time if self.zone else stamp.of_day


UTC_CLOCK, LOCAL_CLOCK = Clock(UTC), Clock(None)


def _zone_name(moment: datetime) -> str:
    """``UTC``, ``CET``, or ``+05:45`` for a zone without an abbreviation in letters."""
    name = moment.tzname() or ""
    if name.isascii() and name.isalpha() and len(name) <= LONGEST_ABBREVIATION:
        return name
    offset = moment.strftime("%z")
    return f"{offset[:3]}:{offset[3:5]}"
