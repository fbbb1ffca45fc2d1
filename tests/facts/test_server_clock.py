"""TWS states its time and zone: the instant is known where the zone's name means one zone, and is not guessed elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from render.build import connected, conversation, hello, reply

from ibsniff.clock import LOCAL_CLOCK, UTC_CLOCK
from ibsniff.facts.server_clock import ZONES, ServerClock, server_clock
from ibsniff.formatting import iso
from ibsniff.model import NANOSECONDS, Conversation, Dialogue, Moment, WireText
from ibsniff.render.server_clock import server_clock_line

CHRISTMAS = datetime(2026, 12, 24, 14, 45, 3, tzinfo=UTC)
MIDSUMMER = datetime(2026, 6, 24, 14, 45, 3, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def stating(text: str, captured: datetime, took: timedelta = SECOND / 10) -> Conversation:
    """A conversation whose reply states this time, captured then; the connection was made a moment before."""
    replied_ns = round(captured.timestamp() * NANOSECONDS)
    connection = connected()
    connection.first = connection.first._replace(time_ns=replied_ns - round(took.total_seconds() * NANOSECONDS))
    replied = reply()._replace(connection_time=WireText(text), complete=Moment(6, replied_ns))
    return conversation(connection, Dialogue(hello=hello(), reply=replied))


def clock_of(text: str, captured: datetime, took: timedelta = SECOND / 10) -> ServerClock:
    found = server_clock(stating(text, captured, took))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "14:45:03"),
        ("EST", "09:45:03"),
        ("CET", "15:45:03"),
        ("Central Standard Time", "08:45:03"),
        ("China Standard Time", "22:45:03"),
        ("中国标准时间", "22:45:03"),
        ("Mitteleuropäische Zeit", "15:45:03"),
        ("India Standard Time", "20:15:03"),
        ("GMT+05:30", "20:15:03"),
        ("GMT-3", "11:45:03"),
    ],
)
def test_a_zone_that_is_known_gives_the_instant(zone: str, shown: str) -> None:
    found = clock_of(f"20261224 {shown} {zone}", CHRISTMAS)
    assert found.stated_ns is not None
    assert iso(found.stated_ns) == "2026-12-24T14:45:03.000000000Z"
    assert found.ahead_ns == 0


@pytest.mark.parametrize(
    "zone", ["CST", "IST", "BST", "PST", "AST", "SST", "", "here", "GMT+8:99", "Est", "EST\x1b[2J"]
)
def test_a_zone_that_may_mean_several_is_not_guessed(zone: str) -> None:
    found = clock_of(f"20261224 14:45:03 {zone}", CHRISTMAS)
    assert (found.stated_ns, found.offset, found.ahead_ns) == (None, None, 0)
    line = server_clock_line(found, UTC_CLOCK)
    assert line is not None
    assert f"{found.text:quoted}" in line


@pytest.mark.parametrize(
    "text", ["20261324 14:45:03 UTC", "20261224 24:45:03 UTC", "00000000 00:00:00 UTC", "14:45:03", "?"]
)
def test_what_is_no_time_is_quoted(text: str) -> None:
    assert clock_of(text, CHRISTMAS).stated_ns is None


def test_a_reply_without_a_time_states_none() -> None:
    assert server_clock(conversation(connected(), Dialogue(hello=hello()))) is None
    assert server_clock(stating("", CHRISTMAS)) is None


def test_in_summer_the_name_of_standard_time_may_mean_either() -> None:
    assert clock_of("20260624 10:45:03 EST", MIDSUMMER).offset == timedelta(hours=-4)
    assert clock_of("20260624 09:45:03 EST", MIDSUMMER).offset == timedelta(hours=-5)
    assert clock_of("20260624 10:44:33 EST", MIDSUMMER).ahead_ns == pytest.approx(-28.9 * NANOSECONDS)
    assert clock_of("20261224 10:45:03 EST", CHRISTMAS).ahead_ns == 3600 * NANOSECONDS
    assert clock_of("20260624 15:45:03 AEST", MIDSUMMER).offset == timedelta(hours=10)


def test_a_reply_that_took_long_is_no_clock_that_is_behind() -> None:
    late = MIDSUMMER + 40 * SECOND
    assert clock_of("20260624 14:45:03 UTC", late, took=41 * SECOND).ahead_ns == 0
    assert clock_of("20260624 14:45:03 UTC", late).ahead_ns == pytest.approx(-38.9 * NANOSECONDS)


@given(st.text(max_size=80) | st.from_regex(r"[0-9]{8} [0-9]{2}:[0-9]{2}:[0-9]{2} .{1,9}", fullmatch=True))
def test_no_text_raises(text: str) -> None:
    found = server_clock(stating(text, CHRISTMAS))
    assert (found is None) == (not text)
    server_clock_line(found, UTC_CLOCK)


def test_every_name_is_listed_once() -> None:
    assert "EST" in ZONES
    assert not {"CST", "CDT", "IST", "BST", "PST", "AST"} & ZONES.keys()


# ---------------------------------------------------------------------------------------------------------------
# In a line


def line(text: str, captured: datetime) -> str | None:
    from ibsniff.render.text import Masker  # noqa: PLC0415

    said = server_clock_line(clock_of(text, captured), LOCAL_CLOCK)
    return None if said is None else Masker().visible_line(said)


def test_a_clock_that_shows_what_the_readers_shows_is_not_told(in_zone: Callable[[str], None]) -> None:
    assert line("20261224 14:45:03 UTC", CHRISTMAS) is None
    assert line("20261224 14:45:01 UTC", CHRISTMAS + SECOND / 2) is None
    in_zone("America/New_York")
    assert line("20261224 09:45:03 EST", CHRISTMAS) is None
    in_zone("America/Chicago")
    assert line("20261224 08:45:03 CST", CHRISTMAS) is None


def test_a_clock_in_another_zone_is_told(in_zone: Callable[[str], None]) -> None:
    in_zone("Europe/Berlin")
    assert line("20261224 09:45:03 EST", CHRISTMAS) == (
        "TWS's clock: '20261224 09:45:03 EST', which agrees with this capture's (2026-12-24 15:45:03 CET)"
    )
    assert line("20261224 09:42:58 EST", CHRISTMAS) == (
        "TWS's clock: '20261224 09:42:58 EST', 2 min 04 s behind this capture's (2026-12-24 15:45:03 CET)"
    )
    assert line("20261224 08:45:03 CST", CHRISTMAS) == (
        "TWS's clock: '20261224 08:45:03 CST' when this capture's showed 2026-12-24 15:45:03 CET"
    )


def test_a_wrong_clock_in_the_same_zone_is_told() -> None:
    assert line("20261224 14:45:10 UTC", CHRISTMAS) == (
        "TWS's clock: '20261224 14:45:10 UTC', 7 s ahead of this capture's (2026-12-24 14:45:03 UTC)"
    )
