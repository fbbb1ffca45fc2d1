"""What TWS says about requests and orders: rejected is said as it is, and what is lawful accuses nobody."""

from __future__ import annotations

import ib_bytes
import pytest
from field.accusing import ASK, accused
from field.thread import answered, session, short, told
from judging import Watch, codes, findings, judge
from rule_wires import asked, later, said, status, ticks
from wire import Wire

from ibsniff.model import Confidence, Fault, RequestState, Severity

LONG = Watch(ended=300.0)

HISTORY = ib_bytes.text(178, 20, 7, 265598, "IBM", "STK")
"""REQ_HISTORICAL_DATA with the id 7."""

# -- rejected ---------------------------------------------------------------------------------------------------------


def test_a_rejected_order_is_said_as_it_is() -> None:
    wire = session(Wire()).client(asked("PLACE_ORDER", 10), after=2.0)
    report = judge(wire.server(said(200, "No security definition", request=10), after=0.004), watch=LONG)
    assert report.verdict is not None
    assert report.verdict.summary.startswith(
        "TWS rejected order 10 (error 200: No security definition) after 4.1 ms; nothing more was said about it for 5 min 00 s."
    )
    assert "A program that reports a timeout here ignores the errors that TWS sends." in report.verdict.summary
    assert accused(report) == {Fault.CLIENT: "IBS420"}


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (200, Fault.CLIENT),
        (321, Fault.CLIENT),
        (354, Fault.IB),
        (10089, Fault.IB),
        (162, Fault.UNDETERMINED),
        (29_999, Fault.UNDETERMINED),
    ],
)
def test_the_error_decides_who_must_act(code: int, fault: Fault) -> None:
    wire = session(Wire()).client(asked("REQ_MKT_DATA")).server(said(code, "a text", request=7))
    (finding,) = findings(judge(wire))
    assert (finding.code, finding.fault, finding.severity) == ("IBS421", fault, Severity.WARNING)
    likely = Confidence.HIGH if code in (354, 10089) else Confidence.MEDIUM
    assert finding.confidence is (Confidence.LOW if fault is Fault.UNDETERMINED else likely)


def test_several_errors_of_different_turns_accuse_nobody_alone() -> None:
    wire = session(Wire())
    for number, code in ((1, 354), (2, 354), (3, 200)):
        wire.client(asked("REQ_MKT_DATA", number)).server(said(code, "no", request=number))
    (finding,) = findings(judge(wire))
    assert finding.fault is Fault.UNDETERMINED
    assert "3 requests: REQ_MKT_DATA 1, 2 (error 354: no); REQ_MKT_DATA 3 (error 200: no)" in finding.summary


def test_many_rejections_are_one_finding_with_the_first_ids() -> None:
    wire = session(Wire())
    for number in range(1, 8):
        wire.client(asked("REQ_MKT_DATA", number)).server(said(354, "no" if number < 7 else "never", request=number))
    (finding,) = findings(judge(wire))
    assert finding.summary == (
        "The session works. TWS rejected 7 requests: REQ_MKT_DATA 1, 2, 3, 4 and 3 more (error 354: no; for 7: never)."
    )


def test_no_such_contract_while_the_definition_farm_is_lost_is_not_the_clients_turn() -> None:
    lost = session(Wire()).server(said(2157, "Sec-def data farm connection is broken:secdefil"))
    wire = lost.client(asked("REQ_CONTRACT_DATA")).server(said(200, "No security definition", request=7))
    assert accused(judge(wire), guesses=True) == {Fault.IB: "IBS410"}
    back = session(Wire()).server(said(1100, "lost")).server(said(1102, "restored"), after=9.0)
    wire = back.client(asked("REQ_CONTRACT_DATA")).server(said(200, "No security definition", request=7))
    assert accused(judge(wire)) == {Fault.CLIENT: "IBS421"}
    wire = session(Wire()).server(said(1100, "lost")).client(asked("REQ_CONTRACT_DATA"))
    wire.server(said(200, "No security definition", request=7))
    assert accused(judge(wire)) == {Fault.IB: "IBS403"}


def test_no_data_is_an_answer_and_no_rejection() -> None:
    wire = session(Wire()).client(HISTORY)
    nothing = said(162, "Historical Market Data Service error message:HMDS query returned no data: IBM", request=7)
    report = judge(wire.server(nothing))
    assert short(report) == ""
    (one,) = report.conversations
    assert one.dialogue.requests.count(RequestState.ANSWERED) == 1
    assert not one.dialogue.requests.rejected
    assert report.verdict is not None
    assert report.verdict.fault is Fault.NONE
    pacing = said(
        162, "Historical Market Data Service error message:Historical data request pacing violation", request=7
    )
    assert short(judge(session(Wire()).client(HISTORY).server(pacing))) == "421"


def test_nothing_more_is_not_claimed_where_bytes_are_missing() -> None:
    wire = session(Wire()).client(asked("PLACE_ORDER")).server(said(201, "no margin", request=7))
    wire.lose().server(status(7, "Submitted"), ack=False).server(said(2104, "OK:usfarm"), after=9.0).ack()
    assert "420" in short(judge(wire, watch=LONG))
    assert "nothing more" not in told(judge(wire, watch=LONG))


def test_a_refusal_that_names_no_request_may_be_about_another() -> None:
    """Under a Read-Only API a request for ids is refused as a matter of course."""
    refused = said(321, "Error validating request.-'cc' : cause - Invalid request id")
    assert short(judge(session(Wire()).client(ib_bytes.text(178, 8, 1, 1)).server(refused))) == ""
    report = judge(session(Wire()).client(ib_bytes.text(178, 61, 1)).server(refused))
    assert (short(report), accused(report, guesses=True)) == ("421", {})


LAWFUL = {
    "delayed data announced": said(10167, "Displaying delayed market data", request=7),
    "a part is not subscribed": said(10091, "Part of requested market data requires additional", request=7),
    "an order with a preset": said(10349, "Order TIF was set to DAY based on order preset.", request=7),
    "an order held for the open": said(399, "Your order will not be placed at the exchange until", request=7),
    "an order that waits for shares": said(404, "Order held while securities are located", request=7),
    "cancelled too late": said(10148, "cannot be cancelled, state: Filled.", request=7),
    "data of somebody else": said(10197, "No market data during competing live session", request=7),
    "an error of a request that was cancelled": said(300, "Can't find EId with tickerId:7", request=7),
}


@pytest.mark.parametrize("name", LAWFUL)
def test_a_remark_is_no_rejection(name: str) -> None:
    for request in ("REQ_MKT_DATA", "PLACE_ORDER"):
        wire = session(Wire()).client(asked(request)).server(LAWFUL[name])
        assert not {"IBS420", "IBS421"} & codes(judge(wire))


def test_delayed_ticks_take_a_refusal_of_live_data_back() -> None:
    wire = session(Wire()).client(asked("REQ_MKT_DATA"))
    wire.server(said(10089, "Delayed market data is available.", request=7))
    assert "421" in short(judge(wire))
    assert "421" not in short(judge(wire.server(ticks(7), after=0.3)))


def test_tws_may_cancel_an_order_lawfully() -> None:
    """Of a group of which another one was filled; not asked by the client."""
    wire = session(Wire()).client(asked("PLACE_ORDER")).server(status(7, "Submitted"))
    report = judge(wire.server(said(202, "Order Canceled - reason:", request=7), after=60.0))
    assert [(finding.code, finding.severity, finding.fault) for finding in findings(report)] == [
        ("IBS420", Severity.NOTE, Fault.NONE)
    ]
    assert report.verdict is not None
    assert report.verdict.fault is Fault.NONE


def test_a_refused_change_does_not_end_the_order() -> None:
    wire = session(Wire()).client(asked("PLACE_ORDER")).server(status(7, "Submitted")).client(asked("PLACE_ORDER"))
    report = judge(wire.server(said(110, "The price does not conform", request=7)))
    assert "refused a change of order 7" in told(report)
    assert accused(report) == {Fault.CLIENT: "IBS420"}


def test_a_cancelled_order_that_the_client_cancelled_is_not_told() -> None:
    wire = session(Wire()).client(asked("PLACE_ORDER")).server(status(7, "Submitted"))
    wire.client(ib_bytes.text(178, 4, 1, 7, "")).server(said(202, "Order Canceled - reason:", request=7))
    assert short(judge(wire)) == ""


# -- without a word ---------------------------------------------------------------------------------------------------


def test_an_order_without_a_word_accuses_nobody_and_says_what_would_tell() -> None:
    wire = going_on(session(Wire()).client(asked("PLACE_ORDER", 10)), 60)
    (finding,) = findings(judge(wire))
    assert (finding.code, finding.severity) == ("IBS422", Severity.WARNING)
    assert (finding.fault, finding.confidence) == (Fault.UNDETERMINED, Confidence.LOW)
    assert finding.summary.startswith("TWS has not said a word about order 10 for 60 s: no answer, no error.")
    assert "It answered 6 other requests." in finding.summary
    assert "reqAllOpenOrders" in finding.remedy
    assert [other.fault for other in finding.alternatives] == [Fault.TWS_STATE, Fault.UNDETERMINED]


def silent_request(name: str) -> Wire:
    if name == "asked before ready":
        wire = answered(Wire()).client(ib_bytes.start_api(178, 7)).client(asked("PLACE_ORDER"))
        return going_on(wire.server(ib_bytes.ready(178)))
    wire = session(Wire())
    if name == "held order":
        wire.client(asked("PLACE_ORDER", transmit=False))
    if name == "order with an answer":
        wire.client(asked("PLACE_ORDER")).server(status(7, "PreSubmitted"))
    if name == "order with a remark":
        wire.client(asked("PLACE_ORDER")).server(said(399, "will not be placed until", request=7))
    if name == "a message that was too much":
        wire.client(asked("PLACE_ORDER")).server(said(100, "Max rate of messages per second has been exceeded"))
    if name == "while IB is lost":
        wire.server(CUT_OFF).client(asked("PLACE_ORDER"))
    if name == "a cancellation":
        wire.client(ib_bytes.text(178, 4, 1, 7, ""))
    if name == "market data":
        wire.client(asked("REQ_MKT_DATA"))
    if name == "history":
        wire.client(HISTORY)
    if name == "the clock twice":
        wire.client(ib_bytes.text(178, 49, 1)).client(ib_bytes.text(178, 49, 1), after=0.5).server(TIME)
    return going_on(wire)


@pytest.mark.parametrize(
    "name",
    [
        "held order",
        "order with an answer",
        "order with a remark",
        "a message that was too much",
        "while IB is lost",
        "asked before ready",
        "a cancellation",
        "market data",
        "history",
        "the clock twice",
    ],
)
def test_lawful_silences_are_not_told(name: str) -> None:
    assert "422" not in short(judge(silent_request(name)))


def test_an_order_is_not_missed_before_its_time() -> None:
    wire = session(Wire()).client(asked("PLACE_ORDER"))
    assert short(judge(wire, watch=Watch(ended=5.0))) == ""
    assert short(judge(wire, watch=Watch(ended=15.0))) == "422"


def test_a_question_that_tws_always_answers_is_missed_among_others() -> None:
    wire = session(Wire()).client(ib_bytes.text(178, 8, 1, 1))
    report = judge(going_on(wire))
    assert (short(report), accused(report, guesses=True)) == ("422", {})
    assert "REQ_IDS" in told(report)


def test_history_that_later_requests_overtook_is_a_note() -> None:
    wire = session(Wire()).client(asked("REQ_CONTRACT_DATA", 3)).client(asked("REQ_CONTRACT_DATA", 4))
    (finding,) = findings(judge(going_on(wire.server(ib_bytes.text(178, 52, 1, 4)))))
    assert (finding.code, finding.severity) == ("IBS422", Severity.NOTE)
    assert "REQ_CONTRACT_DATA 3" in finding.summary


def test_a_session_that_is_dead_is_told_once() -> None:
    wire = session(Wire()).client(asked("PLACE_ORDER")).client(ib_bytes.text(178, 49, 1), after=8.0)
    assert short(judge(wire, watch=LONG)) == "409"


# -- subscriptions that bring nothing any more ------------------------------------------------------------------------

LOST, KEPT = said(1101, "restored - data lost"), said(1102, "restored - data maintained")
CUT_OFF, BLIP = said(1100, "lost"), said(2103, "Market data farm connection is broken:usfarm")
BACK = said(2104, "Market data farm connection is OK:usfarm")
TIME = ib_bytes.text(178, 49, 1, 1_790_000_000)


def subscribed(*numbers: int) -> Wire:
    wire = session(Wire())
    for number in numbers:
        wire.client(asked("REQ_MKT_DATA", number)).server(ticks(number))
    return wire


def ticking(wire: Wire, *numbers: int, seconds: int = 20) -> Wire:
    """Each ticks once a second."""
    for _ in range(seconds):
        for number in numbers:
            wire.server(ticks(number), after=1.0 / len(numbers))
    return wire


def going_on(wire: Wire, seconds: int = 120) -> Wire:
    """The clock is asked for and answered every ten seconds."""
    for _ in range(0, seconds, 10):
        wire.client(ib_bytes.text(178, 49, 1), after=10.0).server(TIME)
    return wire


def test_lost_subscriptions_are_a_warning_until_they_are_made_again() -> None:
    wire = subscribed(1, 2).server(CUT_OFF, after=5.0).server(LOST, after=20.0)
    assert accused(judge(wire, watch=Watch(ended=3.0))) == {}
    report = judge(wire, watch=LONG)
    assert accused(report) == {Fault.CLIENT: "IBS423"}
    assert "TWS lost 2 subscriptions" in told(report)
    wire.client(asked("REQ_MKT_DATA", 3), after=4.0)
    assert (short(judge(wire, watch=LONG)), accused(judge(wire, watch=LONG))) == ("403 423", {})
    assert short(judge(wire.client(asked("REQ_MKT_DATA", 4)), watch=LONG)) == "403"


@pytest.mark.parametrize("kept", ["cancelled", "ticking", "1102", "joined", "nothing subscribed"])
def test_1101_asks_for_nothing_where_nothing_was_lost(kept: str) -> None:
    wire = subscribed() if kept == "nothing subscribed" else subscribed(1, 2)
    wire.server(CUT_OFF, after=5.0).server(KEPT if kept == "1102" else LOST, after=20.0)
    for number in (1, 2):
        if kept == "cancelled":
            wire.client(ib_bytes.text(178, 2, 2, number))
        if kept == "ticking":
            wire.server(ticks(number), after=2.0)
    report = judge(wire.from_packet(16) if kept == "joined" else wire, watch=LONG)
    assert "423" not in short(report)


def test_a_program_that_connects_anew_and_subscribes_has_made_them_again() -> None:
    lost = subscribed(1).server(CUT_OFF, after=5.0).server(LOST, after=20.0).close(after=30.0)
    assert "423" in short(judge(lost))
    anew = session(later(60)).client(asked("REQ_MKT_DATA", 1))
    assert "423" not in short(judge(lost, anew.server(ticks(1))))
    assert "423" not in short(judge(lost, anew.from_packet(8))), "it may have subscribed before it was captured"
    endless = subscribed(1).server(CUT_OFF, after=5.0).server(LOST, after=20.0)
    assert "423" in short(judge(endless, watch=LONG))
    assert "423" not in short(judge(endless, anew.from_packet(8), watch=LONG)), "nor was the end of the first session"


def test_a_second_loss_leaves_it_to_the_lost_connection() -> None:
    wire = subscribed(1).server(CUT_OFF).server(LOST, after=9.0).server(CUT_OFF, after=30.0)
    assert short(judge(wire, watch=LONG)) == "403"


# -- streams that stopped ---------------------------------------------------------------------------------------------


def dead(*numbers: int) -> Wire:
    """They stop with a farm that is back eight seconds later; the session goes on."""
    return going_on(ticking(subscribed(*numbers), *numbers).server(BLIP, after=0.5).server(BACK, after=8.0))


def test_streams_that_stopped_with_a_farm_and_did_not_come_back_are_a_guess() -> None:
    (finding,) = findings(judge(dead(1, 2)))
    assert (finding.code, finding.severity) == ("IBS424", Severity.WARNING)
    assert (finding.fault, finding.confidence) == (Fault.UNDETERMINED, Confidence.LOW)
    assert "2 subscriptions (1, 2) stopped within 1 s of error 2103" in finding.summary


def quiet(name: str) -> Wire:
    if name == "one stream only":
        return going_on(ticking(subscribed(1), 1).server(BLIP).server(BACK, after=8.0))
    wire = subscribed(1, 2, 3)
    if name == "back after it":
        ticking(ticking(wire, 1, 2, 3).server(BLIP).server(BACK, after=8.0), 1, 2, 3)
        return wire
    if name == "no pace is known":
        return going_on(wire.server(BLIP).server(BACK, after=8.0))
    if name == "watched too briefly":
        return going_on(ticking(wire, 1, 2, 3).server(BLIP).server(BACK, after=8.0), 30)
    if name == "cancelled":
        ticking(wire, 1, 2, 3).server(BLIP)
        for number in (1, 2, 3):
            wire.client(ib_bytes.text(178, 2, 2, number))
        return going_on(wire.server(BACK, after=8.0))
    if name == "made again after 1101":
        ticking(wire, 1, 2, 3).server(CUT_OFF).server(LOST, after=8.0)
        for number in (11, 12, 13):
            wire.client(asked("REQ_MKT_DATA", number)).server(ticks(number))
        return going_on(wire)
    raise KeyError(name)


@pytest.mark.parametrize(
    "name",
    [
        "one stream only",
        "back after it",
        "no pace is known",
        "watched too briefly",
        "cancelled",
        "made again after 1101",
    ],
)
def test_streams_that_are_lawfully_silent_are_not_told(name: str) -> None:
    assert "424" not in short(judge(quiet(name)))


@pytest.mark.parametrize("event", [b"", said(2107, "inactive but available:ushmds"), said(2108, "inactive:usfarm")])
def test_a_market_that_closed_is_a_note(event: bytes) -> None:
    wire = ticking(subscribed(1, 2), 1, 2)
    if event:
        wire.server(event, after=1.0)
    (finding,) = findings(judge(going_on(wire)))
    assert (finding.code, finding.severity, finding.fault) == ("IBS424", Severity.NOTE, Fault.NONE)
    assert "A quiet or closed market looks the same" in finding.summary


@pytest.mark.parametrize(
    ("event", "code"), [(BLIP, "410"), (CUT_OFF, "403"), (said(10197, "competing live session", request=1), "411")]
)
def test_while_the_event_lasts_its_own_rule_speaks(event: bytes, code: str) -> None:
    report = judge(going_on(ticking(subscribed(1, 2), 1, 2).server(event, after=0.5)))
    assert short(report) == (f"{code} 424" if code != "411" else code)
    assert report.verdict is not None
    assert report.verdict.code == f"IBS{code}"


def test_more_streams_that_stopped_at_other_times_are_a_quiet_market() -> None:
    wire = ticking(subscribed(1, 2, 3, 4, 5, 6), 1, 2, 3, 4)
    for _ in range(3):
        wire.server(TIME, after=9.0)
    ticking(wire, 5, 6).server(BLIP, after=0.5).server(BACK, after=8.0)
    (finding,) = findings(judge(going_on(wire)))
    assert finding.severity is Severity.NOTE


# -- what a second reader would have called fine -------------------------------------------------------------------------


def test_an_order_that_was_cancelled_for_a_reason_is_no_note() -> None:
    wire = session(Wire()).client(asked("PLACE_ORDER", 7), after=2.0).server(status(7, "Submitted"), after=0.01)
    reason = "Order Canceled - reason:The exchange rejected the order"
    (found,) = findings(judge(wire.server(said(202, reason, request=7), after=60.0)))
    assert (found.code, found.severity, found.fault) == ("IBS420", Severity.WARNING, Fault.UNDETERMINED)
    assert found.confidence is Confidence.LOW


def test_a_change_of_an_order_that_is_filled_is_rejected() -> None:
    wire = session(Wire()).client(asked("PLACE_ORDER", 5), after=2.0).server(status(5, "Filled"), after=0.01)
    wire.client(asked("PLACE_ORDER", 5), after=5.0).server(said(104, "Cannot modify a filled order.", request=5))
    (found,) = findings(judge(wire, watch=LONG))
    assert (found.code, found.fault) == ("IBS420", Fault.CLIENT)


def test_a_session_with_bytes_missing_from_the_capture_is_not_surely_fine() -> None:
    polls = session(Wire())
    for number in range(4):
        polls.client(ASK, after=2.0).server(TIME, after=0.002)
        if number == 1:
            polls.lose()
    report = judge(polls.close())
    assert report.verdict is not None
    assert (report.verdict.fault, report.verdict.confidence) == (Fault.NONE, Confidence.MEDIUM)


def test_an_order_behind_a_gap_of_the_capture_is_not_called_unanswered() -> None:
    """It is read only when the gap is given up, after the answer that the server sent meanwhile."""
    wire = session(Wire()).client(ASK, after=2.0).server(TIME, after=0.002)
    wire.client(ASK, after=2.0, ack=False).lose().client(ASK, after=1.0, ack=False)
    wire.client(asked("PLACE_ORDER", 1), ack=False).server(TIME + status(1, "Filled"), after=0.03)
    for _ in range(20):
        wire.client(ASK, after=5.0).server(TIME, after=0.002)
    assert "422" not in short(judge(wire, watch=Watch(ended=3.0)))


def test_an_order_that_becomes_inactive_without_an_error_is_no_all_clear() -> None:
    wire = session(Wire()).client(asked("PLACE_ORDER", 7), after=2.0).server(status(7, "Inactive"), after=0.01)
    (found,) = findings(judge(wire, watch=LONG))
    assert (found.code, found.fault, found.confidence) == ("IBS420", Fault.UNDETERMINED, Confidence.LOW)
    assert "TWS made order 7 inactive without an error" in found.summary
    assert short(judge(wire.server(status(7, "Submitted"), after=1.0), watch=LONG)) == ""


def test_an_inactive_order_with_an_error_is_rejected() -> None:
    wire = session(Wire()).client(asked("PLACE_ORDER", 7), after=2.0).server(status(7, "Inactive"), after=0.01)
    (found,) = findings(judge(wire.server(said(201, "Order rejected - reason:margin", request=7)), watch=LONG))
    assert "order 7 (error 201: Order rejected - reason:margin)" in found.summary
    assert "without an error" not in found.summary
