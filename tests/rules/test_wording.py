"""Sentences about silences and bytes."""

from __future__ import annotations

from ib_bytes import HELLO, REPLY, hello
from judging import Watch, judge, only
from rule_wires import LONG
from wire import Wire

from ibsniff.masking.sentence import sentence
from ibsniff.model import WireBytes
from ibsniff.rules.wording.what_was_sent import SHOWN_BYTES, in_hex


def shown(raw: bytes) -> str:
    return sentence(in_hex(WireBytes(raw)))


def test_bytes_are_shown_as_they_were_sent() -> None:
    assert shown(HELLO) == HELLO.hex(" ")
    assert shown(b"\xff" * 100) == b"\xff".hex() + " ff" * (SHOWN_BYTES - 1) + " ..."


def test_an_account_among_the_options_is_masked() -> None:
    assert shown(hello(100, 187, "DU1234567")) == hello(100, 187, "DU*****67").hex(" ")


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
