"""Reports on many captures, one by one: a line each, a document each, or each in full.

A form makes what it will print in the process that read the capture, so that little is handed over and all cores share
the work; it prints in this one, in the order of the inputs.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ibsniff.analysis.judgement import judge
from ibsniff.cli.app import as_document, complain, console, fitting, has_finding
from ibsniff.render.report_view import one_line
from ibsniff.render.text import encodable, json_text, prose

if TYPE_CHECKING:
    from ibsniff.analysis.reading import Looker, Work
    from ibsniff.model import Report, Severity, UserError
    from ibsniff.render.overview import Row


@dataclass(frozen=True, slots=True)
class Form:
    """How each capture is told of: the usual words for those that cannot be read, and none for all together."""

    show_accounts: bool

    @property
    def is_silent_meanwhile(self) -> bool:
        """Nothing is printed on a terminal while others are read: then progress may be shown there."""
        return not sys.stdout.isatty()

    def make(self, report: Report) -> Any:
        """What is to be printed of one capture, as little as possible; called where it was read."""
        raise NotImplementedError

    def tell(self, path: str, made: Any) -> None:
        """Print it."""
        raise NotImplementedError

    def tell_unreadable(self, _path: str, error: UserError) -> None:
        """Say that one could not be read."""
        complain(error)

    def end(self) -> None:
        """Print what is said of all together."""


class Documents(Form):
    """``--ndjson``: the contract's document of each capture, one a line; of an unreadable one what is wrong."""

    def make(self, report: Report) -> str:
        """One line."""
        return json_text(as_document(report, self.show_accounts))

    def tell(self, _path: str, made: str) -> None:
        """Print it at once, for whoever reads along."""
        print(made, flush=True)

    def tell_unreadable(self, path: str, error: UserError) -> None:
        """A line too, so that every input has one."""
        complain(error)
        said = {"what": encodable(error.what), "what_to_do": encodable(error.what_to_do)}
        print(json_text({"path": encodable(path), "error": said}), flush=True)


class Lines(Form):
    """``-q``: the verdict of each in one line."""

    def make(self, report: Report) -> str:
        """One line."""
        return one_line(report, show_accounts=self.show_accounts)

    def tell(self, path: str, made: str) -> None:
        """Print it behind the name."""
        print(f"{prose(path)}: {made}", flush=True)


class Reports(Form):
    """``-v``: each in full."""

    def make(self, report: Report) -> Report:
        """It is laid out when the console is known."""
        return report

    def tell(self, path: str, made: Report) -> None:
        """Print it under its name."""
        from ibsniff.render.terminal import renderable

        print(fitting(f"── {prose(path)}"))
        console().print(renderable(made, verbose=True, show_accounts=self.show_accounts))
        print(flush=True)


@dataclass(frozen=True, slots=True)
class Overview(Form):
    """The usual form for many: a table with a line for each, and what they come to."""

    rows: list[Row] = field(default_factory=list)

    def __reduce__(self) -> tuple[type[Overview], tuple[bool]]:
        """Another process makes rows and needs none."""
        return Overview, (self.show_accounts,)

    @property
    def is_silent_meanwhile(self) -> bool:
        """The table comes in the end."""
        return True

    def make(self, report: Report) -> Row:
        """One line of it."""
        from ibsniff.render.overview import row

        return row(report, self.show_accounts)

    def tell(self, _path: str, made: Row) -> None:
        """Keep it: how wide the columns are shows in the end."""
        self.rows.append(made)

    def tell_unreadable(self, path: str, error: UserError) -> None:
        """A line too."""
        from ibsniff.render.overview import unreadable_row

        complain(error)
        self.rows.append(unreadable_row(path, error))

    def end(self) -> None:
        """Print it; lines are cut where a terminal ends, and whole in a file."""
        from ibsniff.render.overview import Table, totals

        if sys.stdout.isatty():
            console().print(Table(self.rows, is_cut=True), no_wrap=True, overflow="ellipsis")
        else:
            console().print(Table(self.rows, is_cut=False), soft_wrap=True)
        print(*map(fitting, totals(self.rows)), sep="\n", flush=True)


def form_of(as_ndjson: bool, show_accounts: bool, verbose: bool, quiet: bool) -> Form:
    """The form the user chose."""
    if as_ndjson:
        return Documents(show_accounts)
    if quiet:
        return Lines(show_accounts)
    return Reports(show_accounts) if verbose else Overview(show_accounts)


class Told(NamedTuple):
    """Of one capture: what is printed, and whether it has a finding as severe as ``--fail-on`` says."""

    made: Any
    fails: bool


@dataclass(frozen=True, slots=True)
class Teller:
    """Reads one capture and makes what is printed of it, here or in another process."""

    looker: Looker
    form: Form
    fail_on: Severity | None

    def __call__(self, path: str, work: Work | None = None) -> Told:
        """Raise UserError when it cannot be read."""
        report = judge([self.looker.see(path, work)])
        return Told(self.form.make(report), self.fail_on is not None and has_finding(report, self.fail_on))
