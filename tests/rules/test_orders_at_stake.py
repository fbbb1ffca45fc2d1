"""Orders without an answer are named first when the session fails; what is advised then fits what was seen."""

from __future__ import annotations

import pytest
from field.accusing import ASK
from field.thread import session
from judging import Watch, findings, judge
from rule_wires import asked, later, remote, resent, said, silent, status
from wire import Wire

from ibsniff.model import Side

LONG = Watch(ended=60.0)
FIRST = "Order 3 was sent and never confirmed: look in TWS whether it exists before you send it again. "


def ordered(wire: Wire | None = None, *numbers: int) -> Wire:
    """A session in which these orders were sent."""
    wire = session(wire or Wire())
    for number in numbers or (3,):
        wire.client(asked("PLACE_ORDER", number), after=2.0)
    return wire


def summary(code: str, *wires: Wire) -> str:
    """What the only finding with this code says."""
    (found,) = (one for one in findings(judge(*wires, watch=LONG)) if one.code == code)
    return found.summary


FAILED = {
    "IBS405": lambda: ordered().fin_server(after=5.0),
    "IBS409": lambda: ordered().client(ASK, after=5.0),
    "IBS416": lambda: resent(session(remote()).client(asked("PLACE_ORDER", 3), ack=False)),
    "IBS417": lambda: ordered().ack(Side.SERVER, window=0),
    "IBS507": lambda: Wire.merge(ordered().rst_server(after=5.0), later(30).syn().refuse()),
}


@pytest.mark.parametrize("code", FAILED)
def test_an_order_without_an_answer_is_said_first(code: str) -> None:
    assert summary(code, FAILED[code]()).startswith(FIRST)


def test_several_orders_are_named_together() -> None:
    told = summary("IBS405", ordered(None, 3, 4, 5, 6, 7).fin_server(after=5.0))
    assert told.startswith(
        "Orders 3, 4, 5, 6 and 1 more order were sent and never confirmed: look in TWS whether they "
    )


@pytest.mark.parametrize("what", ["answered", "rejected", "not transmitted", "one of them"])
def test_only_orders_without_any_answer_are_named(what: str) -> None:
    wire = ordered() if what != "not transmitted" else session(Wire())
    match what:
        case "answered":
            wire.server(status(3, "Submitted"), after=0.1)
        case "rejected":
            wire.server(said(201, "Order rejected", request=3), after=0.1)
        case "not transmitted":
            wire.client(asked("PLACE_ORDER", 3, transmit=False))
        case _:
            wire.client(asked("PLACE_ORDER", 4)).server(status(3, "Submitted"), after=0.1)
    told = summary("IBS405", wire.fin_server(after=5.0))
    assert ("never confirmed" in told) is (what == "one of them")
    assert "Order 3" not in told


def test_a_new_connection_is_advised_until_one_was_seen_to_fail() -> None:
    hung = session(Wire()).client(ASK, after=5.0).wait(20.0)
    (alone,) = (one for one in findings(judge(hung, watch=LONG)) if one.code == "IBS409")
    assert alone.remedy.startswith("Let the program reconnect. If its new connection is not answered either, TWS")
    assert alone.remedy.endswith("check the open orders before and after it.")
    failed = silent(later(30))
    (both,) = (one for one in findings(judge(hung, failed, watch=LONG)) if one.code == "IBS409")
    assert both.remedy.startswith("Restart TWS or Gateway: a new connection (c2) was not answered either.")
    (served,) = (one for one in findings(judge(hung, failed, session(later(50)), watch=LONG)) if one.code == "IBS409")
    assert served.remedy == alone.remedy
