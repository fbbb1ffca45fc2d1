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
from ibsniff.capture.machine_reports import MachineNews
from ibsniff.cli.app import console, print_line
from ibsniff.cli.ending import SuspendRequest, discard_terminal_output, survives_hangup
from ibsniff.cli.on_verdict import OnVerdict
from ibsniff.clock import LOCAL_CLOCK, Clock
from ibsniff.formatting import counted, iso
from ibsniff.model import MachineReport, Report
from ibsniff.render.machine_reports import in_words
from ibsniff.render.text import Masker, json_text
from ibsniff.screens import JsonLines, Lines, LiveScreen, MessageLines
from ibsniff.screens.keys import open_keys

if TYPE_CHECKING:
    from ibsniff.capture.processes import LocalProcess, ProcessWatcher

MAX_HELD_LINES = 200
"""Lines kept until the live screen is left: the last ones, and the number of earlier ones."""


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
        self._news = MachineNews()
        self.machine_reported: Callable[[MachineReport], None] = lambda _report: None
        """Takes what this machine says of the ends of the connections."""
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
            return LiveScreen(screen, options.show_accounts, hint, keys, self._stop, why, options.clock)
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
            self._tell_machine_reports(report, changed)
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

    def _tell_machine_reports(self, report: Report, changed: dict[str, tuple[LocalProcess, ...]]) -> None:
        """Hand on what this machine says that is new, so that it becomes part of the report and of the file."""
        now_ns = max((facts.watched_until_ns or 0 for facts in report.inputs), default=0)
        present = {(one.connection.client, one.connection.server) for one in report.conversations}
        told = [end.report(one, now_ns) for one in report.conversations for end in changed.get(one.id, ())]
        for each in self._news.select(told, present) if told else ():
            self.machine_reported(each)

    def _print_processes(self, report: Report, changed: dict[str, tuple[LocalProcess, ...]]) -> None:
        if self._options.quiet or isinstance(self._screen, LiveScreen):
            return
        now_ns = max((facts.watched_until_ns or 0 for facts in report.inputs), default=0)
        masker = Masker(show_accounts=self._options.show_accounts)
        by_id = {one.id: one for one in report.conversations}
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
                    said = in_words(end.report(by_id[name], now_ns), dated=False)
                    print_line(masker.visible_line(f"{iso(now_ns)} {name} process: {said}"))


def _processes() -> ProcessWatcher:
    from ibsniff.capture.processes import ProcessWatcher

    return ProcessWatcher()


def print_message(line: str) -> None:
    """Print one line on stderr."""
    print(f"ibsniff: {line}", file=sys.stderr, flush=True)
