"""``ibsniff live`` and ``ibsniff interfaces``: capture packets and analyse them as they come."""

from __future__ import annotations

import os
import sys
import time
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from ibsniff.cli import completion
from ibsniff.cli.app import (
    AccountsOption,
    FailOnOption,
    PatienceOption,
    PortOption,
    QuietOption,
    UtcOption,
    VerboseOption,
    app,
    as_document,
    chosen_clock,
    console,
    handle_errors,
    has_finding,
    only_one_of,
    print_line,
    print_report,
)
from ibsniff.model import ExitCode, UserError

if TYPE_CHECKING:
    from ibsniff.analysis.api_traffic import Ports
    from ibsniff.analysis.following import Limits
    from ibsniff.capture.interface_choice import InterfaceChoice
    from ibsniff.capture.live import LiveSource
    from ibsniff.capture.ring_files import Ring
    from ibsniff.clock import Clock
    from ibsniff.model import MachineReport, Report
    from ibsniff.recording.recorder import Recorder


class Backend(StrEnum):
    """Ways to capture; ``auto`` is a packet socket on Linux, and scapy on other systems."""

    AUTO = "auto"
    SOCKET = "socket"
    SCAPY = "scapy"


@app.command()
def live(
    named: Annotated[
        list[str] | None,
        typer.Argument(metavar="INTERFACE", help="The same as -i.", autocompletion=completion.interfaces),
    ] = None,
    interface: Annotated[
        list[str] | None,
        typer.Option(
            "-i",
            "--interface",
            metavar="NAME|any",
            help="Interface to capture on; repeatable. By default those with API traffic, or where it would be.",
            autocompletion=completion.interfaces,
        ),
    ] = None,
    port: PortOption = None,
    write: Annotated[
        Path | None, typer.Option("-w", "--write", metavar="FILE", help="Write the packets to a pcapng file.")
    ] = None,
    ring: Annotated[
        list[str] | None,
        typer.Option(
            "-b",
            metavar="KIND:N",
            help="With -w: start a new file after duration:SECONDS or filesize:KB, and keep the newest files:N; repeatable.",
        ),
    ] = None,
    count: Annotated[int | None, typer.Option("-c", metavar="N", min=1, help="Stop after N packets.")] = None,
    stop_after: Annotated[
        str | None, typer.Option("-a", metavar="duration:SECONDS", help="Stop after this time.")
    ] = None,
    until_verdict: Annotated[
        bool, typer.Option("--until-verdict", help="Stop when the first conversation is ready or has failed.")
    ] = False,
    patience: PatienceOption = None,
    on_verdict: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="Run a shell command for each verdict, which it gets in environment variables IBSNIFF_*. It runs without "
            "root's privileges, under sudo as the user who ran it.",
        ),
    ] = None,
    on_verdict_as_root: Annotated[
        bool,
        typer.Option(
            "--on-verdict-as-root", help="Run that command with root's privileges; ibsniff then keeps them, too."
        ),
    ] = False,
    fail_on: FailOnOption = None,
    follow: Annotated[bool, typer.Option("--follow", help="Print each message as it comes, one on each line.")] = False,
    process: Annotated[
        bool, typer.Option("--process", help="Show which processes of this machine have the connections open.")
    ] = False,
    backend: Annotated[
        Backend, typer.Option(help="How to capture: with a packet socket (Linux only) or with scapy.")
    ] = Backend.AUTO,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print events as NDJSON; the last one contains the JSON document.")
    ] = False,
    show_accounts: AccountsOption = False,
    utc: UtcOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Capture on network interfaces and report what happens, until Ctrl-C."""
    from ibsniff.analysis.api_traffic import parse_ports
    from ibsniff.analysis.following import Follower, Limits
    from ibsniff.analysis.following import follow as follow_until
    from ibsniff.analysis.pipeline import Analysis
    from ibsniff.capture.live import open_live
    from ibsniff.capture.traffic_hint import traffic_hint
    from ibsniff.cli.ending import stopped_by_signals
    from ibsniff.cli.live_output import LiveOutput, OutputOptions
    from ibsniff.recording.recorder import Recorder

    with handle_errors():
        only_one_of(q=quiet, v=verbose)
        only_one_of(json=as_json, follow=follow)
        only_one_of(q=quiet, follow=follow)
        ports, limits = parse_ports(port or []), Limits(count, _duration(stop_after), until_verdict)
        turning = _ring(ring or [], write)
        choice = _choice([*(named or []), *(interface or [])], ports)
        clock = chosen_clock(utc)
        options = OutputOptions(as_json, quiet, follow, show_accounts, on_verdict, process, on_verdict_as_root, clock)
        with open_live(choice.names, ports.filter, backend) as source:
            names = [each.name for each in source.interfaces]
            hint = partial(traffic_hint, names, ports.filter, source.packets_before)
            output = LiveOutput(options, hint, source.stop, choice.reason)
            source.backlog.tell = output.tell
            recorder = Recorder(write, source, turning) if write else None
            output.machine_reported = partial(_keep, source, recorder)
            analysis = Analysis(source.record, ports.api, any_port=ports.any, patience=patience)
            given_up = _drop_privileges(process, on_verdict_as_root)
            try:
                with stopped_by_signals(source.stop, source.backlog.give_up):
                    _announce(source, choice, given_up, as_json)
                    with output:
                        follower = Follower(analysis, output, limits, recorder, time.monotonic, time.process_time)
                        report = follow_until(source.events(as_columns=count is None and not follow), follower)
            finally:
                if recorder is not None:
                    recorder.finish(analysis.watched_until_ns)
        report = report._replace(inputs=(analysis.facts,))  # with what this machine has reported last
        if as_json:
            _print_json({"type": "report", "report": as_document(report, show_accounts)})
        else:
            print_report(report, False, False, show_accounts, verbose, quiet, clock)
        if recorder is not None:
            _tell_files(recorder)
            if recorder.failure is not None:
                raise recorder.failure
        if fail_on is not None and (has_finding(report, fail_on) or _is_missing_verdict(report, limits)):
            raise typer.Exit(ExitCode.FINDINGS)


def _is_missing_verdict(report: Report, limits: Limits) -> bool:
    """Report that there is no verdict though ``--until-verdict`` asked for one: a script must not succeed without it."""
    from ibsniff.analysis.changes import verdict_reached
    from ibsniff.cli.live_output import print_message

    if not limits.until_verdict or verdict_reached(report):
        return False
    print_message("the capture ended before any verdict was reached")
    return True


def watch_pipe(stdin: BinaryIO, ports: Ports, patience: float | None, show_accounts: bool, clock: Clock) -> Report:
    """Show a capture that comes through a pipe while it grows, and return the report at its end.

    Raises UserError if it is not a capture.
    """
    from ibsniff.analysis.following import Follower, Limits
    from ibsniff.analysis.pipeline import Analysis
    from ibsniff.capture.pipe import LivePipe
    from ibsniff.cli.ending import stopped_by_signals
    from ibsniff.cli.live_output import LiveOutput, OutputOptions

    with LivePipe(stdin) as source:
        analysis = Analysis(source.record, ports.api, any_port=ports.any, patience=patience)
        output = LiveOutput(OutputOptions(show_accounts=show_accounts, clock=clock), lambda: "", source.stop)
        with stopped_by_signals(source.stop), output:
            follower = Follower(analysis, output, Limits(), None, time.monotonic, time.process_time)
            source.push(follower.take)
            return follower.finish()


def _choice(named: list[str], ports: Ports) -> InterfaceChoice:
    """Choose the interfaces: those that the user names, otherwise those with API traffic.

    Raises UserError for a file, which is not captured but read.
    """
    from ibsniff.capture.interface_choice import InterfaceChoice, choose_interfaces

    file = next((name for name in named if "." in name and Path(name).is_file()), None)
    if file is not None:
        raise UserError(f"{file} is a file, not an interface", f"To read it: ibsniff read {file}", ExitCode.USAGE)
    return InterfaceChoice(tuple(dict.fromkeys(named)), "") if named else choose_interfaces(ports.filter)


def _ring(options: list[str], write: Path | None) -> Ring | None:
    """Read ``-b``. Raises UserError if no file is written, and for ``-w -``."""
    from ibsniff.capture.ring_files import parse_ring_options

    if str(write) == "-":
        raise UserError("-w -: packets are not written to stdout", "Name a file: -w case.pcapng", ExitCode.USAGE)
    ring = parse_ring_options(options)
    if ring is not None and write is None:
        raise UserError("-b needs -w", "Name the file: -w case.pcapng", ExitCode.USAGE)
    return ring


def _drop_privileges(process: bool, on_verdict_as_root: bool) -> str:
    """Give up the privileges that only opening the sockets needed, and return a line that says so.

    With ``--process``, root itself (not reached through sudo) keeps its capabilities: without them it cannot look at
    processes that have them, and all processes of a container do. With ``--on-verdict-as-root``, root keeps them too.
    """
    from ibsniff.capture.privilege import caller, drop_privileges

    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if on_verdict_as_root and is_root:
        return "keeping the privileges of root, because --on-verdict-as-root needs them"
    if process and is_root and caller() is None:
        return "keeping the privileges of root, because --process needs them"
    try:
        return drop_privileges()
    except OSError as error:
        return f"could not give up the privileges of capturing: {error.strerror or error}"


def _announce(source: LiveSource, choice: InterfaceChoice, given_up: str, as_json: bool) -> None:
    """Print that the capture has begun, a line that scripts wait for; then why here, and which privileges were given up."""
    from ibsniff.render.report_view import link_name
    from ibsniff.render.text import visible_line

    names = " and ".join(each.name for each in source.interfaces)
    types = list(dict.fromkeys(each.link_type for each in source.interfaces))
    if as_json:
        each_one = [{"name": each.name, "link_type": each.link_type} for each in source.interfaces]
        _print_json({"type": "listening", "interface": names, "link_type": types[0], "interfaces": each_one})
    lines = [f"listening on {names} ({' and '.join(map(link_name, types))}), Ctrl-C stops", choice.reason, given_up]
    for line in filter(None, lines):
        print(visible_line(line), file=sys.stderr, flush=True)


def _print_json(row: dict[str, object]) -> None:
    from ibsniff.render.text import json_text

    print_line(json_text(row))


def _keep(source: LiveSource, recorder: Recorder | None, said: MachineReport) -> None:
    """Make what this machine says part of the report, and of the file."""
    source.record.add_machine_report(said)
    if recorder is not None:
        recorder.add_machine_report(said)


def _tell_files(recorder: Recorder) -> None:
    """Print the names of the files of a ring: they are made while nobody reads them."""
    from ibsniff.cli.live_output import print_message
    from ibsniff.render.text import visible_line

    for line in recorder.ring_in_words():
        print_message(visible_line(line))


def _duration(text: str | None) -> float | None:
    """Read ``duration:SECONDS``."""
    if text is None:
        return None
    kind, _, amount = text.partition(":")
    try:
        if kind == "duration" and 0 < (seconds := float(amount)) < float("inf"):
            return seconds
    except ValueError:
        pass
    raise UserError(f"-a {text}: not understood", "Give duration:SECONDS, for example duration:30", ExitCode.USAGE)


@app.command()
def interfaces() -> None:
    """List the network interfaces, and say which of them carry TWS traffic."""
    from rich.table import Table

    from ibsniff.capture.interfaces import list_interfaces
    from ibsniff.render.text import visible_line

    with handle_errors():
        table = Table(box=None, pad_edge=False)
        for heading in ("interface", "addresses", "state", "traffic"):
            table.add_column(heading, overflow="fold")
        for one in list_interfaces():
            addresses = "\n".join(map(visible_line, one.addresses))
            table.add_row(visible_line(one.name), addresses, "up" if one.up else "down", visible_line(one.hint))
        console().print(table)
