"""One script for each of Zeek's states, with the history that goes with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tcp_replay import Replay
from wire import Wire

from ibsniff.model import ACK, FIN, RST, SYN, Connection, Ended, Endpoint, How, Moment, Side
from ibsniff.tcp import conn_state
from ibsniff.tcp.state import MEANINGS

MOMENT = Moment(1, 0)

SCRIPTS = [
    ("S0", "S", Wire().syn().wait(1).syn()),
    ("S0", "SA", Wire().syn().lose().syn_ack().ack()),
    ("S1", "ShA", Wire().connect()),
    ("S1", "ShADad", Wire().connect().client(b"a").server(b"b")),
    ("S1", "SAd", Wire().syn().lose().syn_ack().ack().server(b"b")),
    ("SF", "ShADadFf", Wire().connect().client(b"a").server(b"b").fin_client().fin_server().ack("server")),
    ("SF", "ShAfFa", Wire().connect().close(by="server").ack("server")),
    ("SF", "ShAFfR", Wire().connect().close().rst_client()),
    ("SF", "ShAFfRr", Wire().connect().close().rst_client().rst_server()),
    ("RSTO", "ShAFRf", Wire().connect().fin_client().rst_client().fin_server()),
    ("REJ", "Sr", Wire().syn().refuse()),
    ("REJ", "Sr", Wire().syn().refuse().syn(after=0.5).refuse().syn(after=0.5).refuse()),
    ("S2", "ShAFa", Wire().connect().fin_client().ack("server")),
    ("S3", "ShAf", Wire().connect().fin_server().ack()),
    ("RSTO", "ShAR", Wire().connect().rst_client()),
    ("RSTO", "ShR", Wire().syn().syn_ack().rst_client()),
    ("RSTR", "ShADr", Wire().connect().client(b"a", ack=False).rst_server()),
    ("RSTR", "Shr", Wire().syn().syn_ack().rst_server()),
    ("RSTR", "ShAfRr", Wire().connect().fin_server().rst_client().rst_server()),
    ("RSTOS0", "SR", Wire().syn().rst_client()),
    ("RSTRH", "^hr", Wire().lose().syn().syn_ack().rst_server()),
    ("SH", "SF", Wire().syn().fin_client()),
    ("SHR", "^hf", Wire().lose().syn().syn_ack().fin_server()),
    ("OTH", "Da", Wire().client(b"middle")),
    ("OTH", "^dAR", Wire().server(b"middle").rst_client()),
]


@pytest.mark.parametrize(("state", "history", "wire"), SCRIPTS, ids=[f"{state}-{text}" for state, text, _ in SCRIPTS])
def test_state_and_history(state: str, history: str, wire: Wire) -> None:
    connection = Replay(wire.segments()).connection
    assert (conn_state(connection), connection.history) == (state, history)


def test_every_state_has_a_script() -> None:
    assert {state for state, _, _ in SCRIPTS} == set(MEANINGS)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Side),
            st.sampled_from((SYN, SYN | ACK, ACK, FIN | ACK, RST, RST | ACK, SYN | FIN, FIN | RST)),
            st.sampled_from((b"", b"x")),
            st.integers(-3, 3),
        ),
        max_size=12,
    )
)
def test_any_sequence_of_packets_has_a_state(packets: list[tuple[Side, int, bytes, int]]) -> None:
    wire = Wire()
    for side, flags, data, offset in packets:
        wire.segment(side, flags, data, seq_offset=offset)
    replay = Replay(wire.segments())
    for connection in replay.connections:
        assert conn_state(connection) in MEANINGS
        once = [letter for letter in connection.history if letter not in "tgwTGW"]
        assert len(set(once)) == len(once)


def test_repeated_events_are_written_at_each_power_of_ten() -> None:
    wire = Wire().connect().client(b"hello")
    for _ in range(150):
        wire.ack(Side.SERVER, window=0).ack(Side.SERVER)
    assert Replay(wire.segments()).connection.history == "ShADawww"


def test_a_connection_made_by_hand_has_a_state() -> None:
    end = Endpoint(b"\x7f\0\0\1", 1)
    connection = Connection(end, end, MOMENT, MOMENT, ended=Ended(Side.CLIENT, How.FIN, MOMENT))
    assert conn_state(connection) == "OTH"
