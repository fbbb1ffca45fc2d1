"""``ibsniff read`` and ``ibsniff demo``: reports about capture files."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ibsniff.cli.app import (
    AccountsOption,
    JsonOption,
    PatienceOption,
    PortOption,
    QuietOption,
    UtcOption,
    VerboseOption,
    app,
    chosen_clock,
    handle_errors,
    has_finding,
    only_one_of,
    print_report,
)
from ibsniff.cli.errors import print_error
from ibsniff.cli.filters import (
    ClientOption,
    ConversationOption,
    FromOption,
    ServerOption,
    ToOption,
    narrowing_of,
)
from ibsniff.formatting import counted
from ibsniff.model import ExitCode, Lane, Severity, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from ibsniff.analysis.narrowing import Narrowing
    from ibsniff.analysis.pieces import Edges
    from ibsniff.analysis.reading import InputReader, Reading
    from ibsniff.analysis.reading_progress import ReadingProgress
    from ibsniff.analysis.snapshot import Snapshot
    from ibsniff.cli.inputs import Inputs
    from ibsniff.cli.many import CaptureTask
    from ibsniff.clock import Clock
    from ibsniff.model import Report

    Collecting = Callable[[Iterator[Snapshot | UserError]], AbstractContextManager[Reading]]

DEMO = ("silent-ib-async-loopback", "closed-by-relay-socat", "dropped-wsl")
"""Scenarios with three different causes in which the client reports the same error, ``TimeoutError``."""

MAX_IN_MEMORY = 5
"""The document of more captures is printed from a file, piece by piece."""


@app.command()
def read(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE|DIR...",
            help="Captures (pcap or pcapng, also compressed), or folders that contain captures; - is standard input.",
        ),
    ] = None,
    more: Annotated[
        list[str] | None, typer.Option("-r", metavar="FILE", help="Another way to name a capture, as in tcpdump.")
    ] = None,
    port: PortOption = None,
    as_json: JsonOption = False,
    as_ndjson: Annotated[
        bool, typer.Option("--ndjson", help="Print one JSON document for each capture, each on a line of its own.")
    ] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the report as Markdown, to paste into a ticket.")
    ] = False,
    as_html: Annotated[
        str | None,
        typer.Option(
            "--html", metavar="FILE", help="Write the report as one HTML page, to send; - is standard output."
        ),
    ] = None,
    join: Annotated[
        bool, typer.Option("--join", help="Treat the files as pieces of one capture (tcpdump -C, -G).")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Read N files at the same time; by default as many as the size of the input calls for.",
        ),
    ] = None,
    watched_until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME|+SECONDS",
            help="The capture lasted longer than the file states: until TIME (2026-01-05T09:30:10Z; local time without a zone), or "
            "until SECONDS after the last packet.",
        ),
    ] = None,
    problem: Annotated[
        int | None,
        typer.Option("--problem", min=1, metavar="N", help="Tell only this problem, in full; reports number them."),
    ] = None,
    conversation: ConversationOption = None,
    client: ClientOption = None,
    server: ServerOption = None,
    since: FromOption = None,
    until: ToOption = None,
    patience: PatienceOption = None,
    lane: Annotated[
        Lane,
        typer.Option(
            help="Process packets one by one (plain), many at once (columns), or whichever is faster; the report is the same."
        ),
    ] = Lane.AUTO,
    fail_on: Annotated[
        Severity | None, typer.Option(help="Exit with code 1 if there is a finding of this severity or a higher one.")
    ] = None,
    show_accounts: AccountsOption = False,
    utc: UtcOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Read capture files and report what happened."""
    from ibsniff.analysis.api_traffic import parse_ports
    from ibsniff.analysis.reading import InputReader
    from ibsniff.analysis.reading_progress import ReadingProgress
    from ibsniff.analysis.watched_until import parse_watched_until
    from ibsniff.cli.inputs import find_inputs

    with handle_errors():
        only_one_of(json=as_json, ndjson=as_ndjson, markdown=as_markdown, html=as_html is not None)
        if as_html is not None:
            from ibsniff.cli.html_output import check_page_name

            check_page_name(as_html)
        only_one_of(q=quiet, v=verbose)
        only_one_of(join=join, ndjson=as_ndjson)
        for name, is_given in (("json", as_json), ("ndjson", as_ndjson), ("html", as_html is not None), ("q", quiet)):
            only_one_of(problem=problem is not None, **{name: is_given})
        clock = chosen_clock(utc)
        narrowing = narrowing_of(conversation, client, server, since, until, clock)
        watched = parse_watched_until(watched_until, clock) if watched_until is not None else None
        reader = InputReader(parse_ports(port or []), watched, lane, patience)
        inputs, progress = find_inputs([*(more or []), *(files or [])]), ReadingProgress()
        processes = inputs.jobs(jobs)
        if not join:
            _check_numbers_mean_one_capture(inputs, problem, conversation)
        is_many = len(inputs.paths) > 1 and not (join or as_json or as_html)
        if as_ndjson or is_many:
            from ibsniff.cli.many import CaptureTask
            from ibsniff.cli.output_formats import Form, choose_format

            form = Form.NDJSON if as_ndjson else Form.MARKDOWN if as_markdown else Form.SCREEN
            task = CaptureTask(
                reader, choose_format(len(inputs.paths), form, show_accounts, verbose, quiet, clock), fail_on, narrowing
            )
            code = _read_one_by_one(task, inputs, processes, progress, quiet)
        else:
            printed_once = as_json or as_markdown or as_html or join or quiet or watched_until or problem or narrowing
            if _is_live_pipe(inputs) and not printed_once:
                made: AbstractContextManager[Reading] = nullcontext(_watch(reader, show_accounts, clock))
            else:
                collecting = _choose_collecting(inputs, as_json, narrowing)
                made = _read_for_one_report(reader, inputs, 1 if join else processes, progress, join, quiet, collecting)
            with made as reading:
                if reading.report.inputs:
                    _check_chosen(reading.report)
                if reading.report.inputs and as_html is not None:
                    from ibsniff.cli.html_output import write_page

                    write_page(reading.report, as_html, show_accounts=show_accounts, quiet=quiet)
                elif reading.report.inputs:
                    if problem is not None:
                        _check_number(problem, reading.report)
                    print_report(reading.report, as_json, as_markdown, show_accounts, verbose, quiet, clock, problem)
                code = _exit_code(reading, fail_on)
        if not quiet:
            inputs.print_unread(progress)
        raise typer.Exit(ExitCode.INTERRUPTED if progress.stopped else code)


def _check_numbers_mean_one_capture(inputs: Inputs, problem: int | None, conversation: list[str] | None) -> None:
    """Raise UserError if a number is given that means something else in each of several captures."""
    for option, is_given in (("--problem", problem is not None), ("--conversation", bool(conversation))):
        if is_given and len(inputs.paths) > 1:
            what = f"{option}: each of the {len(inputs.paths)} captures has its own numbers"
            raise UserError(what, f"Name one of them: ibsniff read FILE {option} ...", ExitCode.USAGE)


def _check_chosen(report: Report) -> None:
    """Raise UserError if the options leave no conversation of those that there are."""
    if report.narrowed is not None and not report.conversations:
        what = (
            f"none of the {counted(report.narrowed.left_out, 'conversation')} is chosen by {report.narrowed.chosen_by}"
        )
        what_to_do = "Leave these options out to see which there are; -v lists all"
        raise UserError(what, what_to_do, ExitCode.USAGE)


def _check_number(problem: int, report: Report) -> None:
    """Raise UserError if the report has no problem of that number."""
    there_are = len(report.problems)
    if problem > there_are:
        known = (
            f"there {'is' if there_are == 1 else 'are'} {counted(there_are, 'problem')}"
            if there_are
            else "nothing is wrong"
        )
        what_to_do = (
            f"Give a number from 1 to {there_are}" if there_are > 1 else "Leave the option out to read the report"
        )
        raise UserError(f"--problem {problem}: {known} in this report", what_to_do, ExitCode.USAGE)


def _is_live_pipe(inputs: Inputs) -> bool:
    """Tell whether a capture comes through a pipe and goes to a terminal: then it is shown as it grows."""
    if inputs.paths != ["-"] or not sys.stdout.isatty():
        return False
    from ibsniff.capture.pipe import is_pipe

    return is_pipe(sys.stdin.buffer if sys.stdin is not None else None)


def _watch(reader: InputReader, show_accounts: bool, clock: Clock) -> Reading:
    from ibsniff.analysis.reading import Reading
    from ibsniff.cli.live import watch_pipe

    return Reading(watch_pipe(sys.stdin.buffer, reader.ports, reader.patience, show_accounts, clock))


def _choose_collecting(inputs: Inputs, as_json: bool, narrowing: Narrowing | None) -> Collecting:
    """How what was read becomes a report: a document of many captures is printed from a file, piece by piece."""
    from ibsniff.analysis.judgement import judge
    from ibsniff.analysis.reading import collect, collect_in_file

    if as_json and len(inputs.paths) > MAX_IN_MEMORY:
        return partial(collect_in_file, narrowing=narrowing)
    return lambda results: nullcontext(collect(results, partial(judge, narrowing=narrowing)))


@contextmanager
def _read_for_one_report(
    reader: InputReader,
    inputs: Inputs,
    jobs: int,
    progress: ReadingProgress,
    join: bool,
    quiet: bool,
    collecting: Collecting,
) -> Iterator[Reading]:
    """Read all inputs for one common report."""
    from ibsniff.analysis.reading import result_or_error
    from ibsniff.cli.inputs import results_of_each
    from ibsniff.cli.progress import reading

    edges: list[Edges | None] = []
    if join:
        results = iter([result_or_error(lambda _: reader.read_joined(inputs.paths, progress), "")])
    else:
        results = (result for _, result in results_of_each(reader.read, inputs, jobs, progress))
        if len(inputs.paths) > 1:
            from ibsniff.cli.pieces import noting_edges

            results = noting_edges(results, edges)
    with ExitStack() as until_printed:
        with reading(progress, inputs.size, alone=jobs == 1, show=not quiet):
            made = until_printed.enter_context(collecting(results))
        made.unreadable += inputs.unreadable_folders
        for error in made.unreadable:
            print_error(error)
        if len(edges) > 1 and not quiet:
            from ibsniff.cli.pieces import pieces_note

            if note := pieces_note(inputs.paths, edges, show_accounts=False):
                print(f"ibsniff: {note}", file=sys.stderr)
        yield made


def _read_one_by_one(task: CaptureTask, inputs: Inputs, jobs: int, progress: ReadingProgress, quiet: bool) -> ExitCode:
    """Read all inputs, and print each as it comes."""
    from ibsniff.cli.inputs import results_of_each
    from ibsniff.cli.pieces import pieces_note
    from ibsniff.cli.progress import reading

    code, edges = ExitCode.OK, list["Edges | None"]()
    for error in inputs.unreadable_folders:
        print_error(error)
        code = ExitCode.INPUT
    with reading(progress, inputs.size, alone=jobs == 1, show=not quiet and task.output_format.leaves_terminal_free):
        for path, result in results_of_each(task, inputs, jobs, progress):
            edges.append(None if isinstance(result, UserError) else result.edges)
            if isinstance(result, UserError):
                task.output_format.print_unreadable(path, result)
                code = result.exit_code
            else:
                task.output_format.print_capture(path, result.content)
                code = code or (ExitCode.FINDINGS if result.fails else ExitCode.OK)
    task.output_format.print_summary(pieces_note(inputs.paths, edges, task.output_format.show_accounts))
    return code


def _exit_code(reading: Reading, fail_on: Severity | None) -> ExitCode:
    if reading.unreadable:
        return reading.unreadable[0].exit_code
    fails = fail_on is not None and has_finding(reading.report, fail_on)
    return ExitCode.FINDINGS if fails else ExitCode.OK


@app.command()
def demo() -> None:
    """Show the reports on three recorded cases: the same error in the client, with three different causes."""
    from ibsniff.analysis.api_traffic import Ports
    from ibsniff.analysis.reading import read_files
    from ibsniff.regression import load_scenario

    with handle_errors():
        root = _shipped_captures()
        for number, name in enumerate(DEMO, 1):
            scenario = load_scenario(root / name)
            print(
                f"\n{number}. The client reports TimeoutError. 'ibsniff read {name}/{scenario.capture.name}' reports:\n"
            )
            print_report(read_files([str(scenario.capture)], Ports()).report, False, False, False, False, False)


def _shipped_captures() -> Path:
    """The folder of the demo's scenarios: inside the installed package, or next to it in a checkout.

    Raises UserError if they are in neither place.
    """
    package = Path(__file__).parents[1]
    for root in (package / "captures", package.parent / "captures"):
        if (root / DEMO[0]).is_dir():
            return root
    raise UserError(
        "the captures of the demo are not installed", "Install ibsniff from its wheel, or run it in a checkout"
    )
