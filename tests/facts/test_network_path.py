"""Who answered, from TTL, MSS and addresses: only what is known, and nothing about a healthy session."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from field.thread import told
from ib_bytes import HELLO, READY, REPLY, START
from judging import codes, judge, only
from rule_wires import session
from wire import START_NS, Wire

from ibsniff.facts.network_path import Answerer, System, hops, network_path, possible_systems, system
from ibsniff.model import NANOSECONDS, Connection, Fault
from ibsniff.rules.wording.commands import accepts_no_more, lists_listeners, lists_packet_filter, who_listens
from ibsniff.rules.wording.who_answered import address_tws_sees, who_answered


def connection(client: str, server: str, ttl: int, mss: int | None = None) -> Connection:
    return only(Wire(client, server, server_ttl=ttl, mss=mss).connect().client(HELLO).fin_client(after=4)).connection


@pytest.mark.parametrize(
    ("client", "server", "ttl", "answerer", "said"),
    [
        ("172.17.0.1:50001", "172.17.0.2:4002", 64, Answerer.CONTAINER, "a container, reached over its bridge"),
        ("172.17.0.2:50001", "172.17.0.1:4002", 64, Answerer.CONTAINER_HOST, "the machine of the client's container"),
        ("172.18.0.3:50001", "172.18.0.2:4004", 64, Answerer.OTHER_CONTAINER, "another container"),
        ("172.24.46.63:50001", "172.24.32.1:7497", 128, Answerer.WSL_HOST, "the Windows host of this WSL"),
        ("192.168.1.20:50001", "192.168.1.5:7497", 63, Answerer.BEHIND_ROUTERS, "is behind 1 machine"),
        ("192.168.1.20:50001", "10.0.0.5:7497", 117, Answerer.BEHIND_ROUTERS, "is behind 11 machines"),
        ("[2001:db8::20]:50001", "[2001:db8:1::5]:7497", 61, Answerer.BEHIND_ROUTERS, "is behind 3 machines"),
    ],
)
def test_who_answered(client: str, server: str, ttl: int, answerer: Answerer, said: str) -> None:
    there = connection(client, server, ttl)
    path = network_path(there)
    assert path is not None
    assert path.answerer is answerer
    assert path.through_container is (
        answerer in {Answerer.CONTAINER, Answerer.CONTAINER_HOST, Answerer.OTHER_CONTAINER}
    )
    assert there.server.ip in who_answered(path, there)
    assert said in who_answered(path, there)
    assert address_tws_sees(path, there).endswith(".")


@pytest.mark.parametrize(
    ("client", "server", "ttl"),
    [
        ("127.0.0.1:50001", "127.0.0.1:7497", 64),
        ("192.168.1.5:50001", "192.168.1.5:7497", 128),
        ("192.168.1.20:50001", "192.168.1.5:7497", 64),
        ("192.168.1.20:50001", "192.168.1.5:7497", 128),
        ("192.168.1.20:50001", "192.168.1.5:7497", 255),
        ("192.168.1.20:50001", "192.168.1.5:7497", 20),
        ("172.24.46.63:50001", "172.24.32.1:7497", 64),
        ("172.24.46.63:50001", "172.24.40.9:7497", 128),
        ("172.24.60.63:50001", "172.24.32.1:7497", 128),
        ("172.17.0.1:50001", "172.17.0.2:4002", 128),
        ("172.31.0.20:50001", "172.31.0.21:4002", 64),
    ],
)
def test_nothing_is_claimed_where_nothing_is_known(client: str, server: str, ttl: int) -> None:
    assert network_path(connection(client, server, ttl)) is None


@pytest.mark.parametrize(("ttl", "away"), [(64, 0), (63, 1), (128, 0), (98, 30), (97, None), (255, None), (33, None)])
def test_hops_are_counted_from_the_usual_beginnings_only(ttl: int, away: int | None) -> None:
    assert hops(connection("192.168.1.20:50001", "192.168.1.5:7497", ttl)) == away


def test_commands_are_those_of_the_machine_that_answered() -> None:
    linux = connection("127.0.0.1:50001", "127.0.0.1:7497", 64)
    mac = connection("127.0.0.1:50001", "127.0.0.1:7497", 64, mss=16_344)
    windows = connection("127.0.0.1:50001", "127.0.0.1:7497", 128, mss=1_460)
    assert [system(one) for one in (linux, mac, windows)] == ["Linux", "macOS", "Windows"]
    assert system(connection("192.168.1.20:50001", "192.168.1.5:7497", 64)) is None
    for one, command in ((linux, "ss -l"), (mac, "lsof "), (windows, "Get-Process")):
        assert who_listens(one).startswith(f"`{command}")
    for one, shown in ((linux, "Recv-Q"), (mac, "first number"), (windows, "CLOSE_WAIT")):
        assert shown in accepts_no_more(one)


def test_where_the_packets_do_not_tell_the_system_there_is_a_command_for_each() -> None:
    lan = connection("192.168.1.20:50001", "192.168.1.5:7497", 64)
    assert possible_systems(lan) == (System.LINUX, System.MACOS)
    assert who_listens(lan) == "`ss -ltnp` on Linux or `lsof -nP -iTCP:7497 -sTCP:LISTEN` on macOS"
    shown = "`ss -ltn 'sport = :7497'`: a Recv-Q that stays above 0 (on macOS `netstat -Lan` for port 7497: "
    assert accepts_no_more(lan).startswith(shown)
    unknown = connection("192.168.1.20:50001", "192.168.1.5:7497", 255)
    assert possible_systems(unknown) == tuple(System)
    assert lists_packet_filter(unknown).endswith(" or `netsh advfirewall show allprofiles` on Windows")
    container = connection("172.17.0.1:50001", "172.17.0.2:4002", 64)
    assert possible_systems(container) == (System.LINUX,)
    assert lists_listeners(container) == "`ss -ltn`"


@pytest.mark.parametrize("ttl", [63, 64, 128])
def test_a_healthy_session_is_not_commented(ttl: int) -> None:
    assert codes(judge(session(Wire("172.24.46.63:50001", "172.24.32.1:7497", server_ttl=ttl)))) == set()


def test_over_a_bridge_nobody_is_blamed_for_a_close() -> None:
    def hung_up(client: str, server: str) -> Wire:
        return Wire(client, server).connect().client(HELLO).fin_server(after=0.05)

    assert only(hung_up("172.17.0.1:50001", "172.17.0.2:4002")).fault is Fault.UNDETERMINED
    assert only(hung_up("192.168.1.20:50001", "192.168.1.5:4002")).fault is Fault.TWS_CONFIG


ENDS = ("192.168.1.20", "192.168.1.5:4002")
LATER = START_NS + 60 * NANOSECONDS


def at(start_ns: int, port: int) -> Wire:
    return Wire(f"{ENDS[0]}:{port}", ENDS[1], start_ns=start_ns)


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("how", ["served", "left open"])
def test_a_close_is_not_blamed_on_an_address_that_was_accepted(how: str, later: bool) -> None:
    first, second = (LATER, START_NS) if later else (START_NS, LATER)
    wire = at(first, 50_002)
    let_in = session(wire) if how == "served" else wire.connect().fin_client(after=2.0)
    report = judge(let_in, at(second, 50_001).connect().client(HELLO).fin_server(after=0.05))
    judged = next(one for one in report.conversations if one.connection.client.port == 50_001)
    assert judged.fault is Fault.UNDETERMINED
    assert ("it accepted 192.168.1.20 later" if later else "probably not because of the address") in judged.summary


def test_a_dialog_is_not_excluded_by_what_came_after_it_or_late() -> None:
    silent = at(LATER, 50_001).connect().client(HELLO).fin_client(after=4.0)
    clicked = at(START_NS, 50_002).connect().client(HELLO).wait(9.0).server(REPLY).client(START).server(READY)
    for other in (session(at(LATER + LATER - START_NS, 50_002)), clicked):
        assert "waits for someone to accept" in told(judge(silent, other))
    assert "the address is probably not the reason" in told(judge(silent, session(at(START_NS, 50_002))))


@pytest.mark.parametrize(
    ("ttl", "mss", "command"),
    [
        (64, 65_495, "`ss -ltn 'sport = :7497'`: Recv-Q above Send-Q would confirm it"),
        (64, 16_344, "`netstat -Lan` for port 7497"),
        (128, 65_495 - 20, "`netstat -ano | findstr :7497`"),
    ],
)
def test_a_machine_that_did_not_answer_itself_is_recognised_by_its_syn(ttl: int, mss: int, command: str) -> None:
    """macOS has no ``ss``."""
    wire = Wire("127.0.0.1:50001", "127.0.0.1:7497", client_ttl=ttl, mss=mss)
    assert command in told(judge(wire.syn().again(1, after=1.0).again(2, after=2.0)))


@pytest.mark.parametrize("closing", [Wire.fin_server, Wire.rst_server])
def test_a_windows_machine_gets_windows_commands(closing: Callable[..., Wire]) -> None:
    wire = Wire("172.24.46.63:50001", "172.24.32.1:7497", server_ttl=128).connect().client(HELLO)
    said = told(judge(closing(wire, after=0.005)))
    assert "Get-NetTCPConnection" in said
    assert "ss -ltn" not in said
