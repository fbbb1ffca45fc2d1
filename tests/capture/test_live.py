"""Live sources over a scripted back end, and the errors on opening a capture."""

from __future__ import annotations

import errno
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from live_script import Script

from ibsniff.capture import backlog, live, open_backends
from ibsniff.capture.backend import LinkState, RawPacket, Statistics
from ibsniff.capture.comments import MAX_COMMENTS
from ibsniff.capture.live import LiveSource, open_live
from ibsniff.capture.procfs import Wsl
from ibsniff.model import NANOSECONDS, ExitCode, Frame, Loss, Tick, UserError, WatchedBy

NOW = 1_800_000_000 * NANOSECONDS
PORTS = frozenset({7497})


@dataclass
class Clocks:
    """The clocks of the machine that the tested modules read."""

    wall_ns: int = NOW
    monotonic_ns: int = 5 * NANOSECONDS

    def pass_by(self, seconds: float) -> None:
        self.wall_ns += int(seconds * NANOSECONDS)
        self.monotonic_ns += int(seconds * NANOSECONDS)

    def set_by(self, seconds: float) -> None:
        self.wall_ns += int(seconds * NANOSECONDS)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr(live.time, "time_ns", lambda: clocks.wall_ns)
    monkeypatch.setattr(live.time, "monotonic_ns", lambda: clocks.monotonic_ns)
    monkeypatch.setattr(live.time, "monotonic", lambda: clocks.monotonic_ns / NANOSECONDS)
    return clocks


@pytest.fixture
def sources() -> Iterator[Callable[..., LiveSource]]:
    """Create live sources over scripts, and close them after the test."""
    with ExitStack() as opened:
        yield lambda *scripts: opened.enter_context(LiveSource(zip(("lo", "eth0", "wg0"), scripts, strict=False)))


Sources = Callable[..., LiveSource]


def packet(seconds: float, data: bytes = b"frame") -> RawPacket:
    return RawPacket(NOW + int(seconds * NANOSECONDS), data, len(data))


def taken(source: LiveSource, count: int) -> list[Frame | Tick]:
    return list(itertools.islice(source.events(), count))


def test_frames_are_numbered_and_the_facts_grow(clock: Clocks, sources: Sources) -> None:
    source = sources(Script([packet(0, b"one"), packet(1, b"two")], packet(0.5, b"three")))
    events = source.events()
    assert next(events) == Frame(1, NOW, 1, b"one", 3)
    assert source.pending == 1
    assert next(events) == Frame(2, NOW + NANOSECONDS, 1, b"two", 3)
    assert source.pending == 0
    assert next(events) == Frame(3, NOW + NANOSECONDS // 2, 1, b"three", 5)
    facts = source.facts
    assert (facts.path, facts.format, facts.link_types, facts.watched_by) == ("lo", "pcapng", (1,), WatchedBy.LIVE)
    assert (facts.packets, facts.first_time_ns, facts.last_time_ns) == (3, NOW, NOW + NANOSECONDS)
    assert facts.times_backwards == 0


def test_several_interfaces_are_one_stream_in_order_of_time(clock: Clocks, sources: Sources) -> None:
    tunnel = Script([packet(0.1, b"b"), packet(0.4, b"e")])
    tunnel.link_type = 101
    source = sources(
        Script([packet(0, b"a"), packet(0.2, b"c")], [packet(0.5, b"f")]), Script(packet(0.3, b"d")), tunnel
    )
    seen = []
    for event in itertools.islice(source.events(), 6):
        assert isinstance(event, Frame)
        seen.append((event.number, event.data, event.link_type, source.interface_index))
    assert seen == [
        (1, b"a", 1, 0), (2, b"b", 101, 2), (3, b"c", 1, 0), (4, b"d", 1, 1), (5, b"e", 101, 2), (6, b"f", 1, 0)
    ]  # fmt: skip
    assert (source.facts.path, source.facts.link_types) == ("lo+eth0+wg0", (1, 101))


def test_drops_of_several_interfaces_add_up(clock: Clocks, sources: Sources) -> None:
    knows, knows_too, knows_not = Script(), Script(), Script()
    knows.dropped, knows_too.dropped, knows_not.dropped = 3, 4, None
    source = sources(knows, knows_not, knows_too)
    assert source.statistics() == Statistics(30, 7)
    assert [each.statistics.dropped for each in source.interfaces] == [3, None, 4]
    assert sources(knows_not).statistics().dropped is None


def test_a_clock_set_back_is_counted_as_in_a_file(clock: Clocks, sources: Sources) -> None:
    source = sources(Script(packet(100), packet(0), packet(101)))
    taken(source, 3)
    assert source.facts.times_backwards == 1


def test_ticks_lag_behind_by_the_delay_of_the_back_end(clock: Clocks, sources: Sources) -> None:
    tick, frame = taken(sources(Script(None, packet(0))), 2)
    assert tick == Tick(NOW - Script.delay_ns)
    assert isinstance(frame, Frame)
    assert tick.time_ns <= frame.time_ns


def test_ticks_never_go_backwards(clock: Clocks, sources: Sources) -> None:
    source = sources(Script(packet(1), lambda: clock.set_by(-3600), None))
    assert taken(source, 3)[1:] == [Tick(NOW + NANOSECONDS), Tick(NOW + NANOSECONDS)]


def test_a_clock_set_forward_is_not_silence(clock: Clocks, sources: Sources) -> None:
    """The same holds for a machine that sleeps."""
    source = sources(Script(packet(0), lambda: clock.set_by(600), lambda: clock.pass_by(2)))
    assert [event.time_ns for event in taken(source, 3)] == [NOW, NOW, NOW + 2 * NANOSECONDS - Script.delay_ns]
    assert source.facts.clock_jump_count == 0


def test_a_clock_set_forward_is_recorded_with_the_first_packet_after_it(clock: Clocks, sources: Sources) -> None:
    def set_forward() -> None:
        clock.pass_by(2)
        clock.set_by(600)

    source = sources(Script(packet(0), set_forward, packet(602), lambda: clock.pass_by(3)))
    assert taken(source, 4)[-1] == Tick(NOW + 605 * NANOSECONDS - Script.delay_ns)
    before_ns, after_ns = NOW + 2 * NANOSECONDS, NOW + 602 * NANOSECONDS
    assert source.facts.clock_jumps == ((2, before_ns, after_ns),)
    assert source.interface_events == [(0, f"clock jumped: {before_ns} to {after_ns}")]


def test_a_clock_jump_is_recorded_once(clock: Clocks, sources: Sources) -> None:
    source = sources(Script(packet(0), lambda: clock.set_by(7200), packet(7200)))
    taken(source, 3)
    assert source.facts.clock_jump_count == 1
    assert source.facts.clock_jumps == ((2, NOW, NOW + 7200 * NANOSECONDS),)


def test_drops_are_noticed_while_it_runs(clock: Clocks, sources: Sources) -> None:
    backend = Script(packet(0), packet(0.1), packet(0.2))
    source = sources(backend)
    events = source.events()
    next(events)
    backend.dropped = 7
    clock.pass_by(0.1)
    next(events)
    assert source.facts.dropped == 0, "four times a second is enough"
    clock.pass_by(0.2)
    next(events)
    assert source.facts.dropped == 7


def test_stop_yields_packets_in_transit_and_a_last_tick(clock: Clocks, sources: Sources) -> None:
    backend = Script()
    source = sources(backend)

    def stop() -> None:
        clock.pass_by(1)
        source.stop()

    backend.script = iter(
        [stop, packet(0.9), packet(1.1), [packet(1), packet(1.2)], lambda: clock.pass_by(1), packet(0.95)]
    )
    events = list(source.events())
    assert [(event.time_ns - NOW) / NANOSECONDS for event in events if isinstance(event, Frame)] == [0.9, 1, 0.95]
    assert events[-1] == Tick(NOW + NANOSECONDS)


Said = tuple[LiveSource, list[str]]


def stopped_with_a_backlog(clock: Clocks, sources: Sources, *seconds: float, give_up_after: int = 99) -> Said:
    """A source that is stopped while four packets wait, each of which takes so many seconds; and what happened in turn."""
    backend, said = Script(), list[str]()
    source = sources(backend)
    source.backlog.tell = said.append
    backend.script = iter([source.stop, *(packet(-1 + number / 10) for number in range(4)), lambda: clock.pass_by(1)])
    waits = iter(seconds)
    for event in source.events():
        if isinstance(event, Frame):
            said.append(str(event.number))
            clock.pass_by(next(waits, 0))
            if event.number == give_up_after:
                assert source.backlog.give_up()
                assert not source.backlog.give_up(), "a third Ctrl-C ends everything"
    assert not source.backlog.give_up(), "nothing waits any more"
    return source, said


def test_packets_that_wait_at_the_stop_are_delivered(clock: Clocks, sources: Sources) -> None:
    source, said = stopped_with_a_backlog(clock, sources)
    assert said == ["1", "2", "3", "4"]
    assert (source.facts.dropped, source.facts.losses) == (0, ())


def test_when_they_take_long_it_is_said_once(clock: Clocks, sources: Sources) -> None:
    source, said = stopped_with_a_backlog(clock, sources, 0.5, 0.6, 1)
    assert said == ["1", "2", backlog.ANNOUNCEMENT, "3", "4"]
    assert source.facts.dropped == 0


def test_they_are_given_up_on_request_and_count_as_lost(clock: Clocks, sources: Sources) -> None:
    source, said = stopped_with_a_backlog(clock, sources, give_up_after=1)
    given_up = "gave up 3 packets that had arrived before the stop; they count as lost"
    assert said == ["1", given_up]
    (loss,) = source.facts.losses
    assert (loss.since_ns, loss.packets, source.facts.dropped) == (NOW - NANOSECONDS, 3, 3)
    assert loss.until_ns >= NOW


def test_they_are_given_up_when_they_take_too_long(clock: Clocks, sources: Sources) -> None:
    source, said = stopped_with_a_backlog(clock, sources, 1, backlog.MAX_SECONDS)
    assert said[:3] == ["1", backlog.ANNOUNCEMENT, "2"]
    assert said[3].startswith("gave up 2 packets")
    assert source.facts.dropped == 2


def test_stop_before_the_first_event(clock: Clocks, sources: Sources) -> None:
    source = sources(Script(lambda: clock.pass_by(1)))
    source.stop()
    assert list(source.events()) == [Tick(NOW)]


def test_stop_ends_an_endless_stream(sources: Sources) -> None:
    def endless() -> Iterator[RawPacket]:
        while True:
            yield RawPacket(time.time_ns(), b"", 0)

    backend = Script()
    backend.script = endless()
    source = sources(backend)
    events = source.events()
    next(events)
    source.stop()
    assert isinstance(list(events)[-1], Tick)


def test_the_capture_ends_with_its_last_interface(clock: Clocks, sources: Sources) -> None:
    backend = Script(packet(0), OSError(errno.ENETDOWN, "Network is down"))
    backend.state = None
    source = sources(backend)
    events = list(source.events())
    assert [type(event) for event in events] == [Frame, Tick, Tick]
    assert source.facts.truncated == "lo disappeared at 2027-01-15 08:00:00 UTC (Network is down)"


def test_other_interfaces_outlive_one_that_disappears(clock: Clocks, sources: Sources) -> None:
    dies, lives = Script(OSError(errno.ENETDOWN, "Network is down"), packet(5)), Script(None, packet(0), packet(1))
    dies.state = None
    source = sources(dies, lives)
    events = [event for event in taken(source, 4) if isinstance(event, Frame)]
    assert [(event.number, source.interface_index) for event in events] == [(1, 1), (2, 1)]
    assert [each.gone for each in source.interfaces] == [True, False]
    assert source.interface_events == [(0, "not captured: lo disappeared at 2027-01-15 08:00:00 UTC (Network is down)")]


def test_down_up_and_renaming_are_recorded_and_the_capture_goes_on(clock: Clocks, sources: Sources) -> None:
    backend = Script()
    source = sources(backend)

    def becomes(link: LinkState) -> Callable[[], None]:
        def change() -> None:
            clock.pass_by(1)
            backend.state = link

        return change

    went_down = OSError(errno.ENETDOWN, "Network is down")
    backend.script = iter(
        [becomes(LinkState("lo", False)), went_down, becomes(LinkState("wan0", True)), None, went_down, packet(3), None]
    )
    taken(source, 7)
    assert (
        source.facts.truncated
        == "lo went down at 2027-01-15 08:00:01 UTC; wan0 was briefly down at 2027-01-15 08:00:02 UTC"
    )
    assert source.facts.notes == (
        "lo was renamed to wan0 at 2027-01-15 08:00:02 UTC", "wan0 came up again at 2027-01-15 08:00:02 UTC"
    )  # fmt: skip


def test_it_is_recorded_between_which_times_an_interface_was_down(clock: Clocks, sources: Sources) -> None:
    backend, steps = Script(), []

    def step(up: bool | None) -> Callable[[], None]:
        def change() -> None:
            clock.pass_by(1)
            backend.state = None if up is None else LinkState("lo", up)
            steps.append(list(source.record.outages))

        return change

    backend.script = iter([step(up) for up in (True, True, False, False, True, True, True, None)])
    source = sources(backend)
    taken(source, 9)
    assert steps[1] == []
    first = Loss(NOW + 2 * NANOSECONDS, NOW + 5 * NANOSECONDS, None)
    assert steps[-1] == [first]
    assert source.facts.losses == (first, Loss(NOW + 7 * NANOSECONDS, NOW + 8 * NANOSECONDS, None))
    assert source.facts.dropped == 0


def test_the_number_of_recorded_events_is_bounded(clock: Clocks, sources: Sources) -> None:
    loose = (OSError(errno.ENETDOWN, "Network is down") for _ in range(1000))
    source = sources(Script(*loose))
    taken(source, 1000)
    assert len(source.interface_events) == MAX_COMMENTS
    assert source.facts.notes == ("further events on the interfaces are not recorded",)


def test_it_is_a_context_manager() -> None:
    backend = Script()
    with LiveSource([("lo", backend)]):
        assert not backend.closed
    assert backend.closed == 1


def failing(error: Exception) -> Callable[..., object]:
    def open_backend(*_: object) -> object:
        raise error

    return open_backend


@pytest.mark.parametrize(
    ("error", "what", "to_do"),
    [
        (PermissionError(errno.EPERM, "no"), "no permission to capture on lo", "setcap"),
        (OSError(errno.ENODEV, "no"), "there is no interface lo here", "Choose one of: "),
        (OSError(errno.ENETDOWN, "no"), "lo is down", "ip link set lo up"),
        (OSError(errno.EINVAL, "bad luck"), "cannot capture on lo: bad luck", "ibsniff interfaces"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="the texts are those of Linux")
def test_errors_on_opening_are_explained(
    monkeypatch: pytest.MonkeyPatch, error: OSError, what: str, to_do: str
) -> None:
    monkeypatch.setattr(open_backends, "PacketSocket", failing(error))
    with pytest.raises(UserError) as raised:
        open_live(["lo"], PORTS)
    assert raised.value.what.partition(": sudo ")[0] == what
    assert to_do in raised.value.what_to_do
    assert raised.value.exit_code is ExitCode.PERMISSION


@pytest.mark.skipif(sys.platform != "linux", reason="WSL is Linux")
def test_wsl_1_has_no_packet_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_backends, "PacketSocket", failing(OSError(errno.EAFNOSUPPORT, "no")))
    monkeypatch.setattr(open_backends, "detect_wsl", lambda: Wsl.WSL1)
    with pytest.raises(UserError, match="WSL 1 has no packet sockets"):
        open_live(["lo"], PORTS)


def test_the_back_end_depends_on_platform_and_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_backends, "ScapyCapture", lambda *_: Script())
    with open_live(["lo"], PORTS, "scapy") as source:
        assert isinstance(source.interfaces[0].backend, Script)
    monkeypatch.setattr(sys, "platform", "darwin")
    with open_live(["lo0"], PORTS) as source:
        assert isinstance(source.interfaces[0].backend, Script)
    with pytest.raises(UserError, match="only on Linux") as raised:
        open_live(["lo0"], PORTS, "socket")
    assert raised.value.exit_code is ExitCode.USAGE


def test_all_are_opened_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    armed = Script()
    answers = iter([armed, OSError(errno.EIO, "no")])

    def open_next(*_: object) -> Script:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(open_backends, "ScapyCapture", open_next)
    with pytest.raises(UserError, match="cannot capture on eth0"):
        open_live(["lo", "eth0"], PORTS, "scapy")
    assert armed.closed == 1


def test_duplicate_interfaces_and_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_backends, "ScapyCapture", lambda *_: Script())
    with open_live(["lo", "eth0", "lo"], PORTS, "scapy") as source:
        assert source.facts.path == "lo+eth0"
    with open_live(["lo", "any"], PORTS, "scapy") as source:
        assert source.facts.path == "any"
    with pytest.raises(UserError, match="no interface"):
        open_live([], PORTS)
