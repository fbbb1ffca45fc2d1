"""A clock shows instants in UTC or as local time, and reads what people write; a sentence tells times by any clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibsniff.clock import LOCAL_CLOCK, UTC_CLOCK, Clock
from ibsniff.formatting import date_and_time, iso, period, time_of_day
from ibsniff.masking.masker import AccountMasker
from ibsniff.masking.sentence import marked, resolved, sentence, timed
from ibsniff.masking.wire_text import BEGIN, END, WireBytes, WireText
from ibsniff.model import NANOSECONDS
from ibsniff.render.text import Masker, encodable, visible

START_NS = 1_767_605_400 * NANOSECONDS
"""2026-01-05 09:30:00 UTC."""

HOUR_NS = 3600 * NANOSECONDS

CHANGE_NS = round(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp()) * NANOSECONDS
"""Daylight saving time ends in Europe."""

InZone = Callable[[str], None]

MACHINE_AND_SHOWN = [
    ("UTC", "2026-01-05 09:30:00 UTC"),
    ("America/New_York", "2026-01-05 04:30:00 EST"),
    ("Asia/Kolkata", "2026-01-05 15:00:00 IST"),
    ("Asia/Kathmandu", "2026-01-05 15:15:00 +05:45"),
    ("America/Sao_Paulo", "2026-01-05 06:30:00 -03:00"),
]


def test_utc() -> None:
    assert UTC_CLOCK.date_and_time(START_NS) == "2026-01-05 09:30:00 UTC"
    assert UTC_CLOCK.time_of_day(START_NS) == "09:30:00 UTC"


@pytest.mark.parametrize(("zone", "shown"), MACHINE_AND_SHOWN)
def test_local_time_names_its_zone(in_zone: InZone, zone: str, shown: str) -> None:
    in_zone(zone)
    assert LOCAL_CLOCK.date_and_time(START_NS) == shown
    assert LOCAL_CLOCK.time_of_day(START_NS) == shown[11:]
    assert UTC_CLOCK.date_and_time(START_NS) == "2026-01-05 09:30:00 UTC"


def test_a_period_gives_date_and_zone_once_when_both_ends_share_them(in_zone: InZone) -> None:
    in_zone("Europe/Berlin")
    assert UTC_CLOCK.period(START_NS, START_NS + HOUR_NS) == "2026-01-05 09:30:00 to 10:30:00 UTC"
    assert LOCAL_CLOCK.period(START_NS, START_NS + HOUR_NS) == "2026-01-05 10:30:00 to 11:30:00 CET"
    next_day = START_NS + 14 * HOUR_NS
    assert UTC_CLOCK.period(START_NS, next_day) == "2026-01-05 09:30:00 to 23:30:00 UTC"
    assert LOCAL_CLOCK.period(START_NS, next_day) == "2026-01-05 10:30:00 to 2026-01-06 00:30:00 CET"
    assert LOCAL_CLOCK.period(CHANGE_NS - HOUR_NS // 2, CHANGE_NS) == "2026-10-25 02:30:00 CEST to 02:00:00 CET"


def test_a_heading_names_the_zone_unless_the_rows_have_several(in_zone: InZone) -> None:
    in_zone("Europe/Berlin")
    winter = LOCAL_CLOCK.column([START_NS, START_NS + HOUR_NS])
    assert (winter.heading, winter.time_of_day(START_NS)) == ("local time, CET", "10:30:00")
    assert (winter.date_and_time(START_NS), winter.month_and_time(START_NS)) == (
        "2026-01-05 10:30:00",
        "01-05 10:30:00",
    )
    both = LOCAL_CLOCK.column([CHANGE_NS - 1, CHANGE_NS])
    assert (both.heading, both.time_of_day(CHANGE_NS - 1)) == ("local time", "02:59:59 CEST")
    assert (both.month_and_time(CHANGE_NS), both.date_and_time(CHANGE_NS)) == (
        "10-25 02:00:00 CET",
        "2026-10-25 02:00:00 CET",
    )
    assert UTC_CLOCK.column([CHANGE_NS - 1, CHANGE_NS]).heading == "UTC"
    in_zone("UTC")
    assert LOCAL_CLOCK.column([START_NS]).heading == "UTC"


@pytest.mark.parametrize("clock", [UTC_CLOCK, LOCAL_CLOCK])
@pytest.mark.parametrize("time_ns", [2**63, 1000 * 2**64, -(2**63), -64 * 2**64])
def test_times_outside_of_any_calendar_do_not_raise(clock: Clock, time_ns: int) -> None:
    assert clock.date_and_time(time_ns).endswith(" UTC")
    assert clock.time_of_day(time_ns).endswith(" UTC")
    assert clock.period(time_ns, START_NS).endswith("2026-01-05 09:30:00 UTC")
    assert clock.column([time_ns]).month_and_time(time_ns)
    assert isinstance(clock.read_time_of_day(time(9, 30), time_ns), int)


def test_what_people_write_is_read_as_local_time_unless_it_names_a_zone(in_zone: InZone) -> None:
    in_zone("America/New_York")
    assert iso(LOCAL_CLOCK.read(datetime(2026, 1, 5, 4, 30))) == "2026-01-05T09:30:00.000000000Z"
    assert iso(LOCAL_CLOCK.read(datetime(2026, 7, 5, 4, 30))) == "2026-07-05T08:30:00.000000000Z"
    assert LOCAL_CLOCK.read(datetime(2026, 1, 5, 9, 30, tzinfo=UTC)) == START_NS
    assert UTC_CLOCK.read(datetime(2026, 1, 5, 9, 30)) == START_NS
    late = START_NS + 18 * HOUR_NS  # 03:30 on the next day in UTC, 22:30 on the same day in New York
    assert iso(LOCAL_CLOCK.read_time_of_day(time(23), late)) == "2026-01-06T04:00:00.000000000Z"
    assert iso(UTC_CLOCK.read_time_of_day(time(23), late)) == "2026-01-06T23:00:00.000000000Z"


# ---------------------------------------------------------------------------------------------------------------
# In sentences


def test_a_sentence_tells_its_times_by_the_clock_of_its_reader(in_zone: InZone) -> None:
    in_zone("Asia/Kolkata")
    made = sentence(
        f"{date_and_time(START_NS)}: it ended at {time_of_day(START_NS + HOUR_NS)}; {period(START_NS, START_NS)}."
    )
    in_utc = "2026-01-05 09:30:00 UTC: it ended at 10:30:00 UTC; 2026-01-05 09:30:00 to 09:30:00 UTC."
    assert made == in_utc
    assert Masker().visible_line(made) == Masker().encodable(made) == in_utc
    assert visible(marked(made)) == encodable(marked(made)) == in_utc
    assert timed(made, LOCAL_CLOCK) == (
        "2026-01-05 15:00:00 IST: it ended at 16:00:00 IST; 2026-01-05 15:00:00 to 15:00:00 IST."
    )


def test_quotations_stay_marked_where_times_are_written() -> None:
    quoted, told = WireText("U1234567"), time_of_day(START_NS)
    made = timed(f"At {told} it said {quoted:quoted}", LOCAL_CLOCK)
    assert made == f"At 09:30:00 UTC it said {quoted:quoted}"
    assert resolved(made, AccountMasker(())) == "At 09:30:00 UTC it said U*****67"


like_a_time = st.text(st.sampled_from([BEGIN, END, "d", "c", "p", "t", "b", "0", "9", ",", "-"]))


@given(
    like_a_time
    | st.builds("{0}{1}{2},{2}{3}".format, st.just(BEGIN), st.sampled_from("dcp"), st.integers(), st.just(END))
)
def test_nobody_else_can_set_a_time(text: str) -> None:
    spelled_out = text.replace(BEGIN, "\\ufdd0").replace(END, "\\ufdd1")
    for quoted in (WireText(text), WireText(text, is_cut=True)):
        said = f"It said {quoted:quoted} at {time_of_day(START_NS)}"
        assert timed(said, UTC_CLOCK) == f"It said {quoted:quoted} at 09:30:00 UTC"
        assert resolved(said, None) == f"It said {spelled_out} at 09:30:00 UTC"


@given(st.binary(max_size=40))
def test_bytes_cannot_set_a_time_either(raw: bytes) -> None:
    for hostile in (raw, f"{BEGIN}d0,0{END}".encode() + raw):
        said = f"It sent {WireBytes(hostile):quoted}"
        assert timed(said, UTC_CLOCK) == said


@given(st.integers(-(2**70), 2**70), st.integers(-(2**70), 2**70))
def test_any_time_is_written(earlier_ns: int, later_ns: int) -> None:
    for told in (date_and_time(earlier_ns), time_of_day(earlier_ns), period(earlier_ns, later_ns)):
        assert BEGIN not in timed(told, LOCAL_CLOCK)
        assert timed(told, LOCAL_CLOCK) == timed(told, UTC_CLOCK) == sentence(told)
