"""``ibsniff live`` and ``ibsniff interfaces``: say it while it happens."""

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
    VerboseOption,
    app,
    as_document,
    console,
    edges,
    has_finding,
    only_one_of,
    print_report,
    say,
)
from ibsniff.model import ExitCode, UserError

if TYPE_CHECKING:
    from ibsniff.analysis.reading import Ports
    from ibsniff.analysis.watching import Limits
    from ibsniff.capture.interface_choice import InterfaceChoice
    from ibsniff.capture.live import LiveSource
    from ibsniff.capture.ring_files import Ring
    from ibsniff.cli.audience import Audience
    from ibsniff.model import Report


class Backend(StrEnum):
    """Ways to capture; ``auto`` is the socket on Linux and scapy elsewhere."""

    AUTO = "auto"
    SOCKET = "socket"
    SCAPY = "scapy"


@app.command()
def live(
    interface: Annotated[
        list[str] | None,
        typer.Option(
            "-i",
            "--interface",
            metavar="NAME|any",
            help="Where to listen; repeatable. Without it: where API traffic is, or would be.",
            autocompletion=completion.interfaces,
        ),
    ] = None,
    port: PortOption = None,
    write: Annotated[
        Path | None, typer.Option("-w", "--write", metavar="FILE", help="Keep the packets (pcapng).")
    ] = None,
    ring: Annotated[
        list[str] | None,
        typer.Option(
            "-b",
            metavar="KIND:N",
            help="With -w: a new file after duration:SECONDS or filesize:KB, and keep only files:N; repeatable.",
        ),
    ] = None,
    count: Annotated[int | None, typer.Option("-c", metavar="N", min=1, help="Stop after so many packets.")] = None,
    stop_after: Annotated[str | None, typer.Option("-a", metavar="duration:SECONDS", help="Stop after a time.")] = None,
    until_verdict: Annotated[
        bool, typer.Option("--until-verdict", help="Stop when the first conversation is ready, or has failed.")
    ] = False,
    patience: PatienceOption = None,
    on_verdict: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND", help="Run a shell command for each verdict; IBSNIFF_* in its environment say it."
        ),
    ] = None,
    fail_on: FailOnOption = None,
    follow: Annotated[bool, typer.Option("--follow", help="Print messages as they come, a line each.")] = False,
    process: Annotated[
        bool, typer.Option("--process", help="Name the processes behind both ends, where they are on this machine.")
    ] = False,
    backend: Annotated[Backend, typer.Option(help="How to capture: a packet socket (Linux), or scapy.")] = Backend.AUTO,
    as_json: Annotated[bool, typer.Option("--json", help="NDJSON events, and the document as the last.")] = False,
    show_accounts: AccountsOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say it while it happens: sniff interfaces until Ctrl-C."""
    from ibsniff.analysis.pipeline import Analysis
    from ibsniff.analysis.reading import parse_ports
    from ibsniff.analysis.watching import Follower, Limits
    from ibsniff.analysis.watching import follow as follow_until
    from ibsniff.capture.live import open_live
    from ibsniff.capture.traffic_hint import traffic_hint
    from ibsniff.cli.audience import Audience, Wishes
    from ibsniff.cli.ending import stopping
    from ibsniff.recording.recorder import Recorder

    with edges():
        only_one_of(q=quiet, v=verbose)
        only_one_of(json=as_json, follow=follow)
        only_one_of(q=quiet, follow=follow)
        ports, limits = parse_ports(port or []), Limits(count, _duration(stop_after), until_verdict)
        turning = _ring(ring or [], write)
        choice = _choice(interface, ports)
        wishes = Wishes(as_json, quiet, follow, show_accounts, on_verdict, process)
        with open_live(choice.names, ports.filter, backend) as source:
            names = [each.name for each in source.interfaces]
            hint = partial(traffic_hint, names, ports.filter, source.packets_before)
            audience = Audience(wishes, hint, source.stop, choice.reason)
            recorder = Recorder(write, source, turning) if write else None
            analysis = Analysis(source.record, ports.api, any_port=ports.any, patience=patience)
            given_up = _drop_privileges(process)
            try:
                with stopping(source.stop):
                    _announce(source, choice, given_up, as_json)
                    with audience:
                        follower = Follower(analysis, audience, limits, recorder, time.monotonic, time.process_time)
                        report = follow_until(source.events(as_columns=count is None and not follow), follower)
            finally:
                if recorder is not None:
                    recorder.finish(analysis.watched_until_ns)
        if as_json:
            _say_json({"type": "report", "report": as_document(report, show_accounts)})
        else:
            print_report(report, False, False, show_accounts, verbose, quiet)
            _print_seen_here(audience, quiet)
        if recorder is not None and recorder.failure is not None:
            raise recorder.failure
        if fail_on is not None and (has_finding(report, fail_on) or _is_missing_verdict(report, limits)):
            raise typer.Exit(ExitCode.FINDINGS)


def _is_missing_verdict(report: Report, limits: Limits) -> bool:
    """Say that there is no verdict, where one was waited for: a script must not pass on nothing."""
    from ibsniff.analysis.watching import verdict_reached
    from ibsniff.cli.audience import complain_line

    if not limits.until_verdict or verdict_reached(report):
        return False
    complain_line("no verdict was reached")
    return True


def watch_pipe(stdin: BinaryIO, ports: Ports, patience: float | None, show_accounts: bool) -> Report:
    """Watch a capture that comes through a pipe as it is written; return the report at its end.

    Raises UserError when it is no capture.
    """
    from ibsniff.analysis.pipeline import Analysis
    from ibsniff.analysis.watching import Follower, Limits
    from ibsniff.capture.pipe import LivePipe
    from ibsniff.cli.audience import Audience, Wishes
    from ibsniff.cli.ending import stopping

    with LivePipe(stdin) as source:
        analysis = Analysis(source.record, ports.api, any_port=ports.any, patience=patience)
        audience = Audience(Wishes(show_accounts=show_accounts), lambda: "", source.stop)
        with stopping(source.stop), audience:
            follower = Follower(analysis, audience, Limits(), None, time.monotonic, time.process_time)
            source.push(follower.take)
            return follower.finish()


def _choice(named: list[str] | None, ports: Ports) -> InterfaceChoice:
    """Where to listen: as the user says, else by evidence."""
    from ibsniff.capture.interface_choice import InterfaceChoice, choose_interfaces

    return InterfaceChoice(tuple(named), "") if named else choose_interfaces(ports.filter)


def _ring(options: list[str], write: Path | None) -> Ring | None:
    """Read ``-b``. Raises UserError when there is no file to turn over, or none at all: ``-w -``."""
    from ibsniff.capture.ring_files import parse_ring_options

    if str(write) == "-":
        raise UserError("-w -: packets are kept in a file only", "Name a file: -w case.pcapng", ExitCode.USAGE)
    ring = parse_ring_options(options)
    if ring is not None and write is None:
        raise UserError("-b without -w: no file is written", "Name it: -w case.pcapng", ExitCode.USAGE)
    return ring


def _drop_privileges(process: bool) -> str:
    """Give up what only the opening of the sockets needed; what was given up, in words.

    Root itself, not reached through sudo, keeps what it has for ``--process``: without its capabilities it may not look
    at processes that have them, and those of a container all do.
    """
    from ibsniff.capture.privilege import caller, drop_privileges

    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if process and is_root and caller() is None:
        return "keeps root's rights, for --process"
    try:
        return drop_privileges()
    except OSError as error:
        return f"could not give up the privileges of capturing: {error.strerror or error}"


def _announce(source: LiveSource, choice: InterfaceChoice, given_up: str, as_json: bool) -> None:
    """Say that the sockets are armed: scripts wait for this line. Then why these, and what was given up."""
    from ibsniff.render.report_view import link_name
    from ibsniff.render.text import prose

    names = " and ".join(each.name for each in source.interfaces)
    types = list(dict.fromkeys(each.link_type for each in source.interfaces))
    if as_json:
        each_one = [{"name": each.name, "link_type": each.link_type} for each in source.interfaces]
        _say_json({"type": "listening", "interface": names, "link_type": types[0], "interfaces": each_one})
    said = [f"listening on {names} ({' and '.join(map(link_name, types))}), Ctrl-C stops", choice.reason, given_up]
    for line in filter(None, said):
        print(prose(line), file=sys.stderr, flush=True)


def _say_json(row: dict[str, object]) -> None:
    from ibsniff.render.text import json_text

    say(json_text(row))


def _print_seen_here(audience: Audience, quiet: bool) -> None:
    """What the tables of this machine say of the conversations' ends: no part of the report, which is of packets alone."""
    lines = audience.seen_on_this_machine()
    if lines and not quiet:
        from rich.padding import Padding
        from rich.text import Text

        screen = console()
        screen.print("\nSeen on this machine")
        for line in lines:
            screen.print(Padding(Text(line), (0, 0, 0, 2), expand=False))
        sys.stdout.flush()


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
    raise UserError(f"-a {text}: not understood", "Give duration:SECONDS, as duration:30", ExitCode.USAGE)


@app.command()
def interfaces() -> None:
    """List what can be sniffed, and which interface carries TWS traffic."""
    from rich.table import Table

    from ibsniff.capture.interfaces import list_interfaces
    from ibsniff.render.text import prose

    with edges():
        table = Table(box=None, pad_edge=False)
        for heading in ("interface", "addresses", "state", "carries"):
            table.add_column(heading, overflow="fold")
        for one in list_interfaces():
            addresses = "\n".join(map(prose, one.addresses))
            table.add_row(prose(one.name), addresses, "up" if one.up else "down", prose(one.hint))
        console().print(table)
