"""What all commands share: the app, common options, and how reports and errors are printed."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ibsniff import __version__
from ibsniff.cli.errors import discard_output, print_error
from ibsniff.cli.group import LazyGroup
from ibsniff.clock import LOCAL_CLOCK, UTC_CLOCK, Clock
from ibsniff.model import ExitCode, Report, Severity, UserError

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    name="ibsniff",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find out why a trading program cannot connect to TWS or IB Gateway, or what goes wrong in its session. ibsniff reads the packets between the two and reports what happened, who must act, which packets prove it, and what to do next.",
    epilog="'ibsniff demo' shows the reports on three recorded cases; 'ibsniff explain' looks up codes, words, and the errors that programs print. Exit codes: 0 success, 1 findings (with "
    "--fail-on or regress), 2 wrong usage, 3 unreadable input, 4 no permission or no such interface, 130 interrupted.",
)

OUTPUT_FAILS = (errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EBADF)
"""Errors of a write to stdout: the disk is full, a size limit is reached, the terminal is gone, stdout is closed."""

LIMITS_REACHED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
"""Errors when this process, or the machine, has no more open files, memory or processes."""

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document (schema version 1) instead of the report.")
]
PortOption = Annotated[
    list[str] | None,
    typer.Option(
        "--port",
        metavar="N|any",
        help="Also treat port N as an API port; repeatable. With 'any', analyse every conversation that speaks the IB API.",
    ),
]
FailOnOption = Annotated[
    Severity | None, typer.Option(help="Exit with code 1 if a finding has this severity or a higher one.")
]
PatienceOption = Annotated[
    float | None,
    typer.Option(
        min=0.1,
        max=86_400,
        metavar="SECONDS",
        help="Treat a missing answer as silence after this time; by default the timeout of the client library, or 5 s if that is not known.",
    ),
]
AccountsOption = Annotated[bool, typer.Option("--show-accounts", help="Show account numbers instead of masking them.")]
UtcOption = Annotated[
    bool,
    typer.Option("--utc", help="Use UTC instead of local time, on the screen and for times given without a zone."),
]
VerboseOption = Annotated[bool, typer.Option("-v", "--verbose", help="Print everything, however long.")]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="Print the verdict in one line.")]


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[
        bool, typer.Option("-V", "--version", is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    if version:
        print(f"ibsniff {__version__}")
        raise typer.Exit(ExitCode.OK)


@contextmanager
def handle_errors() -> Iterator[None]:
    """Turn errors that a user can make into two lines on stderr and an exit code."""
    try:
        yield
        sys.stdout.flush()
    except UserError as error:
        print_error(error)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except BrokenPipeError:
        discard_output(sys.stdout)
        raise typer.Exit(ExitCode.OK) from None
    except OSError as error:
        raise typer.Exit(output_failed(error)) from None
    except MemoryError:
        what_to_do = "Read fewer or smaller captures at a time, or raise the limit (ulimit -v)"
        print_error(UserError("there is not enough memory for this", what_to_do))
        raise typer.Exit(ExitCode.INPUT) from None


def output_failed(error: OSError) -> ExitCode:
    """Report that the output cannot be written, and return the exit code; any other error is raised again."""
    if error.errno in LIMITS_REACHED:
        what_to_do = "Raise the limit (ulimit -n for open files), or close other programs"
        print_error(UserError(f"this machine's limits do not allow it: {error.strerror}", what_to_do))
        return ExitCode.INPUT
    if error.errno not in OUTPUT_FAILS or error.filename is not None:
        raise error
    discard_output(sys.stdout)
    if error.errno == errno.EBADF:
        print_error(UserError("standard output is closed", "Redirect it to a file or a pipe: > FILE"))
    else:
        what = f"cannot write the output: {error.strerror}"
        print_error(UserError(what, "Free some space, or write to another place"))
    return ExitCode.INPUT


def only_one_of(**given: bool) -> None:
    """Raise UserError if two of these options were given, which exclude each other; their names have no dashes here."""
    both = [f"-{name}" if len(name) == 1 else f"--{name}" for name, is_given in given.items() if is_given]
    if len(both) > 1:
        raise UserError(f"{' and '.join(both)} exclude each other", "Give only one of them", ExitCode.USAGE)


def print_report(
    report: Report,
    as_json: bool,
    as_markdown: bool,
    show_accounts: bool,
    verbose: bool,
    quiet: bool,
    clock: Clock = LOCAL_CLOCK,
    problem: int | None = None,
) -> None:
    """Print a report on stdout in the form that the user chose; ``problem`` is the number of the only one to tell."""
    if as_json:
        from ibsniff.render.document import document_text

        sys.stdout.writelines(document_text(report, __version__, show_accounts))
        print()
    elif as_markdown:
        from ibsniff.render.markdown import markdown

        text = markdown(report, tool_version=__version__, show_accounts=show_accounts, problem=problem)
        print(for_stdout(text))
    elif quiet:
        from ibsniff.render.report_view import verdict_line

        print(verdict_line(report, show_accounts=show_accounts))
    else:
        from ibsniff.render.terminal import renderable

        screen = renderable(report, verbose=verbose, show_accounts=show_accounts, clock=clock, problem=problem)
        console().print(screen)
    sys.stdout.flush()


def chosen_clock(utc: bool) -> Clock:
    """The clock by which a screen shows times, and by which times without a zone are read."""
    return UTC_CLOCK if utc else LOCAL_CLOCK


def for_stdout(text: str) -> str:
    """Return a text that the encoding of stdout can represent."""
    from ibsniff.render.text import plain_ascii

    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return plain_ascii(text)
    return text


def has_finding(report: Report, level: Severity) -> bool:
    """Tell whether any finding has at least this severity: ``--fail-on``."""
    wanted = list(Severity)[: list(Severity).index(level) + 1]
    findings = [*report.findings, *(finding for one in report.conversations for finding in one.findings)]
    return any(finding.severity in wanted for finding in findings)


def as_document(report: Report, show_accounts: bool) -> dict[str, Any]:
    """Return the contract's JSON document."""
    from ibsniff.render.document import document

    return document(report, __version__, show_accounts)


def console() -> Console:
    """Return a console on stdout that does not interpret text as markup."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False)


def print_line(line: str) -> None:
    """Print one line on stdout at once."""
    print(line, flush=True)
