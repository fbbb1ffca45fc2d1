"""A day of live capture in minutes: does its memory stay flat?

    python tests/benchmark/live_day.py --packets 20000000 --conversations 100000

The packets come from a back end that invents them, as fast as they are taken; all behind it is the real thing: the live
source, the analysis, the follower that looks again and again, and a recorder that turns over ring files. Sessions come
and go, ten at a time, spread over a day of packet time.
"""

from __future__ import annotations

import argparse
import gc
import resource
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from live_load import GREETING, TICK_PRICE
from standin_server import HELLO

from ibsniff.analysis.changes import Change
from ibsniff.analysis.following import Follower, Limits, follow
from ibsniff.analysis.pipeline import Analysis
from ibsniff.capture import live
from ibsniff.capture.backend import LinkState, RawPacket, Statistics
from ibsniff.capture.live import LiveSource
from ibsniff.capture.ring_files import Ring
from ibsniff.cli import GC_THRESHOLD
from ibsniff.model import ACK, FIN, NANOSECONDS, PSH, SYN, Report
from ibsniff.recording.recorder import Recorder

BEGAN_NS = 1_800_000_000 * NANOSECONDS
DAY_NS = 86_400 * NANOSECONDS
START_API = b"\0\0\0\x0871\x002\x001\0\0"
AT_A_TIME = 10
PORTS = 50_000


class Day:
    """A back end: sessions of equal shape, of which only the client's address differs."""

    link_type = 1
    delay_ns = 0
    buffer_bytes = 0

    def __init__(self, packets: int, conversations: int) -> None:
        self.now_ns = BEGAN_NS
        self.step_ns = DAY_NS // packets
        self.handed_over = 0
        self._each = packets // conversations
        self._groups = self._sessions(conversations)
        self._ready, self._ringer = socket.socketpair()
        self._ringer.send(b"!")
        self.is_over = False

    def _sessions(self, conversations: int) -> Iterator[list[RawPacket]]:
        shapes = [_session(f"127.0.{network}.1", self._each) for network in range(conversations // PORTS + 1)]
        for first in range(0, conversations, AT_A_TIME):
            shape = shapes[first // PORTS]
            ports = [struct.pack("!H", 10_000 + number % PORTS) for number in range(first, first + AT_A_TIME)]
            yield self._stamped([head + port + tail for head, tail in shape for port in ports])

    def _stamped(self, frames: list[bytes]) -> list[RawPacket]:
        now_ns, step_ns = self.now_ns, self.step_ns
        self.now_ns += step_ns * len(frames)
        return [RawPacket(now_ns + place * step_ns, data, len(data)) for place, data in enumerate(frames)]

    def fileno(self) -> int:
        """Always readable."""
        return self._ready.fileno()

    def receive(self) -> list[RawPacket]:
        """The next ten sessions."""
        packets = next(self._groups, [])
        self.is_over = not packets
        self.handed_over += len(packets)
        return packets

    def link_state(self) -> LinkState | None:
        """Gone when the day is over."""
        return None if self.is_over else LinkState("lo", True)

    def statistics(self) -> Statistics:
        """Nothing is lost."""
        return Statistics(self.handed_over, 0)

    def close(self) -> None:
        """Done."""
        self._ready.close()
        self._ringer.close()


class DayClock:
    """The time of the packets."""

    def __init__(self, day: Day) -> None:
        self._day = day

    def now_ns(self) -> int:
        """When the next packet comes."""
        return self._day.now_ns

    def resynchronise(self, _packet_ns: int) -> None:
        """Do nothing: this clock is never set."""


def _session(client: str, packets: int) -> list[tuple[bytes, bytes]]:
    """Every frame of one session, as what stands before the client's port and after it."""
    seq, ack, frames = 1, 1, []

    def say(from_client: bool, flags: int, payload: bytes = b"") -> None:
        nonlocal seq, ack
        mine, others = (seq, ack) if from_client else (ack, seq)
        tcp = struct.pack("!IIBBHHH", mine, others, 0x50, flags, 512, 0, 0) + payload
        addresses = [socket.inet_aton(client), socket.inet_aton("127.0.0.1")]
        header = struct.pack("!BBHHHBBH", 0x45, 0, 24 + len(tcp), 0, 0x4000, 64, 6, 0)
        below = bytes(12) + b"\x08\0" + header + b"".join(addresses if from_client else reversed(addresses))
        api = struct.pack("!H", 7497)
        frames.append((below, api + tcp) if from_client else (below + api, tcp))
        length = len(payload) + bool(flags & (SYN | FIN))
        if from_client:
            seq += length
        else:
            ack += length

    say(True, SYN)
    say(False, SYN | ACK)
    say(True, ACK)
    say(True, PSH | ACK, HELLO)
    say(False, PSH | ACK, GREETING[: 4 + 26])
    say(True, PSH | ACK, START_API)
    say(False, PSH | ACK, GREETING[4 + 26 :])
    while len(frames) < packets - 3:
        say(False, PSH | ACK, TICK_PRICE * 3)
        say(True, ACK)
    say(True, FIN | ACK)
    say(False, FIN | ACK)
    say(True, ACK)
    return frames[:packets]


class Quiet:
    """Nobody looks; how much memory there is is said at times."""

    def __init__(self, day: Day, packets: int) -> None:
        self._day, self._packets = day, packets
        self._marks = [(share, int(packets * share)) for share in (0.01, 0.1, 0.25, 0.5, 0.75, 1.0)]
        self._began = time.monotonic()
        print("  packets   conversations in the report   seconds   resident MB   peak MB")

    def show(self, seen: Report, _changes: list[Change]) -> None:
        """Say it if it is time."""
        while self._marks and self._day.handed_over >= self._marks[0][1]:
            self._marks.pop(0)
            self.say(seen)

    def say(self, seen: Report) -> None:
        """One line."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        took = time.monotonic() - self._began
        kept = f"{len(seen.conversations)} (+{seen.omitted})"
        print(
            f"{self._day.handed_over:9} {kept:>29} {took:9.0f} {pages * 4096 / 1e6:13.0f} {peak / 1000:9.0f}",
            flush=True,
        )

    def quiet(self) -> None:
        """It never is."""


def main() -> None:
    """Read the arguments and spend the day."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packets", type=int, default=20_000_000)
    parser.add_argument("--conversations", type=int, default=100_000)
    chosen = parser.parse_args()
    gc.set_threshold(GC_THRESHOLD)  # as the command does
    day = Day(chosen.packets, chosen.conversations)
    screen = Quiet(day, chosen.packets)
    live.MonotonicWallClock = lambda: DayClock(day)  # type: ignore[assignment,misc,attr-defined]
    with tempfile.TemporaryDirectory() as folder, LiveSource([("lo", day)]) as source:
        ring = Ring(kilobytes=50_000, files=4)
        recorder = Recorder(Path(folder) / "day.pcapng", source, ring)
        analysis = Analysis(source.record)
        follower = Follower(analysis, screen, Limits(), recorder, time.monotonic)
        report = follow(source.events(as_columns=True), follower)
        recorder.finish(analysis.watched_until_ns)
        screen.say(report)
        files = sorted(Path(folder).iterdir())
        print(f"{len(files)} files, {sum(file.stat().st_size for file in files) / 1e6:.0f} MB: ", end="")
        print(", ".join(f"{file.name} {file.stat().st_size / 1e6:.0f} MB" for file in files))
        print(recorder.failure or "nothing went wrong", source.facts.dropped, report.verdict and report.verdict.counts)


if __name__ == "__main__":
    main()
