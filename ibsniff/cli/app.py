"""The command line's frame: the app, options several commands share, how reports are printed and errors said."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from ibsniff import __version__
from ibsniff.cli.group import LazyGroup
from ibsniff.model import ExitCode, Report, Severity, UserError

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    name="ibsniff",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Why does my program not connect to TWS or IB Gateway? ibsniff reads the packets between the two, and says "
    "what happened, whose turn it is, which packets prove it, and what to do next.",
    epilog="ibsniff demo shows it on three recorded cases. Exit codes: 0 analysed, 1 findings (--fail-on, regress), "
    "2 usage, 3 input unreadable, 4 no permission or no such interface, 130 interrupted.",
)

OUTPUT_FAILS = (errno.ENOSPC, errno.EFBIG, errno.EIO)
"""What a write to stdout ends with on a full disk, at a size limit, and on a terminal that is gone."""

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document (schema_version 1) instead of the report.")]
PortOption = Annotated[
    list[str] | None,
    typer.Option(
        "--port", metavar="N|any", help="Another API port; repeatable. 'any': every conversation that speaks IB."
    ),
]
FailOnOption = Annotated[Severity | None, typer.Option(help="Exit 1 when there is a finding this severe.")]
PatienceOption = Annotated[
    float | None,
    typer.Option(
        min=0.1,
        max=86_400,
        metavar="SECONDS",
        help="No answer for so long counts as silence; usually 5 s, or what the client's library waits.",
    ),
]
AccountsOption = Annotated[bool, typer.Option("--show-accounts", help="Do not mask account numbers.")]
VerboseOption = Annotated[bool, typer.Option("-v", "--verbose", help="Everything, however long.")]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="The verdict in one line.")]


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[
        bool, typer.Option("-V", "--version", is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    if version:
        print(f"ibsniff {__version__}")
        raise typer.Exit(ExitCode.OK)


@contextmanager
def edges() -> Iterator[None]:
    """Turn what a user can do wrong into two lines and an exit code."""
    try:
        yield
        sys.stdout.flush()
    except UserError as error:
        complain(error)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except BrokenPipeError:
        let_go(sys.stdout)
        raise typer.Exit(ExitCode.OK) from None
    except OSError as error:
        raise typer.Exit(unwritable(error)) from None


def unwritable(error: OSError) -> ExitCode:
    """Say that the output cannot be written, and return the exit code; any other error is raised again."""
    if error.errno not in OUTPUT_FAILS or error.filename is not None:
        raise error
    let_go(sys.stdout)
    complain(UserError(f"cannot write the output: {error.strerror}", "Make room, or send it elsewhere"))
    return ExitCode.INPUT


def let_go(stream: IO[str]) -> None:
    """Nobody takes what is still buffered, or comes: it goes nowhere, and the interpreter need not try at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def complain(error: UserError) -> None:
    """Say on stderr what failed, and what to do about it."""
    from ibsniff.render.text import prose

    said = [f"ibsniff: {prose(error.what)}", *(f"  {prose(line)}" for line in error.what_to_do.splitlines())]
    try:
        print(*said, sep="\n", file=sys.stderr, flush=True)
    except OSError:  # nobody hears it; the exit code says it all the same
        let_go(sys.stderr)


def only_one_of(**given: bool) -> None:
    """Raise UserError when two options were given of which only one could be heeded; named as they are written, less dashes."""
    both = [f"-{name}" if len(name) == 1 else f"--{name}" for name, is_given in given.items() if is_given]
    if len(both) > 1:
        raise UserError(f"{' and '.join(both)} exclude each other", "Give one of them", ExitCode.USAGE)


def print_report(
    report: Report, as_json: bool, as_markdown: bool, show_accounts: bool, verbose: bool, quiet: bool
) -> None:
    """Print a report on stdout in the form the user chose."""
    if as_json:
        from ibsniff.render.text import json_text

        print(json_text(as_document(report, show_accounts), indent=2))
    elif as_markdown:
        from ibsniff.render.markdown import markdown

        print(fitting(markdown(report, tool_version=__version__, show_accounts=show_accounts)))
    elif quiet:
        from ibsniff.render.report_view import one_line

        print(one_line(report, show_accounts=show_accounts))
    else:
        from ibsniff.render.terminal import renderable

        console().print(renderable(report, verbose=verbose, show_accounts=show_accounts))
    sys.stdout.flush()


def fitting(text: str) -> str:
    """Return text as stdout's encoding can take it."""
    from ibsniff.render.text import plain_ascii

    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return plain_ascii(text)
    return text


def has_finding(report: Report, level: Severity) -> bool:
    """Tell whether any finding is at or above a level: ``--fail-on``."""
    wanted = list(Severity)[: list(Severity).index(level) + 1]
    findings = [*report.findings, *(finding for one in report.conversations for finding in one.findings)]
    return any(finding.severity in wanted for finding in findings)


def as_document(report: Report, show_accounts: bool) -> dict[str, Any]:
    """Return the contract's JSON document."""
    from ibsniff.render.document import document

    return document(report, __version__, show_accounts)


def console() -> Console:
    """Return a console on stdout that takes text as it is."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False)


def say(line: str) -> None:
    """Print one line on stdout at once."""
    print(line, flush=True)
