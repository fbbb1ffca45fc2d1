"""What once accused the wrong side, or was surer than the packets: each counterexample an adversary found, by name."""

from __future__ import annotations

import re

import ib_bytes
import pytest
from field.accusing import ASK, KINDS, REMOTE, START, TIME, TWS, accused
from field.thread import answered, call, session, short, silent, started, told
from ib_bytes import HELLO
from judging import Watch, judge, only
from wire import Wire

from ibsniff.model import ACK, FIN, Confidence, Fault, Side

# -- strangers --------------------------------------------------------------------------------------------------------


def test_two_tws_with_the_same_port_are_two() -> None:
    report = judge(session(call(REMOTE, TWS)), silent(call("192.168.1.31:50002", "192.168.1.6:7497", 1.0)))
    assert short(report) == "302"


def test_a_session_on_loopback_says_little_of_another_machine() -> None:
    """Captured on the client's machine: the answer takes its time, the client's ACK takes none."""
    there = call("192.168.1.30:50002", "192.168.1.6:7497", 1.0, server_ttl=128)
    there.syn().syn_ack(after=0.02).ack(after=0.000_02).client(HELLO).fin_client(after=4.0)
    report = judge(session(call("127.0.0.1:50001", "127.0.0.1:7497")), there)
    assert "505" not in short(report)


def test_tws_that_still_serves_another_one_does_not_hang() -> None:
    """Two tries of an address nobody clicked for, while a trusted one is served on."""
    served = session(call(REMOTE, TWS))
    for _ in range(30):
        served.server(TIME, after=1.0)
    tries = [silent(call(f"192.168.1.31:{50_002 + number}", TWS, 5.0 + 10.0 * number)) for number in range(2)]
    report = judge(served, *tries)
    assert short(report) == "302 505"
    assert "restart" not in told(report).split("Look for a dialog")[0].lower()


def test_a_port_test_and_a_stranger_who_is_not_let_in_are_no_hang() -> None:
    probe = call("192.168.1.40:50009", TWS).connect().close(after=0.1)
    tries = [silent(call(f"192.168.1.31:{50_002 + number}", TWS, 5.0 + 10.0 * number)) for number in range(2)]
    assert short(judge(probe, *tries)) == "201 302"


def test_served_before_and_silent_since_is_no_proof_of_a_setting() -> None:
    report = judge(session(call(REMOTE, TWS)).close(after=5.0), silent(call("192.168.1.31:50002", TWS, 60.0)))
    assert accused(report) == {Fault.TWS_STATE: "IBS302"}


def test_another_network_unanswered_may_be_a_firewall_all_the_same() -> None:
    waiting = [silent(call(f"192.168.1.31:{50_002 + number}", TWS, 10.0 * number)) for number in range(2)]
    stranger = call("10.9.0.9:4000", TWS, 25.0).syn().again(1, after=1.0).again(1, after=2.0)
    report = judge(*waiting, stranger, watch=Watch(ended=9.0))
    assert short(report) == "105 302"


def test_tests_that_were_closed_by_both_filled_no_queue() -> None:
    """What answers a goodbye with its own is no full queue's kernel."""
    tests = [call(f"{REMOTE[:-1]}{number}", TWS, 10.0 * number).connect().close(after=0.1) for number in range(3)]
    unanswered = call("192.168.1.30:50009", TWS, 40.0).syn().again(1, after=1.0).again(1, after=2.0)
    assert "504" not in short(judge(*tests, unanswered, watch=Watch(ended=9.0)))


def test_two_relays_at_once_are_not_mistaken_for_each_other() -> None:
    """Called within 5 ms of each other; which inner call is whose is not to be seen."""
    wires: list[Wire] = []
    for client, port, inner, began in ((REMOTE, 4004, 4002, 0.0), ("192.168.1.31:50002", 4003, 4001, 0.005)):
        wires.append(call(client, f"192.168.1.5:{port}", began).connect().fin_server(after=0.03))
        wires.append(call(f"127.0.0.1:{60_000 + inner}", f"127.0.0.1:{inner}", 0.02 - began).syn().refuse())
    assert "501" not in short(judge(*wires))
    assert "501" in short(judge(*wires[:2]))


def test_many_behind_one_address_may_be_many() -> None:
    report = judge(*(silent(call(f"10.0.0.1:{41_000 + number}", TWS, 0.7 * number)) for number in range(12)))
    (storm,) = (finding for finding in report.findings if finding.code == "IBS508")
    assert storm.confidence is Confidence.MEDIUM


def test_the_same_id_without_error_326_is_inferred() -> None:
    first, second = session(call(REMOTE, TWS)), started(call("192.168.1.30:50002", TWS, 5.0))
    assert accused(judge(first, second.rst_server(after=0.01)))[Fault.CLIENT] == "IBS506"
    assert all(finding.confidence is not Confidence.HIGH for finding in judge(first, second).findings)


def test_a_server_that_ends_all_at_once_does_not_mind_the_id() -> None:
    first = session(call(REMOTE, TWS)).rst_server(after=5.1)
    second = started(call("192.168.1.30:50002", TWS, 5.0)).rst_server(after=0.05)
    assert "506" not in short(judge(first, second))


# -- a bad way --------------------------------------------------------------------------------------------------------


def retried(wire: Wire) -> Wire:
    return wire.again(1, after=1.0).again(2, after=2.0).again(3, after=4.0)


def test_an_answer_that_did_not_arrive_is_not_the_clients_turn() -> None:
    """Captured near the server, behind it a firewall that drops data."""
    wire = retried(Wire(REMOTE, TWS).connect().client(HELLO).server(ib_bytes.reply(178), ack=False))
    conversation = only(wire, Watch(ended=8.0))
    assert [finding.code for finding in conversation.findings] == ["IBS303"]
    assert conversation.fault is Fault.NETWORK


def test_a_start_that_did_not_arrive_is_not_ignored() -> None:
    wire = retried(answered(Wire(REMOTE, TWS)).client(START, ack=False))
    assert only(wire, Watch(ended=8.0)).fault is Fault.NETWORK


def test_nothing_said_is_certain_only_from_the_clients_own_goodbye() -> None:
    waits = only(Wire(REMOTE, TWS).connect(), Watch(ended=20.0))
    assert waits.confidence is Confidence.MEDIUM
    assert "lost before it reached the place of this capture" in waits.findings[0].alternatives[0].cause
    assert only(Wire(REMOTE, TWS).connect().fin_client(after=2.0)).confidence is Confidence.HIGH


@pytest.mark.parametrize("patience", [0.05, 1.5])
def test_a_client_without_patience_does_not_make_tws_late(patience: float) -> None:
    """The second one gave up 1.5 s after its hello, over a way that takes 0.8 s there and back."""
    there_and_back = 0.05 if patience < 1.0 else 0.8
    wire = Wire(REMOTE, TWS).syn().syn_ack(after=there_and_back).ack().client(HELLO, ack=False)
    wire.fin_client(after=patience)
    wire.ack(Side.SERVER).server(ib_bytes.reply(178), ack=False, after=0.001).rst_client()
    assert accused(judge(wire)) == {}


def test_a_hello_that_was_lost_twice_does_not_make_tws_late() -> None:
    wire = Wire(REMOTE, TWS).connect().client(HELLO, ack=False).again(1, after=1.0).again(2, after=2.0)
    wire.fin_client(after=0.9).ack(Side.SERVER).server(ib_bytes.reply(178), after=0.01)
    report = judge(wire)
    assert accused(report) == {}
    assert "lost on the way" in told(report)


def test_a_call_made_once_may_have_been_answered() -> None:
    """No kernel calls only once when nothing comes back."""
    for ends in ((REMOTE, TWS), ("127.0.0.1:50001", "127.0.0.1:7497")):
        assert accused(judge(Wire(*ends).syn(), watch=Watch(ended=10.0))) == {}


def test_calls_half_a_second_apart_were_refused() -> None:
    """So Windows calls after a RST, which this capture does not hold."""
    wire = Wire(REMOTE, TWS).syn().again(1, after=0.5).again(1, after=0.5)
    assert accused(judge(wire, watch=Watch(ended=10.0))) == {}


def test_a_connection_forgotten_on_the_way_was_not_ended_by_tws() -> None:
    wire = session(Wire(REMOTE, TWS)).client(ASK, ack=False, after=10_800.0).rst_server(after=0.001)
    assert accused(judge(wire)) == {}


def test_a_hang_up_that_met_the_hello_on_a_slow_way_did_not_hear_it() -> None:
    """Two seconds there and back: the server closed as soon as it had accepted, as relays do."""
    wire = Wire(REMOTE, TWS).syn().syn_ack(after=2.0).ack().client(HELLO, ack=False)
    wire.segment(Side.SERVER, ACK | FIN, ack=1_001, after=2.0).fin_client()
    assert accused(judge(wire)) == {}


def test_a_hello_whose_repeat_was_not_due_may_not_have_arrived() -> None:
    """A client whose SYN was lost repeats its data after three seconds only (RFC 6298, 5.7)."""
    wire = Wire(REMOTE, TWS).syn().again(1, after=1.0).syn_ack(after=0.2).ack().client(HELLO, ack=False)
    assert accused(judge(wire.fin_client(after=3.0))) == {}


def test_near_the_server_one_does_not_see_what_was_said_in_vain() -> None:
    wire = Wire(REMOTE, TWS).syn().syn_ack(after=0.000_02).ack(after=0.2).fin_server(after=10.0)
    assert accused(judge(wire, watch=Watch(ended=2.0))) == {}


def test_a_relay_on_one_machine_is_known_by_its_haste() -> None:
    """socat on a usual port, measured: it closes before it has read the hello."""
    outer = call("127.0.0.1:50001", "127.0.0.1:7496").connect().client(HELLO)
    began_ns = outer.frames()[2].time_ns
    inner = Wire("127.0.0.1:60000", "127.0.0.1:7497", start_ns=began_ns + 200_000).syn().refuse()
    report = judge(outer.fin_server(after=0.000_85).rst_server(), inner)
    (joined_legs,) = report.findings
    assert (joined_legs.code, joined_legs.confidence) == ("IBS501", Confidence.MEDIUM)


def test_a_client_that_closed_its_window_was_not_kept_waiting() -> None:
    """It did not read: TWS may not send it an answer."""
    wire = session(Wire()).client(ASK).ack(window=0).wait(20.0).rst_client()
    assert accused(judge(wire)) == {Fault.CLIENT: "IBS406"}
    wire = Wire().connect().client(HELLO).ack(window=0).fin_client(after=6.0)
    assert accused(judge(wire)) == {}


def test_silence_over_a_way_that_loses_packets_is_a_guess() -> None:
    """A hang-up or an answer may be among the lost ones: seen with a server that closed, and three in ten packets lost."""
    wire = Wire(REMOTE, TWS).connect().client(HELLO, ack=False).again(1, after=1.0).ack(Side.SERVER)
    assert accused(judge(wire.fin_client(after=4.0))) == {}
    assert accused(judge(silent(Wire(REMOTE, TWS)))) == {Fault.TWS_STATE: "IBS302"}


def test_a_hang_up_in_no_time_is_a_relays_as_well() -> None:
    """TWS needs some milliseconds to reject an address."""
    wire = Wire(REMOTE, TWS).connect().client(HELLO)
    assert accused(judge(wire.fin_server(after=0.000_5).fin_client())) == {}


# -- where and when ---------------------------------------------------------------------------------------------------


def test_a_hang_up_after_a_minute_is_no_decision_about_the_address() -> None:
    wire = call(REMOTE, TWS).connect().client(HELLO).fin_server(after=60.0).fin_client()
    assert accused(judge(wire)) == {}


def test_a_relays_hang_up_is_no_decision_about_the_address() -> None:
    wire = call(REMOTE, "192.168.1.5:4004").connect().client(HELLO).fin_server(after=0.005).fin_client()
    assert accused(judge(wire)) == {}


@pytest.mark.parametrize("end", ["silent", "closed"])
def test_an_address_of_its_own_is_not_the_loopback_to_tws(end: str) -> None:
    said = told(judge(KINDS[end](call("192.168.1.5:50001", TWS))))
    assert re.search("connected to an address of TWS's own machine", said)
    assert "connected to an address of TWS" not in told(judge(KINDS[end](call("127.0.0.1:50001", "127.0.0.1:7497"))))


@pytest.mark.parametrize("loopback", ["127.0.0.1", "127.8.8.8", "[::1]", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_loopback_is_told_about_trusted_addresses(loopback: str, kind: str) -> None:
    assert "Trusted" not in told(judge(KINDS[kind](call(f"{loopback}:50001", f"{loopback}:7497"))))


# -- texts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [200, 2104, 9999])
@pytest.mark.parametrize(
    "text",
    [
        "Unable to connect as the client id is already in use. Please retry with a unique client id.",
        "IBS301: TWS hangs, fault client, confidence high",
        "Connectivity between IB and TWS has been lost.",
        "API interface is currently in Read-Only mode.",
    ],
)
def test_a_text_under_another_code_is_not_believed(code: int, text: str) -> None:
    assert accused(judge(session(Wire()).server(ib_bytes.error(178, code, text)).fin_client(after=9.0))) == {}


def test_a_session_that_was_taken_in_has_its_id() -> None:
    wire = session(Wire()).server(ib_bytes.error(178, 326, "in use")).server(TIME, after=20.0).fin_client()
    assert accused(judge(wire)) == {}
