"""The command line: the only place that prints, and the only one that ends the process."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ibsniff import __version__
from ibsniff.model import ExitCode, Report, Severity, UserError

if TYPE_CHECKING:
    from types import FrameType

    from rich.console import Console

    from ibsniff.capture.live import LiveSource
    from ibsniff.reading import Ports
    from ibsniff.screens import Lines, LiveScreen

DEMO = ("timeout-silent", "timeout-closed-by-relay", "timeout-call-unanswered")
"""Scenarios that share one error text of the client, ``TimeoutError``, and have three causes."""

app = typer.Typer(
    name="ibsniff",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Why does my program not connect to TWS or IB Gateway? ibsniff reads the packets between the two, and says "
    "what happened, whose turn it is, which packets prove it, and what to do next.",
    epilog="ibsniff demo shows it on three recorded cases. Exit codes: 0 analysed, 1 findings (--fail-on, regress), "
    "2 usage, 3 input unreadable, 4 no permission or no such interface, 130 interrupted.",
)

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document (schema_version 1) instead of the report.")]
PortOption = Annotated[
    list[str] | None,
    typer.Option(
        "--port", metavar="N|any", help="Another API port; repeatable. 'any': every conversation that speaks IB."
    ),
]
AccountsOption = Annotated[bool, typer.Option("--show-accounts", help="Do not mask account numbers.")]
VerboseOption = Annotated[bool, typer.Option("-v", "--verbose", help="Everything, however long.")]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="The verdict in one line.")]


def main() -> None:
    """Run the command line; ``ibsniff FILE`` and ``ibsniff -r FILE`` mean ``ibsniff read FILE``."""
    arguments = sys.argv[1:]
    commands = {
        command.name or (command.callback.__name__ if command.callback else "") for command in app.registered_commands
    }
    if arguments and arguments[0] not in commands:
        first = arguments[0]
        if first in ("-r", "-") or not first.startswith("-"):
            sys.argv.insert(1, "read")
    app()


@contextmanager
def _edges() -> Iterator[None]:
    """Turn what a user can do wrong into two lines and an exit code."""
    try:
        yield
    except UserError as error:
        _complain(error)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(ExitCode.OK) from None


def _complain(error: UserError) -> None:
    from ibsniff.render.text import prose

    print(f"ibsniff: {prose(error.what)}", file=sys.stderr)
    for line in error.what_to_do.splitlines():
        print(f"  {prose(line)}", file=sys.stderr)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[
        bool, typer.Option("-V", "--version", is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    if version:
        print(f"ibsniff {__version__}")
        raise typer.Exit(ExitCode.OK)


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

    with _edges():
        paths = [*(more or []), *(files or [])]
        if not paths:
            raise UserError("no capture named.", "ibsniff read FILE; or - for stdin.", ExitCode.USAGE)
        reading = read_files(paths, parse_ports(port or []), watched_until, sys.stdin.buffer)
        for error in reading.unreadable:
            _complain(error)
        if reading.report.inputs:
            _print_report(reading.report, as_json, as_markdown, show_accounts, verbose, quiet)
        if reading.unreadable:
            raise typer.Exit(reading.unreadable[0].exit_code)
        if fail_on is not None and _found(reading.report, fail_on):
            raise typer.Exit(ExitCode.FINDINGS)


def _found(report: Report, level: Severity) -> bool:
    """Whether any finding is at or above a level."""
    wanted = list(Severity)[: list(Severity).index(level) + 1]
    findings = [*report.findings, *(finding for one in report.conversations for finding in one.findings)]
    return any(finding.severity in wanted for finding in findings)


def _print_report(
    report: Report, as_json: bool, as_markdown: bool, show_accounts: bool, verbose: bool, quiet: bool
) -> None:
    if as_json:
        print(json.dumps(_document(report, show_accounts), indent=2))
    elif as_markdown:
        from ibsniff.render.markdown import markdown

        print(markdown(report, tool_version=__version__, show_accounts=show_accounts))
    else:
        from ibsniff.render import terminal

        console = _console()
        if quiet:
            console.print(terminal.one_line(report, show_accounts=show_accounts))
        else:
            console.print(terminal.renderable(report, verbose=verbose, show_accounts=show_accounts))
    sys.stdout.flush()


def _document(report: Report, show_accounts: bool) -> dict[str, Any]:
    from ibsniff.render.document import document

    return document(report, __version__, show_accounts)


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False)


@app.command()
def live(
    interface: Annotated[
        str, typer.Option("-i", "--interface", help="Where to listen; see 'ibsniff interfaces'.")
    ] = "lo",
    port: PortOption = None,
    write: Annotated[
        Path | None, typer.Option("-w", "--write", metavar="FILE", help="Keep the packets (pcapng).")
    ] = None,
    count: Annotated[int | None, typer.Option("-c", min=1, help="Stop after so many packets.")] = None,
    stop_after: Annotated[str | None, typer.Option("-a", metavar="duration:SECONDS", help="Stop after a time.")] = None,
    until_verdict: Annotated[
        bool, typer.Option(help="Stop when the first conversation is ready, or has failed.")
    ] = False,
    backend: Annotated[str, typer.Option(help="auto, socket (Linux) or scapy.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="NDJSON events, and the document as the last.")] = False,
    show_accounts: AccountsOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say it while it happens: sniff an interface until Ctrl-C."""
    from ibsniff.capture.live import open_live
    from ibsniff.pipeline import Analysis
    from ibsniff.reading import parse_ports
    from ibsniff.recording import Recorder
    from ibsniff.watching import Limits, follow

    with _edges():
        ports, limits = parse_ports(port or []), Limits(count, _duration(stop_after), until_verdict)
        with open_live(interface, ports.filter, backend) as source:
            analysis = Analysis(source.facts, ports.api, any_port=ports.any)
            with Recorder(write, source) if write else nullcontext() as recorder:
                _announce(source, as_json)
                with _stopping(source), _screen(source, ports, as_json, quiet, show_accounts) as screen:
                    report = follow(source.events(), analysis, screen, limits, recorder)
                if recorder is not None:
                    recorder.finish(analysis.watched_until_ns)
        if as_json:
            print(json.dumps({"type": "report", "report": _document(report, show_accounts)}), flush=True)
        else:
            _print_report(report, False, False, show_accounts, verbose, quiet)


def _announce(source: LiveSource, as_json: bool) -> None:
    """Say that the socket is armed: scripts wait for this line."""
    if as_json:
        print(
            json.dumps({"type": "listening", "interface": source.interface, "link_type": source.link_type}), flush=True
        )
    print(f"listening on {source.interface}, link type {source.link_type}, Ctrl-C stops", file=sys.stderr, flush=True)


@contextmanager
def _stopping(source: LiveSource) -> Iterator[None]:
    """Let Ctrl-C and a termination signal end the capture, not the report."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        source.stop()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _screen(source: LiveSource, ports: Ports, as_json: bool, quiet: bool, show_accounts: bool) -> LiveScreen | Lines:
    """Choose how a live capture is shown."""
    from ibsniff.capture.traffic import traffic_hint
    from ibsniff.screens import JsonLines, Lines, LiveScreen

    def hint() -> str:
        return traffic_hint(source.interface, ports.filter)

    console = _console()
    if as_json:
        return JsonLines(_say, _complain_line, show_accounts, hint)
    if quiet:
        return Lines(lambda _line: None, _complain_line, show_accounts, hint)
    if console.is_terminal:
        return LiveScreen(console, show_accounts, hint)
    return Lines(_say, _complain_line, show_accounts, hint)


def _say(line: str) -> None:
    print(line, flush=True)


def _complain_line(line: str) -> None:
    print(f"ibsniff: {line}", file=sys.stderr, flush=True)


def _duration(text: str | None) -> float | None:
    """Read ``duration:SECONDS``."""
    if text is None:
        return None
    kind, _, amount = text.partition(":")
    try:
        if kind == "duration" and (seconds := float(amount)) > 0:
            return seconds
    except ValueError:
        pass
    raise UserError(f"-a {text}: not understood.", "Give duration:SECONDS, as duration:30.", ExitCode.USAGE)


@app.command()
def interfaces() -> None:
    """List what can be sniffed, and which interface carries TWS traffic."""
    from rich.table import Table

    from ibsniff.capture.interfaces import list_interfaces

    with _edges():
        table = Table(box=None, pad_edge=False)
        for heading in ("interface", "addresses", "state", "carries"):
            table.add_column(heading, overflow="fold")
        for one in list_interfaces():
            table.add_row(one.name, "\n".join(one.addresses), "up" if one.up else "down", one.hint)
        _console().print(table)


@app.command()
def regress(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where the scenarios are.")] = Path("captures"),
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the results as JUnit XML.")] = None,
    update: Annotated[bool, typer.Option("--update", help="Rewrite the promises as found, for your review.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Hold every recorded scenario against its promise."""
    from ibsniff import regress as regression

    with _edges():
        results = []
        for scenario in regression.find_scenarios(folder):
            result = regression.run(scenario)
            results.append(result)
            if not result.kept:
                print(f"{scenario.folder}: {scenario.title}", *result.difference(), sep="\n  ")
                if update:
                    regression.update(result)
            elif not quiet:
                print(f"{scenario.folder}: kept")
        broken = sum(not result.kept for result in results)
        print(f"{len(results) - broken} kept, {broken} {'rewritten' if update else 'broken'}")
        if junit is not None:
            _write_text(junit, regression.junit(results))
        if broken and not update:
            raise typer.Exit(ExitCode.FINDINGS)


def _write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror or error}.", "Name another file.", ExitCode.USAGE
        ) from None


@app.command()
def explain(code: Annotated[str, typer.Argument(metavar="CODE", help="A rule's code, as IBS301.")]) -> None:
    """Say what a code means, why it is believed, and what to do."""
    from ibsniff.rules import all_rules

    with _edges():
        found = next((rule for rule in all_rules() if rule.code == code.upper()), None)
        if found is None:
            raise UserError(f"{code}: no such code.", "'ibsniff rules' lists them all.", ExitCode.USAGE)
        print(f"{found.code} {found.name} ({found.severity})\n\n{found.text}")


@app.command()
def rules() -> None:
    """List every rule."""
    from ibsniff.rules import all_rules

    with _edges():
        for rule in all_rules():
            print(f"{rule.code}  {rule.severity:<7}  {rule.title}")


@app.command()
def simulate(
    mode: Annotated[str, typer.Argument(metavar="MODE", help="How it behaves; 'list' names them.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = 7497,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    server_version: Annotated[int, typer.Option(help="Highest version it offers.")] = 178,
    delay: Annotated[float, typer.Option(min=0, help="Seconds the slow modes take.")] = 3.0,
) -> None:
    """Stand in for a TWS that behaves, or misbehaves: to try ibsniff without one."""
    from ibsniff import standin

    with _edges():
        if mode == "list":
            for name, line in standin.MODES.items():
                print(f"{name:<20} {line}")
            return
        standin.serve(mode, host, port, server_version=server_version, delay=delay, on_event=_say)


@app.command()
def demo() -> None:
    """Read three recorded cases: one error text in the client, three causes."""
    from ibsniff.reading import Ports, read_files
    from ibsniff.regress import load_scenario

    with _edges():
        root = _shipped_captures()
        for number, name in enumerate(DEMO, 1):
            scenario = load_scenario(root / name)
            print(f"\n{number}. The client says: TimeoutError.  ibsniff read {name}/{scenario.capture.name} says:\n")
            _print_report(read_files([str(scenario.capture)], Ports()).report, False, False, False, False, False)


def _shipped_captures() -> Path:
    """Where the demo's scenarios are: inside the wheel, or beside the package in a checkout.

    Raises UserError when they are in neither place.
    """
    package = Path(__file__).parent
    for root in (package / "captures", package.parent / "captures"):
        if (root / DEMO[0]).is_dir():
            return root
    raise UserError(
        "the demo's captures are not installed.", "Install ibsniff from its wheel, or run it in a checkout."
    )


if __name__ == "__main__":
    main()
