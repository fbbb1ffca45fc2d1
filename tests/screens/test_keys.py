from __future__ import annotations

import io
import os
import sys

import pytest

from ibsniff.screens.keys import Keys, TerminalKeys, actions_of, open_keys

if sys.platform != "win32":
    import termios


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        (b"j", ["down"]),
        (b"\x1b[B\x1b[A", ["down", "up"]),
        (b"\x1bOA", ["up"]),
        (b"kfq", ["up", "follow", "stop"]),
        (b"svg?", ["sort", "view", "first", "help"]),
        (b"\r", ["alone"]),
        (b"\x1b[5~\x1b[6~", ["page up", "page down"]),
        (b"\x1b[H\x1b[F\x1b[1~\x1b[4~\x1bOH\x1bOF", ["first", "last"] * 3),
        (b"\x1b[200~\x1b[1;5Bj", ["down"]),
        (b"\x0c", ["repaint"]),
        (b"\x1b", []),
        (b"\x1b[", []),
        (b"\x1b[Cj", ["down"]),
        (b"xyz\xff\x00", []),
        (b"", []),
    ],
)
def test_the_bytes_of_a_terminal_are_actions(read: bytes, meant: list[str]) -> None:
    assert actions_of(read) == meant


@pytest.mark.parametrize("stdin", [None, io.StringIO("jjq")])
def test_without_a_terminal_there_are_no_keys(stdin: io.StringIO | None) -> None:
    with open_keys(stdin) as keys:
        assert type(keys) is Keys
        assert keys.pressed() == []
        assert keys.help == "Ctrl-C stops"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_in_the_background_is_left_alone() -> None:
    """It is not the one that controls us, so its foreground cannot be ours."""
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb", buffering=0), os.fdopen(follower, "rb", buffering=0) as stdin:
        assert type(open_keys(stdin)) is Keys


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_keys_are_read_one_by_one_and_the_terminal_is_restored() -> None:
    leader, follower = os.openpty()
    before = termios.tcgetattr(follower)
    with TerminalKeys(follower) as keys:
        assert keys.pressed() == []
        os.write(leader, b"j\x1b[A")
        assert keys.pressed() == ["down", "up"]
        assert not termios.tcgetattr(follower)[3] & termios.ECHO
        assert termios.tcgetattr(follower)[3] & termios.ISIG
    assert termios.tcgetattr(follower) == before
    keys.__enter__()
    os.close(leader)
    assert keys.pressed() == []
    os.close(follower)
    keys.__exit__(None, None, None)
