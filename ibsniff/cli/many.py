"""Reports about many captures, one by one: a line for each, a document for each, or each in full.

A format makes what will be printed in the process that read the capture, so that little is passed between processes and
all cores share the work. It prints in the main process, in the order of the inputs.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ibsniff.analysis.judgement import judge
from ibsniff.analysis.pieces import Edges, edges_of
from ibsniff.cli.app import as_document, console, for_stdout, has_finding
from ibsniff.cli.errors import print_error
from ibsniff.clock import LOCAL_CLOCK, Clock
from ibsniff.model import WireText
from ibsniff.render.report_view import verdict_line
from ibsniff.render.text import Masker, json_text

if TYPE_CHECKING:
    from ibsniff.analysis.narrowing import Narrowing
    from ibsniff.analysis.reading import InputReader
    from ibsniff.analysis.reading_progress import ReadingProgress
    from ibsniff.model import Report, Severity, UserError
    from ibsniff.render.overview import Row


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """How each capture is printed. By default unreadable ones are reported on stderr, and nothing sums up all of them."""

    show_accounts: bool
    clock: Clock = LOCAL_CLOCK
    """By which screens show times."""

    @property
    def leaves_terminal_free(self) -> bool:
        """Tell whether nothing is printed on a terminal while captures are read, so that progress can be shown there."""
        return not sys.stdout.isatty()

    def shown_path(self, path: str) -> str:
        """The path as it is printed: accounts in it are masked, too."""
        return Masker(show_accounts=self.show_accounts).visible_line(WireText(path))

    def make(self, report: Report) -> Any:
        """Make what is printed of one capture, as little as possible; called in the process that read it."""
        raise NotImplementedError

    def print_capture(self, path: str, content: Any) -> None:
        """Print it."""
        raise NotImplementedError

    def print_unreadable(self, _path: str, error: UserError) -> None:
        """Report that a capture could not be read."""
        print_error(error)

    def print_summary(self, note: str = "") -> None:
        """Print what sums up all captures, and a note about all of them: here on stderr, since they were printed before."""
        if note:
            print(f"ibsniff: {note}", file=sys.stderr)


class NdjsonFormat(OutputFormat):
    """``--ndjson``: the contract's document of each capture, one per line; of an unreadable one the error."""

    def make(self, report: Report) -> str:
        """One line."""
        return json_text(as_document(report, self.show_accounts))

    def print_capture(self, _path: str, content: str) -> None:
        """Print it at once, for programs that read along."""
        print(content, flush=True)

    def print_unreadable(self, path: str, error: UserError) -> None:
        """Print a line too, so that every input has one."""
        print_error(error)
        masker = Masker(show_accounts=self.show_accounts)
        described = {"what": masker.encodable(error.what), "what_to_do": masker.encodable(error.what_to_do)}
        named = masker.encodable(WireText(path))
        print(json_text({"path": named, "error": described}), flush=True)


class LineFormat(OutputFormat):
    """``-q``: the verdict about each capture in one line."""

    def make(self, report: Report) -> str:
        """One line."""
        return verdict_line(report, show_accounts=self.show_accounts)

    def print_capture(self, path: str, content: str) -> None:
        """Print it after the path."""
        print(f"{self.shown_path(path)}: {content}", flush=True)


class FullFormat(OutputFormat):
    """``-v``: each report in full."""

    def make(self, report: Report) -> Report:
        """The report itself: it is laid out when the console is known."""
        return report

    def print_capture(self, path: str, content: Report) -> None:
        """Print it below the path."""
        from ibsniff.render.terminal import renderable

        print(for_stdout(f"── {self.shown_path(path)}"))
        console().print(renderable(content, verbose=True, show_accounts=self.show_accounts, clock=self.clock))
        print(flush=True)


@dataclass(frozen=True, slots=True)
class TableFormat(OutputFormat):
    """The default for many captures: a table with a line for each, and a summary."""

    rows: list[Row] = field(default_factory=list)

    def __reduce__(self) -> tuple[type[TableFormat], tuple[bool, Clock]]:
        """Leave the rows behind: another process only makes them."""
        return TableFormat, (self.show_accounts, self.clock)

    @property
    def leaves_terminal_free(self) -> bool:
        """Return True: the table is printed at the end."""
        return True

    def make(self, report: Report) -> Row:
        """One row of the table."""
        from ibsniff.render.overview import row

        return row(report, self.show_accounts, self.clock)

    def print_capture(self, _path: str, content: Row) -> None:
        """Keep the row: the widths of the columns are known at the end."""
        self.rows.append(content)

    def print_unreadable(self, path: str, error: UserError) -> None:
        """Keep a row too."""
        from ibsniff.render.overview import unreadable_row

        print_error(error)
        self.rows.append(unreadable_row(path, error, self.show_accounts))

    def print_summary(self, note: str = "") -> None:
        """Print table and summary; lines are cropped to the width of a terminal, and whole in a file."""
        from ibsniff.render.overview import HOW_TO_OPEN_ONE, OverviewTable, totals

        if note:
            console().print(for_stdout(f"{note}\n"), soft_wrap=not sys.stdout.isatty())
        if sys.stdout.isatty():
            console().print(OverviewTable(self.rows, is_cropped=True), no_wrap=True, overflow="ellipsis")
        else:
            console().print(OverviewTable(self.rows, is_cropped=False), soft_wrap=True)
        print(*map(for_stdout, totals(self.rows)), HOW_TO_OPEN_ONE, sep="\n", flush=True)


class CaptureResult(NamedTuple):
    """Of one capture: what will be printed, whether it has a finding as severe as ``--fail-on`` says, and what may go on."""

    content: Any
    fails: bool
    edges: Edges


@dataclass(frozen=True, slots=True)
class CaptureTask:
    """Reads one capture and makes what will be printed of it, in this process or in another one."""

    reader: InputReader
    output_format: OutputFormat
    fail_on: Severity | None
    narrowing: Narrowing | None = None

    def __call__(self, path: str, progress: ReadingProgress | None = None) -> CaptureResult:
        """Raise UserError if the capture cannot be read."""
        snapshot = self.reader.read(path, progress)
        report = judge([snapshot], narrowing=self.narrowing)
        fails = self.fail_on is not None and has_finding(report, self.fail_on)
        return CaptureResult(self.output_format.make(report), fails, edges_of(snapshot))
