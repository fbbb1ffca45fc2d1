"""What TWS says about requests and orders: rejected is said as it is, and what is lawful accuses nobody."""

from __future__ import annotations

import ib_bytes
import pytest
from field.accusing import accused
from field.thread import session, short, told
from judging import Watch, codes, findings, judge
from rule_wires import asked, said, status, ticks
from wire import Wire

from ibsniff.model import Confidence, Fault, Severity

LONG = Watch(ended=300.0)

# -- rejected ---------------------------------------------------------------------------------------------------------


def test_a_rejected_order_is_said_as_it_is() -> None:
    wire = session(Wire()).client(asked("PLACE_ORDER", 10), after=2.0)
    report = judge(wire.server(said(200, "No security definition", request=10), after=0.004), watch=LONG)
    assert report.verdict is not None
    assert report.verdict.summary.startswith(
        "TWS rejected order 10 (200: No security definition) after 4.1 ms; nothing more was said about it for 5 min 00 s."
    )
    assert "If your program reports a timeout, it did not pass the error on." in report.verdict.summary
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
    assert finding.confidence is (Confidence.LOW if fault is Fault.UNDETERMINED else Confidence.MEDIUM)


def test_several_errors_of_different_turns_accuse_nobody_alone() -> None:
    wire = session(Wire())
    for number, code in ((1, 354), (2, 354), (3, 200)):
        wire.client(asked("REQ_MKT_DATA", number)).server(said(code, "no", request=number))
    (finding,) = findings(judge(wire))
    assert finding.fault is Fault.UNDETERMINED
    assert "3 requests: 1, 2 (354: no); 3 (200: no)" in finding.summary


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


def test_nothing_more_is_not_claimed_where_bytes_are_missing() -> None:
    wire = session(Wire()).client(asked("PLACE_ORDER")).server(said(201, "no margin", request=7))
    wire.lose().server(status(7, "Submitted"), ack=False).server(said(2104, "OK:usfarm"), after=9.0).ack()
    assert "420" in short(judge(wire, watch=LONG))
    assert "nothing more" not in told(judge(wire, watch=LONG))


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
