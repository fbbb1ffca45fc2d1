"""Whom nobody may blame, surer than a guess, in small worlds whose truth is known (``world.py``).

A client and a server of every kind, near and far, over ways that lose packets, with the tap at either end or between
them. What cannot be told apart is not asked for: a hang-up or an answer that was lost without a trace looks like none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

import ib_bytes
import pytest
from field.accusing import ASK, HARMLESS, START, TIME
from field.world import End, Program, Way, World, connection
from ib_bytes import HELLO
from judging import Watch, findings, judge

from ibsniff.model import FIN, RST, SYN, Confidence, Fault, Outcome, Report, Rung, Segment, Severity, Side

TWS, CONFIG, NETWORK, CLIENT = Fault.TWS_STATE, Fault.TWS_CONFIG, Fault.NETWORK, Fault.CLIENT
TURNS = 150
"""Worlds of each pair that are tried."""

# -- who answers ------------------------------------------------------------------------------------------------------


def answers(end: End, random: Random, *, after: float = 0.003) -> Program:
    """A TWS: the reply to a whole hello, the session for a START_API, the time for who asks."""
    unread, greeted, world = bytearray(), [False], end.way.world

    def program(event: str, data: bytes) -> None:
        unread.extend(data)
        if event == "fin":
            world.after(0.000_3, end.close)
        if not greeted[0] and len(unread) >= len(HELLO):
            greeted[0] = True
            del unread[: len(HELLO)]
            world.after(after, lambda: end.send(ib_bytes.reply(178)))
        while greeted[0] and len(unread) >= 4 and len(unread) >= 4 + unread[3]:
            said = bytes(unread[: 4 + unread[3]])
            del unread[: len(said)]
            world.after(0.001, lambda said=said: end.send(ib_bytes.ready(178) if said == START else TIME))

    return program


def hangs(end: End, random: Random) -> Program:
    return lambda event, data: None


def rejects(end: End, random: Random) -> Program:
    """An address it does not trust, some milliseconds after the hello."""
    return lambda event, data: end.way.world.after(random.choice([0.004, 0.03]), end.close) if event == "data" else None


def is_a_dead_relay(end: End, random: Random) -> Program:
    end.reads = False
    return lambda event, data: (
        end.way.world.after(random.choice([0.000_4, 0.000_9]), end.close) if event == "open" else None
    )


def is_a_silent_relay(end: End, random: Random) -> Program:
    return lambda event, data: end.way.world.after(0.5, end.close) if event == "fin" else None


def is_a_web_server(end: End, random: Random) -> Program:
    def program(event: str, data: bytes) -> None:
        if event == "data":
            end.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            end.close()

    return program


def waits_for_a_click(end: End, random: Random) -> Program:
    return answers(end, random, after=random.choice([0.5, 3.0, 8.0]))


SERVERS: dict[str, tuple[Callable[[End, Random], Program], set[Fault]]] = {
    "answers": (answers, set()),
    "hangs": (hangs, {TWS}),
    "rejects": (rejects, {CONFIG}),
    "is a dead relay": (is_a_dead_relay, {NETWORK}),
    "is a silent relay": (is_a_silent_relay, {TWS, NETWORK}),
    "is a web server": (is_a_web_server, {NETWORK}),
    "waits for a click": (waits_for_a_click, {TWS, CONFIG}),
}
"""What it does, and whom that allows to blame."""

# -- who calls --------------------------------------------------------------------------------------------------------

CALLERS: dict[str, set[Fault]] = {
    "a good client": set(),
    "one that says it in pieces": set(),
    "one that does not wait for the reply": set(),
    "one that waits for ever": set(),
    "one that says nothing": {CLIENT},
    "one that is no client": {CLIENT},
    "one that stops after the reply": {CLIENT},
}


class _Caller:
    """A client's program."""

    def __init__(self, end: End, random: Random, kind: str) -> None:
        self.end, self.random, self.kind, self.world = end, random, kind, end.way.world
        self.unread, self.replied, self.ready = bytearray(), False, False
        leave = random.choice([end.close, end.close, end.reset])
        patience = random.choice([2.0, 4.0, 10.0, 60.0])
        if kind != "one that waits for ever":
            self.world.after(patience, lambda: None if self.ready else leave())
        self.world.after(0.0, end.connect)

    def __call__(self, event: str, data: bytes) -> None:
        if event == "open" and self.kind != "one that says nothing":
            self.world.after(self.random.choice([0.0, 0.000_3, 0.05]), self._say_hello)
        if event == "fin":
            self.world.after(0.000_5, self.end.close)
        self.unread.extend(data)
        if not self.replied and self.unread.endswith(ib_bytes.reply(178)):
            self.replied = True
            self.unread.clear()
            if self.kind not in ("one that stops after the reply", "one that does not wait for the reply"):
                self.end.send(START)
        if self.replied and not self.ready and self.unread:
            self.ready = True
            for seconds in (1.0, 3.0):
                self.world.after(seconds, lambda: self.end.send(ASK))
            self.world.after(self.random.choice([4.0, 30.0]), self.end.close)

    def _say_hello(self) -> None:
        if self.kind == "one that is no client":
            self.end.send(self.random.choice(list(ib_bytes.BROKEN_HELLOS.values())))
        elif self.kind == "one that does not wait for the reply":
            self.end.send(HELLO + START)
        elif self.kind == "one that says it in pieces":
            for start in range(0, len(HELLO), 5):
                piece = HELLO[start : start + 5]
                self.world.after(0.000_1 * start, lambda piece=piece: self.end.send(piece))
        else:
            self.end.send(HELLO)


# -- where ------------------------------------------------------------------------------------------------------------


class Place(NamedTuple):
    ends: tuple[str, str]
    ways: tuple[tuple[float, float], ...]
    """Seconds one way, and where the tap sits."""
    loss: tuple[float, ...]


REMOTE = "192.168.1.30:50001"
PLACES = {
    "here": Place(("127.0.0.1:50001", "127.0.0.1:7497"), ((0.000_01, 0.5),), (0.0,)),
    "a relay's port": Place((REMOTE, "192.168.1.5:4004"), ((0.000_2, 0.0), (0.02, 1.0)), (0.0,)),
    "there": Place((REMOTE, "192.168.1.5:7497"), ((0.000_2, 0.0), (0.02, 0.5), (0.3, 1.0)), (0.0,)),
}
Heard = list[tuple[Side, Segment]]


def judged(server: str, caller: str, place: Place, seed: int, part: Callable[[Heard, Random], Heard] | None) -> Report:
    random = Random(seed)
    world = World(random)
    seconds, tap_at = random.choice(place.ways)
    one, two = connection(Way(world, seconds, tap_at, random.choice(place.loss)), *place.ends)
    two.program = SERVERS[server][0](two, random)
    one.program = _Caller(one, random, caller)
    world.run(random.choice([3.0, 8.0, 30.0, 120.0]))
    if part is None:
        return judge(world.capture(), watch=Watch(ended=random.choice([None, world.watched()])))
    world.tap = part(world.tap, random)
    return judge(world.capture())


def blamed(report: Report) -> Iterator[tuple[Fault, str]]:
    for finding in findings(report):
        sure = finding.confidence is not Confidence.LOW and finding.severity is not Severity.NOTE
        if sure and finding.fault not in HARMLESS:
            yield finding.fault, finding.code


def wrongs(place: str, part: Callable[[Heard, Random], Heard] | None = None) -> list[tuple[str, str, int, str]]:
    pairs = [(server, caller) for server in SERVERS for caller in CALLERS]
    found = []
    for number in range(TURNS):
        server, caller = pairs[number % len(pairs)]
        allowed = SERVERS[server][1] | CALLERS[caller]
        report = judged(server, caller, PLACES[place], number, part)
        found += [(server, caller, number, code) for fault, code in blamed(report) if fault not in allowed]
    return found


def test_these_worlds_show_what_there_is_to_see_and_the_guilty_are_blamed() -> None:
    pairs = [(server, caller) for server in SERVERS for caller in CALLERS]
    reports = [(pair, judged(*pair, PLACES["there"], number, None)) for number, pair in enumerate(pairs * 3)]
    outcomes = {conversation.outcome for _, report in reports for conversation in report.conversations}
    assert outcomes >= {Outcome(name) for name in ("replied", "silent", "closed", "foreign", "not_asked", "unproven")}
    assert any(conversation.rung is Rung.READY for _, report in reports for conversation in report.conversations)
    named = {
        server: {fault for pair, report in reports if pair[0] == server for fault, _ in blamed(report)}
        for server in SERVERS
    }
    assert all(named[server] & SERVERS[server][1] for server in ("hangs", "rejects", "is a web server"))


@pytest.mark.parametrize("place", PLACES)
def test_who_did_nothing_wrong_is_not_blamed(place: str) -> None:
    assert wrongs(place) == []


def begun_late(heard: Heard, random: Random) -> Heard:
    return heard[random.randrange(len(heard)) :]


def ended_early(heard: Heard, random: Random) -> Heard:
    return heard[: random.randrange(1, len(heard) + 1)]


def one_direction(heard: Heard, random: Random) -> Heard:
    wanted = random.choice(list(Side))
    return [(side, segment) for side, segment in heard if side is wanted]


def without_acks(heard: Heard, random: Random) -> Heard:
    return [one for one in heard if one[1].payload or one[1].flags & (FIN | SYN | RST)]


def without_the_handshake(heard: Heard, random: Random) -> Heard:
    return [one for one in heard if not one[1].flags & SYN]


@pytest.mark.parametrize("part", [begun_late, ended_early, one_direction, without_acks, without_the_handshake])
@pytest.mark.parametrize("place", PLACES)
def test_nor_by_a_part_of_the_capture(place: str, part: Callable[[Heard, Random], Heard]) -> None:
    assert wrongs(place, part) == []
