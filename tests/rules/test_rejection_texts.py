"""What the texts of rejections tell: why an order was rejected, and which instruments are meant."""

from __future__ import annotations

import pytest
from field.thread import session
from judging import findings, judge
from rule_wires import asked, said
from wire import Wire

from ibsniff.model import Confidence, Fault, Finding

EQUITY = (
    "Order rejected - reason:YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH LOAN VALUE "
    "[18223.40 USD] MUST EXCEED THE INITIAL MARGIN [93655.00 USD]"
)
NET_LIQUIDATION = (
    "IN ORDER TO OBTAIN THE DESIRED POSITION YOUR NET LIQ [20299.32 USD] MUST EXCEED THE MARGIN REQ [35035.87 USD]"
)
FUNDS = "Order rejected - reason:We are unable to accept your order. Your Available Funds are not sufficient."
PERMISSION = "Order rejected - reason:No trading permissions."
EXCHANGE = "Order rejected - reason:The exchange is closed."


def rejected(name: str, code: int, *texts: str) -> Finding:
    """The one finding where requests or orders from 3 on were rejected with these texts."""
    wire = session(Wire())
    for number, text in enumerate(texts, 3):
        wire.client(asked(name, number), after=1.0).server(said(code, text, request=number))
    (found,) = findings(judge(wire))
    return found


@pytest.mark.parametrize("text", [EQUITY, NET_LIQUIDATION, FUNDS, PERMISSION])
def test_well_known_words_name_the_account(text: str) -> None:
    found = rejected("PLACE_ORDER", 201, text)
    assert (found.fault, found.confidence) == (Fault.IB, Confidence.MEDIUM)
    assert found.remedy.startswith("Error 201: The account ")


@pytest.mark.parametrize("texts", [(EXCHANGE,), (EQUITY, EXCHANGE), (EQUITY, PERMISSION), ("",)])
def test_other_words_and_several_reasons_leave_it_open(texts: tuple[str, ...]) -> None:
    found = rejected("PLACE_ORDER", 201, *texts)
    assert (found.fault, found.confidence) == (Fault.UNDETERMINED, Confidence.LOW)
    assert "decides whether" not in found.remedy


def test_the_words_count_only_in_a_rejected_order() -> None:
    assert rejected("REQ_MKT_DATA", 29_999, EQUITY).fault is Fault.UNDETERMINED


def test_requests_are_named_with_their_instruments() -> None:
    begin = "Requested market data is not subscribed. Check the subscriptions."
    found = rejected(
        "REQ_MKT_DATA", 354, f"{begin}KO NYSE/TOP/ALL", f"{begin}BA NYSE/TOP/ALL", f"{begin}KO NYSE/TOP/ALL"
    )
    assert f"REQ_MKT_DATA 3, 4, 5 (error 354: {begin}KO NYSE/TOP/ALL; for 4: BA NYSE/TOP/ALL)" in found.summary
    assert (found.fault, found.confidence) == (Fault.IB, Confidence.HIGH)


def test_texts_without_anything_in_common_are_only_mentioned() -> None:
    found = rejected(
        "REQ_MKT_DATA", 354, "not subscribed", "a text of its own that has nothing to do with the first one"
    )
    assert "(error 354: not subscribed; other texts too)" in found.summary
