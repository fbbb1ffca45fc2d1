"""The output of a live capture: a screen or lines, the commands run on verdicts, and the processes of this machine."""

from __future__ import annotations

import errno
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from ibsniff.analysis.changes import Change
from ibsniff.cli.app import console, print_line
from ibsniff.cli.ending import SuspendRequest, discard_terminal_output, survives_hangup
from ibsniff.cli.on_verdict import OnVerdict
from ibsniff.clock import LOCAL_CLOCK, Clock
from ibsniff.formatting import counted, iso
from ibsniff.masking.sentence import marked
from ibsniff.model import Report, Side
from ibsniff.render.text import Masker, json_text
from ibsniff.screens import JsonLines, Lines, LiveScreen, MessageLines, OnThisMachine
from ibsniff.screens.keys import open_keys

if TYPE_CHECKING:
    from ibsniff.capture.processes import LocalProcess, ProcessWatcher

MAX_HELD_LINES = 200
"""Lines kept until the live screen is left: the last ones, and the number of earlier ones."""

MAX_PROCESSES = 10
"""Processes listed below the final report."""


class OutputOptions(NamedTuple):
    """The form of output that the user chose."""

    as_json: bool = False
    quiet: bool = False
    messages: bool = False
    show_accounts: bool = False
    on_verdict: str | None = None
    process: bool = False
    on_verdict_as_root: bool = False
    clock: Clock = LOCAL_CLOCK


class LiveOutput:
    """Passes news on to all outputs, and survives a terminal that is closed."""

    def __init__(
        self, options: OutputOptions, hint: Callable[[], str], stop: Callable[[], None], why: str = ""
    ) -> None:
        """Take the options; ``hint`` says what traffic can be seen if nothing comes, and ``stop`` ends the capture.

        ``why`` these interfaces were chosen is shown on a screen until something comes, because a screen hides the lines
        before it. Raises UserError if an option needs a package that is not installed.
        """
        self._options = options
        self._stop = stop
        self._held: deque[str] = deque(maxlen=MAX_HELD_LINES)
        self._held_back = 0
        """The number of held lines, including those that are no longer kept."""
        self._output_lost = False
        self.processes = _processes() if options.process else None
        self._screen = self._choose_screen(hint, why)
        print_command_output = self._hold_back if isinstance(self._screen, LiveScreen) else print_message
        self._commands = (
            OnVerdict(
                options.on_verdict,
                options.show_accounts,
                print_command_output,
                as_root=options.on_verdict_as_root,
            )
            if options.on_verdict
            else None
        )
        self._suspend = SuspendRequest()

    def _choose_screen(self, hint: Callable[[], str], why: str) -> LiveScreen | Lines:
        options, screen = self._options, console()
        if options.as_json:
            return JsonLines(print_line, print_message, options.show_accounts, hint)
        if options.quiet:
            return Lines(lambda _line: None, print_message, options.show_accounts, hint)
        if options.messages:
            return MessageLines(print_line, print_message, options.show_accounts, hint)
        if screen.is_terminal and not screen.is_dumb_terminal and not screen.legacy_windows:
            keys = open_keys(sys.stdin)
            return LiveScreen(
                screen, options.show_accounts, hint, keys, self._stop, self._on_this_machine, why, options.clock
            )
        return Lines(print_line, print_message, options.show_accounts, hint)

    def __enter__(self) -> Self:
        if isinstance(self._screen, LiveScreen):
            self._suspend.__enter__()
        self._screen.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the terminal, wait for the commands, and print the lines that were held back."""
        with self._surviving_the_terminal():
            self._screen.__exit__(kind, error, trace)
        self._suspend.__exit__(kind, error, trace)
        if self._commands is not None:
            with self._surviving_the_terminal():
                self._commands.close()
        with self._surviving_the_terminal():
            if (before := self._held_back - len(self._held)) > 0:
                print_message(f"{counted(before, 'earlier line')} omitted")
            for line in self._held:
                print_message(line)

    def tell(self, line: str) -> None:
        """Print one line about the capture itself on stderr, or keep it until the live screen is left."""
        with self._surviving_the_terminal():
            if isinstance(self._screen, LiveScreen):
                self._hold_back(line)
            else:
                print_message(line)

    def _hold_back(self, line: str) -> None:
        self._held.append(line)
        self._held_back += 1

    def show(self, report: Report, changes: list[Change]) -> None:
        """Take the present report, and what has changed since the last one."""
        if self.processes is not None:
            changed = self.processes.refresh(report.conversations)
            with self._surviving_the_terminal():
                self._print_processes(report, changed)
        if self._commands is not None:
            with self._surviving_the_terminal():
                self._commands.update(report)
        with self._surviving_the_terminal():
            if self._suspend.wanted and isinstance(self._screen, LiveScreen):
                self._screen.suspend(self._suspend.stop_process)
            if not self._output_lost:
                self._screen.show(report, changes)

    def quiet(self) -> None:
        """Say what traffic can be seen, because nothing has come."""
        with self._surviving_the_terminal():
            if not self._output_lost:
                self._screen.quiet()

    @contextmanager
    def _surviving_the_terminal(self) -> Iterator[None]:
        """End the capture if the reader of a pipe is gone, or the terminal, unless the process is to survive that (nohup)."""
        try:
            yield
        except BrokenPipeError:
            self._output_lost = True
            self._stop()
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self._output_lost = True
            discard_terminal_output()
            if not survives_hangup():
                self._stop()

    def _on_this_machine(self) -> OnThisMachine:
        ends = self.processes.ends if self.processes is not None else {}
        programs = {
            name: end.program for name, each in ends.items() for end in each if end.side is Side.CLIENT and end.program
        }
        return OnThisMachine(programs, {name: list(map(str, each)) for name, each in ends.items()})

    def _print_processes(self, report: Report, changed: dict[str, tuple[LocalProcess, ...]]) -> None:
        if self._options.quiet or isinstance(self._screen, LiveScreen):
            return
        now_ns = max((facts.watched_until_ns or 0 for facts in report.inputs), default=0)
        masker = Masker(show_accounts=self._options.show_accounts)
        for name, ends in changed.items():
            for end in ends:
                if self._options.as_json:
                    print_line(
                        json_text(
                            {
                                "type": "process",
                                "time": iso(now_ns),
                                "conversation": name,
                                **end.row(self._options.show_accounts),
                            }
                        )
                    )
                else:
                    print_line(masker.visible_line(f"{iso(now_ns)} {name} process: {marked(str(end))}"))

    def process_lines(self) -> list[str]:
        """Return a line for each process of this machine at an end of a conversation, for the end of the final report."""
        if self.processes is None:
            return []
        latest: dict[tuple[str, str], LocalProcess] = {}
        names_of: dict[tuple[str, str], list[str]] = {}
        for name, ends in self.processes.ends.items():
            for end in ends:
                key = end.side, end.label if end.side is Side.CLIENT else str(end.address)
                latest[key] = end
                names_of.setdefault(key, []).append(name)
        masker = Masker(show_accounts=self._options.show_accounts)
        lines = [
            masker.visible_line(f"{_first_names(names)}: {marked(str(latest[key]))}") for key, names in names_of.items()
        ]
        more = len(lines) - MAX_PROCESSES
        return lines[:MAX_PROCESSES] + ([f"... and {more:,} more"] if more > 0 else [])


def _first_names(names: list[str]) -> str:
    """``c1, c2, c3 and 4 more``."""
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _processes() -> ProcessWatcher:
    from ibsniff.capture.processes import ProcessWatcher

    return ProcessWatcher()


def print_message(line: str) -> None:
    """Print one line on stderr."""
    print(f"ibsniff: {line}", file=sys.stderr, flush=True)
