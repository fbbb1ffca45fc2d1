"""What two packets on their way decide by chance decides no verdict: how fast the client spoke, or which goodbye won."""

from __future__ import annotations

import ib_bytes
import pytest
from field.accusing import accused
from field.thread import answered, call, request, session, short, started, told
from ib_bytes import HELLO, REPLY, START
from judging import judge, only
from wire import Wire

from ibsniff.model import Confidence, Fault, Side

HERE, THERE = ("127.0.0.1:50001", "127.0.0.1:7497"), ("192.168.1.30:50001", "192.168.1.5:7497")
RELAYS = ("127.0.0.1:50001", "127.0.0.1:4004"), ("192.168.1.30:50001", "192.168.1.5:4004")


@pytest.mark.parametrize("end", ["fin_server", "rst_server"])
@pytest.mark.parametrize("ends", [HERE, THERE])
def test_how_fast_the_client_speaks_says_nothing_of_who_hangs_up(ends: tuple[str, str], end: str) -> None:
    """A hello acknowledged and reset 1.6 ms later is what a TWS does too (one dot: reset within 1 ms)."""
    found = [
        only(getattr(call(*ends).connect().client(HELLO, after=spoke), end)(after=0.001_6)) for spoke in (5e-5, 8e-3)
    ]
    quick, slow = found
    assert quick.cause is not None
    assert slow.cause is not None
    assert (quick.cause.code, quick.fault, quick.confidence) == (slow.cause.code, slow.fault, slow.confidence)
    assert quick.fault is not Fault.NETWORK


def test_a_reset_after_the_hello_names_the_relay_and_tws() -> None:
    (finding,) = only(call(*HERE).connect().client(HELLO).rst_server(after=0.001_6)).findings
    assert (finding.code, finding.fault) == ("IBS304", Fault.UNDETERMINED)
    assert {Fault.NETWORK, Fault.TWS_STATE} <= {other.fault for other in finding.alternatives}
    assert "its backend refuses or is missing" in told(
        judge(call(*HERE).connect().client(HELLO).rst_server(after=0.001_6))
    )


RELAY_ENDS = {
    "before the hello came": lambda wire: wire.fin_server(after=0.002).client(HELLO, ack=False),
    "with the hello unread": lambda wire: wire.client(HELLO).fin_server(after=0.007).rst_server(after=0.000_5),
    "and the client closed sooner than its RST came": lambda wire: (
        wire.client(HELLO).fin_server(after=0.007).fin_client()
    ),
    "with a reset": lambda wire: wire.client(HELLO).rst_server(after=0.003),
}


@pytest.mark.parametrize("end", RELAY_ENDS)
@pytest.mark.parametrize("ends", RELAYS)
def test_where_relays_listen_it_is_the_relay_whoever_was_first(ends: tuple[str, str], end: str) -> None:
    conversation = only(RELAY_ENDS[end](call(*ends).connect()))
    assert [found.code for found in conversation.findings] == ["IBS107"]
    assert conversation.fault is Fault.NETWORK


def test_a_relay_that_may_have_heard_the_hello_is_a_guess() -> None:
    """What is behind it may have taken the call, and hung up."""
    unread = only(RELAY_ENDS["with the hello unread"](call(*RELAYS[0]).connect()))
    heard = only(RELAY_ENDS["with a reset"](call(*RELAYS[0]).connect()))
    assert (unread.confidence, heard.confidence) == (Confidence.MEDIUM, Confidence.LOW)


def test_a_start_that_met_the_servers_goodbye_was_not_its_reason() -> None:
    """A fifth of a second there and back: the FIN was on its way when the client said START_API."""
    wire = Wire(*THERE).syn().syn_ack(after=0.2).ack().client(HELLO, ack=False).ack(Side.SERVER, after=0.2)
    wire.server(REPLY).client(START, ack=False).fin_server(after=0.01)
    assert short(judge(wire)) == "315"


@pytest.mark.parametrize("start", [ib_bytes.start_api(203), START + ib_bytes.text(178, 49, 1)])
def test_what_the_client_said_after_the_servers_goodbye_is_not_its_reason(start: bytes) -> None:
    wire = (
        Wire(*HERE).connect().client(HELLO).server(REPLY).fin_server(after=0.000_2).client(start, after=0.2, ack=False)
    )
    assert short(judge(wire.rst_server())) == "315"


def test_a_start_after_the_servers_goodbye_found_no_rival() -> None:
    first = session(call("192.168.1.31:50001", THERE[1]))
    second = answered(call(*THERE, 9.0)).fin_server(after=0.001).client(START, ack=False)
    assert short(judge(first, second.rst_server())) == "315"


def test_a_goodbye_that_never_arrived_is_no_fault_of_tws() -> None:
    def holder() -> Wire:
        return session(call("192.168.1.31:50001", THERE[1])).fin_client(after=1.0)

    def refused() -> Wire:
        return started(call(*THERE, 9.0)).server(ib_bytes.error(178, 326, "in use")).fin_server()

    lost = judge(holder().again(1, after=0.2).again(2, after=0.4).again(3, after=0.8), refused())
    assert accused(lost)[Fault.NETWORK] == "IBS506"
    assert Fault.TWS_STATE not in accused(lost)
    assert "506" not in short(judge(holder(), refused())), "its ACK was not captured, or came too late"
    heard = accused(judge(holder().ack(Side.SERVER), refused()))
    assert heard[Fault.TWS_STATE] == "IBS506"


def test_a_call_the_client_rejects_is_no_test_of_the_port() -> None:
    calls = [
        call(f"192.168.1.30:{50_001 + at}", THERE[1], float(at)).syn().syn_ack().rst_client() for at in (0, 30, 60, 90)
    ]
    assert "509" not in short(judge(*calls))


def test_what_was_answered_with_an_error_was_answered() -> None:
    def asked() -> Wire:
        return session(Wire(*HERE)).client(request(61, 1), after=1.0)

    unread = ib_bytes.error(178, 320, "Error reading request")
    assert short(judge(asked().server(unread).fin_client(after=9.0))) == "404"
    much_later = asked().server(unread, after=9.0).fin_client(after=9.0)
    assert short(judge(much_later)) == "404 408", "that was another request's"
