"""Frames in, a report out: which conversations there are, what they are called, and that live and file agree."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import ib_bytes
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ib_bytes import HELLO, READY, REPLY, START
from judging import Watch, analyse, codes, findings, judge, only
from memory import count_kept, size_kept
from rule_wires import CASES, LONG, silent
from wire import START_NS, Wire

from ibsniff.analysis import other_traffic, tracking
from ibsniff.analysis.api_traffic import API_PORTS
from ibsniff.analysis.judgement import judge as judge_together
from ibsniff.analysis.pipeline import Analysis
from ibsniff.capture.input_record import InputRecord
from ibsniff.ib.names import DEFAULT_PORTS, RELAY_PORTS
from ibsniff.model import (
    NANOSECONDS,
    Connection,
    Dialogue,
    Fault,
    Frame,
    Moment,
    Outcome,
    Report,
    Side,
    StrayHello,
    Tick,
    WatchedBy,
)
from ibsniff.net import segment

PUBLIC = "8.8.4.4"
IB_LINK = b"8=O\x019=00123\x0135=A\x01"
"""How TWS itself opens towards IB: no API."""


def at(seconds: float, port: int = 51_000, server: str = "127.0.0.1:7497") -> Wire:
    return Wire(client=f"127.0.0.1:{port}", server=server, start_ns=START_NS + round(seconds * NANOSECONDS))


def session(wire: Wire) -> Wire:
    return wire.connect().client(HELLO).server(REPLY).client(START).server(READY)


# -- which conversations there are ------------------------------------------------------------------------------------


def test_conversations_are_told_apart_and_numbered_by_their_first_packets() -> None:
    report = judge(silent(at(0)), session(at(1, 51_001)), at(2, 51_002).syn().refuse())
    assert [(one.id, one.outcome) for one in report.conversations] == [
        ("c1", Outcome.SILENT),
        ("c2", Outcome.REPLIED),
        ("c3", Outcome.REFUSED),
    ]


def test_the_same_ports_again_are_another_conversation() -> None:
    wire = silent(at(0)).fin_server().ack().restart(client_isn=500_000, server_isn=70_000)
    report = judge(session(wire.wait(30)))
    assert [one.outcome for one in report.conversations] == [Outcome.SILENT, Outcome.REPLIED]
    assert report.verdict is not None
    assert "has worked since then" in report.verdict.summary


def test_inputs_number_their_conversations_on() -> None:
    first, second = analyse(silent(at(0)).frames()), analyse(session(at(0)).frames())
    report = judge_together([first.snapshot(), second.snapshot()])
    assert [(one.id, one.input) for one in report.conversations] == [("c1", 0), ("c2", 1)]
    assert len(report.inputs) == 2


@pytest.mark.parametrize("port", [*DEFAULT_PORTS, *RELAY_PORTS])
def test_usual_ports_are_looked_at(port: int) -> None:
    assert only(session(at(0, server=f"127.0.0.1:{port}"))).outcome is Outcome.REPLIED


def test_nothing_for_us_is_no_conversation() -> None:
    report = judge(Wire(server="127.0.0.1:5432").connect().client(b"hello"))
    assert (report.verdict, report.conversations) == (None, ())
    assert codes(report) == {"IBS006"}


@pytest.mark.parametrize("port", [4000, 4001])
def test_what_tws_says_to_ib_is_no_conversation(port: int) -> None:
    wire = Wire("192.168.1.5:50000", f"{PUBLIC}:{port}").connect().client(IB_LINK).server(IB_LINK)
    assert judge(wire, watch=LONG).conversations == ()
    for number in (4, 6):
        assert judge(wire.from_packet(number), watch=LONG).conversations == ()


def test_the_same_number_in_the_house_is_the_api() -> None:
    wire = Wire("192.168.1.5:50000", "192.168.1.6:4001").connect().client(IB_LINK)
    assert only(wire, LONG).fault is Fault.CLIENT


@pytest.mark.parametrize("port", [4001, 7497])
def test_a_public_tws_is_a_tws(port: int) -> None:
    wire = Wire("192.168.1.5:50000", f"{PUBLIC}:{port}").connect().client(HELLO)
    assert only(wire, LONG).outcome is Outcome.SILENT
    assert only(wire.server(REPLY)).outcome is Outcome.REPLIED


def test_a_public_gateway_seen_from_the_middle_is_one() -> None:
    wire = session(Wire("192.168.1.5:50000", f"{PUBLIC}:4001"))
    assert only(wire.from_packet(8)).outcome is Outcome.JOINED


# -- other ports ------------------------------------------------------------------------------------------------------


def test_a_hello_elsewhere_is_noticed_and_offered() -> None:
    report = judge(session(at(0, server="127.0.0.1:5555")))
    assert report.conversations == ()
    (offer,) = [finding for finding in report.findings if finding.code == "IBS007"]
    assert "--port 5555" in offer.remedy
    assert offer.packets == (4,)


def test_many_hellos_elsewhere_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_traffic, "MAX_STRAY_HELLOS", 3)
    wires = [silent(at(n, 52_000 + n, "127.0.0.1:5555")) for n in range(6)]
    (offer,) = [finding for finding in judge(*wires).findings if finding.code == "IBS007"]
    assert len(offer.packets) == 3


@pytest.mark.parametrize(
    "hello", [HELLO, ib_bytes.BROKEN_HELLOS["1 no prefix"], ib_bytes.BROKEN_HELLOS["6 only the prefix"]]
)
def test_any_port_looks_at_whoever_speaks_ib(hello: bytes) -> None:
    report = judge(
        silent(at(0, server="127.0.0.1:5555"), hello),
        Wire("127.0.0.1:50000", "127.0.0.1:80")
        .connect()
        .client(b"GET / HTTP/1.1\r\n\r\n")
        .server(b"HTTP/1.1 200 OK\r\n\r\n"),
        Wire("127.0.0.1:50001", "127.0.0.1:22").connect().server(b"SSH-2.0-x\r\n").client(b"SSH-2.0-y\r\n"),
        watch=Watch(any_port=True),
    )
    assert [one.connection.server.port for one in report.conversations] == [5555]
    assert not [finding for finding in report.findings if finding.code == "IBS007"]


def test_any_port_knows_a_legacy_session_by_both_sides() -> None:
    spoken = at(0, server="127.0.0.1:5555").connect().client(b"66\0")
    assert judge(spoken, watch=Watch(any_port=True)).conversations == ()
    assert only(spoken.server(ib_bytes.reply(76)), Watch(any_port=True)).outcome is Outcome.REPLIED


def test_other_ports_are_named_by_the_user() -> None:
    wire = session(at(0, server="127.0.0.1:5555"))
    assert only(wire, Watch(ports=frozenset({5555}))).outcome is Outcome.REPLIED


# -- ARP --------------------------------------------------------------------------------------------------------------


def lan(server: str = "192.168.1.6:7497") -> Wire:
    return Wire("192.168.1.5:50000", server)


def test_unanswered_arp_explains_an_unanswered_call() -> None:
    conversation = only(lan().syn().arp_who_has().arp_who_has(after=1), LONG)
    assert conversation.arp_unanswered == (Moment(2, START_NS + 100_000), Moment(3, START_NS + 1_000_100_000))
    assert "IBS104" in {finding.code for finding in conversation.findings}


@pytest.mark.parametrize(
    "wire",
    [
        lan().syn().arp_who_has().arp_reply(),
        lan().syn().arp_who_has("192.168.1.77"),
        Wire.merge(lan().syn(), Wire("192.168.1.9:1", "192.168.1.6:7497").arp_who_has(after=0.1)),
    ],
    ids=["answered", "another address", "another machine asks"],
)
def test_other_arp_explains_nothing(wire: Wire) -> None:
    assert only(wire, LONG).arp_unanswered == ()


def test_arp_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_traffic, "MAX_ARP_TARGETS", 3)
    monkeypatch.setattr(other_traffic, "MAX_ARP_REQUESTS", 2)
    wire = lan()
    for host in range(10, 20):
        for _ in range(4):
            wire.arp_who_has(f"192.168.1.{host}")
    capture = analyse(wire.frames()).snapshot().capture
    assert [len(requests) for _, requests in capture.unanswered_arp] == [2, 2, 2]


# -- eviction ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "ALWAYS_KEPT", 2)
    monkeypatch.setattr(tracking, "MAX_CONVERSATIONS", 5)
    monkeypatch.setattr(segment, "MAX_FLOWS", 10)


@pytest.mark.usefixtures("few")
def test_old_conversations_are_evicted_and_counted() -> None:
    wires = [silent(at(0))]
    wires += [at(100 * n, 51_000 + n).syn().refuse() for n in range(1, 10)]
    wires += [session(at(1000 + 100 * n, 52_000 + n)).close() for n in range(3)]
    analysis = Analysis(InputRecord("x"))
    for frame in Wire.merge(*wires).frames():
        analysis.feed(frame)
    assert count_kept(analysis, Connection) == 5
    report = analysis.report()
    assert count_kept(analysis, Connection) == 10, "each, and what was said of it"
    assert [one.id for one in report.conversations] == ["c1", "c2", "c11", "c12", "c13"]
    assert report.omitted == 8
    assert report.verdict is not None
    assert report.verdict.counts == {Outcome.SILENT: 1, Outcome.REFUSED: 9, Outcome.REPLIED: 3}


@pytest.mark.usefixtures("few")
def test_a_conversation_with_recent_traffic_is_evicted_last() -> None:
    talking = session(at(0, 60_000))
    for _ in range(30):
        talking.server(ib_bytes.text(178, 49, 1, 5), after=20)
    early = [at(-10 + n, 50_000 + n).syn().refuse() for n in range(2)]
    calls = [at(30 * n, 51_000 + n).syn().refuse() for n in range(1, 15)]
    report = judge(*early, talking, *calls)
    kept = {one.connection.client.port: one.outcome for one in report.conversations}
    assert kept[60_000] is Outcome.REPLIED
    assert report.omitted == 17 - 5


@pytest.mark.usefixtures("few")
def test_a_flood_does_not_evict_the_one_conversation_that_went_differently() -> None:
    """Whether the one was answered among many that were not, or the other way round, and whether it ended or not."""
    for different in (session(at(300, 60_000)), session(at(300, 60_000)).close(), at(300, 60_000).syn().refuse()):
        flood = [at(10 * n, 51_000 + n).connect().client(ib_bytes.HELLO, after=1) for n in range(400)]
        report = judge(*flood, different)
        kept = {one.connection.client.port: one.outcome for one in report.conversations}
        assert kept[60_000] in (Outcome.REPLIED, Outcome.REFUSED)
        assert report.omitted == 401 - 5
    sessions = [session(at(20 * n, 51_000 + n)).close() for n in range(400)]
    kept = {one.connection.client.port: one.outcome for one in judge(*sessions, silent(at(300, 60_000))).conversations}
    assert kept[60_000] is Outcome.SILENT


@pytest.mark.usefixtures("few")
def test_evicting_other_protocols_is_not_counted() -> None:
    web = [
        at(100 * n, 51_000 + n, "127.0.0.1:80").connect().client(b"GET / HTTP/1.1\r\n\r\n").close() for n in range(10)
    ]
    report = judge(*web, silent(at(2000)), watch=Watch(any_port=True))
    assert [one.outcome for one in report.conversations] == [Outcome.SILENT]
    assert report.omitted == 0


@pytest.mark.usefixtures("few")
def test_other_protocols_do_not_push_out_api_conversations() -> None:
    def web(n: int) -> Wire:
        wire = at(100 * n, 51_000 + n, "127.0.0.1:80")
        return wire.connect().client(b"GET / HTTP/1.1\r\n\r\n").server(b"HTTP/1.1 200 OK\r\n\r\n").close()

    wires = [*map(web, range(3)), silent(at(350, 60_000, "127.0.0.1:5555")), *map(web, range(4, 30))]
    report = judge(*wires, watch=Watch(any_port=True))
    assert [one.outcome for one in report.conversations] == [Outcome.SILENT]


@pytest.mark.usefixtures("few")
def test_memory_stays_flat_whatever_comes() -> None:
    analysis, sizes = Analysis(InputRecord("x")), []
    for n in range(200):
        wire = at(n, 10_000 + n)
        (wire.syn() if n % 3 else session(wire))
        for frame in wire.frames():
            analysis.feed(frame)
        assert count_kept(analysis, Connection) <= 5
        sizes.append(size_kept(analysis))
    assert max(sizes[100:]) <= 1.1 * max(sizes[20:100])
    assert analysis.snapshot().evicted.total() == 195


# -- live and file ----------------------------------------------------------------------------------------------------


def normal(report: Report) -> Report:
    """The same without how the end of the watch is known, which is the one difference there is to be."""
    by = WatchedBy.STATISTICS
    return report._replace(
        inputs=tuple(replace(facts, watched_by=by) for facts in report.inputs),
        conversations=tuple(one._replace(watched_by=by) for one in report.conversations),
    )


def live(frames: list[Frame], until_ns: int, *, any_port: bool = False, ports: frozenset[int] = API_PORTS) -> Report:
    """Frames and ticks as they come, and a report asked for after each."""
    record = InputRecord("x", is_live=True)
    analysis = Analysis(record, ports, any_port=any_port)
    ids: dict[tuple[object, ...], str] = {}
    for frame in frames:
        record.add_packet(frame.time_ns)
        analysis.feed(frame)
        between = analysis.report()
        for one in between.conversations:
            key = (one.connection.client, one.connection.server, one.connection.first)
            assert ids.setdefault(key, one.id) == one.id, "an id is for life"
        analysis.feed(Tick(frame.time_ns))
    analysis.feed(Tick(until_ns))
    analysis.finish()
    return analysis.report()


@pytest.mark.parametrize("name", CASES)
def test_live_and_file_agree(name: str) -> None:
    case = CASES[name]
    frames = case.wire.frames()
    watch = Watch(ended=case.watch.ended or 0.0, any_port=case.watch.any_port, ports=case.watch.ports)
    until = max(frame.time_ns for frame in frames) + round((case.watch.ended or 0) * NANOSECONDS)
    from_live = live(frames, until, any_port=watch.any_port, ports=watch.ports)
    assert normal(from_live) == normal(analyse(frames, watch).report())


@given(st.lists(st.sampled_from(sorted(CASES)), min_size=2, max_size=4), st.booleans())
def test_live_and_file_agree_on_several_at_once(names: list[str], any_port: bool) -> None:
    frames = Wire.merge(*(CASES[name].wire for name in names)).frames()
    until = max(frame.time_ns for frame in frames) + 6 * NANOSECONDS
    file = analyse(frames, Watch(ended=6.0, any_port=any_port)).report()
    assert normal(live(frames, until, any_port=any_port)) == normal(file)


def test_arp_that_is_answered_while_a_report_is_made_explains_nothing() -> None:
    frames = lan().arp_who_has().syn().arp_reply().syn_ack().ack().client(HELLO).frames()
    (conversation,) = live(frames, frames[-1].time_ns).conversations
    assert conversation.arp_unanswered == ()


def test_ids_stay_though_an_earlier_connection_turns_out_to_be_ours_only_later() -> None:
    unknown = at(0, 51_000, "127.0.0.1:5555").connect()
    known = session(at(1, 51_001))
    unknown.client(HELLO, after=10)
    frames = Wire.merge(unknown, known).frames()
    report = live(frames, frames[-1].time_ns, any_port=True)
    assert [(one.id, one.connection.server.port) for one in report.conversations] == [("c1", 5555), ("c2", 7497)]


def test_silence_is_concluded_from_ticks_alone() -> None:
    frames = at(0).connect().client(HELLO).frames()
    analysis = Analysis(InputRecord("x", is_live=True))
    for frame in frames:
        analysis.feed(frame)
    outcomes = []
    for second in range(7):
        analysis.feed(Tick(frames[3].time_ns + second * NANOSECONDS))
        report = analysis.report()
        outcomes.append(report.conversations[0].outcome)
        assert report.inputs[0].watched_until_ns == frames[3].time_ns + second * NANOSECONDS or second == 0
    assert outcomes == [Outcome.UNPROVEN] * 5 + [Outcome.SILENT] * 2


def test_time_never_runs_backwards_for_the_watcher() -> None:
    analysis = Analysis(InputRecord("x", is_live=True))
    analysis.feed(Tick(20 * NANOSECONDS))
    analysis.feed(Tick(5 * NANOSECONDS))
    assert analysis.watched_until_ns == 20 * NANOSECONDS


def test_a_files_end_is_its_last_packet_when_it_does_not_say() -> None:
    wire = at(0).connect().client(HELLO)
    report = judge(wire)
    assert report.inputs[0].watched_until_ns == wire.frames()[-1].time_ns


def test_an_empty_input_is_a_report_too() -> None:
    report = analyse([]).report()
    assert (report.verdict, report.conversations) == (None, ())
    assert codes(report) == {"IBS006"}
    assert report.inputs[0].watched_until_ns is None


# -- the model holds ---------------------------------------------------------------------------------------------------


def test_a_report_is_the_same_when_asked_for_twice() -> None:
    analysis = analyse(Wire.merge(silent(at(0)), session(at(50, 51_001))).frames())
    assert analysis.report() == analysis.report()


def test_stray_hellos_are_kept_with_their_packets() -> None:
    capture = analyse(silent(at(0, server="127.0.0.1:5555")).frames()).snapshot().capture
    (stray,) = capture.stray_hellos
    assert isinstance(stray, StrayHello)
    assert (stray.packet, stray.destination.port) == (4, 5555)


def test_a_damaged_frame_is_counted_and_passed_over() -> None:
    frames = session(at(0)).frames()
    frames[2] = frames[2]._replace(data=frames[2].data[:20])
    analysis = analyse(frames)
    assert analysis.facts.skipped.total() == 1
    assert analysis.report().conversations[0].outcome is Outcome.REPLIED


def test_findings_belong_to_their_input() -> None:
    report = judge_together(analyse(wire.frames()).snapshot() for wire in (session(at(0)), silent(at(0))))
    assert {finding.input for one in report.conversations[1:] for finding in one.findings} == {1}
    assert all(isinstance(one.dialogue, Dialogue) for one in report.conversations)
    assert Counter(one.outcome for one in report.conversations) == {Outcome.REPLIED: 1, Outcome.SILENT: 1}


def test_every_packet_named_is_one_of_the_capture() -> None:
    wires = [silent(at(0)), at(10, 51_001).syn().refuse(), at(20, 51_002).connect().rst_server(after=0.1)]
    report = judge(*wires)
    total = sum(len(wire.frames()) for wire in wires)
    assert all(1 <= number <= total for finding in findings(report) for number in finding.packets)
    assert report.conversations[0].dialogue.first_speaker is Side.CLIENT


def test_hellos_on_many_ports_are_named_in_part_and_offered_in_whole() -> None:
    wires = [silent(at(n, 52_000 + n, f"127.0.0.1:{5550 + n}")) for n in range(7)]
    (offer,) = [finding for finding in judge(*wires).findings if finding.code == "IBS007"]
    assert "5550, 5551, 5552, 5553, 5554 and 2 more" in offer.summary
    assert "--port any" in offer.remedy


def test_what_is_beyond_a_bound_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_traffic, "MAX_STRAY_HELLOS", 2)
    monkeypatch.setattr(other_traffic, "MAX_ARP_TARGETS", 2)
    strays = [silent(at(n, 52_000 + n, "127.0.0.1:5555")) for n in range(4)]
    asked = lan()
    for host in range(10, 13):
        asked.arp_who_has(f"192.168.1.{host}").arp_who_has(f"192.168.1.{host}")
    analysis = analyse(Wire.merge(*strays, asked).frames())
    assert analysis.facts.skipped[other_traffic.STRAY_HELLO_LIMIT] == 2
    assert analysis.facts.skipped[other_traffic.ARP_LIMIT] == 2
