"""Packets as they come: one live interface as a stream of frames and ticks.

What the platforms differ in is a `backend.Backend`: it arms a socket and hands over raw packets. What they have in common is
here: numbering, the facts, silence (a `Tick` when nothing came), stopping, and what to say when it is not possible.
"""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from ibsniff.capture.backend import Backend, RawPacket, Statistics
from ibsniff.capture.files import BACKWARDS_NS
from ibsniff.capture.interfaces import list_interfaces
from ibsniff.capture.machine import WindowsSubsystem, packets_crossed, windows_subsystem
from ibsniff.capture.privilege import permission_help, this_command
from ibsniff.capture.scapy_backend import ScapyCapture
from ibsniff.capture.timing import LEAP_NS, note_leap
from ibsniff.model import NANOSECONDS, ExitCode, Frame, InputFacts, Tick, UserError, WatchedBy

if sys.platform == "linux":
    from ibsniff.capture.socket_backend import PacketSocket

TICK_SECONDS = 0.25
"""A quiet source says so this often: patience is counted in seconds, so a quarter of one is fine enough."""


class LiveSource:
    """A live interface: `events` are its frames and, while it is quiet, ticks.

    ``facts`` is kept up to date while events are taken. Use it as a context manager, or call `close`.
    """

    def __init__(self, interface: str, backend: Backend) -> None:
        self.interface = interface
        self.link_type = backend.link_type
        self.facts = InputFacts(
            path=interface, format="pcapng", link_types=[backend.link_type], watched_by=WatchedBy.LIVE
        )
        self.crossed_before = packets_crossed(interface)
        """What the interface had carried, whoever's it was, when the capture began; for `traffic.traffic_hint`."""
        self._backend = backend
        self._stopped_at_ns: int | None = None
        self._latest_ns = 0
        self._counted_at_ns = 0

    def events(self) -> Iterator[Frame | Tick]:
        """Yield frames, numbered from 1, and a tick whenever a quarter of a second brought none.

        After `stop` it yields what had come until then, and a last tick for that moment. An interface that disappears
        ends it too; ``facts.truncated`` then says so.
        """
        try:
            while self._stopped_at_ns is None:
                packet = self._backend.receive(TICK_SECONDS)
                yield self._tick(time.time_ns() - self._backend.delay_ns) if packet is None else self._frame(packet)
            yield from self._under_way(self._stopped_at_ns)
            yield self._tick(self._stopped_at_ns)
        except OSError as error:
            self.facts.truncated = f"{self.interface} went away during the capture: {error.strerror or error}"
            yield self._tick(self._latest_ns)

    def _under_way(self, until_ns: int) -> Iterator[Frame]:
        """Yield the packets that came in time and had not reached us yet.

        A later stamp alone does not end it: Linux stamps a packet when it is read if it came before stamping was on.
        """
        deadline = time.monotonic() + self._backend.delay_ns / NANOSECONDS
        left = 1.0
        while left > 0:
            left = max(0.0, deadline - time.monotonic())
            while (packet := self._backend.receive(left)) is not None:
                if packet.time_ns > until_ns and time.monotonic() > deadline:
                    return
                yield self._frame(packet)

    def stop(self) -> None:
        """End `events`; callable from a signal handler and from another thread."""
        self._stopped_at_ns = time.time_ns()
        self._backend.wake()

    def statistics(self) -> Statistics:
        """Return what the capturing side has counted since the source was opened."""
        counted = self._backend.statistics()
        self.facts.dropped = counted.dropped
        return counted

    def close(self) -> None:
        """Give the socket back; harmless when repeated."""
        self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _frame(self, packet: RawPacket) -> Frame:
        facts, time_ns = self.facts, packet.time_ns
        facts.packets += 1
        if facts.first_time_ns is None:
            facts.first_time_ns = time_ns
        latest = facts.last_time_ns or time_ns
        facts.last_time_ns = max(latest, time_ns)
        facts.times_backwards += latest - time_ns > BACKWARDS_NS
        if time_ns - latest >= LEAP_NS:
            note_leap(facts, facts.packets, latest, time_ns)
        self._latest_ns = max(self._latest_ns, time_ns)
        if time_ns - self._counted_at_ns > TICK_SECONDS * NANOSECONDS:
            self._counted_at_ns = time_ns
            self.statistics()
        return Frame(facts.packets, time_ns, self.link_type, packet.data, packet.wire_length)

    def _tick(self, quiet_until_ns: int) -> Tick:
        self._latest_ns = max(self._latest_ns, quiet_until_ns)
        self.statistics()
        return Tick(self._latest_ns)


def open_live(interface: str, ports: frozenset[int] | None, backend: str = "auto") -> LiveSource:
    """Arm a capture of API traffic on an interface; packets are collected from the moment this returns.

    ``ports`` are the API ports (None: all TCP); ``backend`` is ``socket`` (Linux), ``scapy`` or ``auto``. Raises
    UserError when there is no such interface, no permission, or no such back end here.
    """
    try:
        return LiveSource(interface, _open_backend(interface, ports, backend))
    except PermissionError as error:
        raise UserError(
            f"no permission to capture on {interface}",
            permission_help(sys.platform, this_command(), sys.argv[1:], interface, ports),
            ExitCode.PERMISSION,
        ) from error
    except OSError as error:
        raise _cannot_capture(interface, error) from error


def _open_backend(interface: str, ports: frozenset[int] | None, backend: str) -> Backend:
    if sys.platform == "linux" and backend != "scapy":
        return PacketSocket(interface, ports)
    if backend == "socket":
        raise UserError("the socket back end is for Linux", "use --backend scapy", ExitCode.USAGE)
    return ScapyCapture(interface, ports)


def _cannot_capture(interface: str, error: OSError) -> UserError:
    """Say what an interface that cannot be opened needs."""
    if error.errno == errno.ENODEV:
        known = ", ".join(entry.name for entry in list_interfaces())
        return UserError(f"there is no interface {interface} here", f"choose one of: {known}", ExitCode.PERMISSION)
    if error.errno == errno.ENETDOWN:
        return UserError(f"{interface} is down", f"sudo ip link set {interface} up", ExitCode.PERMISSION)
    if windows_subsystem() is WindowsSubsystem.WSL1:
        return UserError(
            "WSL 1 has no packet sockets",
            "capture on Windows (Npcap's loopback adapter), or move this distribution to WSL 2: "
            "wsl --set-version <name> 2",
            ExitCode.PERMISSION,
        )
    return UserError(
        f"cannot capture on {interface}: {error.strerror or error}",
        "`ibsniff interfaces` lists what can be captured here",
        ExitCode.PERMISSION,
    )
