"""What live sources have in common, over a back end that plays a script; and what is said when it cannot be."""

from __future__ import annotations

import errno
import itertools
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from ibsniff.capture import live
from ibsniff.capture.backend import RawPacket, Statistics
from ibsniff.capture.live import LiveSource, open_live
from ibsniff.capture.machine import WindowsSubsystem
from ibsniff.model import NANOSECONDS, ExitCode, Frame, Tick, UserError, WatchedBy

NOW = 1_800_000_000 * NANOSECONDS
PORTS = frozenset({7497})


class Script:
    """A back end that hands over these packets; None is a wait without one, and a callable is done instead."""

    link_type = 1
    delay_ns = 1_000_000

    def __init__(self, *script: RawPacket | OSError | Callable[[], object] | None) -> None:
        self.script = iter(script)
        self.waits: list[float] = []
        self.woken = self.closed = 0
        self.dropped = 0

    def receive(self, wait: float) -> RawPacket | None:
        self.waits.append(wait)
        entry = next(self.script, None)
        if isinstance(entry, OSError):
            raise entry
        if callable(entry):
            entry()
            return None
        return entry

    def statistics(self) -> Statistics:
        return Statistics(10, self.dropped)

    def wake(self) -> None:
        self.woken += 1

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The wall clock of the module under test: put the time into the list."""
    now = [NOW]
    monkeypatch.setattr(live.time, "time_ns", lambda: now[0])
    return now


def packet(seconds: float, data: bytes = b"frame") -> RawPacket:
    return RawPacket(NOW + int(seconds * NANOSECONDS), data, len(data))


def taken(source: LiveSource, count: int) -> list[Frame | Tick]:
    return list(itertools.islice(source.events(), count))


def test_frames_are_numbered_and_the_facts_grow(clock: list[int]) -> None:
    source = LiveSource("lo", Script(packet(0, b"one"), packet(1, b"two"), packet(0.5, b"three")))
    assert taken(source, 3) == [
        Frame(1, NOW, 1, b"one", 3),
        Frame(2, NOW + NANOSECONDS, 1, b"two", 3),
        Frame(3, NOW + NANOSECONDS // 2, 1, b"three", 5),
    ]
    facts = source.facts
    assert (facts.path, facts.format, facts.link_types, facts.watched_by) == ("lo", "pcapng", [1], WatchedBy.LIVE)
    assert (facts.packets, facts.first_time_ns, facts.last_time_ns) == (3, NOW, NOW + NANOSECONDS)
    assert facts.times_backwards == 0


def test_a_clock_set_back_is_counted_as_in_a_file(clock: list[int]) -> None:
    source = LiveSource("lo", Script(packet(100), packet(0), packet(101)))
    taken(source, 3)
    assert source.facts.times_backwards == 1


def test_ticks_come_when_it_is_quiet_and_lag_behind_packets_under_way(clock: list[int]) -> None:
    source = LiveSource("lo", Script(None, packet(0)))
    tick, frame = taken(source, 2)
    assert tick == Tick(NOW - Script.delay_ns)
    assert isinstance(frame, Frame)
    assert tick.time_ns <= frame.time_ns


def test_ticks_never_go_backwards(clock: list[int]) -> None:
    def set_clock_back() -> None:
        clock[0] = NOW - 3600 * NANOSECONDS

    source = LiveSource("lo", Script(packet(1), set_clock_back, None))
    assert taken(source, 3)[1:] == [Tick(NOW + NANOSECONDS), Tick(NOW + NANOSECONDS)]


def test_drops_are_noticed_while_it_runs(clock: list[int]) -> None:
    backend = Script(packet(0), packet(0.1), packet(0.2), packet(0.3))
    source = LiveSource("lo", backend)
    events = source.events()
    next(events)
    assert source.facts.dropped == 0
    backend.dropped = 7
    seen = [source.facts.dropped for _ in itertools.islice(events, 3)]
    assert seen == [0, 0, 7]
    assert source.statistics() == Statistics(10, 7)


def test_stop_gives_what_was_under_way_and_a_last_tick(clock: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monotonic = [100.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: monotonic[0])
    backend = Script()
    source = LiveSource("lo", backend)

    def stop() -> None:
        clock[0] = NOW + NANOSECONDS
        source.stop()

    def time_passes() -> None:
        monotonic[0] += 1

    stamped_on_reading = packet(1.1)
    backend.script = iter(
        [stop, packet(0.9), stamped_on_reading, packet(1), time_passes, packet(0.95), packet(1.2), packet(1)]
    )
    events = list(source.events())
    assert [event.time_ns - NOW for event in events if isinstance(event, Frame)] == [
        900_000_000,
        1_100_000_000,
        1_000_000_000,
        950_000_000,
    ]
    assert events[-1] == Tick(NOW + 1_100_000_000)
    assert backend.woken == 1
    assert backend.waits[-1] == 0


def test_stop_before_the_first_event(clock: list[int]) -> None:
    source = LiveSource("lo", Script())
    source.stop()
    assert list(source.events()) == [Tick(NOW)]


def test_a_source_without_end_of_packets_stops_all_the_same() -> None:
    def endless() -> Iterator[RawPacket]:
        while True:
            yield RawPacket(time.time_ns(), b"", 0)

    backend = Script()
    backend.script = endless()
    source = LiveSource("lo", backend)
    events = source.events()
    next(events)
    source.stop()
    assert isinstance(list(events)[-1], Tick)


def test_an_interface_that_goes_away_ends_it_and_is_said(clock: list[int]) -> None:
    source = LiveSource("wg0", Script(packet(0), OSError(errno.ENETDOWN, "Network is down")))
    events = list(source.events())
    assert [type(event) for event in events] == [Frame, Tick]
    assert events[-1].time_ns == NOW
    assert source.facts.truncated == "wg0 went away during the capture: Network is down"


def test_it_is_a_context_manager() -> None:
    backend = Script()
    with LiveSource("lo", backend):
        assert not backend.closed
    assert backend.closed == 1


def failing(error: Exception) -> Callable[..., object]:
    def open_backend(*_: object) -> object:
        raise error

    return open_backend


@pytest.mark.parametrize(
    ("error", "what", "to_do"),
    [
        (PermissionError(errno.EPERM, "no"), "no permission to capture on lo", "sudo "),
        (OSError(errno.ENODEV, "no"), "there is no interface lo here", "choose one of: "),
        (OSError(errno.ENETDOWN, "no"), "lo is down", "ip link set lo up"),
        (OSError(errno.EINVAL, "bad luck"), "cannot capture on lo: bad luck", "ibsniff interfaces"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="the texts are those of Linux")
def test_what_is_said_when_it_cannot_be(monkeypatch: pytest.MonkeyPatch, error: OSError, what: str, to_do: str) -> None:
    monkeypatch.setattr(live, "PacketSocket", failing(error))
    with pytest.raises(UserError) as raised:
        open_live("lo", PORTS)
    assert raised.value.what == what
    assert to_do in raised.value.what_to_do
    assert raised.value.exit_code is ExitCode.PERMISSION


@pytest.mark.skipif(sys.platform != "linux", reason="WSL is Linux")
def test_wsl_1_has_no_packet_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PacketSocket", failing(OSError(errno.EAFNOSUPPORT, "no")))
    monkeypatch.setattr(live, "windows_subsystem", lambda: WindowsSubsystem.WSL1)
    with pytest.raises(UserError, match="WSL 1 has no packet sockets"):
        open_live("lo", PORTS)


def test_which_back_end_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "ScapyCapture", lambda *_: Script())
    assert isinstance(open_live("lo", PORTS, "scapy")._backend, Script)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert isinstance(open_live("lo0", PORTS)._backend, Script)
    with pytest.raises(UserError, match="for Linux") as raised:
        open_live("lo0", PORTS, "socket")
    assert raised.value.exit_code is ExitCode.USAGE
