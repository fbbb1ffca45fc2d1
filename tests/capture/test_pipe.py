"""A capture that is still being written to a pipe: it ticks while it is quiet, if it is current."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from wire import START_NS, Wire

from ibsniff.capture import pipe
from ibsniff.capture.pipe import LivePipe, is_pipe
from ibsniff.model import Frame, Tick, UserError, WatchedBy

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot wait for a pipe")

HELLO = b"API\0\0\0\0\x09v157..178"


def capture(start_ns: int, folder: Path) -> bytes:
    return Wire(start_ns=start_ns).connect().client(HELLO).write(folder / "x.pcap").read_bytes()


@contextmanager
def piped() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stdin, os.fdopen(writing, "wb", buffering=0) as far:
        yield stdin, far


def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(pipe, "LATE_NS", 0)
    monkeypatch.setattr(pipe, "LAST_SECONDS", 0.05)


def test_a_current_capture_ticks_while_it_is_quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    quick(monkeypatch)
    seen: list[Frame | Tick] = []

    def take(event: Frame | Tick) -> bool:
        seen.append(event)
        return len(seen) == 8

    with piped() as (stdin, far):
        far.write(capture(time.time_ns(), tmp_path))
        with LivePipe(stdin) as source:
            source.push(take)
            assert source.facts.watched_by is WatchedBy.LIVE
    assert [type(event) for event in seen] == [Frame] * 5 + [Tick] * 3
    times = [event.time_ns for event in seen]
    assert times == sorted(times)


def test_an_old_capture_does_not_tick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file that is piped slowly: a pause is due to the disk, not to the network."""
    quick(monkeypatch)
    seen: list[Frame | Tick] = []
    whole = capture(START_NS, tmp_path)
    with piped() as (stdin, far):
        far.write(whole[:-10])

        def rest() -> None:
            time.sleep(0.2)
            far.write(whole[-10:])
            far.close()

        writer = threading.Thread(target=rest)
        writer.start()
        with LivePipe(stdin) as source:
            source.push(lambda event: bool(seen.append(event)))
            assert source.facts.watched_by is WatchedBy.LAST_PACKET
            assert source.facts.truncated is None
        writer.join()
    assert [type(event) for event in seen] == [Frame] * 5


def test_the_end_of_the_pipe_ends_the_events(tmp_path: Path) -> None:
    seen: list[Frame | Tick] = []
    with piped() as (stdin, far):
        far.write(capture(time.time_ns(), tmp_path))
        far.close()
        with LivePipe(stdin) as source:
            source.push(lambda event: bool(seen.append(event)))
    assert len(seen) == 5


def test_stop_still_reads_the_last_packets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    quick(monkeypatch)
    monkeypatch.setattr(pipe, "LAST_SECONDS", 0.2)
    seen: list[Frame | Tick] = []
    whole = capture(time.time_ns(), tmp_path)
    with piped() as (stdin, far):
        far.write(whole[:200])
        with LivePipe(stdin) as source:

            def take(event: Frame | Tick) -> bool:
                seen.append(event)
                is_first_tick = isinstance(event, Tick) and not any(isinstance(one, Tick) for one in seen[:-1])
                if is_first_tick:
                    source.stop()
                    far.write(whole[200:])
                return False

            source.push(take)
    assert sum(isinstance(event, Frame) for event in seen) == 5


def test_stop_ends_it_while_the_writer_continues(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The capturing program runs on another machine, where it does not receive our Ctrl-C."""
    quick(monkeypatch)
    whole = capture(time.time_ns(), tmp_path)
    packet = whole[24 : 24 + 16 + int.from_bytes(whole[32:36], "little")]
    with piped() as (stdin, far):
        far.write(whole)
        with LivePipe(stdin) as source:

            def take(_event: Frame | Tick) -> bool:
                source.stop()
                far.write(packet)  # one for each that is taken: there is always another
                return source.facts.packets > 100_000

            source.push(take)
            assert source.facts.packets <= 100_000, "it ended by itself"


def test_input_that_is_not_a_capture_is_refused() -> None:
    with piped() as (stdin, far):
        far.write(b"hello, world, this is no capture")
        far.close()
        with pytest.raises(UserError, match="standard input is not a capture"):
            LivePipe(stdin)


def test_is_pipe(tmp_path: Path) -> None:
    with piped() as (stdin, _):
        assert is_pipe(stdin)
    (tmp_path / "x").write_bytes(b"")
    with (tmp_path / "x").open("rb") as file:
        assert not is_pipe(file)
    assert not is_pipe(None)
