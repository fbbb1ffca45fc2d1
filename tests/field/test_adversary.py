"""An adversary's captures: recorded ones cut, thinned and disordered, strangers side by side, and what once accused wrongly.

A part of a capture must never accuse, surer than ``low``, whom the whole one does not; and what belongs to two servers
must not be joined into one story.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from field.accusing import KINDS, REMOTE, TIME, TWS, accused
from field.thread import call, session, silent
from judging import GivenRecord, Watch, codes, judge
from wire import Wire

from ibsniff.analysis.api_traffic import parse_ports
from ibsniff.analysis.pipeline import Analysis
from ibsniff.capture.files import open_capture
from ibsniff.model import FIN, RST, Confidence, Fault, Frame, InputFacts, Report, Segment
from ibsniff.net import Dissector
from ibsniff.regression import Scenario, find_scenarios

SCENARIOS = {one.folder.name: one for one in find_scenarios(Path(__file__).parents[2] / "captures")}
LONGEST = 100
"""Packets of a capture that is taken apart: more say nothing new."""
PORT_TEST = "IBS201"
TOLD_BY_TWS = ("IBS403", "IBS410")
"""TWS's own word, true when it said it: a capture that ends before the good news does not know them."""
ANSWERED_LATE = "IBS313"
"""Before the answer came, it was TWS that kept the client waiting."""
SPEAKS_AT_THE_END = "http-server-ib-async"
"""A stranger that says nothing until its client has left: until then it cannot be told from a TWS that hangs."""


# -- a part of a capture ----------------------------------------------------------------------------------------------


@cache
def frames_of(name: str) -> tuple[list[Frame], InputFacts]:
    with open_capture(str(SCENARIOS[name].capture), None) as source:
        return list(source.frames()), source.facts


def ports_of(scenario: Scenario) -> frozenset[int]:
    words = shlex.split(scenario.command)
    return parse_ports(after for before, after in pairwise(words) if before == "--port").api


def judged(name: str, frames: list[Frame], *, ends_early: bool = False) -> Report:
    """As the whole file is, whose doubts about itself are a part's too."""
    _, whole = frames_of(name)
    watch = Watch(dropped=whole.dropped, truncated=whole.truncated, untimed=whole.untimed)
    watch.times_backwards = whole.times_backwards
    frames = [frame._replace(number=number) for number, frame in enumerate(frames, start=1)]
    facts = watch.facts(frames)
    if not ends_early:
        facts = replace(facts, watched_until_ns=whole.watched_until_ns, watched_by=whole.watched_by)
    analysis = Analysis(GivenRecord(facts), ports_of(SCENARIOS[name]))
    analysis.run(frames)
    return analysis.report()


def begun(frames: list[Frame]) -> Iterator[list[Frame]]:
    return (frames[:count] for count in range(1, len(frames)))


def joined(frames: list[Frame]) -> Iterator[list[Frame]]:
    return (frames[count:] for count in range(1, len(frames)))


def goodbye(frame: Frame) -> bool:
    packet = Dissector(None, Counter()).dissect(frame)
    return isinstance(packet, Segment) and bool(packet.flags & (FIN | RST))


def lost(frames: list[Frame], *, goodbyes: bool = False) -> Iterator[list[Frame]]:
    """One packet is missing. Whose goodbye is missing is another matter, with a test of its own."""
    places = (place for place, frame in enumerate(frames) if goodbye(frame) is goodbyes)
    return (frames[:place] + frames[place + 1 :] for place in places)


def swapped(frames: list[Frame], *, goodbyes: bool = False) -> Iterator[list[Frame]]:
    """Two neighbours changed places, at the times the places had."""
    for place, (one, two) in enumerate(pairwise(frames)):
        if (goodbye(one) and goodbye(two)) is goodbyes:
            changed = [two._replace(time_ns=one.time_ns), one._replace(time_ns=two.time_ns)]
            yield frames[:place] + changed + frames[place + 2 :]


def one_way(frames: list[Frame]) -> Iterator[list[Frame]]:
    dissector = Dissector(None, Counter())
    packets = [dissector.dissect(frame) for frame in frames]
    sources = {packet.source for packet in packets if isinstance(packet, Segment)}
    for source in sources:
        for kept in (True, False):
            yield [
                frame
                for frame, packet in zip(frames, packets, strict=True)
                if not isinstance(packet, Segment) or (packet.source == source) is kept
            ]


def twice(frames: list[Frame]) -> Iterator[list[Frame]]:
    yield [frame for frame in frames for _ in range(2)]


Parts = Callable[[list[Frame]], Iterator[list[Frame]]]


def wrongs(name: str, parts: Parts) -> list[tuple[int, Fault, str]]:
    """Which part, whom it accuses, and by which rule."""
    whole, _ = frames_of(name)
    report = judged(name, whole)
    guilty, found = accused(report, guesses=True), []
    if parts is begun and (ANSWERED_LATE in codes(report) or name == SPEAKS_AT_THE_END):
        return []
    for number, part in enumerate(parts(whole)):
        if part:
            named = accused(judged(name, part, ends_early=parts is begun))
            found += [
                (number, fault, code)
                for fault, code in named.items()
                if fault not in guilty and code not in TOLD_BY_TWS
            ]
    return found


@pytest.mark.parametrize("parts", [begun, joined, lost, swapped, one_way, twice])
@pytest.mark.parametrize("name", [name for name in SCENARIOS if len(frames_of(name)[0]) <= LONGEST])
def test_a_part_accuses_nobody_whom_the_whole_does_not(name: str, parts: Parts) -> None:
    assert wrongs(name, parts) == []


@pytest.mark.parametrize("name", ["ok-ib-async-loopback", "closed-at-once-wsl", "silent-ib-async-wsl"])
def test_a_goodbye_that_was_not_captured_is_known_by_its_ack(name: str) -> None:
    assert wrongs(name, lambda frames: lost(frames, goodbyes=True)) == []
    assert wrongs(name, lambda frames: swapped(frames, goodbyes=True)) == []


# -- strangers in one capture -----------------------------------------------------------------------------------------

STRANGERS = {
    "two clients of two machines": (REMOTE, TWS, "192.168.1.31:50002", "192.168.1.6:7497"),
    "one client of two machines": (REMOTE, TWS, "192.168.1.30:50002", "192.168.1.6:7497"),
    "two TWS on one machine": (REMOTE, TWS, "192.168.1.31:50002", "192.168.1.5:7496"),
    "two TWS on this machine": ("127.0.0.1:50001", "127.0.0.1:7497", "127.0.0.1:50002", "127.0.0.1:7496"),
}


@pytest.mark.parametrize("ends", STRANGERS.values(), ids=STRANGERS)
@pytest.mark.parametrize("apart", [0.001, 0.02, 10.0])
def test_what_two_servers_do_is_not_one_story(ends: tuple[str, str, str, str], apart: float) -> None:
    """On one machine a relay cannot be told from a program that calls both ports: that is a guess at most."""
    for one, two in product(KINDS, repeat=2):
        report = judge(
            KINDS[one](call(ends[0], ends[1])), KINDS[two](call(ends[2], ends[3], apart)), watch=Watch(ended=12.0)
        )
        joining = [finding for finding in report.findings if len(finding.conversations) > 1]
        assert all(finding.confidence is Confidence.LOW for finding in joining), (one, two, joining)


# -- a TWS whose state is known ---------------------------------------------------------------------------------------

SERVERS = ("127.0.0.1:7497", TWS)
ADDRESSES = tuple(f"192.168.1.{number}" for number in range(30, 34))
TURN = 60.0
"""Seconds at which a hang or a restart begins."""
DOWN = 15.0


class State(NamedTuple):
    """What befalls a call at a time, from an address that is welcome or not; and whom nobody may blame for it."""

    call: Callable[[Wire, float, bool], Wire]
    innocent: tuple[Fault, ...]


def _served_until_the_turn(wire: Wire, began: float) -> Wire:
    session(wire)
    return wire.server(TIME, after=TURN - began - 1.0) if began < TURN - 1.0 else wire


def _around_a_restart(wire: Wire, began: float, _: bool) -> Wire:
    if began < TURN:
        return session(wire).rst_server(after=TURN - began)
    return wire.syn().refuse() if began < TURN + DOWN else session(wire)


STATES = {
    "asks whom it does not know": State(
        lambda wire, _, welcome: session(wire).server(TIME, after=5.0) if welcome else silent(wire),
        (Fault.CLIENT, Fault.NETWORK),
    ),
    "rejects whom it does not know": State(
        lambda wire, _, welcome: session(wire) if welcome else KINDS["closed"](wire), (Fault.CLIENT, Fault.NETWORK)
    ),
    "hangs": State(
        lambda wire, began, _: _served_until_the_turn(wire, began) if began < TURN else silent(wire),
        (Fault.CLIENT, Fault.NETWORK, Fault.TWS_CONFIG),
    ),
    "restarts": State(_around_a_restart, (Fault.CLIENT, Fault.NETWORK, Fault.TWS_CONFIG)),
    "is behind a firewall": State(
        lambda wire, _, welcome: session(wire) if welcome else KINDS["unanswered"](wire),
        (Fault.CLIENT, Fault.TWS_CONFIG, Fault.TWS_STATE),
    ),
}


def _calls(state: State, random: Random) -> Iterator[Wire]:
    """Some calls of that time, from everywhere, and now and then a port test that is closed by both."""
    strangers = random.sample(ADDRESSES, 2)
    for number in range(random.randrange(2, 8)):
        began, server = random.uniform(0.0, 2 * TURN), random.choice(SERVERS)
        address = "127.0.0.1" if server == SERVERS[0] else random.choice(ADDRESSES)
        wire = call(f"{address}:{40_000 + number}", server, began)
        welcome = address not in strangers
        test = welcome and not TURN <= began < TURN + DOWN and random.random() < 0.15
        yield wire.connect().close(after=0.05) if test else state.call(wire, began, welcome)


@pytest.mark.parametrize("name", STATES)
def test_a_tws_whose_state_is_known_is_not_told_another(name: str) -> None:
    for seed in range(60):
        report = judge(*_calls(STATES[name], Random(seed)), watch=Watch(ended=15.0))
        blamed = {fault: code for fault, code in accused(report).items() if code != PORT_TEST}
        assert not blamed.keys() & set(STATES[name].innocent), (seed, blamed)
        assert not {"IBS503", "IBS505"} <= codes(report), seed
        assert name == "hangs" or "IBS503" not in codes(report), seed
