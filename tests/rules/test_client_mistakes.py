"""The list of client mistakes against a server that stays silent: who is blamed, and that good clients never are."""

from __future__ import annotations

import ib_bytes
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ib_bytes import BROKEN_HELLOS, GOOD_HELLOS, HELLO, READY, REPLY, START, TRAILING_HELLOS
from judging import Watch, analyse, codes, findings, judge, only
from rule_wires import LONG
from wire import Wire

from ibsniff.analysis.pipeline import Analysis
from ibsniff.model import PATIENCE, Confidence, Conversation, Fault, Outcome, Side

LOCAL = ("127.0.0.1:51000", "127.0.0.1:7497")
REMOTE = ("172.24.46.63:51000", "172.24.32.1:7497")
PLACES = pytest.mark.parametrize("ends", [LOCAL, REMOTE], ids=["loopback", "remote"])


def silent(raw: bytes, ends: tuple[str, str] = LOCAL) -> Conversation:
    return only(Wire(*ends).connect().client(raw).fin_client(after=4.0))


def cites(conversation: Conversation, raw: bytes) -> bool:
    """Tell whether the packet with these bytes is among those that prove the finding."""
    hello, cause = conversation.dialogue.hello, conversation.cause
    assert hello is not None
    assert cause is not None
    return raw.startswith(hello.raw.unmasked) and hello.complete.packet in cause.packets


@PLACES
@pytest.mark.parametrize("name", BROKEN_HELLOS)
def test_a_broken_opening_is_the_clients_with_its_bytes(name: str, ends: tuple[str, str]) -> None:
    raw = BROKEN_HELLOS[name]
    conversation = silent(raw, ends)
    assert (conversation.outcome, conversation.fault) == (Outcome.SILENT, Fault.CLIENT)
    fix = raw.startswith(b"8=FIX")  # a Gateway can be logged in for that
    assert conversation.confidence is (Confidence.MEDIUM if fix else Confidence.HIGH)
    assert cites(conversation, raw)


@PLACES
@pytest.mark.parametrize("name", BROKEN_HELLOS)
def test_the_same_when_the_client_waits_for_ever(name: str, ends: tuple[str, str]) -> None:
    conversation = only(Wire(*ends).connect().client(BROKEN_HELLOS[name]), LONG)
    assert (conversation.outcome, conversation.fault) == (Outcome.SILENT, Fault.CLIENT)


@pytest.mark.parametrize("name", TRAILING_HELLOS)
def test_a_trailing_byte_is_the_clients_and_less_sure(name: str) -> None:
    conversation = silent(TRAILING_HELLOS[name])
    assert (conversation.outcome, conversation.fault) == (Outcome.SILENT, Fault.CLIENT)
    assert conversation.confidence is Confidence.MEDIUM
    assert cites(conversation, TRAILING_HELLOS[name])


def test_a_connection_on_which_the_client_sent_nothing_is_not_asked() -> None:
    assert only(Wire().connect().fin_client(after=4)).outcome is Outcome.NOT_ASKED
    assert only(Wire().connect(), LONG).outcome is Outcome.NOT_ASKED


@pytest.mark.parametrize("raw", [b"\r\n", b"\n", b"\r\n\r\n"])
def test_line_ends_of_a_telnet_test_are_the_clients(raw: bytes) -> None:
    conversation = silent(raw)
    assert (conversation.outcome, conversation.fault) == (Outcome.SILENT, Fault.CLIENT)
    assert cites(conversation, raw)


@PLACES
@pytest.mark.parametrize("name", GOOD_HELLOS)
def test_a_good_hello_is_never_the_clients_fault(name: str, ends: tuple[str, str]) -> None:
    conversation = silent(GOOD_HELLOS[name], ends)
    assert conversation.outcome is Outcome.SILENT
    assert conversation.fault is not Fault.CLIENT
    assert all(finding.fault is not Fault.CLIENT for finding in conversation.findings)


@pytest.mark.parametrize("name", GOOD_HELLOS)
def test_a_good_hello_that_is_hung_up_on_is_never_the_clients_fault(name: str) -> None:
    for ends in (LOCAL, REMOTE):
        for end in ("fin_server", "rst_server"):
            wire = Wire(*ends).connect().client(GOOD_HELLOS[name])
            report = judge(getattr(wire, end)(after=0.01))
            assert all(finding.fault is not Fault.CLIENT for finding in findings(report))


def test_a_broken_hello_the_server_understands_is_no_fault() -> None:
    wire = Wire().connect().client(TRAILING_HELLOS["8 trailing NUL"]).server(REPLY).client(START).server(READY)
    assert only(wire).fault is Fault.NONE


def test_a_hello_sent_after_the_server_closed_is_not_the_reason() -> None:
    """The server's FIN came first: no byte of the client can be its reason."""
    wire = Wire(*REMOTE).connect().fin_server(after=0.01).client(BROKEN_HELLOS["1 no prefix"], after=0.2)
    assert only(wire, LONG).fault is not Fault.CLIENT


# -- whatever was captured, and whatever was not ----------------------------------------------------------------------

ENDINGS = st.sampled_from(["fin_client", "rst_client", "close", None])


@given(
    st.sampled_from(sorted(GOOD_HELLOS)),
    st.sampled_from([LOCAL, REMOTE]),
    st.one_of(st.none(), st.integers(1, 16)),
    st.floats(0.001, 30),
    ENDINGS,
    st.booleans(),
    st.sampled_from([None, 0.1, PATIENCE, 60.0]),
)
def test_a_valid_hello_without_a_reply_never_accuses_the_client(
    name: str,
    ends: tuple[str, str],
    mss: int | None,
    wait: float,
    ending: str | None,
    acknowledged: bool,
    ended: float | None,
) -> None:
    wire = Wire(*ends).connect().client(GOOD_HELLOS[name], mss=mss, ack=acknowledged)
    if not acknowledged:
        wire.again(after=0.2)
    if ending is not None:
        getattr(wire.wait(wait), ending)()
    for finding in findings(judge(wire, watch=Watch(ended=ended))):
        assert finding.fault is not Fault.CLIENT


def whole_session(version: int, mss: int | None) -> Wire:
    """A session in which nobody did anything wrong, and whose end shows by its numbers what was said before."""
    wire = (
        Wire(*REMOTE).connect().client(ib_bytes.hello(100, version), mss=mss).server(ib_bytes.reply(version), mss=mss)
    )
    wire.client(ib_bytes.start_api(version), mss=mss).server(ib_bytes.ready(version), mss=mss)
    return wire.client(ib_bytes.text(version, 59, 1)).ack(Side.SERVER).ack().wait(6).close()


SESSIONS = (st.sampled_from([151, 178, 203, 225]), st.sampled_from([None, 9, 25]))
HANDSHAKE, GOODBYE = 3, 5
"""Packets at both ends of the session."""
PLACES_LOST = st.sets(st.integers(0, 99), max_size=8)


def without_some(wire: Wire, places: set[int], start: int) -> Wire:
    """Packets between the start and the goodbye are missing; places beyond the last are counted on from the first."""
    inner = range(start, len(wire) - GOODBYE)
    return wire.without({inner[place % len(inner)] for place in places})


@given(*SESSIONS, PLACES_LOST)
def test_packets_that_were_not_captured_accuse_nobody(version: int, mss: int | None, lost: set[int]) -> None:
    """The goodbye shows how much was said: no hole goes unnoticed."""
    wire = without_some(whole_session(version, mss), lost, HANDSHAKE)
    for finding in findings(judge(wire, watch=LONG)):
        assert finding.fault in (Fault.NONE, Fault.UNDETERMINED), finding


@given(*SESSIONS, PLACES_LOST)
def test_without_the_handshake_nobody_is_accused_surely(version: int, mss: int | None, lost: set[int]) -> None:
    """Then the numbers begin anywhere, and what was said before them leaves no trace."""
    wire = without_some(whole_session(version, mss), lost, 0)
    for finding in findings(judge(wire, watch=LONG)):
        accused = finding.fault not in (Fault.NONE, Fault.UNDETERMINED)
        assert not (accused and finding.confidence is Confidence.HIGH), finding


@given(st.integers(1, 400), st.sampled_from([178, 225]))
def test_packets_cut_by_the_snaplen_accuse_nobody_surely(snaplen: int, version: int) -> None:
    for finding in findings(judge(whole_session(version, None), watch=LONG, snaplen=snaplen)):
        accused = finding.fault not in (Fault.NONE, Fault.UNDETERMINED)
        assert not (accused and finding.confidence is Confidence.HIGH), finding


def test_half_a_hello_is_not_held_against_the_client_while_the_capture_still_runs() -> None:
    """Asked in the middle, before holes are given up: the acknowledgment shows that there was more."""
    wire = Wire().connect().client(HELLO[:9], ack=False).lose().client(HELLO[9:], ack=False).ack(Side.SERVER)
    watch = Watch(ended=PATIENCE + 1)
    frames = wire.frames()
    analysis = Analysis(watch.record(frames))
    for frame in frames:
        analysis.feed(frame)
    running = analysis.report()
    finished = analyse(frames, watch).report()
    for report in (running, finished):
        assert all(finding.fault is not Fault.CLIENT for finding in findings(report))


@pytest.mark.parametrize(
    "wire",
    [
        Wire().connect().client(HELLO).server(REPLY).lose().client(START, ack=False).ack(Side.SERVER),
        Wire()
        .connect()
        .client(ib_bytes.hello(100, 203))
        .server(ib_bytes.reply(203))
        .client(START)
        .lose()
        .server(READY, ack=False)
        .ack(),
        Wire().connect().client(HELLO).server(REPLY).client(START).lose().server(READY, ack=False).ack(),
    ],
    ids=["START_API", "what follows a wrong START_API", "what follows START_API"],
)
def test_what_was_not_captured_is_not_missed_while_the_capture_still_runs(wire: Wire) -> None:
    frames = wire.frames()
    analysis = Analysis(LONG.record(frames))
    for frame in frames:
        analysis.feed(frame)
    assert codes(analysis.report()) == set()


def test_half_a_reply_does_not_count_as_cut_off_while_the_capture_still_runs() -> None:
    wire = Wire().connect().client(HELLO).server(REPLY[:9], ack=False).lose().server(REPLY[9:], ack=False).ack()
    frames = wire.frames()
    analysis = Analysis(LONG.record(frames))
    for frame in frames:
        analysis.feed(frame)
    (conversation,) = analysis.report().conversations
    assert conversation.outcome is Outcome.UNPROVEN


def test_after_a_redirect_no_form_of_start_api_is_the_clients_mistake() -> None:
    """There is no negotiated version: the -1 in a redirect's place for one asks for nothing."""
    redirect = ib_bytes.frame(b"-1\x00192.0.2.5:7497\0")
    conversation = only(Wire().connect().client(HELLO).server(redirect).client(START), LONG)
    assert [found.code for found in conversation.findings] == ["IBS309"]
    assert conversation.fault is Fault.UNDETERMINED


def test_a_reset_after_an_acknowledged_hello_is_not_reported_as_before_the_first_byte() -> None:
    acknowledged = only(Wire().connect().client(HELLO).rst_server(after=0.0005))
    before_any_byte = only(Wire().connect().fin_server(after=0.0005))
    assert [found.code for found in (*acknowledged.findings, *before_any_byte.findings)] == ["IBS304", "IBS107"]
    assert "before it read a byte" in before_any_byte.summary
    assert "before it read a byte" not in acknowledged.summary


@PLACES
def test_a_hello_after_the_servers_end_was_not_received(ends: tuple[str, str]) -> None:
    conversation = only(Wire(*ends).connect().fin_server(after=2.0).client(HELLO, after=0.5))
    assert [found.code for found in conversation.findings] == ["IBS201"]
    assert "sent nothing (2 s, until the server closed)" in conversation.summary
