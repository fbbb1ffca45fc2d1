"""Who ended a working session: TWS, a relay in between, or somebody else."""

from __future__ import annotations

import pytest
from ib_bytes import HELLO, READY, REPLY, START, text
from judging import judge, only
from rule_wires import said, session
from wire import START_NS, Wire

from ibsniff.model import NANOSECONDS, RST, Confidence, Conversation, Fault, Side

TICK = text(178, 1, 6, 9, 1, 100.0, 5, 0)


def relayed(
    start: float, quiet: float, *, port: int = 50_001, client: str = "172.24.46.63", last: str = "relay"
) -> Wire:
    """A session over a relay, and what ends it after so much quiet: the relay, TWS, the client, or the relay's death."""
    start_ns = START_NS + round(start * NANOSECONDS)
    outer = Wire(f"{client}:{port}", "172.24.32.1:7497", start_ns=start_ns).connect()
    inner = Wire(f"172.24.32.1:{port + 9}", "172.24.32.2:4002", start_ns=start_ns + 1_000_000, delay=0.000_05).connect()
    for wire in (outer, inner):
        wire.client(HELLO, after=0.01).server(REPLY, after=0.01).client(START, after=0.01).server(READY, after=0.01)
        wire.server(TICK, after=1.0).wait(quiet)
    if last == "relay":
        inner.fin_client().fin_server().ack()
        outer.fin_server(after=0.01).ack().fin_client()
    elif last == "relay, other order":
        outer.fin_server().ack().fin_client()
        inner.fin_client(after=0.01).fin_server().ack()
    elif last == "TWS":
        inner.fin_server().ack().fin_client()
        outer.fin_server(after=0.01).ack().fin_client()
    else:
        outer.fin_client().fin_server().ack()
        inner.fin_client(after=0.01).fin_server().ack()
    return Wire.merge(outer, inner)


def outer_of(*wires: Wire) -> Conversation:
    return judge(*wires).conversations[0]


@pytest.mark.parametrize("last", ["relay", "relay, other order"])
def test_a_relay_that_closes_its_connection_to_tws_ended_the_session(last: str) -> None:
    ended = outer_of(relayed(0, 30, last=last))
    assert (ended.fault, ended.confidence) == (Fault.NETWORK, Confidence.MEDIUM)
    assert "It is a relay, and the relay ended it after 30 s without data: it closed" in ended.summary
    assert "it closed its connection to 172.24.32.2:4002 (c2) itself" in ended.summary
    assert "idle limit" not in ended.summary
    assert ended.cause is not None
    assert "auto restart" not in ended.cause.remedy.lower()


def test_the_same_quiet_before_several_ends_is_an_idle_limit() -> None:
    ended = outer_of(relayed(0, 30), relayed(60, 30.4, port=50_101), relayed(120, 12, port=50_201))
    assert "after 30 s without data (2 sessions after the same time, so this is its idle limit)" in ended.summary


def test_a_relay_on_one_machine_is_less_sure() -> None:
    ended = outer_of(relayed(0, 30).between("127.0.0.1", "127.0.0.1"))
    assert (ended.fault, ended.confidence) == (Fault.NETWORK, Confidence.LOW)


def test_a_relay_that_passes_on_what_tws_did_is_not_the_reason() -> None:
    report = judge(relayed(0, 30, last="TWS"))
    assert all("It is a relay" not in one.summary for one in report.conversations)
    assert report.conversations[0].fault is Fault.TWS_STATE
    by_client = judge(relayed(0, 30, last="client"))
    assert all(one.cause is None for one in by_client.conversations)


# -- the server serves another client ----------------------------------------------------------------------------------


def other_client(until: float, *, ended_by_server: bool = False) -> Wire:
    wire = session(Wire("127.0.0.1:51009", start_ns=START_NS + NANOSECONDS))
    for _ in range(int(until)):
        wire.server(TICK, after=1.0)
    return wire.fin_server(after=0.1) if ended_by_server else wire


def test_a_server_that_goes_on_serving_another_client_has_not_gone_down() -> None:
    ended = outer_of(session(Wire()).wait(20).rst_server(), other_client(60))
    assert (ended.fault, ended.confidence) == (Fault.UNDETERMINED, Confidence.LOW)
    assert "It went on serving c2 after that, so TWS was neither closed nor restarted" in ended.summary


@pytest.mark.parametrize(("until", "ended_too"), [(18, False), (25, True)])
def test_a_server_that_serves_nobody_any_more_may_have_gone_down(until: float, ended_too: bool) -> None:
    other = other_client(until, ended_by_server=ended_too)
    assert outer_of(session(Wire()).wait(20).rst_server(), other).fault is Fault.TWS_STATE


# -- a RST with another TTL ---------------------------------------------------------------------------------------------


def reset(ttl: int, server_ttl: int = 128) -> Conversation:
    wire = session(Wire("172.24.46.63:51000", "172.24.32.1:7497", server_ttl=server_ttl)).wait(20)
    return only(wire.segment(Side.SERVER, RST, window=0, ttl=ttl))


def test_a_reset_with_another_ttl_is_perhaps_another_machines() -> None:
    other = reset(64)
    assert (other.fault, other.confidence) == (Fault.UNDETERMINED, Confidence.LOW)
    assert "The RST has another TTL (64) than the server's first packet (128)" in other.summary
    assert reset(128).fault is Fault.TWS_STATE


# -- an error just before -----------------------------------------------------------------------------------------------


def test_a_session_that_ended_right_after_an_error_that_explains_it() -> None:
    lost = only(session(Wire()).wait(20).server(said(1100, "Connectivity has been lost")).fin_server(after=1))
    assert (lost.fault, lost.confidence) == (Fault.IB, Confidence.MEDIUM)
    (ended,) = (one for one in lost.findings if one.code == "IBS405")
    assert "TWS had lost its connection to IB's servers just before (error 1100)" in ended.summary
    assert "auto restart" not in ended.remedy.lower()
    long_ago = only(session(Wire()).server(said(1100, "lost")).wait(60).fin_server())
    (ended,) = (one for one in long_ago.findings if one.code == "IBS405")
    assert "TWS was closed or restarted" in ended.summary
