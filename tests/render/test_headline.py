"""The first line of a report never says that nothing is to be done where TWS reported something that may matter."""

from __future__ import annotations

import pytest
from render.scenarios import report_of

from ibsniff.render.report_view import view_of

NOTHING_TO_DO = "You need not do anything."


@pytest.mark.parametrize(
    ("name", "asks"),
    [
        ("not-subscribed-ib-async", "You must act: your IB account lacks something"),
        ("order-rejected-ib-async", "You probably must act: your IB account lacks something"),
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
