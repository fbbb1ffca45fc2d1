"""Sentences about silences."""

from __future__ import annotations

import pytest
from ib_bytes import HELLO, REPLY
from judging import Watch, judge, only
from rule_wires import LONG, local, remote, said, session, started
from wire import START_NS, Wire

from ibsniff import to_markdown
from ibsniff.model import Confidence, Conversation, Fault, Severity


def test_silence_is_counted_from_the_first_transmission() -> None:
    wire = Wire().connect().client(HELLO, ack=False).again(after=1).again(after=2).again(after=4)
    assert "sent 4 times" in only(wire, LONG).summary
    assert "(13 s, until the end of the capture)" in only(wire, LONG).summary
    short = Wire().connect().client(HELLO, ack=False).again(after=1).again(after=2)
    assert "only 3.1 s" in only(short, Watch(ended=0.1)).summary


def test_the_summary_names_who_ended_the_silence() -> None:
    wire = Wire().connect().client(HELLO).fin_client(after=4)
    assert "until the client closed" in only(wire).summary


def test_the_summary_names_what_the_client_sent_in_place_of_start_api() -> None:
    wire = Wire().connect().client(HELLO).server(REPLY).client(b"71\x002\x007\x00\x00")
    assert "925,958,194" in only(wire, LONG).summary


def test_a_capture_without_api_traffic_names_the_tunnels_that_may_hold_it() -> None:
    (finding,) = judge(
        Wire(server="127.0.0.1:5432").connect(),
        watch=Watch(skipped={"inside a tunnel (WireGuard)": 9, "inside a tunnel (IPsec ESP)": 1, "not TCP": 3}),
    ).findings
    assert "a tunnel that ibsniff does not read (WireGuard, IPsec ESP): capture on the tunnel's own" in finding.remedy
    (finding,) = judge(Wire(server="127.0.0.1:5432").connect()).findings
    assert "tunnel" not in finding.remedy


@pytest.mark.parametrize("version", [178, 203])
def test_a_close_after_an_error_that_explains_it_is_not_without_a_reason(version: int) -> None:
    def closed_after(*codes: int, pause: float = 0.5) -> Conversation:
        wire = started(local(), version)
        for code in codes:
            wire.server(said(code, "text", version))
        return only(wire.fin_server(after=pause))

    disclaimer = closed_after(10141)
    assert (disclaimer.fault, disclaimer.confidence) == (Fault.TWS_STATE, Confidence.HIGH)
    assert "the paper trading disclaimer was not accepted (error 10141)" in disclaimer.summary
    for code in (1100, 2110):
        lost = closed_after(code)
        assert (lost.fault, lost.confidence) == (Fault.IB, Confidence.MEDIUM)
        assert f"TWS had lost its connection to IB's servers just before (error {code})" in lost.summary
        assert not any("stays open" in finding.summary for finding in lost.findings)
    for other in (closed_after(1100, 1102), closed_after(1100, pause=60), closed_after(2104)):
        assert (other.fault, other.confidence) == (Fault.UNDETERMINED, Confidence.LOW)
        assert "without a reason" in other.summary


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("TWS socket port has been reset. Please reconnect on the new port - 7500", "port 7500"),
        ("Please reconnect on the new port: 65535.", "port 65535"),
        ("Please reconnect on the new port - 65536", "the new port"),
        ("Please reconnect on the new port - 0", "the new port"),
        ("Please reconnect on the new port - DU1234567", "the new port"),
        ("port has been reset", "the new port"),
    ],
)
def test_the_new_port_stands_in_the_remedy_when_tws_names_it(text: str, port: str) -> None:
    ended = session(local()).server(said(1300, text)).fin_server()
    assert f"Connect to {port} (API" in str(only(ended).cause)
    refused = judge(ended, Wire("127.0.0.1:51009", start_ns=START_NS + 10**10).syn().refuse()).conversations[1]
    assert f"Connect to {port} (API" in str(refused.cause)


def test_an_address_that_nobody_has_says_more_than_that_there_is_no_api_traffic() -> None:
    report = judge(remote().arp_who_has().arp_who_has(after=1).arp_who_has(after=1))
    assert [(one.code, one.severity) for one in report.findings] == [
        ("IBS006", Severity.NOTE),
        ("IBS109", Severity.WARNING),
    ]
    assert "No machine answers ARP for 172.24.32.1" in to_markdown(report).split("\n\n")[0]
    assert judge(remote().arp_who_has()).findings[0].severity is Severity.WARNING
