from __future__ import annotations

from collections import Counter

import pytest
from render.build import START_NS, at, error, finding, ready, refused, report, silent, unproven

from ibsniff.model import (
    NANOSECONDS,
    Conversation,
    ErrorTally,
    Fault,
    Report,
    Requests,
    RequestState,
    Severity,
    WatchedBy,
)
from ibsniff.render.live_rows import Health, Order, Row, Shown, chosen, followed, health_of, in_order, rows_of


def ids(rows: list[Row]) -> list[list[str]]:
    return [[one.id for one in row.conversations] for row in rows]


def ended(one: Conversation) -> Conversation:
    one.connection.ended = silent().connection.ended
    return one


def with_finding(severity: Severity) -> Conversation:
    return ready()._replace(findings=(finding("IBS401", severity=severity, explains=None),))


def with_error(code: int) -> Conversation:
    one = ready()
    one.dialogue.errors[code] = ErrorTally(1, [error(code, "text", at(9, 12))])
    return one


def with_rejected_request() -> Conversation:
    one = ready()
    one.dialogue.requests = Requests(Counter({("REQ_MKT_DATA", RequestState.REJECTED): 1}))
    return one


@pytest.mark.parametrize(
    ("one", "health"),
    [
        (ready(), Health.WELL),
        (with_finding(Severity.NOTE), Health.WELL),
        (with_finding(Severity.WARNING), Health.TROUBLED),
        (with_error(2104), Health.WELL),
        (with_error(354), Health.TROUBLED),
        (with_rejected_request(), Health.TROUBLED),
        (ready()._replace(cause=finding("IBS405")), Health.FAILED),
        (silent(), Health.FAILED),
        (refused(), Health.FAILED),
        (refused()._replace(fault=Fault.NONE, cause=None), Health.OVER),
        (unproven(), Health.UNDECIDED),
    ],
)
def test_only_a_session_with_nothing_wrong_is_healthy(one: Conversation, health: Health) -> None:
    assert health_of(one) is health


def test_a_problem_that_several_conversations_share_is_one_of_each() -> None:
    shared = finding("IBS506", severity=Severity.WARNING)._replace(conversations=("c1", "c2"))
    rows = rows_of(report(ready(id="c1"), ready(id="c2"), ready(id="c3"), findings=(shared,)), {})
    assert [row.health for row in rows] == [Health.TROUBLED, Health.TROUBLED, Health.WELL]


def loop(count: int, first: int = 1, every: int = 5) -> list[Conversation]:
    return [silent(id=f"c{n}", began_ns=START_NS + n * every * NANOSECONDS) for n in range(first, first + count)]


def test_attempts_that_went_the_same_way_share_a_row_with_their_pace() -> None:
    (row,) = rows_of(report(*loop(12)), {})
    assert len(row.conversations) == 12
    assert row.interval == 5.0
    assert row.newest.id == "c12"
    assert row.includes("c3")


def test_sessions_that_work_stay_apart_until_they_end() -> None:
    assert ids(rows_of(report(ready(id="c1"), ready(id="c2")), {})) == [["c1"], ["c2"]]
    assert ids(rows_of(report(ended(ready(id="c1")), ended(ready(id="c2"))), {})) == [["c1", "c2"]]


def test_client_ids_and_libraries_stay_apart() -> None:
    other_id, other_library = ended(ready(id="c2")), ended(ready(id="c3"))
    assert other_id.dialogue.start is not None
    assert other_library.dialogue.hello is not None
    other_id.dialogue.start = other_id.dialogue.start._replace(client_id=8)
    other_library.dialogue.hello = other_library.dialogue.hello._replace(max_version=176)
    assert ids(rows_of(report(ended(ready(id="c1")), other_id, other_library), {})) == [["c1"], ["c2"], ["c3"]]


def test_programs_stay_apart_and_attempts_too_short_to_be_seen_belong_to_the_only_one() -> None:
    seen = report(*loop(6))
    assert ids(rows_of(seen, {"c1": "bot", "c2": "other"})) == [["c1"], ["c2"], ["c3", "c4", "c5", "c6"]]
    (row,) = rows_of(seen, {"c2": "bot"})
    assert row.program == "bot"
    assert [one.id for one in row.conversations] == ["c1", "c2", "c3", "c4", "c5", "c6"]


def in_progress(began_s: int) -> Conversation:
    one = unproven(id="c99")
    one.connection.first = one.connection.first._replace(time_ns=START_NS + began_s * NANOSECONDS)
    return one._replace(watched_by=WatchedBy.LIVE)


def test_the_next_attempt_of_a_loop_is_part_of_its_row() -> None:
    (row,) = rows_of(report(*loop(12), in_progress(65)), {})
    assert row.waiting is not None
    assert row.includes("c99")
    assert row.newest.id == "c12", "the sentence is that of the last one that has failed"
    few = rows_of(report(*loop(3), in_progress(65)), {})
    assert ids(few) == [["c1", "c2", "c3"], ["c99"]], "three attempts may be by hand"


def elsewhere(one: Conversation, port: int) -> Conversation:
    one.connection.server = one.connection.server._replace(port=port)
    return one


def mixed() -> Report:
    return report(*loop(6), elsewhere(ready(id="c20"), 4002), elsewhere(silent(id="c21"), 4001), ready(id="c22"))


def test_rows_are_sorted_by_what_is_worst_newest_or_by_server() -> None:
    rows = rows_of(mixed(), {})
    assert [row.newest.id for row in in_order(rows, Order.WORST)] == ["c6", "c21", "c20", "c22"]
    assert next(row.newest.id for row in in_order(rows, Order.NEWEST)) == "c6"
    assert [row.newest.connection.server.port for row in in_order(rows, Order.SERVER)] == [4001, 4002, 7497, 7497]


def test_the_order_stays_while_a_loop_goes_on() -> None:
    other = [elsewhere(one, 7496) for one in loop(6, first=20)]
    before = in_order(rows_of(report(*loop(6), *other), {}), Order.WORST)
    more = elsewhere(silent(id="c90", began_ns=START_NS + 900 * NANOSECONDS), 7497)
    after = in_order(rows_of(report(*loop(6), more, *other), {}), Order.WORST)
    assert [row.newest.connection.server.port for row in before] == [7496, 7497]
    assert [row.newest.connection.server.port for row in after] == [7496, 7497]


def test_problems_the_healthy_or_one_server_are_shown() -> None:
    rows = rows_of(mixed(), {})
    assert [row.newest.id for row in chosen(rows, Shown.PROBLEMS)] == ["c21", "c6"]
    assert {row.newest.id for row in chosen(rows, Shown.HEALTHY)} == {"c20", "c22"}
    server = mixed().conversations[-1].connection.server
    assert {row.newest.id for row in chosen(rows, Shown.SERVER, server)} == {"c6", "c22"}
    assert chosen(rows, Shown.ALL) == rows


def test_what_is_new_is_followed_and_then_the_worst() -> None:
    attempt = ready(id="c50", began_ns=START_NS + 100 * NANOSECONDS)
    rows = rows_of(report(*loop(12), attempt), {})
    soon, later = (followed(rows, START_NS + seconds * NANOSECONDS) for seconds in (110, 200))
    assert soon is not None
    assert later is not None
    assert soon.newest.id == "c50"
    assert later.newest.id == "c12"
    assert followed([], START_NS) is None


def test_the_attempts_of_two_loops_do_not_take_the_screen_from_each_other() -> None:
    shown = set()
    for count in range(6, 20):
        other = [elsewhere(one, 7496) for one in loop(count, first=100, every=7)]
        row = followed(rows_of(report(*loop(count), *other), {}), START_NS + 900 * NANOSECONDS)
        assert row is not None
        shown.add(row.newest.connection.server.port)
    assert len(shown) == 1
