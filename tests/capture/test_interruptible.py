"""A reader that knows how far it has read, and can be stopped."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

import pytest

from ibsniff.capture.interruptible import InterruptibleReader


def test_it_counts_the_bytes_it_has_read(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(100))
    with path.open("rb", buffering=0) as stream:
        tap = InterruptibleReader(stream)
        assert tap.size == 100
        assert (len(tap.read(30)), tap.position) == (30, 30)
        tap.seek(90)
        assert (len(tap.read()), tap.position) == (10, 100)
        assert not tap.has_grown()
        with path.open("ab") as writer:
            writer.write(b"more")
        assert tap.has_grown()


def test_only_a_file_has_a_size() -> None:
    tap = InterruptibleReader(io.BytesIO(b"abc"))
    assert tap.size is None
    assert tap.read(2) == b"ab"
    assert not tap.has_grown()


def test_after_stop_it_returns_nothing() -> None:
    tap = InterruptibleReader(io.BytesIO(b"abc"))
    tap.stop()
    assert tap.read(2) == b""
    assert tap.position == 0


@pytest.mark.skipif(sys.platform == "win32", reason="pthread_kill is POSIX's")
def test_stop_ends_a_waiting_read() -> None:
    """The signal is sent while the read waits, and repeated until it takes effect, so that no sleep is needed."""
    read_end, write_end = os.pipe()
    over = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        tap.stop()

    def interrupt_until_over() -> None:
        while not over.wait(0.01):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, stop)
    with os.fdopen(read_end, "rb") as stream, os.fdopen(write_end, "wb"):
        tap = InterruptibleReader(stream)
        thread = threading.Thread(target=interrupt_until_over)
        thread.start()
        try:
            assert tap.read(10) == b""
        finally:
            over.set()
            thread.join()
            signal.signal(signal.SIGUSR1, before)
    assert tap.stopped
