"""Outages: one story for each night, whatever else connects meanwhile."""

from __future__ import annotations

import ib_bytes
import pytest
from field.thread import call, local, request, said, session, silent, started
from judging import judge
from wire import Wire

from ibsniff import to_dict, to_markdown
from ibsniff.model import Outcome, Report

DAY = 86_400.0
LOCAL = "127.0.0.1:4002"
ID_IN_USE = said(326, "Unable to connect as the client id is already in use.")


def bot(at: float, port: int) -> Wire:
    """A session of the bot from this second on."""
    return session(call(f"127.0.0.1:{port}", LOCAL, at))


def night(number: int) -> list[Wire]:
    """A day's session, reset at its end; three refusals in 40 s, one client id in use; ready again after 81 s."""
    at, port = number * DAY, 50_000 + 10 * number
    end = bot(at, port).rst_server(after=DAY - 100.0)
    refused = [
        call(f"127.0.0.1:{port + 1 + each}", LOCAL, at + DAY - 95 + 20 * each).syn().refuse() for each in range(3)
    ]
    in_use = started(call(f"127.0.0.1:{port + 5}", LOCAL, at + DAY - 30)).server(ID_IN_USE).fin_server()
    return [end, *refused, in_use]


def week(nights: int) -> Report:
    wires = [wire for number in range(nights) for wire in night(number)]
    return judge(*wires, bot(nights * DAY, 60_000))


def test_each_night_is_one_outage() -> None:
    report = week(7)
    assert len(report.outages) == 7
    for outage in report.outages:
        assert outage.failed == {Outcome.REFUSED: 3, Outcome.REPLIED: 1}
        assert len(outage.ended) == 1
        assert outage.back is not None
    assert "refused 3 connection attempts within 40 s" in report.outages[3].text
    assert "rejected a client id as still in use once (error 326)" in report.outages[3].text


def test_a_restart_counts_its_own_refusals_only() -> None:
    restart = next(found for found in week(7).findings if found.code == "IBS507")
    assert "then refused 3 connection attempts" in restart.summary
    assert "It restarted 6 other times in this capture, and worked again after " in restart.summary


@pytest.mark.parametrize("nights", [1, 3])
def test_each_outage_is_told(nights: int) -> None:
    report = week(nights)
    assert len(to_dict(report)["outages"]) == nights
    assert to_markdown(report).count(": outage: the server ended c") == nights


def test_a_session_that_ends_while_others_go_on_is_no_outage() -> None:
    other = bot(0.0, 50_001).wait(1000.0).close()
    report = judge(bot(1.0, 50_000).rst_server(after=10.0), other, bot(20.0, 50_002))
    assert report.outages == ()


def test_a_client_that_leaves_and_comes_back_is_no_outage() -> None:
    assert judge(bot(0.0, 50_000).close(after=10.0), bot(60.0, 50_001)).outages == ()


def test_a_server_that_never_served_anybody_has_none() -> None:
    assert judge(*(local(10.0 * number).syn().refuse() for number in range(4))).outages == ()


def test_clients_that_were_never_served_do_not_make_an_outage() -> None:
    """Their addresses may not be allowed."""
    stranger = [
        silent(call(f"192.168.1.31:{50_010 + each}", "192.168.1.9:4002", 60.0 + 10 * each)) for each in range(3)
    ]
    served = session(call("192.168.1.30:50000", "192.168.1.9:4002", 0.0)).close(after=20.0)
    assert judge(served, *stranger).outages == ()


def test_a_time_in_which_nobody_was_answered_is_told_although_it_works_again() -> None:
    silences = [silent(call(f"127.0.0.1:{50_010 + each}", LOCAL, 100.0 + 600 * each)) for each in range(5)]
    report = judge(bot(0.0, 50_000).close(after=20.0), *silences, bot(4000.0, 50_100))
    (outage,) = report.outages
    assert outage.failed == {Outcome.SILENT: 5}
    assert outage.ended == ()
    hung = next(found for found in report.findings if found.code == "IBS503")
    assert "hung: 5 clients in a row" in hung.summary
    assert "It served c7 again after" in hung.summary
    assert hung.remedy.startswith("If it hangs again")


def test_a_short_silence_that_passes_is_no_hang() -> None:
    """It may have been starting."""
    silences = [silent(call(f"127.0.0.1:{50_010 + each}", LOCAL, 100.0 + 10 * each)) for each in range(3)]
    report = judge(bot(0.0, 50_000).close(after=20.0), *silences, bot(200.0, 50_100))
    assert "IBS503" not in {found.code for found in report.findings}


def subscribed(at: float, port: int) -> Wire:
    market_data = request(1, 11, 9001, 0, "AAPL", "STK")
    return bot(at, port).client(market_data)


def test_a_client_that_does_not_subscribe_again_is_named() -> None:
    refused = call("127.0.0.1:50001", LOCAL, 105.0).syn().refuse()
    for again, told in ((bot(180.0, 50_002), True), (subscribed(180.0, 50_002), False)):
        report = judge(subscribed(0.0, 50_000).rst_server(after=100.0), refused, again.wait(600.0).close())
        (outage,) = report.outages
        assert ("did not make its subscriptions again" in outage.text) == told


def test_a_client_that_does_not_come_back_is_named() -> None:
    first = started(call("127.0.0.1:50000", LOCAL), client_id=12).server(ib_bytes.ready(178))
    other = bot(0.0, 50_001).rst_server(after=100.0)
    back = bot(180.0, 50_002).wait(600.0).close()
    (outage,) = judge(first.rst_server(after=99.9), other, back).outages
    assert "Client 12 did not come back." in outage.text
