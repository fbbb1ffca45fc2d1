"""Every request comes to its own answer, its end or its error, whatever else is on the wire."""

from __future__ import annotations

import ib_bytes
import pytest
from ib_bytes import protobuf
from ledgers import CLIENT, NUMBERS, SERVER, Session

from ibsniff.ib.followed_requests import MAX_OPEN, MAX_REJECTED, MAX_SHOWING_LIFE
from ibsniff.model import NO_REQUESTS, Moment, RequestState, Side

MARKET_DATA = ("REQ_MKT_DATA", 11, 5, *[""] * 16)


def tick(session: Session, request: int = 5) -> Session:
    return session.answer("TICK_PRICE", 6, request, 1, "187.31", "100", 0)


def test_a_client_that_asks_for_nothing_has_no_requests():
    session = Session()
    assert session.requests is NO_REQUESTS
    session.ask("SET_SERVER_LOGLEVEL", 1, 5).ask("REQ_MARKET_DATA_TYPE", 1, 3).ask("CANCEL_MKT_DATA", 2, 5)
    session.ask("REQ_ACCT_DATA", 2, 0, "").ask("REQ_GLOBAL_CANCEL", 1).ask("REQ_AUTO_OPEN_ORDERS", 1, 1)
    assert session.requests is NO_REQUESTS


def test_a_stream_stays_open_and_knows_its_first_and_last_tick():
    session = tick(tick(tick(Session().ask(*MARKET_DATA)), 6))
    request = session.only
    assert request.name == "REQ_MKT_DATA"
    assert request.number == 5
    assert (request.asked.packet, request.answers) == (5, 2)
    assert (request.first_answer, request.last_answer) == (Moment(6, 6_000_000_000), Moment(8, 8_000_000_000))
    assert session.requests.unanswered == 0
    session.ask("CANCEL_MKT_DATA", 2, 5)
    assert session.states == {"cancelled": 1}


def test_a_snapshot_ends():
    session = tick(Session().ask(*MARKET_DATA)).answer("TICK_SNAPSHOT_END", 1, 5)
    assert session.states == {"answered": 1}


@pytest.mark.parametrize(("code", "state"), [(354, "rejected"), (200, "rejected"), (10090, "open"), (10167, "open"), (2104, "open"), (300, "open")])  # fmt: skip
def test_some_errors_end_a_stream_and_others_are_remarks(code: int, state: str):
    session = Session().ask(*MARKET_DATA).fail(code, 5)
    assert session.states == {state: 1}
    assert session.only.error is not None
    assert session.only.error.code == code
    assert session.requests.unanswered == 0


def test_a_stream_that_ticks_after_its_error_was_not_rejected():
    session = tick(Session().ask(*MARKET_DATA).fail(10089, 5))
    assert session.states == {"open": 1}
    assert not session.requests.rejected
    assert session.only.error is not None
    assert session.only.ended is None


def test_an_error_about_a_number_used_twice_rejects_the_later_request():
    session = tick(Session().ask(*MARKET_DATA)).ask(*MARKET_DATA).fail(102, 5)
    tick(session)
    assert session.states == {"open": 1, "rejected": 1}
    (opened,) = session.requests.open.values()
    (rejected,) = session.requests.rejected.values()
    assert (opened.answers, rejected.answers) == (2, 0)


def test_the_same_number_in_another_kind_of_request_is_another_request():
    session = Session().ask(*MARKET_DATA).ask("REQ_CONTRACT_DATA", 8, 5, *[""] * 17)
    session.answer("CONTRACT_DATA", 5, "AAPL").answer("CONTRACT_DATA_END", 1, 5)
    assert session.states == {"open": 1, "answered": 1}
    assert session.only.name == "REQ_MKT_DATA"
    assert session.only.answers == 0


def test_requests_without_an_id_are_answered_in_their_order():
    session = Session().ask("REQ_POSITIONS", 1).ask("REQ_IDS", 1, 1).ask("REQ_POSITIONS", 1)
    session.answer("POSITION_END", 1)
    assert session.requests.counts["REQ_POSITIONS", RequestState.ANSWERED] == 1
    assert session.requests.counts["REQ_POSITIONS", RequestState.OPEN] == 1
    assert [request.asked.packet for request in session.requests.open.values()] == [6, 7]
    session.answer("NEXT_VALID_ID", 1, 1)
    assert session.requests.unanswered == 1


def test_each_of_several_lists_is_answered_by_itself():
    """Parts belong to the oldest request that is open, as its end marker does."""
    session = Session().ask("REQ_POSITIONS", 1).ask("REQ_POSITIONS", 1)
    session.answer("POSITION_DATA", 3, "A").answer("POSITION_DATA", 3, "A")
    assert [request.answers for request in session.requests.open.values()] == [2, 0]
    session.answer("POSITION_END", 1)
    assert session.answer("POSITION_DATA", 3, "A").only.answers == 1


def test_lists_of_orders_that_share_their_answers_are_answered_in_their_order():
    session = Session().ask("REQ_ALL_OPEN_ORDERS", 1).ask("REQ_OPEN_ORDERS", 1)
    session.answer("OPEN_ORDER", 5).answer("OPEN_ORDER_END", 1)
    assert session.only.name == "REQ_OPEN_ORDERS"
    assert session.only.answers == 0
    assert session.answer("OPEN_ORDER_END", 1).states == {"answered": 2}


def test_an_order_sent_without_a_request_revives_no_rejected_list_of_orders():
    session = Session().ask("REQ_OPEN_ORDERS", 1).fail(321, -1).answer("OPEN_ORDER", 5)
    assert session.states == {"rejected": 1}
    assert session.answer("OPEN_ORDER_END", 1).states == {"answered": 1}  # so the error was about something else


@pytest.mark.parametrize("subscribe", [{}, {1: 0}])
def test_a_subscription_that_is_ended_in_protobuf(subscribe: dict[int, int]):
    """The official client leaves out what is off."""
    number = NUMBERS[CLIENT]["REQ_ACCT_DATA"]
    session = Session(213).send(CLIENT, protobuf(number, {1: 1, 2: "DU1234567"}))
    assert session.states == {"open": 1}
    assert session.send(CLIENT, protobuf(number, {**subscribe, 2: "DU1234567"})).states == {"cancelled": 1}


def test_one_clock_answer_is_enough_for_all_clock_requests_before_it():
    """TWS drops clock requests that come too close together."""
    session = Session().ask("REQ_CURRENT_TIME", 1).ask("REQ_CURRENT_TIME", 1).answer("CURRENT_TIME", 1, 1)
    session.ask("REQ_CURRENT_TIME", 1)
    assert session.states == {"answered": 2, "open": 1}
    assert session.only.asked.packet == 8


def test_what_comes_unasked_after_start_api_answers_nothing():
    session = Session(greeted=False).ask("REQ_IDS", 1, 1).send(SERVER, ib_bytes.ready(178))
    assert session.states == {"open": 1}
    assert session.answer("NEXT_VALID_ID", 1, 1).states == {"answered": 1}


def test_a_number_that_tws_cannot_name():
    """TWS reports errors about these two ids with -1."""
    for number in (2**31 - 1, -(2**31)):
        session = Session().ask("REQ_MKT_DATA", 11, number, *[""] * 16).fail(200, -1)
        assert session.states == {"rejected": 1}


def test_a_refusal_that_names_nothing_is_about_the_oldest_request_without_an_id():
    session = Session().ask(*MARKET_DATA).ask("REQ_IDS", 1, 1).ask("REQ_OPEN_ORDERS", 1).fail(321, -1)
    assert session.requests.counts["REQ_IDS", RequestState.REJECTED] == 1
    assert session.requests.unanswered == 2
    assert Session().ask("REQ_IDS", 1, 1).fail(2104, -1).states == {"open": 1}


# -- orders -------------------------------------------------------------------------------------------------------------


def placed(version: int = 178) -> Session:
    return Session(version).ask("PLACE_ORDER", 7, *[""] * 30)


def status(session: Session, text: str, client: int = 7) -> Session:
    return session.answer("ORDER_STATUS", 7, text, 0, 100, 0, 1, 0, 0, client, "", 0)


@pytest.mark.parametrize("text", ["Filled", "Cancelled", "ApiCancelled", "Inactive"])
def test_an_order_ends_by_its_status(text: str):
    session = placed().answer("OPEN_ORDER", 7, "AAPL")
    assert session.only.answers == 1
    assert status(status(session, "Submitted"), text).states == {"answered": 1}


def test_an_order_that_the_client_cancels_is_cancelled_when_tws_says_so():
    session = status(placed(), "Submitted").ask("CANCEL_ORDER", 1, 7, "")
    assert session.states == {"open": 1}
    assert status(session, "Cancelled").fail(202, 7).states == {"cancelled": 1}
    assert status(placed(), "Submitted").ask("CANCEL_ORDER", 1, 7, "").fail(202, 7).states == {"cancelled": 1}
    assert status(placed().ask("REQ_GLOBAL_CANCEL", 1), "Cancelled").states == {"cancelled": 1}


def test_a_rejected_order_whichever_comes_first():
    assert placed().fail(201, 7).states == {"rejected": 1}
    assert status(placed().fail(201, 7), "Inactive").states == {"rejected": 1}
    assert status(placed(), "Inactive").fail(201, 7).states == {"rejected": 1}
    assert status(placed(), "Cancelled").fail(202, 7).states == {"rejected": 1}


def test_a_remark_does_not_end_an_order():
    assert placed().fail(10349, 7).fail(399, 7).fail(2109, 7).states == {"open": 1}


def test_placing_an_open_order_again_changes_it():
    session = status(placed(), "Submitted").ask("PLACE_ORDER", 7, *[""] * 30)
    assert session.only.modified == 1
    assert session.requests.asked == 1
    assert session.fail(105, 7).states == {"open": 1}
    assert status(session, "Filled").ask("PLACE_ORDER", 7, *[""] * 30).requests.asked == 2


def test_an_order_of_another_client_with_the_same_id():
    assert status(placed(), "Filled", client=3).states == {"open": 1}
    assert status(placed(), "Filled", client=7).states == {"answered": 1}


def test_executions_belong_to_their_order():
    session = placed().answer("EXECUTION_DATA", -1, 7, "265598", "AAPL")
    assert session.only.answers == 1


def test_an_error_about_orders_is_about_the_order():
    session = placed().ask("REQ_MKT_DATA", 11, 7, *[""] * 16).fail(201, 7)
    assert session.requests.counts["PLACE_ORDER", RequestState.REJECTED] == 1
    session = placed().ask("REQ_MKT_DATA", 11, 7, *[""] * 16).fail(354, 7)
    assert session.requests.counts["REQ_MKT_DATA", RequestState.REJECTED] == 1


# -- historical data ------------------------------------------------------------------------------------------------------


DATE_FORMAT = 1
"""The last field but one below server version 124."""


def bars(version: int, keep_up_to_date: int) -> Session:
    leading = [3] if version < 124 else []
    trailing = [keep_up_to_date, ""] if version >= 124 else [""]
    return Session(version).ask("REQ_HISTORICAL_DATA", *leading, 9, *[""] * 18, DATE_FORMAT, *trailing)


@pytest.mark.parametrize("version", [100, 123, 124, 195])
def test_bars_without_an_end_marker_are_the_whole_answer(version: int):
    leading = [3] if version < 124 else []
    session = bars(version, 0).answer("HISTORICAL_DATA", *leading, 9, "a", "b", 0)
    assert session.states == {"answered": 1}


def test_bars_with_an_end_marker():
    session = bars(196, 0).answer("HISTORICAL_DATA", 9, 0)
    assert session.states == {"open": 1}
    assert session.answer("HISTORICAL_DATA_END", 9, "a", "b").states == {"answered": 1}


@pytest.mark.parametrize("version", [124, 178, 200])
def test_bars_that_are_kept_up_to_date_go_on(version: int):
    session = bars(version, 1).answer("HISTORICAL_DATA", 9, "a", "b", 0).answer("HISTORICAL_DATA_END", 9, "a", "b")
    assert session.states == {"open": 1}
    session.answer("HISTORICAL_DATA_UPDATE", 9, 1)
    assert session.only.answers == 3
    assert session.ask("CANCEL_HISTORICAL_DATA", 1, 9).states == {"cancelled": 1}


def test_bars_that_are_kept_up_to_date_in_protobuf():
    session = Session(208)
    session.send(CLIENT, protobuf(NUMBERS[CLIENT]["REQ_HISTORICAL_DATA"], {1: 9, 9: 1}))
    session.send(SERVER, protobuf(NUMBERS[SERVER]["HISTORICAL_DATA_END"], {1: 9}))
    assert session.states == {"open": 1}


# -- what is not known ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", Side)
def test_an_answer_may_lie_in_bytes_that_were_not_captured(side: Side):
    session = tick(Session().ask(*MARKET_DATA)).lose(side)
    assert session.only.may_have_missed
    tick(session)
    session.ask("REQ_CURRENT_TIME", 1).ask("REQ_POSITIONS", 1)
    marked = [request.may_have_missed for request in session.requests.open.values()]
    # the client's first bytes behind a gap may have waited for it, and are read after what the server answered
    assert marked == [True, side is Side.CLIENT, False]


def test_requests_while_the_server_cannot_be_read():
    session = Session().lose(SERVER).ask("REQ_CURRENT_TIME", 1)
    assert session.only.may_have_missed


def test_answers_to_requests_that_were_not_seen_are_ignored():
    session = Session(seen_from_start=False)
    tick(tick(session)).ask("REQ_CURRENT_TIME", 1).answer("POSITION_END", 1).fail(200, 99)
    assert session.states == {"open": 1}
    assert session.answer("CURRENT_TIME", 1, 1).states == {"answered": 1}


def test_an_earlier_packet_answers_no_later_request():
    """It had to wait for a segment before it, and is read after what the client sent in the meantime."""
    session = Session()
    session.packet = 20
    session.ask(*MARKET_DATA)
    session.packet = 9
    tick(session)
    assert session.only.answers == 0


def test_too_many_open_requests_are_counted():
    session = Session()
    for number in range(MAX_OPEN + 3):
        session.ask("REQ_MKT_DATA", 11, number, *[""] * 16)
    assert len(session.requests.open) == MAX_OPEN
    assert session.requests.not_followed == {"REQ_MKT_DATA": 3}
    assert session.requests.asked == MAX_OPEN + 3
    assert min(request.number for request in session.requests.open.values()) == 0


def test_what_shows_life_has_places_of_its_own():
    session = Session()
    for number in range(MAX_OPEN + 3):
        session.ask("REQ_MKT_DATA", 11, number, *[""] * 16)
    for _ in range(MAX_SHOWING_LIFE + 2):
        session.ask("REQ_CURRENT_TIME", 1)
    assert session.requests.counts["REQ_CURRENT_TIME", RequestState.OPEN] == MAX_SHOWING_LIFE
    assert session.requests.not_followed == {"REQ_MKT_DATA": 3, "REQ_CURRENT_TIME": 2}


def test_rejected_requests_are_kept_up_to_a_number():
    session = Session()
    for number in range(MAX_REJECTED + 3):
        session.ask("REQ_MKT_DATA", 11, number, *[""] * 16).fail(200, number)
    assert len(session.requests.rejected) == MAX_REJECTED
    assert session.requests.rejected_beyond == 3
    assert session.states == {"rejected": MAX_REJECTED + 3}
