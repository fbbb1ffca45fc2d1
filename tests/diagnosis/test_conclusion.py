"""What is said of a session in which no rule finds a fault, and in which TWS reported errors all the same."""

from __future__ import annotations

import pytest
from field.thread import session
from judging import judge
from render.build import ACCOUNT
from rule_wires import asked, said
from wire import Wire

from ibsniff.model import Fault
from ibsniff.render.markdown import markdown


def summary(*errors: tuple[int, str]) -> str:
    wire = session(Wire())
    for code, text in errors:
        wire.server(said(code, text, request=-1), after=1.0)
    verdict = judge(wire).verdict
    assert verdict is not None
    assert verdict.fault is Fault.NONE
    return verdict.summary.partition("(server version 178).")[2]


def test_an_error_that_no_rule_tells_is_in_the_sentence() -> None:
    """Its number is one that programs cause in the normal course of things."""
    assert summary((300, "no such id")) == ' TWS reported error 300 ("no such id").'
    assert summary((300, "no"), (300, "no")) == ' TWS reported error 300 ("no", 2 times).'
    assert summary((300, "")) == " TWS reported error 300 (once)."


def test_a_warning_that_nobody_knows_is_told_too() -> None:
    assert summary((2199, "a")) == ' TWS reported error 2199 ("a").'


def test_of_many_numbers_the_first_are_told() -> None:
    many = summary(*((2190 + number, "x") for number in range(5)))
    assert many == ' TWS reported error 2190 ("x"), error 2191 ("x") and 3 other error numbers.'


@pytest.mark.parametrize("code", [2104, 2106, 2158, 1102, 10167])
def test_notices_and_remarks_are_not(code: int) -> None:
    assert not summary((code, "Market data farm connection is OK:usfarm"))


def test_a_connection_that_was_lost_and_came_back() -> None:
    lost = " TWS lost its connection to IB's servers (error 1100) and had it back 1 s later."
    assert summary((1100, "lost"), (1102, "back")) == lost
    with_data = summary((1100, "lost"), (1101, "data lost"))
    assert (
        with_data
        == f"{lost} Subscriptions to market data were lost with it (error 1101): the program must make them again."
    )
    assert summary((2103, "broken:usfarm"), (2104, "OK:usfarm")) == (
        " TWS lost its connection to a data farm of IB (error 2103) and had it back 1 s later."
    )


def test_no_data_is_an_answer() -> None:
    nothing = (162, "Historical Market Data Service error message:HMDS query returned no data: IBM@SMART Trades")
    assert summary(nothing) == " TWS had no data for 1 request (error 162)."
    assert summary((300, "no"), nothing, nothing) == (
        ' TWS reported error 300 ("no"). TWS had no data for 2 requests (error 162).'
    )


def test_an_account_in_the_text_is_masked() -> None:
    wire = session(Wire()).server(said(9999, f"for {ACCOUNT}", request=-1))
    assert ACCOUNT not in markdown(judge(wire))
    assert ACCOUNT not in summary((2199, f"for {ACCOUNT}"))


def test_how_many_of_the_requests_were_rejected() -> None:
    wire = session(Wire()).client(asked("REQ_MKT_DATA", 4)).client(asked("REQ_MKT_DATA", 5))
    verdict = judge(wire.server(said(354, "no", request=5))).verdict
    assert verdict is not None
    assert verdict.summary.startswith("The session works. TWS rejected 1 of 2 requests: REQ_MKT_DATA 5 (error 354: no)")
