from __future__ import annotations

import io
import os
import re
import sys
from typing import BinaryIO

import pytest
from rich.console import Console
from rich.text import Text

from ibsniff.screens import painter as painting
from ibsniff.screens.painter import Painter

if sys.platform != "win32":
    import termios

ROW = re.compile(r"\x1b\[(\d+);1H\x1b\[0m(.*?)\x1b\[0m\x1b\[K")


class Terminal:
    def __init__(self, width: int = 40, height: int = 5) -> None:
        self.file = io.StringIO()
        self.console = Console(
            file=self.file, force_terminal=True, width=width, height=height, legacy_windows=False, color_system=None
        )

    def written(self) -> str:
        text = self.file.getvalue()
        self.file.seek(0)
        self.file.truncate()
        return text


def rows(written: str) -> dict[int, str]:
    return {int(row): text for row, text in ROW.findall(written)}


def test_the_first_painting_enters_the_alternate_screen_and_the_end_leaves_it() -> None:
    terminal = Terminal()
    with Painter(terminal.console) as painter:
        assert terminal.written() == ""
        painter.paint(Text("one\ntwo"))
        first = terminal.written()
    assert first.startswith("\x1b[?1049h")
    assert rows(first) == {1: "one", 2: "two"}
    assert "\x1b[?1049l" in terminal.written()


def test_a_painter_that_never_painted_leaves_the_terminal_alone() -> None:
    terminal = Terminal()
    with Painter(terminal.console):
        pass
    assert terminal.written() == ""


def test_only_lines_that_changed_are_written_again() -> None:
    terminal = Terminal()
    with Painter(terminal.console) as painter:
        painter.paint(Text("one\ntwo\nthree"))
        terminal.written()
        painter.paint(Text("one\n2\nthree"))
        assert rows(terminal.written()) == {2: "2"}
        painter.paint(Text("one\n2\nthree"))
        assert terminal.written() == ""
        painter.paint(Text("one\n\nthree"))
        assert rows(terminal.written()) == {2: ""}


def test_another_size_and_forget_repaint_everything() -> None:
    terminal = Terminal()
    with Painter(terminal.console) as painter:
        painter.paint(Text("one\ntwo"))
        terminal.written()
        terminal.console.size = (60, 10)  # type: ignore[assignment]
        painter.paint(Text("one\ntwo"))
        resized = terminal.written()
        assert "\x1b[2J" in resized
        assert "\x1b[?1049h" not in resized
        assert rows(resized) == {1: "one", 2: "two"}
        painter.forget()
        painter.paint(Text("one\ntwo"))
        assert rows(terminal.written()) == {1: "one", 2: "two"}


def test_lines_below_the_terminal_are_omitted() -> None:
    terminal = Terminal(height=3)
    with Painter(terminal.console) as painter:
        painter.paint(Text("\n".join("abcdef")))
    assert rows(terminal.written()) == {1: "a", 2: "b", 3: "c"}


class Gone(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(5, "Input/output error")


def test_a_terminal_that_is_gone_is_not_restored() -> None:
    terminal = Terminal()
    with Painter(terminal.console) as painter:
        painter.paint(Text("one"))
        terminal.console.file = Gone()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_halted_terminal_does_not_stop_the_capture() -> None:
    """Ctrl-S, or a line that hangs: what was not painted then is painted later."""
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb", buffering=0) as far, os.fdopen(follower, "w", encoding="utf-8") as file:
        console = Console(file=file, force_terminal=True, width=40, height=5, legacy_windows=False, color_system=None)
        with Painter(console) as painter:
            painter.paint(Text("one"))
            read_until(far, b"one\x1b[0m\x1b[K")
            termios.tcflow(file.fileno(), termios.TCOOFF)
            painter.paint(Text("two"))
            termios.tcflow(file.fileno(), termios.TCOON)
            painter.paint(Text("three"))
            assert rows(read_until(far, b"three\x1b[0m\x1b[K").decode()) == {1: "three"}


def read_until(far: BinaryIO, end: bytes) -> bytes:
    """What a terminal is sent comes in pieces."""
    seen = b""
    while end not in seen:
        seen += far.read(1000)
    return seen


@pytest.mark.skipif(sys.platform == "win32", reason="there is no background on Windows")
def test_the_terminal_of_another_job_is_not_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    foreground = [os.getpgrp() + 1, os.getpgrp()]
    monkeypatch.setattr(painting.os, "tcgetpgrp", lambda _descriptor: foreground[0])
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb", buffering=0) as far, os.fdopen(follower, "w", encoding="utf-8") as file:
        console = Console(file=file, force_terminal=True, width=40, height=5, legacy_windows=False, color_system=None)
        with Painter(console) as painter:
            painter.paint(Text("one"))
            del foreground[0]
            painter.paint(Text("two"))
            seen = read_until(far, b"two\x1b[0m\x1b[K")
    assert b"one" not in seen
