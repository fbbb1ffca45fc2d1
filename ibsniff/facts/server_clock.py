"""What TWS's own clock showed: the version reply states its time and zone, as ``20260105 09:30:00 EST``.

The zone is a name without an offset. It is looked up in a table of names that mean one zone only; any other is left as it
stands, because ``CST`` is the time of Chicago, of Shanghai and of Havana. In summer a name is less certain: TWS has been
seen to state ``20250425 15:23:54 EST``, the time of New York by the name that it has in winter. So in months with daylight
saving time such a name may mean either, and the reading that is closer to the capture's time is taken.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import NamedTuple

from ibsniff.model import NANOSECONDS, Conversation, Moment, WireText

STATED = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) (.{1,60})")
OFFSET = re.compile(r"(?:GMT|UTC)?([+-])([0-9]{1,2})(?::?([0-5][0-9]))?")
"""A zone without a name, as Java and Windows write it: ``GMT+08:00``, ``UTC-5``."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Summer(Enum):
    """In which months a name of standard time may stand for daylight saving time."""

    NEVER = auto()
    NORTHERN = auto()
    SOUTHERN = auto()


SUMMER_MONTHS = {
    Summer.NEVER: frozenset[int](),
    Summer.NORTHERN: frozenset(range(3, 12)),
    Summer.SOUTHERN: frozenset({9, 10, 11, 12, 1, 2, 3, 4}),
}

STANDARD_NAMES: dict[tuple[float, Summer], str] = {
    (-8, Summer.NORTHERN): "Pacific Standard Time",
    (-7, Summer.NORTHERN): "MST|Mountain Standard Time",
    (-6, Summer.NORTHERN): "Central Standard Time",
    (-5, Summer.NORTHERN): "EST|Eastern Standard Time",
    (0, Summer.NORTHERN): "GMT|WET|Greenwich Mean Time|GMT Standard Time|Western European Time",
    (1, Summer.NORTHERN): "CET|MEZ|Central European Time|Central European Standard Time|Mitteleuropäische Zeit"
    "|Mitteleuropäische Normalzeit",
    (2, Summer.NORTHERN): "EET|Eastern European Time|Eastern European Standard Time|Israel Standard Time",
    (10, Summer.SOUTHERN): "AEST|Australian Eastern Standard Time",
    (12, Summer.SOUTHERN): "NZST|New Zealand Standard Time",
}
OTHER_NAMES: dict[float, str] = {
    -7: "PDT|Pacific Daylight Time",
    -6: "MDT|Mountain Daylight Time",
    -5: "Central Daylight Time",
    -4: "EDT|Eastern Daylight Time",
    0: "UTC|Z|Coordinated Universal Time",
    1: "WEST|British Summer Time|Western European Summer Time",
    2: "CEST|MESZ|Central European Summer Time|Mitteleuropäische Sommerzeit",
    3: "EEST|MSK|Eastern European Summer Time|Moscow Standard Time",
    5.5: "India Standard Time",
    8: "HKT|SGT|China Standard Time|Hong Kong Time|Hong Kong Standard Time|Singapore Time|Singapore Standard Time"
    "|中国标准时间|中國標準時間|香港时间|香港時間|新加坡标准时间",
    9: "JST|KST|Japan Standard Time|Tokyo Standard Time|Korea Standard Time|Korean Standard Time|日本標準時",
    11: "AEDT|Australian Eastern Daylight Time",
    13: "NZDT|New Zealand Daylight Time",
}
"""Hours east of Greenwich -> abbreviations and names, as Java and Windows have them in the languages seen so far.

What several zones share is missing: BST, CDT, CST, IST and PST (the Philippines' too), AST and others.
"""

ZONES: dict[str, tuple[float, Summer]] = {
    **{name: found for found, names in STANDARD_NAMES.items() for name in names.split("|")},
    **{name: (hours, Summer.NEVER) for hours, names in OTHER_NAMES.items() for name in names.split("|")},
}


class ServerClock(NamedTuple):
    """What the clock of a server showed when it answered the hello."""

    text: WireText
    """In its own words."""
    replied: Moment
    """When the capture saw it."""
    stated_ns: int | None = None
    """The instant it stated; None if its zone, or its whole form, is not understood."""
    offset: timedelta | None = None
    """Of its zone from UTC."""
    ahead_ns: int = 0
    """How far it is ahead of the capture's clock; negative if it is behind, 0 if they agree as far as can be seen.

    It states whole seconds, of some moment between the beginning of the connection and the reply.
    """


def server_clock(conversation: Conversation) -> ServerClock | None:
    """What the server stated as its time in this conversation; None if it stated none."""
    reply = conversation.dialogue.reply
    if reply is None or not reply.connection_time:
        return None
    text, replied = reply.connection_time, reply.complete
    earliest_ns = min(conversation.connection.first.time_ns, replied.time_ns) - NANOSECONDS
    readings = [
        ServerClock(text, replied, stated_ns, offset, _outside(stated_ns, earliest_ns, replied.time_ns))
        for stated_ns, offset in _readings(text)
    ]
    return min(readings, key=lambda one: abs(one.ahead_ns), default=ServerClock(text, replied))


def _outside(time_ns: int, earliest_ns: int, latest_ns: int) -> int:
    return min(0, time_ns - earliest_ns) or max(0, time_ns - latest_ns)


def _readings(text: WireText) -> list[tuple[int, timedelta]]:
    """The instants that it may mean, each with the offset of its zone."""
    found = STATED.fullmatch(str(text)) if not text.is_cut else None
    if found is None:
        return []
    try:
        shown = datetime(*map(int, found.groups()[:6]), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return []
    return [
        ((shown - offset - EPOCH) // timedelta(microseconds=1) * 1000, offset)
        for offset in _offsets(found[7].strip(), shown.month)
    ]


def _offsets(zone: str, month: int) -> list[timedelta]:
    if numeric := OFFSET.fullmatch(zone):
        distance = timedelta(hours=int(numeric[2]), minutes=int(numeric[3] or 0))
        return [-distance if numeric[1] == "-" else distance]
    if zone not in ZONES:
        return []
    hours, summer = ZONES[zone]
    standard = timedelta(hours=hours)
    return [standard, standard + timedelta(hours=1)] if month in SUMMER_MONTHS[summer] else [standard]
