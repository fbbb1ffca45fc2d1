"""Which connection a segment belongs to."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest
from tcp_replay import PORTS, Replay
from wire import Wire, endpoint

from ibsniff.model import Connection, Segment, Side, Unreachable, UnreachableKind
from ibsniff.tcp import ConnectionTable, reassembly_buffer
from ibsniff.tcp.direction import Direction
from ibsniff.tcp.reassembly_buffer import CHUNK_OVERHEAD


def talk(text: bytes, isn: int = 1_000) -> Wire:
    return Wire(client_isn=isn).connect().client(text).close()


@pytest.mark.parametrize(
    ("client", "server", "from_server"),
    [
        ("10.0.0.1:51000", "10.0.0.2:7497", False),
        ("10.0.0.1:51000", "10.0.0.2:7497", True),
        ("10.0.0.1:1024", "10.0.0.2:7497", True),
        ("10.0.0.1:51000", "10.0.0.2:9999", False),
        ("10.0.0.1:51000", "10.0.0.2:9999", True),
        ("10.0.0.1:50000", "10.0.0.2:7496", True),
    ],
)
def test_the_ports_tell_the_client_in_the_middle(client: str, server: str, from_server: bool) -> None:
    wire = Wire(client, server)
    wire = wire.server(b"data", ack=False) if from_server else wire.client(b"data", ack=False)
    connection = Replay(wire.segments(), PORTS | {7496}).connection
    assert (connection.client, connection.server) == (endpoint(client), endpoint(server))
    assert connection.history == ("^d" if from_server else "D")


def test_between_two_known_ports_the_higher_one_is_the_client() -> None:
    wire = Wire("10.0.0.1:7497", "10.0.0.2:7496").server(b"x")
    assert Replay(wire.segments(), frozenset({7496, 7497})).connection.client == endpoint("10.0.0.1:7497")


def test_the_handshake_counts_more_than_the_ports() -> None:
    wire = Wire("10.0.0.1:7497", "10.0.0.2:51000").connect()
    assert Replay(wire.segments()).connection.client == endpoint("10.0.0.1:7497")
    assert Replay(wire.segments()[1:]).connection.client == endpoint("10.0.0.1:7497")


def test_a_port_is_used_again_after_the_end() -> None:
    wire = talk(b"first").restart(client_isn=70_000, server_isn=80_000).connect().client(b"second")
    replay = Replay(wire.segments())
    first, second = replay.connections
    assert replay.stream(Side.CLIENT, first) == b"first"
    assert replay.stream(Side.CLIENT, second) == b"second"
    assert first.ended is not None
    assert second.ended is None


@pytest.mark.parametrize(
    ("wire", "count"),
    [
        (Wire().syn().syn(after=1.0).syn(after=2.0), 1),
        (Wire().syn().syn(after=200.0), 2),
        (Wire().syn().refuse().syn(after=4.0), 1),
        (Wire().syn().refuse().syn(after=6.0), 2),
        (Wire().syn().refuse().restart(client_isn=7, server_isn=8).syn(after=0.5), 2),
        (Wire().syn().restart(client_isn=7, server_isn=8).syn(after=0.5), 2),
        (Wire().connect().syn(after=0.5), 1),
        (Wire().connect().restart(client_isn=7, server_isn=8).connect(), 2),
        (Wire().connect().rst_server().restart(client_isn=1_000, server_isn=8).connect(), 2),
        (Wire().client(b"middle").restart(client_isn=7, server_isn=8).connect(), 2),
        (talk(b"first").restart(client_isn=7, server_isn=8).lose().syn().syn_ack().ack(), 2),
        (Wire().server(b"middle").restart(client_isn=7, server_isn=8).lose().syn().syn_ack().ack(), 2),
        (Wire().connect().rst_client().again(3), 1),
        (Wire().syn().syn_ack().rst_client().syn(after=1.0).syn_ack().rst_client(), 1),
        (Wire().lose().syn().syn_ack().ack().swap().client(b"first"), 1),
    ],
    ids=[
        "retransmitted",
        "long idle",
        "refused and tried again at once",
        "refused and tried again later",
        "refused, other number",
        "unanswered, other number",
        "SYN-ACK lost on its way",
        "half-open",
        "ended, the same number by chance",
        "joined in the middle",
        "ended, the SYN not captured",
        "joined, the SYN not captured",
        "SYN-ACK repeated after the end",
        "SYN-ACK rejected, the same call again",
        "SYN-ACK captured after its ACK",
    ],
)
def test_which_syn_begins_another_attempt(wire: Wire, count: int) -> None:
    assert len(Replay(wire.segments()).connections) == count


def test_a_rejected_attempt_that_is_accepted_later_has_not_ended() -> None:
    rejected = Wire().syn().syn_ack().rst_client()
    assert Replay(rejected.segments()).connection.ended is not None
    connection = Replay(rejected.syn(after=1.0).syn_ack().ack().segments()).connection
    assert (connection.ended, connection.from_client.rst, connection.syn_count) == (None, None, 2)
    assert connection.established is not None


def test_the_server_may_connect_back_between_the_same_ports() -> None:
    wire = talk(b"first").segments()
    back = Wire("127.0.0.1:7497", "127.0.0.1:51000", start_ns=wire[-1].time_ns + 1).connect().segments()
    first, second = Replay([*wire, *back]).connections
    assert (first.client, second.client) == (endpoint("127.0.0.1:51000"), endpoint("127.0.0.1:7497"))


def test_a_syn_of_the_supposed_server_corrects_the_roles() -> None:
    wire = Wire().client(b"middle").segments()
    back = Wire("127.0.0.1:7497", "127.0.0.1:51000", start_ns=wire[-1].time_ns + 1).connect().segments()
    assert len(Replay([*wire, *back]).connections) == 2


def test_a_late_syn_of_the_server_is_a_new_attempt() -> None:
    wire = Wire().syn().segments()
    back = Wire("127.0.0.1:7497", "127.0.0.1:51000", start_ns=wire[-1].time_ns + 10**12).syn().segments()
    assert len(Replay([*wire, *back]).connections) == 2


def test_connections_stay_apart_and_in_order() -> None:
    wires = [Wire(f"127.0.0.1:{port}", client_isn=port) for port in (51_002, 51_001, 51_003)]
    for number, wire in enumerate(wires):
        wire.wait(number * 0.001).connect().client(b"hello %d" % number).close()
    replay = Replay(Wire.merge(*wires).segments())
    assert [connection.client.port for connection in replay.connections] == [51_002, 51_001, 51_003]
    assert [replay.stream(Side.CLIENT, connection) for connection in replay.connections] == [
        b"hello 0",
        b"hello 1",
        b"hello 2",
    ]


def test_an_unreachable_finds_the_attempt_it_is_about() -> None:
    wire = Wire("10.0.0.1:51000", "10.0.0.2:7497").syn().unreachable(UnreachableKind.HOST, reporter="10.0.0.254")
    wire.unreachable(UnreachableKind.PORT, back=2)
    table = ConnectionTable(PORTS)
    syn, first, second = wire.packets()
    assert isinstance(syn, Segment)
    assert isinstance(first, Unreachable)
    assert isinstance(second, Unreachable)
    assert table.unreachable(first) is None
    connection, events = table.feed(syn)
    assert events == []
    assert table.unreachable(first) is connection
    assert table.unreachable(second) is connection
    assert connection.unreachable == first


def test_forgetting_a_connection_frees_what_waits_for_the_others() -> None:
    table = ConnectionTable(PORTS)
    wire = talk(b"first").restart(client_isn=70_000, server_isn=80_000).connect()
    wire.lose().client(b"lost", ack=False).client(b"waits", ack=False)
    found = {id(connection): connection for connection, _ in map(table.feed, wire.segments())}
    old, new = found.values()
    assert len(table) == 2
    table.forget(old)
    assert len(table) == 1
    assert table.feed(wire.segments()[-1])[0] is new, "the newer one of the same ports is still known"
    table.forget(new)
    assert len(table) == 0
    assert table.finish() == []
    again, _ = table.feed(wire.segments()[-1])
    assert again.syn_count == 0


def test_bytes_waiting_in_a_forgotten_connection_no_longer_count(monkeypatch) -> None:
    monkeypatch.setattr(reassembly_buffer, "TOTAL_LIMIT", CHUNK_OVERHEAD + 10)
    table = ConnectionTable(PORTS)
    for port in (51_001, 51_002):
        wire = Wire(f"127.0.0.1:{port}").connect().lose().client(b"lost", ack=False).client(b"waits", ack=False)
        connection = [table.feed(segment)[0] for segment in wire.segments()][-1]
        assert not connection.from_client.limit_reached
        table.forget(connection)


@pytest.mark.parametrize("forget", [ConnectionTable.forget, lambda table, _connection: table.finish()])
def test_a_finished_connection_is_freed_without_garbage_collection(
    forget: Callable[[ConnectionTable, Connection], object],
) -> None:
    gc.collect()
    gc.disable()
    try:
        before = sides()
        table = ConnectionTable(PORTS)
        (connection,) = {id(found): found for found, _ in map(table.feed, talk(b"said").segments())}.values()
        assert sides() == before + 2
        forget(table, connection)
        assert sides() == before
    finally:
        gc.enable()


def sides() -> int:
    """How many directions of connections are in memory."""
    return sum(type(each) is Direction for each in gc.get_objects())


def test_finish_gives_gaps_and_bytes_of_every_connection() -> None:
    wires = [Wire(f"127.0.0.1:{port}").connect().lose().client(b"lost", ack=False) for port in (51_001, 51_002)]
    for wire in wires:
        wire.client(b"seen", ack=False)
    table = ConnectionTable(PORTS)
    for segment in Wire.merge(*wires).segments():
        table.feed(segment)
    told = [(connection.client.port, side, type(event).__name__) for connection, side, event in table.finish()]
    assert told == [(port, Side.CLIENT, kind) for port in (51_001, 51_002) for kind in ("Gap", "Run")]
    assert table.finish() == [], "said once"
