"""Who must act when several speak: a bystander, a queue that is full, a machine that forwards, a client that is gone."""

from __future__ import annotations

from typing import Any

import ib_bytes
import pytest
from ib_bytes import BROKEN_HELLOS, HELLO, PROXY_HEADERS, READY, REPLY, START, text
from judging import judge, only
from rule_wires import LONG, NOT_MET, answered, in_use, local, queue_full, remote, session, silent
from wire import START_NS, Wire

from ibsniff.model import NANOSECONDS, Confidence, Fault, Finding, Report, Rung, Side, UnreachableKind

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
    assert finding.remedy.startswith(
        "Give the program that was refused, on 172.24.46.64:51009 (c2), a client id of its own."
    )
    assert "is on another machine: leave it alone" in finding.remedy
    assert "old socket" not in finding.remedy
    same = found(judge(begun("172.24.46.63"), refused_later("172.24.46.63")), "IBS506")
    assert (same.fault, same.confidence) == (Fault.CLIENT, Confidence.HIGH)
    assert "nobody can close" not in same.remedy
    assert same.remedy.index("a client id of its own") < same.remedy.index(
        "Only if 172.24.46.63:51000 (c1) is left over"
    )


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


# -- a relay whose server went down ---------------------------------------------------------------------------------------


def behind_relay(seconds: float, host: str = "172.20.0.5") -> Wire:
    return Wire(
        f"{host}:{40_000 + round(seconds)}", "172.20.0.2:4004", start_ns=START_NS + round(seconds * NANOSECONDS)
    )


def closed_at_once(seconds: float) -> Wire:
    return behind_relay(seconds).connect().client(HELLO, ack=False).fin_server(after=0.0004).rst_server()


def port_test(seconds: float, *, by_server: bool) -> Wire:
    wire = behind_relay(seconds, "172.20.0.1").connect()
    return wire.fin_server(after=0.0005).fin_client() if by_server else wire.fin_client(after=0.01).fin_server()


def test_a_server_that_ends_behind_its_relay_is_one_problem_and_no_setting_is_accused() -> None:
    report = judge(
        port_test(2, by_server=False),
        session(behind_relay(0)).fin_server(after=30.0),
        *(closed_at_once(at) for at in (33, 39, 51, 75)),
        *(port_test(at, by_server=True) for at in (52, 62)),
    )
    assert not any(one.code == "IBS505" or one.fault is Fault.TWS_CONFIG for one in report.findings)
    down = found(report, "IBS507")
    assert (down.fault, down.confidence) == (Fault.TWS_STATE, Confidence.MEDIUM)
    assert "Gateway behind the relay 172.20.0.2:4004 went down at" in down.summary
    assert "accepted 6 connections and closed each at once, and did not come back" in down.summary
    assert down.remedy.startswith("On 172.20.0.2, check that Gateway is running and logged in")
    assert [one.finding.code for one in report.problems] == ["IBS507", "IBS201"]


def test_a_relay_that_goes_on_serving_others_has_its_server() -> None:
    report = judge(
        session(behind_relay(0)).wait(200).server(READY),
        session(behind_relay(5)).fin_server(after=9),
        closed_at_once(33),
    )
    assert "IBS507" not in [one.code for one in report.findings]


# -- the same address closed and served -----------------------------------------------------------------------------------


def from_host(host: str, seconds: float) -> Wire:
    return Wire(
        f"{host}:{40_000 + round(seconds)}", "172.24.32.1:7497", start_ns=START_NS + round(seconds * NANOSECONDS)
    )


@pytest.mark.parametrize(("hello", "codes"), [(HELLO, {"IBS505"}), (b"", set())])
def test_only_a_client_that_said_hello_can_be_rejected_for_its_address(hello: bytes, codes: set[str]) -> None:
    other = from_host("172.24.46.64", 20).connect()
    other = other.client(hello).fin_server(after=0.005) if hello else other.fin_server(after=0.005)
    report = judge(session(from_host("172.24.46.63", 0)).wait(60).server(READY), other)
    assert {one.code for one in report.findings} & {"IBS505"} == codes


def test_a_server_that_nobody_can_use_meanwhile_does_not_choose_by_address() -> None:
    gone = session(from_host("172.24.46.63", 0)).fin_server(after=30)
    also = [
        from_host(host, at).connect().client(HELLO).fin_server(after=0.005)
        for host, at in (("172.24.46.63", 40), ("172.24.46.64", 50))
    ]
    assert "IBS505" not in [one.code for one in judge(gone, *also).findings]


def test_a_client_whose_own_bytes_are_wrong_makes_no_outage() -> None:
    report = judge(session(at(0)).close(), silent(at(20, port=40_009), NOT_MET), session(at(40, port=40_011)))
    assert not report.outages


# -- an outage of hours -----------------------------------------------------------------------------------------------------


def session_with_id(seconds: float, client_id: int) -> Wire:
    wire = answered(at(seconds, port=40_000 + round(seconds) % 9_000 + client_id))
    return wire.client(ib_bytes.start_api(178, client_id)).server(READY)


def night_of(hours: float) -> Report:
    back = 100 + 3600 * hours
    return judge(
        session_with_id(0, 1).rst_server(after=60),
        session_with_id(1, 2).rst_server(after=59),
        *(at(80 + 60 * number, port=50_000 + number).syn().refuse() for number in range(3)),
        session_with_id(back, 1).wait(600).server(READY),
    )


def test_an_outage_of_hours_probably_waited_for_a_login_and_names_who_did_not_come_back() -> None:
    long, short = found(night_of(7.0), "IBS507"), found(night_of(0.1), "IBS507")
    assert "worked again 7 h" in long.summary
    assert "Client id 2 did not come back." in long.summary
    assert long.remedy.startswith("Start the program with client id 2 again.")
    assert "waited for a login or a second factor" in long.remedy
    assert "nothing to fix" not in long.remedy
    assert "login" not in short.remedy


def test_of_several_restarts_the_unusually_long_one_is_told() -> None:
    def night(begins: float, length: float) -> list[Wire]:
        refused = at(begins + 65, port=50_000 + round(begins) % 9_000).syn().refuse()
        return [
            session_with_id(begins, 1).rst_server(after=60),
            refused,
            session_with_id(begins + 60 + length, 1).wait(9).fin_client(),
        ]

    restart = found(judge(*night(0, 100), *night(10_000, 20_000), *night(60_000, 100)), "IBS507")
    assert "worked again 5 h 33 min later" in restart.summary
    assert "It restarted 2 other times in this capture, and worked again after 100 s" in restart.summary


# -- an accept queue that fills after a server was seen to work -----------------------------------------------------------


def to_server(seconds: float) -> Wire:
    start_ns = START_NS + round(seconds * NANOSECONDS)
    return Wire(f"192.168.1.30:{40_000 + round(seconds)}", "192.168.1.64:7497", start_ns=start_ns)


def left_waiting(seconds: float, hello: bytes = b"") -> Wire:
    """Accepted by the kernel alone: not even the client's FIN is answered by one."""
    wire = to_server(seconds).connect()
    return (wire.client(hello) if hello else wire).fin_client(after=2).ack(Side.SERVER)


def unanswered(seconds: float) -> Wire:
    return to_server(seconds).syn().again(after=1.0).again(after=2.0)


def queue_after_service(waiting: int, served_between: bool = False) -> Report:
    """It serves a session and closes port tests; then it accepts nobody, while the session goes on."""
    begins = [session(to_server(0)).wait(1500).server(READY), to_server(5).connect().close(after=2)]
    queue = [left_waiting(20 + 10 * number, HELLO if number % 3 else b"") for number in range(waiting)]
    last = 20 + 10 * waiting
    between = [to_server(last + 5).connect().close(after=2)] if served_between else []
    return judge(*begins, *queue, *between, unanswered(last + 20), unanswered(last + 40))


def test_the_connections_since_the_last_one_that_was_served_fill_the_queue() -> None:
    full = found(queue_after_service(51), "IBS504")
    assert (full.fault, full.confidence) == (Fault.TWS_STATE, Confidence.MEDIUM)
    assert "51 earlier connections were accepted and never served" in full.summary
    assert "It has accepted nobody since" in full.summary
    assert "(c3)" in full.summary
    assert "stop the port test from 192.168.1.30" in full.remedy
    assert {"c54", "c55"} < set(full.conversations), "every attempt that was not answered is a consequence"


def test_few_waiting_connections_leave_other_reasons_open() -> None:
    few = found(queue_after_service(3), "IBS504")
    assert few.confidence is Confidence.LOW


def test_a_connection_that_was_closed_meanwhile_shows_an_empty_queue() -> None:
    assert "IBS504" not in [one.code for one in queue_after_service(51, served_between=True).findings]


# -- a SYN that nothing answers: is a machine there? ------------------------------------------------------------------------


def unanswered_attempt(*wires: Wire) -> Finding:
    findings = [one for each in judge(*wires, watch=LONG).conversations for one in each.findings]
    (finding,) = (one for one in findings if one.code == "IBS105")
    return finding


def dropped(server: str, client: str = "192.168.1.23") -> Wire:
    return Wire(f"{client}:45000", server, start_ns=START_NS + 30 * NANOSECONDS).syn().again(after=1.0).again(after=2.0)


def test_another_port_that_answers_meanwhile_shows_that_a_firewall_drops_this_one() -> None:
    works = session(Wire("192.168.1.23:44000", "192.168.1.50:7497", server_ttl=128)).wait(60).server(READY)
    finding = unanswered_attempt(works, dropped("192.168.1.50:7496"))
    assert (finding.fault, finding.confidence) == (Fault.NETWORK, Confidence.MEDIUM)
    assert "The machine is there: it served a client on port 7497 (c1)" in finding.summary
    assert "no machine" not in finding.summary
    assert finding.remedy.startswith("Check that port 7496 is the one you mean")
    assert not finding.alternatives, "a full queue makes Windows refuse"


def test_another_port_that_answered_only_before_does_not_show_it() -> None:
    ended = session(Wire("192.168.1.23:44000", "192.168.1.50:7497")).close(after=5)
    assert "or no machine is there" in unanswered_attempt(ended, dropped("192.168.1.50:7496")).summary


def test_arp_shows_that_a_machine_has_the_address() -> None:
    asked = (
        Wire("192.168.1.23:45000", "192.168.1.50:7497", start_ns=START_NS + 29 * NANOSECONDS).arp_who_has().arp_reply()
    )
    finding = unanswered_attempt(asked, dropped("192.168.1.50:7497"))
    assert "A machine has this address (it sent ARP)" in finding.summary
    assert finding.packets[-1] == 2
    earlier = (
        Wire("192.168.1.23:45000", "192.168.1.50:7497", start_ns=START_NS - 900 * NANOSECONDS).arp_who_has().arp_reply()
    )
    assert "or no machine is there" in unanswered_attempt(earlier, dropped("192.168.1.50:7497")).summary
    other = (
        Wire("192.168.1.23:45000", "192.168.1.51:7497", start_ns=START_NS + 29 * NANOSECONDS).arp_who_has().arp_reply()
    )
    assert "or no machine is there" in unanswered_attempt(other, dropped("192.168.1.50:7497")).summary


@pytest.mark.parametrize(
    ("client", "server", "is_wsl"),
    [
        ("172.24.46.63", "172.24.32.1:7497", True),
        ("172.20.0.5", "172.20.0.1:7497", False),
        ("192.168.1.23", "192.168.1.50:7497", False),
    ],
)
def test_wsl_is_named_only_where_the_addresses_are_those_of_a_wsl(client: str, server: str, is_wsl: bool) -> None:
    finding = unanswered_attempt(dropped(server, client))
    assert ("WSL" in finding.remedy + str(finding.alternatives)) is is_wsl
    assert finding.remedy.startswith("Check that")


# -- closed late, and again and again -----------------------------------------------------------------------------------------


def reset_late(number: int, after: float, ttl: int = 128) -> Wire:
    start_ns = START_NS + 14 * number * NANOSECONDS
    wire = Wire(f"172.28.25.140:{41_000 + number}", "172.28.16.1:7497", server_ttl=ttl, start_ns=start_ns)
    return wire.connect().client(HELLO).rst_server(after=after)


def closed_late(*wires: Wire) -> Finding:
    cause = judge(*wires).conversations[-1].cause
    assert cause is not None
    assert cause.code == "IBS305"
    return cause


def test_equal_late_resets_by_windows_are_looked_for_in_the_portproxy() -> None:
    cause = closed_late(*(reset_late(number, 2.03) for number in range(6)))
    assert cause.fault is Fault.UNDETERMINED
    assert "reset it 2 s later" in cause.summary
    assert "6 connections ended like this, after about the same time" in cause.summary
    assert cause.remedy.startswith("On 172.28.16.1, run `netsh interface portproxy show all`")
    assert "try again" not in (cause.remedy + str(cause.alternatives)).lower()


@pytest.mark.parametrize(("after", "ttl"), [(2.03, 64), (6.0, 128), (0.9, 128)])
def test_other_late_resets_are_no_portproxy(after: float, ttl: int) -> None:
    cause = closed_late(*(reset_late(number, after, ttl) for number in range(6)))
    assert "portproxy" not in cause.summary + cause.remedy


def test_late_resets_at_different_times_may_be_somebodys_click() -> None:
    cause = closed_late(*(reset_late(number, after) for number, after in enumerate((1.0, 3.5, 7.0))))
    assert "ended like this" not in cause.summary
    assert any("answered its dialog" in other.cause for other in cause.alternatives)


# -- health checks --------------------------------------------------------------------------------------------------------------


def request_for(path: str, program: str = "") -> bytes:
    agent = f"User-Agent: {program}\r\n" if program else ""
    return f"GET {path} HTTP/1.1\r\nHost: gateway:4002\r\n{agent}\r\n".encode()


def remedy_for(data: bytes, *seconds: float) -> str:
    clients = [at(second, port=42_000 + number) for number, second in enumerate(seconds)]
    tests = [silent(one, data) if data else one.connect().fin_client(after=4) for one in clients]
    cause = judge(*tests).conversations[-1].cause
    assert cause is not None
    return f"{cause.summary} {cause.remedy}"


@pytest.mark.parametrize(
    "data",
    [
        request_for("/health"),
        request_for("/api/healthz?full=1"),
        request_for("/-/ready"),
        request_for("/", "kube-probe/1.29"),
        request_for("/", "ELB-HealthChecker/2.0"),
        request_for("/metrics", "Prometheus/2.50"),
    ],
)
def test_a_health_check_is_told_to_look_at_what_listens(data: bytes) -> None:
    text = remedy_for(data, 0)
    assert "it is an HTTP health check" in text
    assert "Let a test look at what listens" in text
    assert "suspected of making Gateway stop answering" in text
    assert "API client library" not in text


@pytest.mark.parametrize("path", ["/", "/v1/api/tickle", "/healthcare/AAPL", "/v1/api/iserver/auth/status"])
def test_a_request_at_no_regular_interval_may_be_a_programs(path: str) -> None:
    assert "API client library" in remedy_for(request_for(path), 0, 7, 60)
    assert "what listens" not in remedy_for(request_for(path), 0, 7, 60)


@pytest.mark.parametrize("data", [request_for("/"), BROKEN_HELLOS["28 TLS 1.2 record"], b""])
def test_what_comes_at_a_regular_interval_may_be_a_health_check(data: bytes) -> None:
    assert "every 20 s" in remedy_for(data, 0, 20, 40, 60)
    assert "test look at what listens" in remedy_for(data, 0, 20, 40, 60)


# -- refused over IPv6 ------------------------------------------------------------------------------------------------------------


def refused_over(client: str, server: str, *others: Wire) -> Finding:
    conversation = judge(
        *others, Wire(client, server, start_ns=START_NS + 9 * NANOSECONDS).syn().refuse()
    ).conversations[-1]
    assert conversation.cause is not None
    return conversation.cause


@pytest.mark.parametrize(
    ("client", "server", "instead"),
    [
        ("[::1]:51000", "[::1]:7497", "connect to 127.0.0.1 instead of ::1 or a name such as localhost"),
        ("[fd00::c4]:51000", "[fd00::1f]:7496", "connect to that machine's IPv4 address instead of fd00::1f"),
    ],
)
def test_a_client_that_is_refused_over_ipv6_tries_ipv4_first(client: str, server: str, instead: str) -> None:
    cause = refused_over(client, server)
    assert cause.remedy.startswith(f"First try IPv4: {instead}.")
    assert "it listens on IPv4 only" in cause.summary
    assert "IPv4 only" in cause.alternatives[0].cause
    assert cause.fault is Fault.UNDETERMINED


def test_who_was_served_over_ipv6_is_not_sent_to_ipv4() -> None:
    before = session(Wire("[fd00::c4]:50000", "[fd00::1f]:7496")).close()
    cause = refused_over("[fd00::c4]:51000", "[fd00::1f]:7496", before)
    assert "IPv4" not in cause.summary + cause.remedy + str(cause.alternatives)
    over_ipv4 = refused_over("192.168.1.4:51000", "192.168.1.5:7496")
    assert "IPv4" not in over_ipv4.summary + over_ipv4.remedy + str(over_ipv4.alternatives)


def test_a_firewall_that_rejects_ipv6_may_let_ipv4_through() -> None:
    rejected = only(
        Wire("[fd00::c4]:51000", "[fd00::1f]:7496").syn().unreachable(UnreachableKind.PROHIBITED, reporter="fd00::1f")
    )
    assert rejected.cause is not None
    assert rejected.cause.remedy.endswith("Or connect to the IPv4 address: a firewall has rules of its own for IPv6.")
