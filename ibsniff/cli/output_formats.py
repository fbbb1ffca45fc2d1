"""Which form the captures of one command are printed in, when each has a report of its own."""

from __future__ import annotations

from enum import Enum, auto

from ibsniff.cli.many import FullFormat, LineFormat, NdjsonFormat, OutputFormat, TableFormat
from ibsniff.cli.several import MarkdownFormat, SeveralFormat
from ibsniff.clock import Clock

MAX_IN_FULL = 5
"""Up to this number of captures, the reports of those in which something is wrong follow the lines."""


class Form(Enum):
    """What is printed of many captures."""

    SCREEN = auto()
    MARKDOWN = auto()
    NDJSON = auto()


def choose_format(
    files: int, form: Form, show_accounts: bool, verbose: bool, quiet: bool, clock: Clock
) -> OutputFormat:
    """The format that the options ask for, for this number of captures."""
    is_few = files <= MAX_IN_FULL
    if form is Form.NDJSON:
        return NdjsonFormat(show_accounts)
    if form is Form.MARKDOWN:
        return MarkdownFormat(show_accounts, clock, verbose, is_list=not (is_few or verbose))
    if quiet:
        return LineFormat(show_accounts)
    if is_few:
        return SeveralFormat(show_accounts, clock, verbose)
    return FullFormat(show_accounts, clock) if verbose else TableFormat(show_accounts, clock)
