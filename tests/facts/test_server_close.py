"""How the server's side ended is named once: one name for every conversation, and rules that choose among the names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ib_bytes import HELLO, READY, REPLY, START, hello
from judging import codes, judge, only
from rule_wires import answered, local, remote, session, started
from wire import Wire

from ibsniff.facts.server_close import ServerClose, server_close
from ibsniff.model import (
    Connection,
    Conversation,
    Dialect,
    Dialogue,
    Ended,
    Endpoint,
    Half,
    Hello,
    How,
    Moment,
    Outcome,
    Reply,
    ReplyKind,
    Rung,
    Side,
    Start,
    StartForm,
    WatchedBy,
)

HTTP = b"GET / HTTP/1.1\r\n\r\n"
EXAMPLES = {
    ServerClose.NOT_ENDED: lambda: remote().connect().client(HELLO).fin_client(after=4.0),
    ServerClose.NOT_PLACED: lambda: remote().lose(3).connect().client(b"zz").fin_server(),
    ServerClose.WAITED_FOR_HELLO: lambda: remote().connect().fin_server(after=1.5),
    ServerClose.RELAY_UNREAD: lambda: local().connect().fin_server(after=0.001),
    ServerClose.RELAY_EARLY: lambda: remote(4004).connect().client(HELLO).fin_server(after=0.1),
    ServerClose.BEFORE_HELLO: lambda: remote().connect().fin_server(after=0.2),
    ServerClose.HELLO_UNREAD: lambda: remote().connect().client(HELLO).fin_server(after=0.1).rst_server(),
    ServerClose.WITHIN_HELLO: lambda: remote().connect().client(HELLO[:6]).fin_server(after=0.1),
    ServerClose.AFTER_OTHER_BYTES: lambda: remote().connect().client(HTTP).fin_server(after=0.1),
    ServerClose.AFTER_HELLO: lambda: remote().connect().client(HELLO).fin_server(after=0.1),
    ServerClose.UNKNOWN_MOMENT: lambda: remote().connect().fin_server(after=-60.0),
    ServerClose.OTHER_SERVICE: lambda: remote().connect().client(HELLO).server(b"SSH-2.0-x\r\n").fin_server(),
    ServerClose.WITHIN_REPLY: lambda: remote().connect().client(HELLO).server(REPLY[:7]).fin_server(),
    ServerClose.AFTER_REPLY: lambda: answered(remote()).fin_server(after=0.2),
    ServerClose.AFTER_START_API: lambda: started(remote()).fin_server(after=0.2),
    ServerClose.WITHIN_SESSION: lambda: session(remote()).fin_server(after=60.0),
}


def test_every_name_has_an_example_and_a_row_in_the_table() -> None:
    assert set(EXAMPLES) == set(ServerClose)
    assert set(re.findall(r"^ +([A-Z_]+)  +\S", server_close.__doc__ or "", re.MULTILINE)) == {
        close.name for close in ServerClose
    }


@pytest.mark.parametrize("close", ServerClose, ids=lambda close: close.name)
def test_an_example_has_its_name(close: ServerClose) -> None:
    assert server_close(only(EXAMPLES[close]())) is close


def one_direction(wire: Wire) -> Wire:
    """What the server sent, and nothing else, was captured."""
    return wire.without([place for place, sent in enumerate(wire.read()) if sent.side is Side.CLIENT])


NEARLY = {
    "a relay far away that read nothing": (
        lambda: remote(4004).connect().fin_server(after=0.1),
        ServerClose.RELAY_UNREAD,
    ),
    "a relay whose FIN was not captured": (
        lambda: remote(4004).connect().client(HELLO).lose().fin_server(after=0.1).ack().fin_client(),
        ServerClose.AFTER_HELLO,
    ),
    "a session of which one direction was captured": (
        lambda: one_direction(session(remote()).fin_server(after=60.0)),
        ServerClose.NOT_PLACED,
    ),
    "a hello that came after the end": (
        lambda: remote().connect().fin_server(after=-60.0).client(HELLO),
        ServerClose.UNKNOWN_MOMENT,
    ),
    "a handshake that was complete after the end": (
        lambda: local().syn().syn_ack().fin_server(after=2.0).ack(),
        ServerClose.UNKNOWN_MOMENT,
    ),
}


@pytest.mark.parametrize("name", NEARLY)
def test_what_looks_like_another_close_has_its_own_name(name: str) -> None:
    make, close = NEARLY[name]
    assert server_close(only(make())) is close


@pytest.mark.parametrize("how", ["fin_server", "rst_server"])
def test_fin_and_rst_make_no_difference_after_a_hello(how: str) -> None:
    closed = getattr(remote().connect().client(HELLO), how)(after=0.1)
    assert server_close(only(closed)) is ServerClose.AFTER_HELLO


def test_an_end_that_meets_start_api_on_its_way_came_after_the_reply() -> None:
    wire = remote(delay=0.0).syn().syn_ack(after=0.05).ack().client(HELLO, ack=False).server(REPLY, after=0.05)
    crossed = wire.client(START, ack=False).fin_server(after=0.01)
    assert server_close(only(crossed)) is ServerClose.AFTER_REPLY


# -- total ------------------------------------------------------------------------------------------------------------

MOMENTS = st.builds(Moment, st.integers(1, 9), st.integers(-3, 9).map(lambda tenths: 10**18 + tenths * 10**8 * 5))
MAYBE = st.none() | MOMENTS
HALVES = st.builds(
    Half,
    length=st.sampled_from([0, 17]),
    captured=st.sampled_from([0, 17]),
    first_data=MAYBE,
    last_data=MAYBE,
    ack_of_first_data=MAYBE,
    fin=MAYBE,
    rst=MAYBE,
)
ENDS = st.sampled_from(
    [(Endpoint(bytes([127, 0, 0, 1]), 50_000), Endpoint(bytes([127, 0, 0, 1]), 7497))]
    + [(Endpoint(bytes([10, 0, 0, 1]), 50_000), Endpoint(bytes([10, 0, 0, 2]), port)) for port in (7497, 4004, 9)]
)
HELLOS = st.none() | st.builds(Hello, st.sampled_from(Dialect), st.just(HELLO), st.just((4,)), MOMENTS, MOMENTS)
REPLIES = st.none() | st.builds(Reply, st.sampled_from(ReplyKind), st.just(REPLY), st.just((6,)), MOMENTS, MOMENTS)
STARTS = st.none() | st.builds(
    Start, st.sampled_from(StartForm), st.just(7), st.just(START), MOMENTS, st.just(value=False)
)
ENDED = st.none() | st.builds(Ended, st.sampled_from(Side), st.sampled_from(How), MOMENTS)


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """Any conversation, contradictory ones and stepping clocks included."""
    client, server = draw(ENDS)
    connection = Connection(
        client,
        server,
        draw(MOMENTS),
        draw(MOMENTS),
        draw(HALVES),
        draw(HALVES),
        syns=draw(st.lists(MOMENTS, max_size=2)),
        syn_ack=draw(MAYBE),
        established=draw(MAYBE),
        ended=draw(ENDED),
    )
    dialogue = Dialogue(hello=draw(HELLOS), reply=draw(REPLIES), start=draw(STARTS), ready=draw(MAYBE))
    outcome = draw(st.sampled_from(Outcome))
    return Conversation("c1", 0, connection, dialogue, 10**18, WatchedBy.LAST_PACKET, outcome, Rung.CONNECTED)


@given(conversations())
def test_every_conversation_has_one_name(conversation: Conversation) -> None:
    close, ended = server_close(conversation), conversation.connection.ended
    assert (close is ServerClose.NOT_ENDED) == (ended is None or ended.by is Side.CLIENT)
    if close is ServerClose.AFTER_HELLO:
        assert conversation.dialogue.hello is not None
        assert conversation.dialogue.hello.is_valid


CLOSED = (Outcome.CLOSED, Outcome.RESET)
SCRIPT = st.lists(
    st.sampled_from(
        ["fin_server", "rst_server", "fin_client", "rst_client", "ack", HELLO, HELLO[:6], hello(157, 178), HTTP, "lose"]
    ),
    max_size=7,
)
PAUSES = st.lists(st.sampled_from([0.000_1, 0.01, 0.7, 1.5, -0.2, -60.0]), min_size=7, max_size=7)


@given(
    st.sampled_from(["127.0.0.1:7497", "192.168.1.5:7497", "192.168.1.5:4004", "127.0.0.1:4004"]),
    SCRIPT,
    PAUSES,
)
def test_at_most_one_rule_reports_a_close_without_a_byte(
    server: str, script: list[str | bytes], pauses: list[float]
) -> None:
    client = "127.0.0.1:50001" if server.startswith("127") else "192.168.1.20:50001"
    wire = Wire(client, server).connect()
    for step, pause in zip(script, pauses, strict=False):
        if step == "lose":
            wire.lose()
        elif isinstance(step, bytes):
            wire.client(step, after=pause)
        else:
            getattr(wire, step)(after=pause)
    report = judge(wire)
    for conversation in report.conversations:
        said = {finding.code for finding in conversation.findings} & {"IBS107", "IBS201", "IBS304", "IBS305"}
        assert len(said) <= 1
        if said and conversation.outcome in CLOSED:
            assert server_close(conversation) not in (ServerClose.NOT_ENDED, ServerClose.AFTER_OTHER_BYTES)


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("server", ["127.0.0.1:7497", "192.168.1.5:7497"])
def test_a_session_that_was_ready_was_not_closed_right_after_the_reply(server: str, how: str) -> None:
    """However quickly the end came: START_API and the answer to it may take less than the handshake did."""
    client = "127.0.0.1:50001" if server.startswith("127") else "192.168.1.20:50001"
    wire = Wire(client, server, delay=0.0).syn().syn_ack(after=0.05).ack().client(HELLO).server(REPLY, after=0.05)
    wire.client(START).server(READY, after=0.001)
    report = judge(wire.fin_server(after=0.001) if how == "fin" else wire.rst_server(after=0.001))
    assert codes(report) == {"IBS405"}
