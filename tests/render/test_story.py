from __future__ import annotations

from itertools import pairwise

import pytest
import rule_wires
from judging import judge
from render.build import facts, ready, refused, report, shown, silent
from render.scenarios import report_of, scenario_names
from wire import Wire

from ibsniff.model import NANOSECONDS, Conversation, Outcome, Report, ServerOutage
from ibsniff.render.screen import ConsoleWriter
from ibsniff.render.sections import story_rows
from ibsniff.render.story import MAX_ENTRIES, MAX_NAMED, Kind, markdown_items, rows, story
from ibsniff.render.text import Masker

START_NS = silent().connection.first.time_ns
HOUR = 3600


def told(of: Report) -> list[str]:
    masker = Masker.for_report(of, show_accounts=False)
    return list(markdown_items(story(of), of, masker.visible_line))


def later(one: Conversation, number: int, seconds: float) -> Conversation:
    """The same conversation, moved in time."""
    connection = one.connection.copy()
    moved = one.connection.first.time_ns + round(seconds * NANOSECONDS)
    connection.first = connection.first._replace(time_ns=moved)
    return one._replace(id=f"c{number}", connection=connection)


def test_a_single_conversation_has_no_story() -> None:
    assert story(report(silent())) == ()
    assert not list(story_rows((), report(silent()), ConsoleWriter(Masker(), ascii_only=False)))


def test_equal_attempts_are_one_entry_with_their_pace() -> None:
    attempts = [later(refused(), number, 5 * number) for number in range(1, 151)]
    (entry,) = story(report(*attempts))
    assert entry.text == "150 connection attempts, every 5 s: refused"
    assert (entry.kind, entry.conversation_count, len(entry.conversations)) == (Kind.FAILED, 150, MAX_NAMED)
    assert entry.until_ns == attempts[-1].connection.first.time_ns


def test_a_session_between_attempts_divides_them() -> None:
    attempts = [later(silent(), number, 60 * number) for number in (1, 2, 4, 5)]
    worked = later(ready(), 3, 180)
    worked.dialogue.ready = worked.connection.first
    kinds = [entry.kind for entry in story(report(*attempts, worked))]
    assert kinds == [Kind.FAILED, Kind.SESSION, Kind.FAILED]


def test_a_long_pause_divides_them_too_unless_it_is_their_pace() -> None:
    two_mornings = [later(silent(), number, at) for number, at in enumerate((0, 60, 120, 24 * HOUR, 24 * HOUR + 60), 1)]
    assert [entry.conversation_count for entry in story(report(*two_mornings))] == [3, 2]
    every_half_hour = [later(silent(), number, number * HOUR / 2) for number in range(1, 40)]
    assert len(story(report(*every_half_hour))) == 1


def test_a_restart() -> None:
    assert told(report_of("restart-of-two")) == [
        "2026-11-20 (UTC): 12:57:34: 2 sessions became ready (c1, c2)",
        "12:57:36 to 12:57:41: outage: the server ended c1, c2; 8 attempts failed "
        "(4 refused, 4 accepted and never answered); then c11 worked",
        "12:57:41: c12: the session became ready; the client ended it 2.4 ms later",
    ]


def test_each_night_of_a_week_is_told_with_its_date() -> None:
    lines = told(report_of("week-of-restarts"))
    assert len([line for line in lines if "outage: the server ended" in line]) == 7
    assert lines[1].startswith("2026-09-22 (UTC): 14:11:40 to 14:13:20: outage: the server ended c1; 4 attempts failed")


def test_an_outage_of_days_says_until_which_day() -> None:
    assert any("until 2026-09-23 14:31:30: outage" in line for line in told(report_of("answered-nobody-for-two-days")))


def test_what_an_outage_tells_is_not_told_again() -> None:
    for name in ("restart-ib-async", "week-of-restarts", "gone-for-good-ib-async"):
        kinds = [entry.kind for entry in story(report_of(name))]
        assert Kind.FAILED not in kinds
        assert Kind.CHANGE not in kinds


def test_the_reason_of_a_refused_session_is_told() -> None:
    assert "12:57:30: c2: refused because the client id was in use (error 326)" in told(report_of("client-id-twice"))


def test_servers_are_named_when_there_are_several() -> None:
    lines = told(report_of("closed-by-relay-socat"))
    assert lines[0].endswith("c1 to 127.0.0.1:4004: accepted and closed without an answer")
    assert lines[1].endswith("c2 to 127.0.0.1:4002: connection attempt refused")


def test_the_middle_of_too_many_is_one_entry() -> None:
    sessions = [later(ready(), number, number * 24 * HOUR) for number in range(1, 31)]
    outages = [
        ServerOutage(
            0,
            sessions[0].connection.server,
            START_NS + day * 24 * HOUR * NANOSECONDS,
            START_NS + (day * 24 * HOUR + 60) * NANOSECONDS,
            (f"c{day}",),
            {Outcome.REFUSED: 3},
            None,
            "",
        )
        for day in range(1, 30)
    ]
    entries = story(report(*sessions)._replace(outages=tuple(outages)))
    assert len(entries) <= MAX_ENTRIES
    assert any(entry.text.startswith("… 25 more outages (100 conversations)") for entry in entries)


def test_several_files_are_told_one_after_the_other() -> None:
    earlier, other = later(silent(), 1, 3600), later(silent(), 2, 0)._replace(input=1)
    both = report(earlier, other)._replace(inputs=(facts(), facts()))
    headings = [row.heading for row in rows(story(both), both) if row.heading]
    assert len(headings) == 4
    assert headings[1] == headings[3] == "2026-01-05 (UTC)"


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_is_told_within_bounds(name: str) -> None:
    of = report_of(name)
    entries = story(of)
    assert len(entries) <= MAX_ENTRIES
    assert bool(entries) is (len(of.conversations) > 1)
    assert all(a.began_ns <= b.began_ns for a, b in pairwise(entries) if a.input == b.input)
    assert len(told(of)) == len(entries)
    writer = ConsoleWriter(Masker.for_report(of, show_accounts=False), ascii_only=True)
    assert all(shown(row, width=80).isascii() for row in story_rows(entries, of, writer))


def test_attempts_that_fail_alike_at_many_servers_are_told_together() -> None:
    silences = [
        rule_wires.silent(
            Wire(f"172.24.46.63:{51000 + n}", f"172.24.32.{1 + n % 12}:7497", start_ns=START_NS + n * 9 * NANOSECONDS)
        )
        for n in range(24)
    ]
    made = judge(*silences)
    (only_entry,) = story(made)
    assert only_entry.text.startswith("24 connections to 12 servers")
    assert len(made.problems) == 1
