"""Who hears of a live capture: a screen or lines, the command run on a verdict, the look at this machine's processes."""

from __future__ import annotations

import errno
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from ibsniff.analysis.watching import Change
from ibsniff.cli.app import console, say
from ibsniff.cli.ending import Pauses, let_go_of_terminal, outlives_terminal
from ibsniff.cli.on_verdict import OnVerdict
from ibsniff.formatting import iso
from ibsniff.model import Report, Side
from ibsniff.render.text import json_text, prose
from ibsniff.screens import JsonLines, Lines, LiveScreen, MessageLines
from ibsniff.screens.keys import keys_of

if TYPE_CHECKING:
    from ibsniff.capture.processes import LocalProcess, ProcessWatcher

MOST_HELD = 200
"""Lines kept for the end because a screen is painted meanwhile: the last ones, and how many there were before."""

MOST_PROCESSES = 10
"""ProcessWatcher named below the final report."""


class Wishes(NamedTuple):
    """How someone wants to hear of it."""

    as_json: bool = False
    quiet: bool = False
    messages: bool = False
    show_accounts: bool = False
    on_verdict: str | None = None
    process: bool = False


class Audience:
    """Hands news on to all of them, and outlives a terminal that goes away."""

    def __init__(self, wishes: Wishes, hint: Callable[[], str], stop: Callable[[], None], why: str = "") -> None:
        """Take the wishes; ``hint`` says what can be seen where nothing comes, ``stop`` ends the capture.

        ``why`` it listens there is said until something comes: on a screen what was said before is not seen.
        Raises UserError when a wish needs what is not installed.
        """
        self._wishes = wishes
        self._stop = stop
        self._held: deque[str] = deque(maxlen=MOST_HELD)
        self._held_back = 0
        """Lines, the ones that are not kept any more among them."""
        self._lost = False
        self.processes = _processes() if wishes.process else None
        self._screen = self._choose_screen(hint, why)
        tell = self._hold_back if isinstance(self._screen, LiveScreen) else complain_line
        self._commands = OnVerdict(wishes.on_verdict, wishes.show_accounts, tell) if wishes.on_verdict else None
        self._pauses = Pauses()

    def _choose_screen(self, hint: Callable[[], str], why: str) -> LiveScreen | Lines:
        wishes, screen = self._wishes, console()
        if wishes.as_json:
            return JsonLines(say, complain_line, wishes.show_accounts, hint)
        if wishes.quiet:
            return Lines(lambda _line: None, complain_line, wishes.show_accounts, hint)
        if wishes.messages:
            return MessageLines(say, complain_line, wishes.show_accounts, hint)
        if screen.is_terminal and not screen.is_dumb_terminal and not screen.legacy_windows:
            keys = keys_of(sys.stdin)
            return LiveScreen(screen, wishes.show_accounts, hint, keys, self._stop, self._seen_here, why)
        return Lines(say, complain_line, wishes.show_accounts, hint)

    def __enter__(self) -> Self:
        if isinstance(self._screen, LiveScreen):
            self._pauses.__enter__()
        self._screen.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the terminal back, wait for the commands, say what was held back."""
        with self._enduring():
            self._screen.__exit__(kind, error, trace)
        self._pauses.__exit__(kind, error, trace)
        if self._commands is not None:
            with self._enduring():
                self._commands.close()
        with self._enduring():
            if (before := self._held_back - len(self._held)) > 0:
                complain_line(f"{before:,} lines before these are left out")
            for line in self._held:
                complain_line(line)

    def _hold_back(self, line: str) -> None:
        self._held.append(line)
        self._held_back += 1

    def show(self, seen: Report, changes: list[Change]) -> None:
        """Take the present report, and what changed since the last."""
        if self.processes is not None:
            changed = self.processes.refresh(seen.conversations)
            with self._enduring():
                self._say_processes(seen, changed)
        if self._commands is not None:
            with self._enduring():
                self._commands.look(seen)
        with self._enduring():
            if self._pauses.wanted and isinstance(self._screen, LiveScreen):
                self._screen.pause(self._pauses.pause)
            if not self._lost:
                self._screen.show(seen, changes)

    def quiet(self) -> None:
        """Say what can be seen where nothing comes."""
        with self._enduring():
            if not self._lost:
                self._screen.quiet()

    @contextmanager
    def _enduring(self) -> Iterator[None]:
        """A reader who is gone ends the capture; so does a terminal, unless one was told to outlive it (nohup)."""
        try:
            yield
        except BrokenPipeError:
            self._lost = True
            self._stop()
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self._lost = True
            let_go_of_terminal()
            if not outlives_terminal():
                self._stop()

    def _seen_here(self) -> dict[str, list[str]]:
        ends = self.processes.ends if self.processes is not None else {}
        return {name: list(map(str, each)) for name, each in ends.items()}

    def _say_processes(self, seen: Report, changed: dict[str, tuple[LocalProcess, ...]]) -> None:
        if self._wishes.quiet or isinstance(self._screen, LiveScreen):
            return
        now_ns = max((facts.watched_until_ns or 0 for facts in seen.inputs), default=0)
        for name, ends in changed.items():
            for end in ends:
                if self._wishes.as_json:
                    say(json_text({"type": "process", "time": iso(now_ns), "conversation": name, **end.row()}))
                else:
                    say(prose(f"{iso(now_ns)} {name} process: {end}"))

    def seen_on_this_machine(self) -> list[str]:
        """Return what the final report adds about the processes behind its conversations, a line for each process."""
        if self.processes is None:
            return []
        latest: dict[tuple[str, str], LocalProcess] = {}
        whose: dict[tuple[str, str], list[str]] = {}
        for name, ends in self.processes.ends.items():
            for end in ends:
                key = end.side, end.label if end.side is Side.CLIENT else str(end.address)
                latest[key] = end
                whose.setdefault(key, []).append(name)
        lines = [prose(f"{_few(names)}: {latest[key]}") for key, names in whose.items()]
        more = len(lines) - MOST_PROCESSES
        return lines[:MOST_PROCESSES] + ([f"... and {more:,} more"] if more > 0 else [])


def _few(names: list[str]) -> str:
    """``c1, c2, c3 and 4 more``."""
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _processes() -> ProcessWatcher:
    from ibsniff.capture.processes import ProcessWatcher

    return ProcessWatcher()


def complain_line(line: str) -> None:
    """Say one line where complaints go."""
    print(f"ibsniff: {line}", file=sys.stderr, flush=True)
