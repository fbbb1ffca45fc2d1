"""``ibsniff live`` and ``ibsniff interfaces``: say it while it happens."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ibsniff.cli.app import (
    AccountsOption,
    PortOption,
    QuietOption,
    VerboseOption,
    app,
    as_document,
    console,
    edges,
    print_report,
    say,
)
from ibsniff.model import ExitCode, UserError

if TYPE_CHECKING:
    from types import FrameType

    from ibsniff.capture.live import LiveSource
    from ibsniff.reading import Ports
    from ibsniff.screens import Lines, LiveScreen


class Backend(StrEnum):
    """Ways to capture; ``auto`` is the socket on Linux and scapy elsewhere."""

    AUTO = "auto"
    SOCKET = "socket"
    SCAPY = "scapy"


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
    backend: Annotated[Backend, typer.Option(help="How to capture: a packet socket (Linux), or scapy.")] = Backend.AUTO,
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
    from ibsniff.render.text import json_text
    from ibsniff.watching import Limits, follow

    with edges():
        if str(write) == "-":
            raise UserError("-w -: packets are kept in a file only", "Name a file: -w case.pcapng", ExitCode.USAGE)
        ports, limits = parse_ports(port or []), Limits(count, _duration(stop_after), until_verdict)
        with open_live(interface, ports.filter, backend) as source:
            analysis = Analysis(source.facts, ports.api, any_port=ports.any)
            recorder = Recorder(write, source) if write else None
            _announce(source, as_json)
            with _stopping(source), _screen(source, ports, as_json, quiet, show_accounts) as screen:
                report = follow(source.events(), analysis, screen, limits, recorder)
            if recorder is not None:
                recorder.finish(analysis.watched_until_ns)
        if as_json:
            say(json_text({"type": "report", "report": as_document(report, show_accounts)}))
        else:
            print_report(report, False, False, show_accounts, verbose, quiet)
        if recorder is not None and recorder.failure is not None:
            raise recorder.failure


def _announce(source: LiveSource, as_json: bool) -> None:
    """Say that the socket is armed: scripts wait for this line."""
    from ibsniff.render.text import json_text, prose

    if as_json:
        say(json_text({"type": "listening", "interface": source.interface, "link_type": source.link_type}))
    armed = f"listening on {source.interface}, link type {source.link_type}, Ctrl-C stops"
    print(prose(armed), file=sys.stderr, flush=True)


@contextmanager
def _stopping(source: LiveSource) -> Iterator[None]:
    """Let Ctrl-C, a termination signal and a closed terminal end the capture, not the report."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        source.stop()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    ends = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    wanted = [number for number in ends if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in wanted}
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
        return traffic_hint(source.interface, ports.filter, source.crossed_before)

    screen = console()
    if as_json:
        return JsonLines(say, _complain_line, show_accounts, hint)
    if quiet:
        return Lines(lambda _line: None, _complain_line, show_accounts, hint)
    if screen.is_terminal:
        return LiveScreen(screen, show_accounts, hint)
    return Lines(say, _complain_line, show_accounts, hint)


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
