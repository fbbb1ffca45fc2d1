"""``ibsniff read`` and ``ibsniff demo``: what capture files prove."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ibsniff.cli.app import (
    AccountsOption,
    JsonOption,
    PatienceOption,
    PortOption,
    QuietOption,
    VerboseOption,
    app,
    complain,
    edges,
    has_finding,
    only_one_of,
    print_report,
)
from ibsniff.model import ExitCode, Lane, Severity, UserError

if TYPE_CHECKING:
    from ibsniff.analysis.reading import Looker, Reading, Work
    from ibsniff.cli.inputs import Inputs
    from ibsniff.cli.many import Teller

DEMO = ("silent-ib-async-loopback", "closed-by-relay-socat", "dropped-wsl")
"""Scenarios that share one error text of the client, ``TimeoutError``, and have three causes."""

MOST_TOLD_TOGETHER = 5
"""Captures that still make one report for a reader; of more each gets a line."""


@app.command()
def read(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE|DIR...", help="Captures (pcap, pcapng, compressed too), or folders of them; - is stdin."
        ),
    ] = None,
    more: Annotated[
        list[str] | None, typer.Option("-r", metavar="FILE", help="A capture too, from tcpdump habit.")
    ] = None,
    port: PortOption = None,
    as_json: JsonOption = False,
    as_ndjson: Annotated[bool, typer.Option("--ndjson", help="One JSON document a capture, one a line.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="A report to paste into a ticket.")] = False,
    join: Annotated[bool, typer.Option("--join", help="The files are pieces of one capture (tcpdump -C, -G).")] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Read so many files at once; unasked, as many as pays off.")
    ] = None,
    watched_until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME|+SECONDS", help="You watched longer than the file says: until then, or so long after."
        ),
    ] = None,
    patience: PatienceOption = None,
    lane: Annotated[
        Lane, typer.Option(help="Read packet by packet, by columns, or as pays off; the report is the same.")
    ] = Lane.AUTO,
    fail_on: Annotated[Severity | None, typer.Option(help="Exit 1 when there is a finding this severe.")] = None,
    show_accounts: AccountsOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say what capture files prove."""
    from ibsniff.analysis.reading import Looker, Work, parse_ports
    from ibsniff.cli.inputs import find_inputs

    with edges():
        only_one_of(json=as_json, ndjson=as_ndjson, markdown=as_markdown)
        only_one_of(q=quiet, v=verbose)
        only_one_of(join=join, ndjson=as_ndjson)
        looker = Looker(parse_ports(port or []), watched_until, lane, patience)
        inputs, work = find_inputs([*(more or []), *(files or [])]), Work()
        processes = inputs.jobs(jobs)
        is_many = len(inputs.paths) > MOST_TOLD_TOGETHER and not (join or as_json or as_markdown)
        if as_ndjson or is_many:
            from ibsniff.cli.many import Teller, form_of

            teller = Teller(looker, form_of(as_ndjson, show_accounts, verbose, quiet), fail_on)
            code = _one_by_one(teller, inputs, processes, work, quiet)
        else:
            if _comes_live(inputs) and not (as_json or as_markdown or join or quiet or watched_until):
                reading = _watch(looker, show_accounts)
            else:
                reading = _together(looker, inputs, 1 if join else processes, work, join, quiet)
            if reading.report.inputs:
                print_report(reading.report, as_json, as_markdown, show_accounts, verbose, quiet)
            code = _exit_code(reading, fail_on)
        if not quiet:
            inputs.tell_rest(work)
        raise typer.Exit(ExitCode.INTERRUPTED if work.stopped else code)


def _comes_live(inputs: Inputs) -> bool:
    """Whether a capture comes through a pipe while somebody looks: it is shown as it grows."""
    if inputs.paths != ["-"] or not sys.stdout.isatty():
        return False
    from ibsniff.capture.pipe import is_pipe

    return is_pipe(sys.stdin.buffer if sys.stdin is not None else None)


def _watch(looker: Looker, show_accounts: bool) -> Reading:
    from ibsniff.analysis.reading import Reading
    from ibsniff.cli.live import watch_pipe

    return Reading(watch_pipe(sys.stdin.buffer, looker.ports, looker.patience, show_accounts))


def _together(looker: Looker, inputs: Inputs, jobs: int, work: Work, join: bool, quiet: bool) -> Reading:
    """Read all inputs for one report."""
    from ibsniff.analysis.reading import attempt, gathered
    from ibsniff.cli.inputs import from_each
    from ibsniff.cli.progress import reading

    with reading(work, inputs.size, alone=jobs == 1, show=not quiet):
        if join:
            results = iter([attempt(lambda _: looker.see_joined(inputs.paths, work), "")])
        else:
            results = (result for _, result in from_each(looker.see, inputs, jobs, work))
        made = gathered(results)
    made.unreadable += inputs.closed
    for error in made.unreadable:
        complain(error)
    return made


def _one_by_one(teller: Teller, inputs: Inputs, jobs: int, work: Work, quiet: bool) -> ExitCode:
    """Read all inputs, and tell of each as it comes."""
    from ibsniff.cli.inputs import from_each
    from ibsniff.cli.progress import reading

    code = ExitCode.OK
    for error in inputs.closed:
        complain(error)
        code = ExitCode.INPUT
    with reading(work, inputs.size, alone=jobs == 1, show=not quiet and teller.form.is_silent_meanwhile):
        for path, told in from_each(teller, inputs, jobs, work):
            if isinstance(told, UserError):
                teller.form.tell_unreadable(path, told)
                code = told.exit_code
            else:
                teller.form.tell(path, told.made)
                code = code or (ExitCode.FINDINGS if told.fails else ExitCode.OK)
    teller.form.end()
    return code


def _exit_code(reading: Reading, fail_on: Severity | None) -> ExitCode:
    if reading.unreadable:
        return reading.unreadable[0].exit_code
    fails = fail_on is not None and has_finding(reading.report, fail_on)
    return ExitCode.FINDINGS if fails else ExitCode.OK


@app.command()
def demo() -> None:
    """Read three recorded cases: one error text in the client, three causes."""
    from ibsniff.analysis.reading import Ports, read_files
    from ibsniff.regression import load_scenario

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
