"""What once accused the wrong side because of its neighbours in the capture, or in spite of them."""

from __future__ import annotations

import ib_bytes
import pytest
from field.accusing import REMOTE, TIME, TWS, accused
from field.thread import call, local, session, short, silent, told
from ib_bytes import HELLO
from judging import Watch, judge
from wire import Wire

from ibsniff.model import Confidence, Fault, Report, Side

LOCAL = "127.0.0.1:7497"


def confidence(report: Report, code: str) -> Confidence:
    return next(finding.confidence for finding in report.findings if finding.code == code)


# -- does it hang? ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", [("127.0.0.1:50001", LOCAL), (REMOTE, TWS)])
def test_what_answers_a_goodbye_with_its_own_does_not_hang(ends: tuple[str, str]) -> None:
    """A kernel alone acknowledges the FIN; half a second later comes socat's own, its inner side being silent."""
    wire = Wire(*ends).connect().client(HELLO).fin_client(after=4.0)
    assert accused(judge(wire)).keys() == {Fault.TWS_STATE}
    alive = wire.fin_server(after=0.5).ack()
    assert accused(judge(alive)) == {}
    assert "does not hang, because it closed its side when the client did" in told(judge(alive))


def test_many_goodbyes_are_no_hang() -> None:
    served = session(local(0)).close(after=1.0)
    tries = [local(10.0 * n).connect().client(HELLO).fin_client(after=4.0).fin_server().ack() for n in (1, 2, 3)]
    assert "503" not in short(judge(served, *tries))


def test_a_tws_that_refused_calls_a_moment_ago_is_starting() -> None:
    """Restarting it once more would be harm."""
    ended = session(local(0)).rst_server(after=5.0)
    refused = [local(6.0 + 5 * number).syn().refuse() for number in range(6)]
    starting = [silent(local(40.0 + 6 * number)) for number in range(2)]
    assert "503" not in short(judge(ended, *refused, *starting))
    hung = [silent(local(400.0 + 6 * number)) for number in range(2)]
    assert "503" in short(judge(ended, *refused, *hung))


def test_a_listener_may_hang_while_its_old_sessions_live() -> None:
    """Each session has a thread of its own; only new clients pass the one that hangs."""
    served = session(call(REMOTE, TWS))
    for _ in range(60):
        served.server(TIME, after=1.0)
    odd = call("192.168.1.40:50009", TWS, 10.0).connect().client(b"hello").close(after=1.0)
    tries = [silent(call(f"192.168.1.31:{50_002 + number}", TWS, 20.0 + 10 * number)) for number in range(3)]
    assert Fault.TWS_CONFIG not in accused(judge(served, odd, *tries))
    taken_in = session(call("192.168.1.30:50005", TWS, 41.0))
    assert accused(judge(served, odd, *tries, taken_in))[Fault.TWS_CONFIG] == "IBS505"


def test_a_program_that_wakes_up_was_not_held_up() -> None:
    """It closes the mute one and answers the other at once: nobody had gone."""
    mute = call("127.0.0.1:50001", LOCAL).connect()
    waiting = call("127.0.0.1:50002", LOCAL, 1.0).connect().client(HELLO).server(ib_bytes.reply(178), after=8.0)
    assert "502" not in short(judge(mute.fin_server(after=8.999).ack(), waiting))


# -- is it a setting, a firewall, a relay? ----------------------------------------------------------------------------


@pytest.mark.parametrize("ends", [("127.0.0.1:50002", LOCAL), ("192.168.1.31:50002", TWS)])
@pytest.mark.parametrize("spoke", [False, True])
def test_who_comes_when_it_goes_down_was_not_turned_away(ends: tuple[str, str], spoke: bool) -> None:
    other = session(call("127.0.0.1:50001" if ends[1] == LOCAL else REMOTE, ends[1])).rst_server(after=5.0)
    late = call(*ends, 5.0).connect()
    late = late.client(HELLO).rst_server(after=0.004) if spoke else late.rst_server(after=0.000_2)
    assert accused(judge(other, late)) == {Fault.TWS_STATE: "IBS405"}


def test_no_setting_of_a_tws_is_blamed_where_none_listens() -> None:
    closed = call(REMOTE, "192.168.1.5:9092").connect().client(HELLO).fin_server(after=0.005).fin_client()
    assert accused(judge(closed, watch=Watch(any_port=True))) == {}


def test_whom_it_accepted_before_no_firewall_stops() -> None:
    """The machine fell asleep, or TWS hangs and its queue is full."""
    before = session(call(REMOTE, TWS)).close(after=2.0)
    call_again = call("192.168.1.30:50002", TWS, 60.0).syn().again(1, after=1.0).again(1, after=2.0)
    report = judge(before, call_again, watch=Watch(ended=8.0))
    assert (short(report), accused(report)) == ("105", {})


def test_another_machine_that_fell_asleep_has_no_full_queue() -> None:
    """Nobody was there to click, and then nobody was there at all."""
    waiting = [silent(call(f"192.168.1.31:{50_002 + number}", TWS, 10.0 * number)) for number in range(2)]
    asleep = call("192.168.1.31:4000", TWS, 600.0).syn().again(1, after=1.0).again(1, after=2.0)
    report = judge(*waiting, asleep, watch=Watch(ended=9.0))
    assert confidence(report, "IBS504") is Confidence.LOW
    assert "has gone to sleep" in told(report)


def test_what_was_mended_while_the_capture_ran_is_not_known() -> None:
    """Refused until somebody ticked the box, or until it was up: the packets are the same."""
    refused = [local(5.0 * number).syn().refuse() for number in range(3)]
    report = judge(*refused, session(local(60)))
    assert accused(report) == {}
    assert "by then it had started, or its API had been switched on" in told(report)


def test_an_address_that_is_tried_out_or_announced_is_not_called() -> None:
    """Nobody shall answer these (RFC 5227)."""
    announced = Wire("192.168.1.30:1", "192.168.1.30:7497").arp_who_has().arp_who_has(after=1.0)
    probed = Wire("0.0.0.0:1", "192.168.1.30:7497").arp_who_has().arp_who_has(after=1.0)
    for wire in (announced, probed):
        assert short(judge(wire)) == "006"


def test_many_programs_that_call_once_are_no_storm_for_certain() -> None:
    report = judge(*(call(f"127.0.0.1:{41_000 + number}", LOCAL, 0.5 * number).syn().refuse() for number in range(12)))
    assert confidence(report, "IBS508") is Confidence.MEDIUM
    assert "overlap" not in told(report)


# -- hidden by what is missing ----------------------------------------------------------------------------------------


def test_a_setting_is_blamed_only_where_the_beginning_was_captured() -> None:
    """Without the handshake it is not known how far away the server is, and so not how soon it hung up."""
    wire = Wire(REMOTE, TWS).lose(3).connect().client(HELLO, ack=False).fin_server(after=0.04).fin_client()
    assert accused(judge(wire)) == {}


def test_a_setting_is_not_blamed_where_packets_were_lost() -> None:
    """A relay's FIN at once, lost on the way: its repeat comes later, as if somebody had thought about it."""
    wire = Wire(REMOTE, TWS).connect().client(HELLO, ack=False).again(1, after=0.3).ack(Side.SERVER)
    assert accused(judge(wire.fin_server(after=0.05).fin_client())) == {}


def test_a_goodbye_known_by_its_ack_alone_came_at_no_known_time() -> None:
    wire = call("127.0.0.1:50001", "127.0.0.1:4004").connect().client(HELLO, ack=False)
    wire.lose().fin_server(after=0.004).fin_client().ack(Side.SERVER)
    assert "107" not in short(judge(wire))


def test_what_a_port_test_proves_of_itself_its_beginning_must_prove_too() -> None:
    wire = Wire(REMOTE, TWS).syn().lose().syn_ack().ack().fin_client(after=4.0)
    assert accused(judge(wire)) == {}


def test_silence_is_in_doubt_where_the_client_rejected_what_came_afterwards() -> None:
    """A web server that had nothing to say until its client left: its page was not captured, the RST it met was."""
    wire = Wire().connect().client(HELLO).fin_client(after=4.0).ack(Side.SERVER).rst_client(after=0.001)
    assert accused(judge(wire)) == {}


def test_a_call_unanswered_beside_one_that_hangs_is_not_a_firewalls() -> None:
    hung = silent(call("192.168.1.40:50009", TWS))
    strangers_call = call("192.168.1.31:50001", TWS, 20.0).syn().again(1, after=1.0).again(1, after=2.0)
    assert Fault.NETWORK not in accused(judge(hung, strangers_call, watch=Watch(ended=9.0)))
    here = call("127.0.0.1:50009", "127.0.0.1:7497", 1.0).syn().again(1, after=1.0).again(1, after=2.0)
    strangers_call = call("192.168.1.31:50001", TWS, 20.0).syn().again(1, after=1.0).again(1, after=2.0)
    assert Fault.NETWORK not in accused(judge(here, strangers_call, watch=Watch(ended=9.0)))


def test_one_question_seen_twice_is_no_question_repeated() -> None:
    asked = Wire("192.168.1.30:1", "192.168.1.5:7497").arp_who_has().arp_who_has(after=0.000_01)
    assert "109" not in short(judge(asked))
    assert "109" in short(judge(asked.arp_who_has(after=1.0)))


def test_a_port_may_have_been_moved_whoever_was_told() -> None:
    """The one that was told called another address of the machine; nobody was told: it may be a setting as well."""
    moved = session(call(REMOTE, TWS)).server(ib_bytes.error(178, 1300, "reset")).fin_server(after=0.01).ack()
    here = session(call("127.0.0.1:50009", "127.0.0.1:7497")).close(after=1.0)
    refused = call("127.0.0.1:50010", "127.0.0.1:7497", 60.0).syn().refuse()
    assert accused(judge(moved, here, refused)) == {Fault.TWS_CONFIG: "IBS407"}
    here = session(call("127.0.0.1:50009", "127.0.0.1:7497")).close(after=1.0)
    refused = call("127.0.0.1:50010", "127.0.0.1:7497", 60.0).syn().refuse()
    assert accused(judge(here, refused)) == {}
