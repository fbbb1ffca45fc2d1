"""An error of TWS that nothing else explains is told, and what programs cause in the normal course of things is not."""

from __future__ import annotations

import ib_bytes
import pytest
from field.thread import session, short
from judging import Watch, codes, findings, judge
from rule_wires import asked, said, status, ticks
from wire import Wire

from ibsniff.ib.error_table import all_errors
from ibsniff.model import Confidence, Fault, Finding, Severity
from ibsniff.rules.wording.rejections import advice_on


def reported(wire: Wire) -> Finding:
    (finding,) = findings(judge(wire))
    assert (finding.code, finding.severity) == ("IBS425", Severity.WARNING)
    return finding


# -- told -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "number", "fault", "confidence"),
    [
        (354, 9, Fault.IB, Confidence.MEDIUM),
        (10168, 9, Fault.IB, Confidence.MEDIUM),
        (200, 9, Fault.CLIENT, Confidence.MEDIUM),
        (101, 9, Fault.CLIENT, Confidence.MEDIUM),
        (321, 9, Fault.CLIENT, Confidence.MEDIUM),
        (321, -1, Fault.UNDETERMINED, Confidence.LOW),
        (354, -1, Fault.IB, Confidence.LOW),
        (200, -1, Fault.CLIENT, Confidence.LOW),
        (162, 9, Fault.UNDETERMINED, Confidence.LOW),
        (420, 9, Fault.UNDETERMINED, Confidence.LOW),
        (201, 9, Fault.UNDETERMINED, Confidence.LOW),
        (9999, 9, Fault.UNDETERMINED, Confidence.LOW),
        (326, -1, Fault.UNDETERMINED, Confidence.LOW),
        (10141, -1, Fault.TWS_CONFIG, Confidence.LOW),
    ],
)
def test_who_must_act_follows_from_the_number(code: int, number: int, fault: Fault, confidence: Confidence) -> None:
    """The capture does not show the request: it was asked before, or by nobody that is seen."""
    finding = reported(session(Wire()).server(said(code, "a text", request=number)))
    assert (finding.fault, finding.confidence) == (fault, confidence)
    assert f"TWS reported error {code}: a text" in finding.summary
    assert finding.remedy.startswith(f"Error {code}: ")


def test_what_is_sure_and_what_is_not_is_said() -> None:
    wire = session(Wire()).server(said(354, "not subscribed", request=4) * 2 + said(354, "not subscribed", request=5))
    assert reported(wire).summary == (
        "The session works. TWS reported error 354: not subscribed (3 times, requests 4, 5). That TWS reported it is certain; "
        "whether your program needs what it is about, the packets do not show."
    )


def test_every_packet_with_such_an_error_is_cited() -> None:
    wire = session(Wire())
    for _ in range(3):
        wire.server(said(354, "no", request=4), ack=False)
    wire.server(said(10168, "no", request=5))
    report = judge(wire)
    assert codes(report) == {"IBS425"}
    (one,) = report.conversations
    errors = [error for tally in one.dialogue.errors.values() for error in tally.examples if error.request >= 0]
    (finding,) = findings(report)
    assert [*finding.packets] == sorted(error.moment.packet for error in errors)
    assert len(finding.packets) == 4


def test_several_numbers_accuse_nobody_if_they_disagree() -> None:
    wire = session(Wire()).server(said(354, "no", request=4) + said(200, "none", request=5))
    finding = reported(wire)
    assert (finding.fault, finding.confidence) == (Fault.UNDETERMINED, Confidence.LOW)
    assert "error 354: no (request 4) and error 200: none (request 5)" in finding.summary


def test_of_many_numbers_the_first_are_named() -> None:
    finding = reported(session(Wire()).server(b"".join(said(20_000 + code, "x") for code in range(30))))
    assert "error 20002: x and 27 other error numbers" in finding.summary
    assert len(finding.packets) <= 20


def test_a_session_that_was_joined_is_judged_too() -> None:
    wire = session(Wire()).client(asked("REQ_MKT_DATA")).server(ticks()).server(said(354, "no", request=70))
    assert codes(judge(wire.from_packet(9))) == {"IBS008", "IBS425"}


def test_an_error_is_told_beside_the_rejection_of_another_number() -> None:
    wire = (
        session(Wire()).client(asked("REQ_MKT_DATA")).server(said(354, "no", request=7) + said(420, "no", request=70))
    )
    assert short(judge(wire)) == "421 425"


# -- not told ---------------------------------------------------------------------------------------------------------

LAWFUL = {
    "the query was cancelled": said(162, "Historical Market Data Service error message:API historical data query cancelled: 9"),
    "the scanner was cancelled": said(162, "Historical Market Data Service error message:API scanner subscription cancelled"),
    "there is no data": said(162, "Historical Market Data Service error message:HMDS query returned no data: IBM@SMART"),
    "an order was cancelled": said(202, "Order Canceled - reason:", request=9),
    "a part of the data": said(10090, "Part of requested market data is not subscribed.", request=9),
    "a part for the API": said(10091, "Part of requested market data requires additional subscription for API.", request=9),
    "delayed data": said(10167, "Displaying delayed market data.", request=9),
    "a remark on an order": said(399, "Order Message: Warning: your order will not be placed until 09:30", request=9),
    "a time in force": said(10349, "Order TIF was set to DAY based on order preset.", request=9),
    "a date without a zone": said(2174, "Warning: You submitted request with date-time attributes without time zone"),
    "a warning that is not known": said(2199, "a warning of a later version"),
    "subscriptions lost, and none seen": said(1101, "Connectivity has been restored - data lost"),
}  # fmt: skip


@pytest.mark.parametrize("name", LAWFUL)
def test_what_is_usual_is_not_told(name: str) -> None:
    assert codes(judge(session(Wire()).server(LAWFUL[name]))) == set()


@pytest.mark.parametrize("code", [104, 135, 136, 137, 161, 300, 310, 365, 366, 10147, 10148, 10280, 10284])
def test_what_came_too_late_is_not_told(code: int) -> None:
    assert codes(judge(session(Wire()).server(said(code, "not found: 9", request=9)))) == set()


@pytest.mark.parametrize("code", [100, 320, 1100, 1300, 2103, 2105, 2110, 2157, 10197])
def test_what_a_rule_of_its_own_tells_is_not_told_again(code: int) -> None:
    found = codes(judge(session(Wire()).server(said(code, "a text:usfarm"))))
    assert found
    assert "IBS425" not in found


@pytest.mark.parametrize("name", ["PLACE_ORDER", "REQ_MKT_DATA"])
@pytest.mark.parametrize("code", [code for code, one in all_errors().items() if one.is_sent_by_tws])
def test_no_error_about_a_request_that_is_seen_is_told_twice(code: int, name: str) -> None:
    wire = session(Wire()).client(asked(name)).server(said(code, "a text: x", request=7))
    told = {one.code for one in findings(judge(wire)) if one.severity is not Severity.NOTE}
    assert "IBS425" not in told or told == {"IBS425"}


@pytest.mark.parametrize("request_name", ["REQ_MKT_DATA", "PLACE_ORDER"])
def test_a_rejection_is_not_told_again(request_name: str) -> None:
    wire = session(Wire()).client(asked(request_name)).server(said(201, "no", request=7))
    assert short(judge(wire)) == ("420" if request_name == "PLACE_ORDER" else "421")


def test_a_refused_change_is_not_told_again() -> None:
    wire = session(Wire()).client(asked("PLACE_ORDER")).server(status(7, "Submitted")).client(asked("PLACE_ORDER"))
    assert short(judge(wire.server(said(105, "does not match", request=7)))) == "420"


def test_a_refused_change_beside_a_rejected_order_is_told_here() -> None:
    """IBS420 tells of rejected orders first."""
    wire = session(Wire()).client(asked("PLACE_ORDER")).server(status(7, "Submitted")).client(asked("PLACE_ORDER"))
    wire.server(said(105, "does not match", request=7)).client(asked("PLACE_ORDER", 8))
    assert short(judge(wire.server(said(201, "no margin", request=8)))) == "420 425"


def test_an_order_cancelled_for_a_reason_is_told_unless_the_client_cancels() -> None:
    reason = said(202, "Order Canceled - reason:The exchange does not accept it", request=9)
    assert short(judge(session(Wire()).server(reason))) == "425"
    assert short(judge(session(Wire()).client(ib_bytes.text(178, 4, 1, 9, "")).server(reason))) == ""


def test_refusals_of_a_read_only_api_are_told_by_its_rule() -> None:
    wire = session(Wire()).server(said(321, "The API interface is currently in Read-Only mode."))
    assert short(judge(wire.server(said(321, "Error validating request.-'cc' : cause - Invalid")))) == "401"


def test_a_refusal_that_delayed_data_took_back_is_not_told_after_it_was_cancelled() -> None:
    wire = session(Wire()).client(asked("REQ_MKT_DATA")).server(said(10089, "Delayed data is available.", request=7))
    wire.server(ticks(), after=0.3)
    assert short(judge(wire)) == ""
    assert short(judge(wire.client(ib_bytes.text(178, 2, 2, 7)))) == ""


@pytest.mark.parametrize(("lost", "rule"), [(1100, "403"), (2157, "410")])
def test_what_failed_while_ib_could_not_be_reached_is_told_by_that(lost: int, rule: str) -> None:
    wire = session(Wire()).server(said(lost, "broken:secdefil")).server(said(200, "No security definition", request=9))
    assert short(judge(wire)) == rule


def test_what_has_nothing_to_do_with_a_lost_connection_is_told_beside_it() -> None:
    wire = session(Wire()).server(said(1100, "lost")).server(said(354, "not subscribed", request=9))
    assert short(judge(wire)) == "403 425"


def test_an_error_that_states_why_the_session_ended_is_told_by_that() -> None:
    wire = session(Wire()).server(said(10141, "Paper trading disclaimer must first be accepted"), after=20.0)
    assert short(judge(wire.fin_server(after=0.1))) == "405"


def test_a_session_that_was_refused_is_told_by_its_own_rule() -> None:
    wire = Wire().connect().client(ib_bytes.hello()).server(ib_bytes.reply(178)).client(ib_bytes.start_api(178))
    report = judge(wire.server(said(326, "already in use")).fin_server(), watch=Watch(ended=9.0))
    assert short(report) == "310"


# -- what to do -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [*all_errors(), 29_999])
def test_every_number_has_advice_of_whole_sentences(code: int) -> None:
    advice = advice_on([code])
    assert advice.startswith(f"Error {code}: ")
    assert advice.endswith(".")
    assert advice.removeprefix(f"Error {code}: ")[0].isupper()


def test_the_same_advice_is_given_once() -> None:
    assert advice_on([29_999, 354, 29_998]).startswith("Errors 29999, 29998: The text says what TWS objects to")
