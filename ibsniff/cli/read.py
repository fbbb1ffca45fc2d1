"""``ibsniff read`` and ``ibsniff demo``: what a capture file proves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ibsniff.cli.app import (
    AccountsOption,
    JsonOption,
    PortOption,
    QuietOption,
    VerboseOption,
    app,
    complain,
    edges,
    print_report,
)
from ibsniff.model import ExitCode, Report, Severity, UserError

DEMO = ("silent-ib-async-loopback", "closed-by-relay-socat", "dropped-wsl")
"""Scenarios that share one error text of the client, ``TimeoutError``, and have three causes."""


@app.command()
def read(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE...", help="Captures (pcap, pcapng, compressed too); - is stdin.")
    ] = None,
    more: Annotated[
        list[str] | None, typer.Option("-r", metavar="FILE", help="A capture too, from tcpdump habit.")
    ] = None,
    port: PortOption = None,
    as_json: JsonOption = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="A report to paste into a ticket.")] = False,
    watched_until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME|+SECONDS", help="You watched longer than the file says: until then, or so long after."
        ),
    ] = None,
    fail_on: Annotated[Severity | None, typer.Option(help="Exit 1 when there is a finding this severe.")] = None,
    show_accounts: AccountsOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say what a capture file proves."""
    from ibsniff.reading import parse_ports, read_files

    with edges():
        paths = [*(more or []), *(files or [])]
        if not paths:
            raise UserError("no capture named", "ibsniff read FILE; or - for stdin", ExitCode.USAGE)
        reading = read_files(paths, parse_ports(port or []), watched_until)
        for error in reading.unreadable:
            complain(error)
        if reading.report.inputs:
            print_report(reading.report, as_json, as_markdown, show_accounts, verbose, quiet)
        if reading.unreadable:
            raise typer.Exit(reading.unreadable[0].exit_code)
        if fail_on is not None and _found(reading.report, fail_on):
            raise typer.Exit(ExitCode.FINDINGS)


def _found(report: Report, level: Severity) -> bool:
    """Whether any finding is at or above a level."""
    wanted = list(Severity)[: list(Severity).index(level) + 1]
    findings = [*report.findings, *(finding for one in report.conversations for finding in one.findings)]
    return any(finding.severity in wanted for finding in findings)


@app.command()
def demo() -> None:
    """Read three recorded cases: one error text in the client, three causes."""
    from ibsniff.reading import Ports, read_files
    from ibsniff.regress import load_scenario

    with edges():
        root = _shipped_captures()
        for number, name in enumerate(DEMO, 1):
            scenario = load_scenario(root / name)
            print(f"\n{number}. The client says: TimeoutError.  ibsniff read {name}/{scenario.capture.name} says:\n")
            print_report(read_files([str(scenario.capture)], Ports()).report, False, False, False, False, False)


def _shipped_captures() -> Path:
    """Where the demo's scenarios are: inside the wheel, or beside the package in a checkout.

    Raises UserError when they are in neither place.
    """
    package = Path(__file__).parents[1]
    for root in (package / "captures", package.parent / "captures"):
        if (root / DEMO[0]).is_dir():
            return root
    raise UserError("the demo's captures are not installed", "Install ibsniff from its wheel, or run it in a checkout")
