"""The first line of a report never says that nothing is to be done where TWS reported something that may matter."""

from __future__ import annotations

import pytest
from judging import Watch, judge
from render.scenarios import report_of
from rule_wires import session, silent
from wire import START_NS, Wire

from ibsniff.model import NANOSECONDS, Loss
from ibsniff.render.report_view import view_of, what_works

NOTHING_TO_DO = "You need not do anything."


@pytest.mark.parametrize(
    ("name", "asks"),
    [
        ("not-subscribed-ib-async", "You must act: look at your IB account"),
        ("order-rejected-ib-async", "You probably must act: look at your IB account"),
        ("lost-subscriptions-ib-async", "check that your program made them again"),
        ("errors-of-more-codes-than-there-are", "You must look further"),
    ],
)
def test_a_session_with_serious_errors_asks_somebody_to_act(name: str, asks: str) -> None:
    line = view_of(report_of(name)).headline
    assert asks in line
    assert NOTHING_TO_DO not in line


@pytest.mark.parametrize("name", ["ok-ib-async-loopback", "data-farm-back"])
def test_a_session_in_order_asks_nothing(name: str) -> None:
    assert view_of(report_of(name)).headline.endswith(NOTHING_TO_DO)


def test_a_session_that_only_fell_idle_is_not_said_to_work_beside_a_tws_that_hangs() -> None:
    idle = session(Wire("127.0.0.1:51000"))
    late = [silent(Wire(f"127.0.0.1:{51001 + n}", start_ns=START_NS + 60 * (n + 1) * NANOSECONDS)) for n in range(2)]
    view = view_of(judge(idle, *late, watch=Watch(ended=6)))
    assert view.headline.startswith("It does not work")
    assert what_works(view) == ""


def test_sessions_that_only_fell_idle_are_not_said_to_be_in_order() -> None:
    first = session(Wire("127.0.0.1:51000")).fin_client(after=3)
    second = session(Wire("127.0.0.1:51001", start_ns=START_NS + 60 * NANOSECONDS))
    assert "all other sessions" not in view_of(judge(first, second, watch=Watch(ended=6))).headline


def test_what_nobody_captured_is_not_said_to_be_in_order() -> None:
    down = Loss(START_NS + 9 * NANOSECONDS, START_NS + 12 * NANOSECONDS, None)
    whole = judge(session(Wire()).fin_client(after=3), watch=Watch(ended=12, losses=(down,), dropped=0))
    line = view_of(whole).headline
    assert line.endswith("what happened while the interface was down is not known.")
    assert NOTHING_TO_DO not in line
