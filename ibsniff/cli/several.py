"""The forms in which two or more captures are printed together at the end: a line for each, and the reports that matter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ibsniff import __version__
from ibsniff.cli.app import console, for_stdout
from ibsniff.cli.errors import print_error
from ibsniff.cli.many import OutputFormat
from ibsniff.clock import Clock

if TYPE_CHECKING:
    from ibsniff.model import Report, UserError
    from ibsniff.render.overview import Row
    from ibsniff.render.several import Told


@dataclass(frozen=True, slots=True)
class SeveralFormat(OutputFormat):
    """The default for a few captures: a line for each, then the report on each in which something is wrong."""

    verbose: bool = False
    captures: list[Told] = field(default_factory=list)

    def __reduce__(self) -> tuple[type[SeveralFormat], tuple[bool, Clock, bool]]:
        """Leave the captures behind: another process only makes them."""
        return SeveralFormat, (self.show_accounts, self.clock, self.verbose)

    @property
    def leaves_terminal_free(self) -> bool:
        """Return True: everything is printed at the end."""
        return True

    def make(self, report: Report) -> Told:
        """The line of the capture, and its report if something is wrong."""
        from ibsniff.render.several import told

        return told(report, self.show_accounts, self.clock, verbose=self.verbose)

    def print_capture(self, _path: str, content: Told) -> None:
        """Keep it: all lines come before the first report."""
        self.captures.append(content)

    def print_unreadable(self, path: str, error: UserError) -> None:
        """Keep a line too."""
        from ibsniff.render.several import not_read

        print_error(error)
        self.captures.append(not_read(path, error, self.show_accounts))

    def print_summary(self, note: str = "") -> None:
        """Print everything."""
        from ibsniff.render.several import SeveralScreen

        if self.captures:
            console().print(SeveralScreen(self.captures, self.verbose, self.show_accounts, self.clock, note))


@dataclass(frozen=True, slots=True)
class MarkdownFormat(OutputFormat):
    """``--markdown``: the same; of many captures only the lines, unless ``-v`` asks for the reports too."""

    verbose: bool = False
    is_list: bool = False
    captures: list[tuple[Row, str]] = field(default_factory=list)

    def __reduce__(self) -> tuple[type[MarkdownFormat], tuple[bool, Clock, bool, bool]]:
        """Leave the captures behind: another process only makes them."""
        return MarkdownFormat, (self.show_accounts, self.clock, self.verbose, self.is_list)

    @property
    def leaves_terminal_free(self) -> bool:
        """Return True: everything is printed at the end."""
        return True

    def make(self, report: Report) -> tuple[Row, str]:
        """The line of the capture, and its report if something is wrong."""
        from ibsniff.render.several import told_in_markdown

        line, text = told_in_markdown(report, __version__, self.show_accounts, verbose=self.verbose)
        return line, "" if self.is_list else text

    def print_capture(self, _path: str, content: tuple[Row, str]) -> None:
        """Keep it: all lines come before the first report."""
        self.captures.append(content)

    def print_unreadable(self, path: str, error: UserError) -> None:
        """Keep a line too."""
        from ibsniff.render.overview import unreadable_row

        print_error(error)
        self.captures.append((unreadable_row(path, error, self.show_accounts), ""))

    def print_summary(self, note: str = "") -> None:
        """Print everything."""
        from ibsniff.render.several import list_in_markdown, several_in_markdown

        lines = [line for line, _ in self.captures]
        print(for_stdout(list_in_markdown(lines, note) if self.is_list else several_in_markdown(self.captures, note)))
