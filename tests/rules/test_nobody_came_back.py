"""A session that the server ended, and whether any program connected again until the end of the capture."""

from __future__ import annotations

import pytest
from field.accusing import ASK
from field.thread import session
from judging import Watch, judge
from rule_wires import later
from wire import START_NS, Wire

from ibsniff.model import NANOSECONDS, Fault, Finding, Severity

FOUR_HOURS = Watch(ended=4 * 3600.0)
NOT_SAID = "no program connected again"


def ended_at(seconds: float, *others: Wire, watch: Watch = FOUR_HOURS) -> Finding:
    """The finding about the first session, which the server ended after so many seconds."""
    first = session(Wire()).wait(seconds).fin_server().fin_client()
    report = judge(first, *others, watch=watch)
    (conversation,) = (one for one in report.conversations if one.id == "c1")
    (found,) = (one for one in conversation.findings if one.code == "IBS405")
    return found


def test_a_program_that_stays_away_for_hours_must_act_first() -> None:
    found = ended_at(60.0)
    assert "the end of the capture 4 h 00 min later, no program connected again." in found.summary
    assert (found.fault, found.severity) == (Fault.CLIENT, Severity.ERROR)
    assert found.remedy.startswith("Start the program again if it does not run, and let it reconnect by itself.")
    assert "Auto restart" in found.remedy


def test_a_session_that_ended_together_with_it_is_no_return() -> None:
    other = Wire("127.0.0.1:50777")
    found = ended_at(60.0, session(other).wait(60.0).fin_server().fin_client())
    assert NOT_SAID in found.summary


RETURNS = {
    "came back": lambda: session(later(90.0)),
    "tried in vain": lambda: later(90.0).syn().refuse(),
    "another program goes on": lambda: session(Wire("127.0.0.9:50777")).wait(90.0).client(ASK),
}


@pytest.mark.parametrize("how", RETURNS)
def test_nothing_is_said_where_somebody_came_back(how: str) -> None:
    found = ended_at(60.0, RETURNS[how]())
    assert NOT_SAID not in found.summary
    assert found.severity is Severity.WARNING


def test_nothing_is_said_of_a_program_that_had_no_time_to_come_back() -> None:
    found = ended_at(60.0, watch=Watch(ended=300.0))
    assert NOT_SAID not in found.summary
    assert (found.fault, found.severity) == (Fault.TWS_STATE, Severity.WARNING)


def test_a_clock_that_leaps_is_no_time_to_come_back() -> None:
    elsewhere = Wire("127.0.0.9:1", "127.0.0.2:5432", start_ns=START_NS + 9000 * NANOSECONDS).connect()
    assert NOT_SAID not in ended_at(60.0, elsewhere, watch=Watch(ended=1.0)).summary
