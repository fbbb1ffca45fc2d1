"""What once accused the wrong side, or advised harm, because the same machine was called by another address, port or name."""

from __future__ import annotations

from collections.abc import Callable

import ib_bytes
import pytest
from field.accusing import KINDS, REMOTE, TIME, TWS, accused
from field.thread import call, local, session, short, silent, started, told
from ib_bytes import HELLO
from judging import Watch, judge
from wire import Wire

from ibsniff.analysis.changes import verdict_reached
from ibsniff.facts.ports import application
from ibsniff.model import Confidence, Fault, Outcome, Rung, Severity, Side, UnreachableKind

IPV6, IPV4 = "[::1]:4002", "127.0.0.1:4002"


def refused(seconds: float, server: str = IPV6, client: str = "[::1]:50000", **more: int) -> Wire:
    return call(client, server, seconds, **more).syn().refuse()


def served(seconds: float, server: str = IPV4, client: str = "127.0.0.1:50001") -> Wire:
    return session(call(client, server, seconds)).server(TIME, after=5.0)


# -- localhost has two addresses --------------------------------------------------------------------------------------


def test_who_falls_back_to_ipv4_has_no_trouble() -> None:
    """``localhost`` is ::1 first; a port published on 127.0.0.1 alone is refused there, and the program goes on."""
    report = judge(refused(0.0), served(0.000_5))
    assert report.verdict is not None
    assert (report.verdict.outcome, report.verdict.fault) == (Outcome.REPLIED, Fault.NONE)
    assert [finding.severity for finding in report.conversations[0].findings] == [Severity.NOTE]
    assert "Check that Gateway is running" not in told(report)


@pytest.mark.parametrize("kind", [name for name in KINDS if name != "refused"])
@pytest.mark.parametrize("apart", [0.000_1, 0.3])
def test_a_detour_hides_nothing(kind: str, apart: float) -> None:
    """Recorded with ib_async against a TWS that hangs: the refusal on ::1 was the verdict, and its advice the box."""
    alone = judge(KINDS[kind](call("127.0.0.1:50001", IPV4, apart)))
    report = judge(refused(0.0), KINDS[kind](call("127.0.0.1:50001", IPV4, apart)))
    assert alone.verdict is not None
    assert report.verdict is not None
    assert (report.verdict.code, report.verdict.outcome) == (alone.verdict.code, alone.verdict.outcome)
    assert report.verdict.conversation == "c2"


def test_who_is_refused_everywhere_was_on_no_detour() -> None:
    report = judge(refused(0.0), refused(0.001, IPV4, "127.0.0.1:50001"))
    assert [one.cause is not None and one.cause.severity for one in report.conversations] == [Severity.ERROR] * 2


def test_what_comes_later_or_at_the_same_address_is_no_detour() -> None:
    later = judge(refused(0.0), silent(call("127.0.0.1:50001", IPV4, 30.0)))
    assert later.conversations[0].fault is Fault.UNDETERMINED
    again = judge(refused(0.0, IPV4, "127.0.0.1:50001"), silent(call("127.0.0.1:50002", IPV4, 0.5)))
    assert again.conversations[0].fault is Fault.UNDETERMINED


def test_a_watch_for_a_verdict_does_not_stop_at_a_detour() -> None:
    detour = refused(0.0)
    began = call("127.0.0.1:50001", IPV4, 0.001).connect().client(HELLO)
    assert not verdict_reached(judge(detour, began))
    assert verdict_reached(judge(detour, silent(call("127.0.0.1:50001", IPV4, 0.001))))
    assert verdict_reached(judge(detour))


def test_windows_calls_three_times_before_it_falls_back() -> None:
    wire = call("[::1]:50000", IPV6).syn().refuse().wait(0.5).again(2).refuse().wait(0.5).again(2).refuse()
    report = judge(wire, served(1.1))
    assert report.verdict is not None
    assert report.verdict.fault is Fault.NONE


def test_who_calls_only_the_other_address_is_told_the_right_one() -> None:
    report = judge(served(0.0), refused(3.0))
    assert report.verdict is not None
    assert (report.verdict.outcome, report.verdict.fault) == (Outcome.REFUSED, Fault.UNDETERMINED)
    assert "Connect to 127.0.0.1 instead of ::1" in told(report)
    assert "Check that Gateway is running" not in told(report)


def test_a_session_that_was_over_does_not_show_that_it_still_listens() -> None:
    report = judge(session(call("127.0.0.1:50001", IPV4)).close(after=1.0), refused(60.0))
    assert "Check that Gateway is running" in told(report)


def test_another_machine_that_is_served_is_no_fallback() -> None:
    report = judge(refused(0.0), served(0.000_5, "192.168.1.5:4002", "192.168.1.30:50001"))
    assert report.verdict is not None
    assert report.verdict.outcome is Outcome.REFUSED


# -- another port of the machine --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", [("127.0.0.1:{}", "127.0.0.1:{}"), ("192.168.1.30:{}", "192.168.1.5:{}")])
def test_where_another_port_is_served_the_port_is_suspected_first(ends: tuple[str, str]) -> None:
    client, server = ends
    report = judge(
        refused(0.0, server.format(7497), client.format(50_001)),
        served(1.0, server.format(4001), client.format(50_002)),
    )
    (finding,) = report.conversations[0].findings
    assert "TWS or Gateway serves clients on port 4001 of that machine (c2)" in finding.summary
    assert finding.remedy.startswith(
        "Connect to port 4001 (usually IB Gateway, live trading) only if that is the one you mean"
    )
    assert finding.alternatives[0].fault is Fault.CLIENT


def test_what_took_calls_before_did_listen() -> None:
    """A Windows kernel is said to refuse where another one would drop: that nothing listens is not certain there."""
    tries = [silent(call(f"127.0.0.1:{50_000 + place}", "127.0.0.1:7497", 10.0 * place)) for place in range(3)]
    linux = judge(*tries, refused(60.0, "127.0.0.1:7497", "127.0.0.1:51000"))
    assert "accepted a connection before and did not answer (c1)" in told(linux)
    assert "Windows" not in told(linux)
    windows = judge(*tries, refused(60.0, "127.0.0.1:7497", "127.0.0.1:51000", server_ttl=128))
    assert "Windows may refuse connections then" in told(windows)
    assert windows.conversations[-1].confidence is Confidence.MEDIUM


# -- captured before and after an address was translated --------------------------------------------------------------


def seen_twice(script: Callable[[Wire], Wire], seconds: float, port: int) -> tuple[Wire, Wire]:
    """A container's call, on its bridge and, masqueraded, on the network behind it."""
    return script(call(f"172.18.0.2:{port}", TWS, seconds)), script(
        call(f"192.168.1.30:{port}", TWS, seconds + 0.000_03)
    )


def test_one_silence_seen_twice_is_no_row_of_them() -> None:
    before = seen_twice(lambda wire: session(wire).close(after=1.0), 0.0, 50_001)
    assert "503" not in short(judge(*before, *seen_twice(silent, 20.0, 50_002)))
    at_a_pace = [silent(call(f"192.168.1.30:{50_010 + number}", TWS, 20.0 + 0.5 * number)) for number in range(8)]
    assert "503" in short(judge(*before, *at_a_pace))
    again = seen_twice(silent, 31.0, 50_003)
    assert "503" in short(judge(*before, *seen_twice(silent, 20.0, 50_002), *again))


def test_a_session_whose_hello_was_not_captured_was_served_all_the_same() -> None:
    """That its hello is missing shows after the reply: the time between the two seems negative."""
    served = call(REMOTE, TWS).connect().lose().client(HELLO, ack=False).server(ib_bytes.reply(178))
    served.client(ib_bytes.start_api(178)).server(ib_bytes.ready(178)).close(after=1.0)
    test = call("192.168.1.30:50002", TWS, 5.0).connect().close(after=0.05)
    tries = [silent(call(f"192.168.1.30:{50_003 + number}", TWS, 10.0 + 7 * number)) for number in range(2)]
    report = judge(served, test, *tries)
    hello, reply = report.conversations[0].dialogue.hello, report.conversations[0].dialogue.reply
    assert hello is not None
    assert reply is not None
    assert hello.complete.packet > reply.began.packet
    assert "503" in short(report)


@pytest.mark.parametrize("kind", ["silent", "closed"])
def test_an_address_that_may_be_translated_is_not_said_to_be_the_one(kind: str) -> None:
    """From a container or a WSL to another machine of the network: TWS sees the host's address."""
    routed = judge(KINDS[kind](call("172.18.0.2:50001", TWS, server_ttl=127)))
    assert "the address that TWS sees (172.18.0.2 unless it is changed on the way;" in told(routed)
    direct = judge(KINDS[kind](call(REMOTE, TWS)))
    assert "add 192.168.1.30 (this one address, no range)" in told(direct)


# -- harm, and what only one of the two applications has --------------------------------------------------------------


def test_what_may_be_starting_is_not_restarted_first() -> None:
    """A bot tests the port, then says hello every six seconds to a Gateway that has just opened it."""
    test = local(0).connect().fin_client(after=0.01).ack(Side.SERVER)
    starting = told(judge(test, silent(local(1)), silent(local(7))))
    assert "hangs, or is still starting: 2 clients in a row" in starting
    assert "wait two minutes" in starting
    hung = told(judge(test, *(silent(local(1 + 30 * place + place**2)) for place in range(6))))
    assert "still starting: 6" not in hung
    assert "Restart TWS or Gateway; nothing else" in hung
    worked = told(judge(session(local(0)).close(after=1.0), silent(local(10)), silent(local(17))))
    assert "Restart TWS or Gateway; nothing else" in worked


def test_a_gateway_that_is_silent_is_not_said_to_ask_as_a_tws_does() -> None:
    """It was seen to hang up on strangers; silent, it rather hangs."""
    gateway = judge(silent(call(REMOTE, "192.168.1.5:4002")))
    assert "probably waits for someone" not in told(gateway)
    assert "hangs, is still starting, or waits for someone to accept the connection from 192.168.1.30" in told(gateway)
    assert "probably waits for someone" in told(judge(silent(call(REMOTE, TWS))))


@pytest.mark.parametrize(("port", "where"), [(4001, "Configure > Settings"), (7496, "Global Configuration")])
def test_auto_restart_is_looked_for_where_it_is(port: int, where: str) -> None:
    ended = session(local(0, port)).rst_server(after=5.0)
    assert f"Auto restart under {where} > Lock and Exit" in told(judge(ended))
    went_down = judge(ended, local(6, port).syn().refuse())
    assert "507" in short(went_down)
    assert told(went_down).count(f"Auto restart under {where} > Lock and Exit") == 2


# -- what stands between ----------------------------------------------------------------------------------------------


def test_a_reset_may_be_a_firewalls() -> None:
    reset = judge(call(REMOTE, TWS).connect().client(HELLO).rst_server(after=0.004))
    assert "a firewall or VPN in between" in told(reset)
    assert "a firewall or VPN in between" not in told(judge(KINDS["closed"](call(REMOTE, TWS))))


def test_a_service_without_a_ready_pod_is_rejected_by_its_packet_filter() -> None:
    rejected = judge(call(REMOTE, TWS).syn().unreachable(UnreachableKind.PORT))
    assert Rung.CALLED is rejected.conversations[0].rung
    assert Fault.TWS_STATE in [one.fault for one in rejected.conversations[0].findings[0].alternatives]
    assert accused(rejected) == {Fault.NETWORK: "IBS103"}


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("ends", [("127.0.0.1:50001", "127.0.0.1:7497"), (REMOTE, TWS)])
def test_who_accepts_only_new_versions_may_have_met_an_old_tws(ends: tuple[str, str], closed: bool) -> None:
    """What a TWS does that is older than the client accepts is not known: a setting is not the only cause."""

    def wire(lowest: int) -> Wire:
        said = call(*ends).connect().client(ib_bytes.hello(lowest, 225))
        return said.fin_server(after=0.006).fin_client() if closed else said.fin_client(after=4.0).ack(Side.SERVER)

    assert "older than this client accepts" in told(judge(wire(213)))
    assert "older than this client accepts" not in told(judge(wire(100)))


def test_a_tws_that_answers_again_has_come_back() -> None:
    """After a night's restart every try meets error 326: it was said to be down."""
    ended = session(local(0)).rst_server(after=5.0)
    down = [local(6.0 + 5 * number).syn().refuse() for number in range(4)]
    taken = [
        started(local(60.0 + 10 * number)).server(ib_bytes.error(178, 326, "in use")).fin_server().fin_client()
        for number in range(3)
    ]
    report = judge(ended, *down, *taken)
    assert "did not come back" not in told(report)
    assert "Gateway restarted" in told(report)
    assert "(c6), but no session became ready" in told(report)
    assert "did not come back" in told(judge(ended, *down))


V6_CALLS: dict[str, Callable[[Wire], Wire]] = {
    "rejected": lambda wire: wire.syn().unreachable(UnreachableKind.PORT),
    "without a route": lambda wire: wire.syn().unreachable(UnreachableKind.HOST),
    "dropped, and given up after a quarter of a second": lambda wire: wire.syn(),
    "dropped, and tried besides": lambda wire: wire.syn().again(1, after=1.0),
    "refused": lambda wire: wire.syn().refuse(),
}


@pytest.mark.parametrize("kind", V6_CALLS)
def test_a_name_with_an_ipv6_address_nobody_serves_is_a_detour(kind: str) -> None:
    first = V6_CALLS[kind](call("[2001:db8::1]:50000", "[2001:db8::5]:7497"))
    alone = judge(first, watch=Watch(ended=10.0))
    assert alone.conversations[0].fault is not Fault.NONE
    report = judge(first, KINDS["ready"](call(REMOTE, TWS, 0.25)), watch=Watch(ended=10.0))
    assert report.verdict is not None
    assert (report.verdict.fault, report.verdict.conversation) == (Fault.NONE, "c2")


def test_calls_that_went_on_elsewhere_are_no_storm() -> None:
    """A program that calls ``localhost`` again and again, and is served each time."""
    detours = [refused(0.8 * number, client=f"[::1]:{50_000 + number}") for number in range(12)]
    calls = [
        session(call(f"127.0.0.1:{50_000 + number}", IPV4, 0.8 * number + 0.001)).close(after=0.5)
        for number in range(12)
    ]
    assert "508" not in short(judge(*detours, *calls))
    assert "508" in short(judge(*detours))


def test_that_ib_is_not_reached_is_not_surely_ibs_doing() -> None:
    """Error 1100 is said of the user's own Internet too."""
    lost = judge(session(local(0)).server(ib_bytes.error(178, 1100, "Connectivity has been lost."), after=60.0))
    assert accused(lost) == {Fault.IB: "IBS403"}
    (finding,) = lost.conversations[0].findings
    assert finding.confidence is Confidence.MEDIUM
    assert [one.fault for one in finding.alternatives] == [Fault.NETWORK]


def unread(wire: Wire) -> Wire:
    """Rejected by its address alone, as what it said lies unread: the program closes, and its kernel resets."""
    return wire.connect().client(HELLO).fin_server(after=0.004).rst_server(after=0.000_1)


def test_a_tws_may_reject_its_own_machines_address_unheard() -> None:
    """Called by it, and not by the loopback, "localhost only" may hold: it was said to be a relay, not TWS."""
    own = judge(unread(call("192.168.1.5:50001", "192.168.1.5:7497")))
    assert accused(own, guesses=True) == {}
    assert "connect to 127.0.0.1 instead" in told(own)
    for ends in (("127.0.0.1:50001", "127.0.0.1:7497"), ("192.168.1.5:50001", "192.168.1.5:4004")):
        assert accused(judge(unread(call(*ends)))) == {Fault.NETWORK: "IBS107"}


def test_a_tws_that_serves_its_loopback_does_not_hang() -> None:
    """It asks about calls of its machine's own address, and waits for a click: "restart it" was the advice."""
    own = "192.168.1.5:{}", "192.168.1.5:7497"
    test = call(own[0].format(50_000), own[1]).connect().fin_client(after=0.01).ack(Side.SERVER)
    tries = [silent(call(own[0].format(50_000 + number), own[1], 140.0 * number)) for number in (1, 2, 3)]
    loopback = [
        session(call(f"127.0.0.1:{51_000 + place}", "127.0.0.1:7497", after)).close(after=1.0)
        for place, after in enumerate((5.0, 200.0, 422.0))
    ]
    unknown = judge(test, *tries)
    assert "503" not in short(unknown)
    assert "asks whether to accept connections from this address" in told(unknown)
    served_besides = judge(test, *tries, *loopback)
    assert {"503", "505"} & set(short(served_besides).split()) == {"505"}
    assert served_besides.verdict is not None
    assert (served_besides.verdict.fault, served_besides.verdict.confidence) == (Fault.TWS_CONFIG, Confidence.LOW)
    assert "Connect to 127.0.0.1 instead" in told(served_besides)
    assert "restart it" not in served_besides.findings[0].remedy


@pytest.mark.parametrize("ends", [("127.0.0.1:50001", "127.0.0.1:4004"), ("172.18.0.3:50001", "172.18.0.2:4004")])
def test_a_relay_that_is_down_is_no_reason_to_move_the_gateways_port(ends: tuple[str, str]) -> None:
    """To give Gateway the relay's own port would keep the relay from starting at all."""
    report = judge(call(*ends).syn().refuse())
    assert "API socket port is 4004" not in told(report)
    assert "TWS's own API port needs no change" in told(report)
    assert report.conversations[0].findings[0].alternatives[0].fault is Fault.NETWORK
    assert "API socket port is 4002" in told(judge(call(*(end.replace("4004", "4002") for end in ends)).syn().refuse()))


def test_what_goes_down_on_a_relays_port_is_hardly_known_to_be_tws() -> None:
    down = judge(session(local(0, 4004)).rst_server(after=5.0), local(6, 4004).syn().refuse())
    assert accused(down) == {}
    assert "Auto restart under Configure > Settings" in told(down)


@pytest.mark.parametrize(
    ("port", "name"), [(4004, "Gateway"), (7499, "TWS"), (8888, "TWS or Gateway"), (4001, "Gateway")]
)
def test_behind_a_relays_port_is_what_its_image_holds(port: int, name: str) -> None:
    assert application(port) == name


def test_what_is_served_over_ipv4_does_not_hang_over_ipv6() -> None:
    """Another program, as WSL's relay, may listen on ::1 alone."""
    first = silent(call("[::1]:50000", IPV6))
    assert accused(judge(first)) == {Fault.TWS_STATE: "IBS301"}
    besides = judge(first, served(4.5))
    assert accused(besides, guesses=True) == {}
    assert "Connect to 127.0.0.1 instead" in told(besides)
    assert accused(judge(silent(call("[::1]:50000", IPV6, 60.0)), served(0.0))) == {Fault.TWS_STATE: "IBS301"}
