"""Sessions that died after they were ready, and beside each the lawful silence that looks nearly like it."""

from __future__ import annotations

import pytest
from field.accusing import accused
from field.thread import short, told
from ib_bytes import frame
from judging import Watch, judge
from rule_wires import local, session, text
from wire import Wire

from ibsniff.model import Confidence, Fault, Report

CLOCK, TOLD = text("49", "1"), text("49", "1", "1790000000")
LONG = Watch(ended=20.0)


def polls(wire: Wire, pauses: list[float], *, every: int = 1) -> Wire:
    """Requests for the time after these pauses, of which each so-manieth is answered (0: none)."""
    for number, pause in enumerate(pauses):
        wire.client(CLOCK, after=pause)
        if every and number % every == 0:
            wire.server(TOLD)
    return wire


def gravity(wire: Wire, watch: Watch = LONG) -> tuple[Fault, Confidence]:
    (conversation,) = judge(wire, watch=watch).conversations
    return conversation.fault, conversation.confidence


# -- requests for the time ------------------------------------------------------------------------------------------------

BEFORE = {
    "a pause of ten minutes": [4.0] * 10 + [600.0] + [4.0] * 9,
    "polls every 20 s": [20.0] * 5,
    "a single one": [4.0],
}


@pytest.mark.parametrize("before", BEFORE)
def test_a_row_that_goes_on_for_long_is_no_limit_whatever_the_pace_before(before: str) -> None:
    wire = polls(polls(session(local()), BEFORE[before]), [4.0] * 5, every=0)
    assert gravity(wire) == (Fault.TWS_STATE, Confidence.MEDIUM)


@pytest.mark.parametrize("row", [1, 2])
def test_one_or_two_requests_soon_after_another_are_lawfully_dropped(row: int) -> None:
    wire = polls(polls(session(local()), BEFORE["a pause of ten minutes"]), [3.0] * row, every=0)
    assert accused(judge(wire, watch=Watch(ended=60.0))) == {}


@pytest.mark.parametrize("every", [2, 5])
def test_where_some_polls_are_answered_a_minute_without_any_is_no_limit(every: int) -> None:
    limited = polls(session(local()), [1.0] * 40, every=every)
    assert accused(judge(limited, watch=Watch(ended=60.0))) == {}
    assert gravity(polls(limited, [1.0] * 60, every=0)) == (Fault.TWS_STATE, Confidence.MEDIUM)


def test_polls_that_became_much_quicker_may_all_be_dropped() -> None:
    """A limit that counts from the latest request drops all of them: only a guess."""
    wire = polls(polls(session(local()), [20.0] * 5), [0.4] * 40, every=0)
    assert gravity(wire) == (Fault.UNDETERMINED, Confidence.LOW)
    assert short(judge(wire, watch=LONG)) == "409"


def test_what_was_asked_in_a_hole_of_the_capture_may_be_why_the_next_is_dropped() -> None:
    wire = polls(polls(session(local()), [4.0]), [0.9] * 20, every=0)
    wire.lose(20)
    for _ in range(10):
        wire.client(CLOCK, after=0.9)
    assert accused(judge(polls(wire, [0.9] * 40, every=0), watch=LONG), guesses=True) == {}


def test_any_number_of_open_requests_does_not_hide_that_nothing_is_answered() -> None:
    """Market data of which nothing comes is lawful; what shows whether TWS is alive is followed all the same."""
    wire = polls(session(local()), [4.0] * 3)
    wire.client(b"".join(text("1", "11", str(number), *[""] * 16) for number in range(1_100)), after=1.0)
    alive = polls(wire, [10.0] * 3)
    assert accused(judge(alive, watch=Watch(ended=4.0))) == {}
    assert accused(judge(polls(alive, [10.0] * 3, every=0), watch=LONG)) == {Fault.TWS_STATE: "IBS409"}


# -- what TWS need not answer at once ----------------------------------------------------------------------------------


def history(number: int) -> bytes:
    return text("20", str(number), *[""] * 20)


def look_ups(answered: int, unanswered: int, pause: float = 25.0) -> Wire:
    wire = session(local())
    for number in range(answered + unanswered):
        wire.client(history(number), after=pause)
        if number < answered:
            wire.server(text("17", str(number), "20260101", "20260102", "0"), after=0.4)
    return wire


def test_a_row_of_look_ups_without_a_byte_is_a_warning_and_no_accusation() -> None:
    report = judge(look_ups(5, 4), watch=LONG)
    assert (short(report), accused(report, guesses=True)) == ("422", {})
    assert gravity(look_ups(5, 4)) == (Fault.UNDETERMINED, Confidence.LOW)
    assert "4 requests REQ_HISTORICAL_DATA for 95 s" in told(report)


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(look_ups(5, 2), id="two"),
        pytest.param(look_ups(0, 4), id="never answered before"),
        pytest.param(look_ups(5, 4, pause=5.0), id="for half a minute"),
        pytest.param(look_ups(5, 4).client(CLOCK, after=1.0).server(TOLD), id="TWS answers the time"),
    ],
)
def test_a_few_look_ups_may_take_their_time(wire: Wire) -> None:
    report = judge(wire, watch=Watch(ended=4.0))
    assert short(report) == ""


def test_what_is_open_is_said() -> None:
    told_so = judge(look_ups(5, 2), watch=LONG).conversations[0].summary
    assert "2 requests asked since then, which it need not answer at once, are open (REQ_HISTORICAL_DATA)" in told_so
    assert "nothing was asked that it must answer" in judge(look_ups(5, 0), watch=LONG).conversations[0].summary


CONTRACT, FOUND, ALL_FOUND = text("9", "8", "7"), text("10", "8", "7", "IBM"), text("52", "1", "7")


@pytest.mark.parametrize(("seconds", "code"), [(60.0, ""), (200.0, "422")])
def test_a_contract_that_is_not_found_for_minutes_among_answers_is_a_warning(seconds: float, code: str) -> None:
    wire = session(local()).client(CONTRACT, after=10.0).server(FOUND).server(ALL_FOUND).client(CONTRACT, after=10.0)
    report = judge(polls(wire, [10.0] * int(seconds / 10)), watch=Watch(ended=1.0))
    assert (short(report), accused(report, guesses=True)) == (code, {})


@pytest.mark.parametrize(("row", "code"), [(2, ""), (6, "422")])
def test_the_time_that_is_not_told_any_more_while_ticks_flow(row: int, code: str) -> None:
    wire = polls(session(local()).client(text("1", "11", "5", *[""] * 16), after=1.0), [4.0] * 5)
    for _ in range(row):
        wire.client(CLOCK, after=4.0).server(text("1", "6", "5", "68", "187.5", "100", "0"), after=0.5)
    wire.server(text("1", "6", "5", "68", "187.5", "100", "0"), after=8.0)
    report = judge(wire, watch=Watch(ended=1.0))
    assert (short(report), accused(report, guesses=True)) == (code, {})


# -- joined when it was dead already --------------------------------------------------------------------------------------


def joined_late(pauses: list[float], watch: Watch = LONG) -> Report:
    """The capture begins at the first of these polls, none of which is answered."""
    before = polls(session(local()), [4.0] * 5)
    first = len(before.frames()) + 1
    return judge(polls(before, pauses, every=0).from_packet(first), watch=watch)


def test_joined_after_it_froze_the_silence_counts_from_the_first_question() -> None:
    report = joined_late([4.0] * 6)
    assert (short(report), accused(report), accused(report, guesses=True)) == (
        "008 409",
        {},
        {Fault.TWS_STATE: "IBS409"},
    )
    assert "at least since the capture began" in told(report)


@pytest.mark.parametrize("pauses", [[4.0], [4.0, 4.0], [0.5] * 30])
def test_a_few_polls_of_a_joined_session_prove_nothing(pauses: list[float]) -> None:
    assert short(joined_late(pauses)) == "008"


# -- the client's messages run into each other -----------------------------------------------------------------------------


@pytest.mark.parametrize("start", [b"\0\0\x10\0" + CLOCK[4:], b"\0\xff\xff\xff" + b"x" * 30, history(7)[:-2]])
def test_a_message_that_swallows_those_after_it_is_the_clients(start: bytes) -> None:
    wire = polls(session(local()), [4.0] * 5).client(start, after=4.0)
    report = judge(polls(wire, [4.0] * 12, every=0), watch=LONG)
    assert (short(report), accused(report)) == ("412", {Fault.CLIENT: "IBS412"})


def test_a_long_message_that_is_still_on_its_way_is_none() -> None:
    body = frame(b"3\0" + b"x" * 3_000)

    def begun() -> Wire:
        return polls(session(local()), [4.0] * 5).client(body[:1_400], after=4.0)

    assert "412" not in short(judge(begun(), watch=LONG))
    assert "412" not in short(judge(polls(begun(), [4.0], every=0), watch=LONG))
    whole = begun().client(body[1_400:], after=12.0)
    assert "412" not in short(judge(polls(whole, [4.0] * 3), watch=Watch(ended=1.0)))


# -- packets lost while capturing -----------------------------------------------------------------------------------------


def test_losses_without_a_time_do_not_hide_a_silence_that_sequence_numbers_prove() -> None:
    """Each later request acknowledges nothing new, so the server had sent nothing."""
    lost = Watch(ended=20.0, dropped=6)
    wire = polls(polls(session(local()), [4.0] * 10), [4.0] * 20, every=0)
    assert gravity(wire, lost) == (Fault.TWS_STATE, Confidence.LOW)
    single = polls(polls(session(local()), [20.0] * 3), [20.0], every=0)
    assert accused(judge(single, watch=lost)) == {}
    assert accused(judge(single, watch=LONG)) != {}
