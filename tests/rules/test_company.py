"""Who must act when several speak: a bystander, a queue that is full, a machine that forwards, a client that is gone."""

from __future__ import annotations

from typing import Any

import pytest
from ib_bytes import BROKEN_HELLOS, HELLO, PROXY_HEADERS, READY, REPLY, START, text
from judging import judge, only
from rule_wires import NOT_MET, in_use, local, queue_full, remote, session, silent
from wire import START_NS, Wire

from ibsniff.model import NANOSECONDS, Confidence, Fault, Finding, Report, Rung, UnreachableKind

BYSTANDERS = {
    "HTTP": NOT_MET,
    "TLS": BROKEN_HELLOS["28 TLS 1.2 record"],
    "text": b"\r\n",
    "one dot": BROKEN_HELLOS["9 one dot"],
}


def at(seconds: float, client: str = "127.0.0.1", port: int = 40_001) -> Wire:
    return Wire(f"{client}:{port}", start_ns=START_NS + round(seconds * NANOSECONDS))


def found(report: Report, code: str) -> Finding:
    (finding,) = (one for one in report.findings if one.code == code)
    return finding


# -- a bystander --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bystander", BYSTANDERS)
@pytest.mark.parametrize("seconds", [-20, 20])
@pytest.mark.parametrize("end", ["fin_client", "fin_server", "rst_server"])
def test_a_bystanders_error_does_not_outrank_a_good_hello_left_unanswered(
    bystander: str, seconds: int, end: str
) -> None:
    odd = at(30 + seconds, port=40_009).connect().client(BYSTANDERS[bystander]).wait(3.0)
    report = judge(silent(at(30)), getattr(odd, end)())
    assert report.verdict is not None
    assert (report.verdict.fault, report.verdict.code) == (Fault.TWS_STATE, "IBS301")


def test_a_wrong_hello_alone_still_speaks() -> None:
    report = judge(silent(at(0), NOT_MET), session(at(20, port=40_009)))
    assert report.verdict is not None
    assert report.verdict.code == "IBS207"


# -- an accept queue that is full ---------------------------------------------------------------------------------------


def test_repeated_syn_acks_beside_unserved_neighbours_are_a_full_queue() -> None:
    full = judge(queue_full(3)).conversations[-1]
    assert full.cause is not None
    assert (full.cause.code, full.fault, full.confidence) == ("IBS303", Fault.TWS_STATE, Confidence.MEDIUM)
    assert "repeated its SYN-ACK 2 times after the client's ACK" in full.summary
    assert "3 earlier connections (c3 the latest) were accepted and never served" in full.summary


@pytest.mark.parametrize("options", [{"neighbours": 1}, {"neighbours": 3, "other_address": True}])
def test_repeated_syn_acks_alone_do_not_decide_between_a_full_queue_and_lost_packets(options: dict[str, Any]) -> None:
    lost = judge(queue_full(**options)).conversations[-1]
    assert lost.cause is not None
    assert (lost.cause.code, lost.fault, lost.confidence) == ("IBS303", Fault.UNDETERMINED, Confidence.LOW)
    assert [other.fault for other in lost.cause.alternatives] == [Fault.NETWORK, Fault.TWS_STATE]


def test_a_server_that_serves_others_meanwhile_has_room_in_its_queue() -> None:
    lost = judge(queue_full(neighbours=3, served_after=True)).conversations[-1]
    assert lost.cause is not None
    assert (lost.cause.code, lost.fault) == ("IBS303", Fault.NETWORK)


# -- a machine that forwards --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [UnreachableKind.HOST, UnreachableKind.NETWORK])
def test_a_called_address_that_reports_itself_can_be_reached(kind: UnreachableKind) -> None:
    itself = only(remote().syn().unreachable(kind, reporter="172.24.32.1"))
    assert "172.24.32.1 can be reached and forwards port 7497" in itself.summary
    assert itself.fault is Fault.NETWORK
    router = only(remote().syn().unreachable(kind, reporter="172.24.46.1"))
    assert "172.24.32.1 cannot be reached" in router.summary
    own = only(Wire("192.168.1.5:51000", "192.168.1.5:7497").syn().unreachable(kind, reporter="192.168.1.5"))
    assert "cannot be reached" in own.summary


def test_a_called_address_that_prohibits_is_a_firewall() -> None:
    prohibited = only(remote().syn().unreachable(UnreachableKind.PROHIBITED, reporter="172.24.32.1"))
    assert prohibited.cause is not None
    assert prohibited.cause.code == "IBS103"


# -- a client that is gone ----------------------------------------------------------------------------------------------


def begun(client: str) -> Wire:
    return session(Wire(f"{client}:51000", "172.24.32.1:7497"))


def refused_later(client: str) -> Wire:
    return in_use(Wire(f"{client}:51009", "172.24.32.1:7497", start_ns=START_NS + 60 * NANOSECONDS))


def test_a_client_whose_address_is_gone_is_not_told_to_close_its_socket() -> None:
    first = begun("172.24.46.63").server(text(178, 49, 1), ack=False)
    first.again(after=0.5).again(2, after=1).again(3, after=2).again(4, after=4)
    finding = found(judge(first, refused_later("172.24.46.64")), "IBS506")
    assert (finding.fault, finding.confidence) == (Fault.NETWORK, Confidence.MEDIUM)
    assert "Nobody can close that socket" in finding.remedy
    assert "Close 172.24.46.63" not in finding.remedy


def test_what_cannot_be_delivered_to_the_client_shows_that_it_is_gone() -> None:
    first = (
        begun("172.24.46.63")
        .server(text(178, 49, 1), ack=False)
        .unreachable(UnreachableKind.HOST, reporter="172.24.32.1")
    )
    finding = found(judge(first, refused_later("172.24.46.64")), "IBS506")
    assert "Nobody can close that socket" in finding.remedy


def test_a_quiet_client_at_another_address_may_be_gone() -> None:
    finding = found(judge(begun("172.24.46.63"), refused_later("172.24.46.64")), "IBS506")
    assert (finding.fault, finding.confidence) == (Fault.CLIENT, Confidence.MEDIUM)
    assert "If 172.24.46.63 was this machine's own address before, nobody can close that socket" in finding.remedy
    same = found(judge(begun("172.24.46.63"), refused_later("172.24.46.63")), "IBS506")
    assert (same.fault, same.confidence) == (Fault.CLIENT, Confidence.HIGH)
    assert "nobody can close" not in same.remedy


# -- a relay's header in front of the hello -----------------------------------------------------------------------------


@pytest.mark.parametrize("header", PROXY_HEADERS)
@pytest.mark.parametrize("behind", [HELLO, b""])
@pytest.mark.parametrize("end", ["fin_client", "fin_server"])
def test_a_proxy_header_is_the_relays_and_not_the_programs(header: str, behind: bytes, end: str) -> None:
    wire = local().connect().client(PROXY_HEADERS[header] + behind).wait(4.0 if end == "fin_client" else 0.05)
    conversation = only(getattr(wire, end)())
    assert conversation.cause is not None
    assert (conversation.cause.code, conversation.fault) == ("IBS215", Fault.NETWORK)
    assert "remove send-proxy" in conversation.cause.remedy


@pytest.mark.parametrize("header", PROXY_HEADERS)
@pytest.mark.parametrize("apart", [True, False])
def test_a_server_that_expects_the_header_is_read_as_if_there_were_none(header: str, apart: bool) -> None:
    wire = local().connect()
    wire = wire.client(PROXY_HEADERS[header]).client(HELLO) if apart else wire.client(PROXY_HEADERS[header] + HELLO)
    conversation = only(wire.server(REPLY).client(START).server(READY))
    assert conversation.rung is Rung.READY
    assert conversation.dialogue.start is not None
    assert conversation.findings == ()
