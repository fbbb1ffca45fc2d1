"""The outcome table row by row, that it is total, and who speaks for the capture."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import ib_bytes
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ib_bytes import HELLO, READY, REPLY, START
from judging import Watch, judge, only
from wire import START_NS, Wire

from ibsniff.diagnosis import verdict_of
from ibsniff.diagnosis.outcome import ENOUGH_SYNS, SYN_PATIENCE
from ibsniff.diagnosis.precedence import WORST_FIRST, badness
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import (
    FIN,
    LADDER,
    NANOSECONDS,
    PATIENCE,
    RST,
    Capture,
    Confidence,
    Fault,
    Outcome,
    Rung,
    Severity,
    Side,
    UnreachableKind,
    WatchedBy,
)

LONG = Watch(ended=PATIENCE + 1)
SHORT = Watch(ended=0.3)
REMOTE = {"client": "172.24.46.63:51000", "server": "172.24.32.1:7497"}


def remote() -> Wire:
    return Wire(client=REMOTE["client"], server=REMOTE["server"])


def greeted() -> Wire:
    return Wire().connect().client(HELLO)


def session() -> Wire:
    return greeted().server(REPLY).client(START).server(READY)


def refuse_thrice() -> Wire:
    """What a Windows client does: the same SYN three times, half a second apart."""
    return Wire().syn().refuse().syn(after=0.5).refuse().syn(after=0.5).refuse()


ROWS: dict[str, tuple[Wire, Watch, Outcome, Rung]] = {
    # 1: no SYN
    "1 joined": (session().from_packet(8), SHORT, Outcome.JOINED, Rung.UNKNOWN),
    "1 joined, requests and answers": (
        session().client(ib_bytes.text(178, 49, 1)).server(ib_bytes.text(178, 49, 1, 5)).from_packet(11),
        SHORT,
        Outcome.JOINED,
        Rung.UNKNOWN,
    ),
    "1 nothing of that kind": (session().close().from_packet(12), LONG, Outcome.UNPROVEN, Rung.NOTHING),
    "1 joined before the hello": (session().from_packet(4), SHORT, Outcome.REPLIED, Rung.READY),
    # 2: one way
    "2 only the client": (
        Wire().syn().lose().syn_ack().ack().client(HELLO, ack=False).fin_client(after=4),
        LONG,
        Outcome.UNPROVEN,
        Rung.GREETED,
    ),
    "2 only the server": (
        Wire().lose().syn().syn_ack().lose(2).ack().client(HELLO, ack=False).ack(Side.SERVER),
        LONG,
        Outcome.UNPROVEN,
        Rung.CONNECTED,
    ),
    # 3: refused
    "3 RST": (Wire().syn().refuse(), Watch(), Outcome.REFUSED, Rung.CALLED),
    "3 RST thrice": (refuse_thrice(), Watch(), Outcome.REFUSED, Rung.CALLED),
    "3 RST after two silences": (
        Wire().syn().syn(after=1).syn(after=2).refuse(),
        Watch(),
        Outcome.REFUSED,
        Rung.CALLED,
    ),
    "3 ICMP port": (remote().syn().unreachable(), Watch(), Outcome.REFUSED, Rung.CALLED),
    # 4: unreachable
    "4 three SYNs": (remote().syn().syn(after=1).syn(after=1.5), Watch(), Outcome.UNREACHABLE, Rung.CALLED),
    "4 three seconds": (remote().syn(), Watch(ended=SYN_PATIENCE), Outcome.UNREACHABLE, Rung.CALLED),
    "4 not yet": (remote().syn().syn(after=1), Watch(ended=1.9), Outcome.UNPROVEN, Rung.CALLED),
    **{
        f"4 ICMP {kind}": (remote().syn().unreachable(kind), Watch(), Outcome.UNREACHABLE, Rung.CALLED)
        for kind in (UnreachableKind.HOST, UnreachableKind.NETWORK, UnreachableKind.PROHIBITED)
    },
    # 5: the server said something
    "5 whole": (session(), SHORT, Outcome.REPLIED, Rung.READY),
    "5 whole, and the server ended": (session().fin_server(), SHORT, Outcome.REPLIED, Rung.READY),
    "5 legacy": (
        Wire().connect().client(b"66\0").server(ib_bytes.reply(76)),
        SHORT,
        Outcome.REPLIED,
        Rung.ANSWERED,
    ),
    "5 redirect": (greeted().server(ib_bytes.reply(-1, "10.0.0.5")), SHORT, Outcome.REPLIED, Rung.ANSWERED),
    "5 prefix, ended": (greeted().server(REPLY[:9]).fin_server(after=0.1), SHORT, Outcome.CUT_OFF, Rung.GREETED),
    "5 prefix, waited": (greeted().server(REPLY[:9]), LONG, Outcome.CUT_OFF, Rung.GREETED),
    "5 prefix, not yet": (greeted().server(REPLY[:9]), SHORT, Outcome.UNPROVEN, Rung.GREETED),
    "5 HTTP": (greeted().server(b"HTTP/1.1 400 Bad Request\r\n\r\n"), SHORT, Outcome.FOREIGN, Rung.GREETED),
    "5 TLS alert": (greeted().server(bytes.fromhex("15030300020246")), SHORT, Outcome.FOREIGN, Rung.GREETED),
    "5 SSH, unasked": (Wire().connect().server(b"SSH-2.0-x\r\n"), SHORT, Outcome.FOREIGN, Rung.CONNECTED),
    "5 not captured": (greeted().lose().server(REPLY, ack=False).ack(), LONG, Outcome.UNPROVEN, Rung.GREETED),
    "5 half of it not captured": (
        greeted().server(REPLY[:9], ack=False).lose().server(REPLY[9:], ack=False).ack(),
        LONG,
        Outcome.UNPROVEN,
        Rung.GREETED,
    ),
    # 6: the server ended first
    "6 FIN": (greeted().fin_server(after=0.004), Watch(), Outcome.CLOSED, Rung.GREETED),
    "6 RST": (greeted().rst_server(after=0.004), Watch(), Outcome.RESET, Rung.GREETED),
    "6 FIN before the hello": (Wire().connect().fin_server(), Watch(), Outcome.CLOSED, Rung.CONNECTED),
    "6 RST before the hello": (Wire().connect().rst_server(), Watch(), Outcome.RESET, Rung.CONNECTED),
    "6 both, the server first": (greeted().close(Side.SERVER), Watch(), Outcome.CLOSED, Rung.GREETED),
    # 7: the client said nothing
    "7 ended": (Wire().connect().fin_client(after=0.1), Watch(), Outcome.NOT_ASKED, Rung.CONNECTED),
    "7 waited": (Wire().connect(), Watch(ended=PATIENCE), Outcome.NOT_ASKED, Rung.CONNECTED),
    "7 not yet": (Wire().connect(), Watch(ended=PATIENCE - 0.1), Outcome.UNPROVEN, Rung.CONNECTED),
    # 8: silence
    "8 the client ended": (greeted().fin_client(after=4), Watch(), Outcome.SILENT, Rung.GREETED),
    "8 the client reset": (greeted().rst_client(after=4), Watch(), Outcome.SILENT, Rung.GREETED),
    "8 both ended, the client first": (greeted().wait(4).close(), Watch(), Outcome.SILENT, Rung.GREETED),
    "8 waited": (greeted(), LONG, Outcome.SILENT, Rung.GREETED),
    "8 not yet": (greeted(), SHORT, Outcome.UNPROVEN, Rung.GREETED),
    "8 five packets and no end time": (greeted(), Watch(), Outcome.UNPROVEN, Rung.GREETED),
    "8 a broken hello": (Wire().connect().client(b"v100..187"), LONG, Outcome.SILENT, Rung.CONNECTED),
    "8 a keep-alive is no hello": (
        greeted().wait(3).keep_alive(Side.CLIENT).ack(Side.SERVER),
        LONG,
        Outcome.SILENT,
        Rung.GREETED,
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_the_outcome_table(row: str) -> None:
    wire, watch, outcome, rung = ROWS[row]
    conversation = only(wire, watch)
    assert (conversation.outcome, conversation.rung) == (outcome, rung)


def test_every_outcome_has_a_row_and_a_rank() -> None:
    assert {row[2] for row in ROWS.values()} == set(Outcome)
    assert sorted(WORST_FIRST) == sorted(Outcome)


@pytest.mark.parametrize("broken", [b"v100..187", b"API\0", b"GET / HTTP/1.1\r\n\r\n"])
def test_a_server_whose_syn_ack_was_not_captured_did_answer_the_call(broken: bytes) -> None:
    wire = Wire().syn().lose().syn_ack().ack().client(broken)
    assert only(wire, LONG).outcome is Outcome.SILENT
    assert only(Wire().syn().lose().syn_ack().ack().ack(Side.SERVER), LONG).outcome is Outcome.NOT_ASKED


def test_what_an_old_connection_sends_answers_no_call() -> None:
    """A challenge ACK (RFC 5961, 4) is no SYN-ACK: the call is still not answered."""
    wire = Wire().syn().segment(Side.SERVER, seq=5_000_000, ack=77_777, advance=False)
    assert only(wire, LONG).outcome is Outcome.UNREACHABLE


# -- PATIENCE -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("early", [1, 0, -1])
def test_silence_is_proved_at_patience_to_the_nanosecond(early: int) -> None:
    wire = greeted()
    hello, last = wire.frames()[3].time_ns, wire.frames()[-1].time_ns
    ended = PATIENCE - (last - hello + early) / NANOSECONDS
    expected = Outcome.UNPROVEN if early > 0 else Outcome.SILENT
    assert only(wire, Watch(ended=ended)).outcome is expected


def test_a_reply_that_dribbles_is_not_cut_off_while_it_still_comes() -> None:
    wire = greeted()
    for index in range(8):
        wire.server(REPLY[index : index + 1], after=1.0)
    assert only(wire, SHORT).outcome is Outcome.UNPROVEN
    assert only(wire, LONG).outcome is Outcome.CUT_OFF


def test_the_servers_turn_begins_when_the_hello_is_whole() -> None:
    wire = Wire().connect().client(HELLO[:8]).wait(PATIENCE - 0.5).client(HELLO[8:])
    assert only(wire, Watch(ended=1.0)).outcome is Outcome.UNPROVEN
    assert only(wire, LONG).outcome is Outcome.SILENT


def test_a_hello_sent_again_does_not_begin_the_turn_anew() -> None:
    wire = Wire().connect().client(HELLO, ack=False).again(after=1.0).again(after=2.0).again(after=4.0)
    assert only(wire).outcome is Outcome.SILENT


def test_three_calls_are_enough_and_two_are_not() -> None:
    wire = remote()
    for count in range(1, ENOUGH_SYNS + 1):
        wire.syn(after=0.5)
        assert only(wire).outcome is (Outcome.UNREACHABLE if count == ENOUGH_SYNS else Outcome.UNPROVEN)


def test_three_tries_of_windows_are_one_conversation() -> None:
    conversation = only(refuse_thrice())
    assert len(conversation.connection.refusals) == 3
    assert "3 times" in conversation.summary
    assert "3 times in 1 s)" in conversation.summary


# -- rungs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wire", "rung"),
    [
        (Wire().syn(), Rung.CALLED),
        (Wire().connect(), Rung.CONNECTED),
        (greeted(), Rung.GREETED),
        (greeted().server(REPLY), Rung.ANSWERED),
        (greeted().server(REPLY).client(START), Rung.STARTED),
        (greeted().server(REPLY).client(START).server(ib_bytes.next_valid_id(178)), Rung.STARTED),
        (greeted().server(REPLY).client(ib_bytes.start_api(203)), Rung.ANSWERED),
        (session(), Rung.READY),
    ],
)
def test_how_far_it_got(wire: Wire, rung: Rung) -> None:
    conversation = only(wire, LONG)
    assert conversation.rung is rung
    expected = None if rung is Rung.READY else LADDER[LADDER.index(rung) + 1]
    assert conversation.missing is expected


def test_a_ready_session_is_fine() -> None:
    conversation = only(session(), SHORT)
    assert (conversation.fault, conversation.confidence, conversation.cause) == (Fault.NONE, Confidence.HIGH, None)
    assert conversation.is_fine


def test_what_rests_on_the_users_word_is_medium_at_most() -> None:
    wire = Wire().connect().client(b"API\0v100..187")
    assert only(wire, LONG).confidence is Confidence.HIGH
    assert only(wire, replace(LONG, by=WatchedBy.USER)).confidence is Confidence.MEDIUM


# -- totality -------------------------------------------------------------------------------------------------------

CHUNKS = st.sampled_from(
    [HELLO, START, REPLY, READY, HELLO[:6], b"66\0", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 5, b"\xff" * 9, b"x", REPLY[:7]]
)
STEPS = st.one_of(
    st.sampled_from(
        ["syn", "syn_ack", "ack", "connect", "refuse", "unreachable", "keep_alive", "close", "again", "copy"]
    ),
    st.tuples(st.sampled_from(Side), CHUNKS),
    st.tuples(st.just("flags"), st.sampled_from(Side), st.integers(0, 31), st.integers(-2, 40)),
    st.tuples(st.just("lose"), st.integers(1, 4)),
    st.tuples(st.just("wait"), st.floats(0, 8)),
)


def play(steps: list[object]) -> Wire:
    """A wire of any sense or nonsense."""
    wire = remote()
    for step in steps:
        match step:
            case "lose", int(count):
                wire.lose(count)
            case "wait", float(seconds):
                wire.wait(seconds)
            case "flags", side, int(flags), int(offset):
                wire.segment(str(side), flags, b"zz" * (offset % 2), seq_offset=offset)
            case Side() as side, bytes(data):
                (wire.client if side is Side.CLIENT else wire.server)(data)
            case "unreachable" | "again" | "copy" as name:
                if wire.ends_with_tcp:
                    getattr(wire, name)()
            case "keep_alive":
                wire.keep_alive(Side.CLIENT)
            case "syn" | "syn_ack" | "ack" | "connect" | "refuse" | "close" as name:
                getattr(wire, name)()
    return wire


@given(st.lists(STEPS, max_size=14), st.sampled_from([None, 0.3, 60.0]))
def test_every_conversation_has_an_outcome_and_a_rung(steps: list[object], ended: float | None) -> None:
    report = judge(play(steps), watch=Watch(ended=ended))
    assert bool(report.conversations) == (report.verdict is not None)
    for conversation in report.conversations:
        assert conversation.outcome in Outcome
        assert conversation.rung in Rung
        assert conversation.summary
        if conversation.cause is not None:
            assert conversation.cause in conversation.findings
            assert conversation.fault is conversation.cause.fault
        numbers = [number for finding in conversation.findings for number in finding.packets]
        assert all(1 <= number <= len(play(steps).frames()) for number in numbers)


# -- the verdict ----------------------------------------------------------------------------------------------------


def later(seconds: float, **more: object) -> Wire:
    return Wire(client="127.0.0.1:52000", start_ns=START_NS + round(seconds * NANOSECONDS), **more)  # type: ignore[arg-type]


def ready_at(seconds: float) -> Wire:
    return later(seconds).connect().client(HELLO).server(REPLY).client(START).server(READY)


def silent() -> Wire:
    return greeted().fin_client(after=4)


def test_the_worst_conversation_speaks_and_says_that_it_works_since() -> None:
    verdict = judge(silent(), ready_at(60)).verdict
    assert verdict is not None
    assert (verdict.outcome, verdict.conversation) == (Outcome.SILENT, "c1")
    assert "(c2) is ready: it has worked since then" in verdict.summary
    assert verdict.counts == {Outcome.SILENT: 1, Outcome.REPLIED: 1}


def test_what_failed_last_does_not_work_since() -> None:
    broke = Wire(start_ns=START_NS + 60 * NANOSECONDS).connect().client(HELLO).fin_client(after=4)
    verdict = judge(ready_at(0), broke).verdict
    assert verdict is not None
    assert (verdict.outcome, verdict.conversation) == (Outcome.SILENT, "c2")
    assert "worked since" not in verdict.summary


def test_of_equals_the_latest_speaks() -> None:
    again = later(30).connect().client(HELLO).fin_client(after=4)
    verdict = judge(silent(), again).verdict
    assert verdict is not None
    assert verdict.conversation == "c2"


def test_a_working_session_alone_is_fine() -> None:
    verdict = judge(session()).verdict
    assert verdict is not None
    assert (verdict.fault, verdict.code) == (Fault.NONE, None)


def test_no_conversation_no_verdict() -> None:
    assert verdict_of(CaptureIndex(Capture(0, LONG.facts([]), ()))) is None


def test_evicted_conversations_are_counted() -> None:
    verdict = verdict_of(
        CaptureIndex(Capture(0, LONG.facts([]), tuple(judge(session()).conversations))), Counter({Outcome.SILENT: 7})
    )
    assert verdict is not None
    assert verdict.counts == {Outcome.REPLIED: 1, Outcome.SILENT: 7}


def test_worse_is_written_down() -> None:
    """Severity of the cause first, then the order of the table."""
    wires = {
        Outcome.REFUSED: Wire().syn().refuse(),
        Outcome.SILENT: silent(),
        Outcome.REPLIED: session(),
        Outcome.NOT_ASKED: Wire().connect().fin_client(after=0.1),
        Outcome.UNPROVEN: greeted(),
    }
    judged = [only(wire) for wire in wires.values()]
    ranked = [one.outcome for one in sorted(judged, key=badness)]
    assert ranked == [Outcome.REFUSED, Outcome.SILENT, Outcome.NOT_ASKED, Outcome.UNPROVEN, Outcome.REPLIED]
    assert only(silent()).cause is not None
    assert badness(only(silent()))[0] == list(Severity).index(Severity.ERROR)


@pytest.mark.parametrize("flags", [FIN | RST, 31, 0])
def test_impossible_flags_are_no_crash(flags: int) -> None:
    assert only(Wire().connect().segment(Side.SERVER, flags), LONG).outcome in Outcome
