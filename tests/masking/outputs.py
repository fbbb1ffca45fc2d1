"""Every form of output there is, made of one packet script: what a user may paste into a ticket, and what programs read."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from live_events import events
from rich.console import Console, RenderableType
from wire import Wire

from ibsniff.analysis.api_traffic import Ports
from ibsniff.analysis.following import Follower, Limits, follow
from ibsniff.analysis.pipeline import Analysis
from ibsniff.analysis.reading import read_files
from ibsniff.analysis.streams import StreamReader
from ibsniff.capture.input_record import InputRecord
from ibsniff.cli.on_verdict import environment
from ibsniff.model import Report
from ibsniff.render import overview, terminal, transcript
from ibsniff.render import streams as stream_page
from ibsniff.render.connection_table import ConnectionTable, TableView
from ibsniff.render.document import document
from ibsniff.render.markdown import markdown
from ibsniff.render.report_view import verdict_line
from ibsniff.render.text import Masker, json_text
from ibsniff.screens import JsonLines, Lines, MessageLines


def every_output(wire: Wire, path: Path, show_accounts: bool = False) -> dict[str, str]:
    """Name of the output -> what it says of this conversation, which is written to ``path`` first."""
    wire.write(path, ended=30.0)
    report = read_files([str(path)], Ports(any=True)).report
    made = dict(of_report(report, show_accounts))
    made |= of_streams(wire, show_accounts)
    made |= {form.__name__: "\n".join(live(wire, form, show_accounts)) for form in (Lines, JsonLines, MessageLines)}
    return made


def of_report(report: Report, show_accounts: bool) -> Iterator[tuple[str, str]]:
    for verbose in (False, True):
        yield (
            f"screen, verbose {verbose}",
            drawn(terminal.renderable(report, verbose=verbose, show_accounts=show_accounts)),
        )
    yield "live table", drawn(ConnectionTable(report, TableView(), show_accounts))
    yield "overview", drawn(overview.OverviewTable([overview.row(report, show_accounts)], is_cropped=False))
    yield "-q", verdict_line(report, show_accounts=show_accounts)
    yield "--markdown", markdown(report, show_accounts=show_accounts)
    yield "--json", json.dumps(document(report, "1", show_accounts), indent=2)
    yield "--ndjson", json_text(document(report, "1", show_accounts))
    masker = Masker.for_report(report, show_accounts)
    for conversation in report.conversations:
        yield f"--on-verdict {conversation.id}", str(environment(conversation, masker, 0))


def of_streams(wire: Wire, show_accounts: bool) -> dict[str, str]:
    listed = [StreamReader(InputRecord("capture.pcapng")).run(wire.frames())]
    made = {
        "streams": drawn(stream_page.StreamScreen(listed)),
        "streams --json": json.dumps(stream_page.document(listed, "1", show_accounts)),
    }
    for name, shown in (("text", transcript.as_text), ("hex", transcript.as_hex)):
        reader = StreamReader(InputRecord("capture.pcapng"))
        chunks = reader.follow(wire.frames(), 0)
        if show_accounts:
            safe = transcript.unmasked(chunks)
        else:
            safe = transcript.masked(chunks, lambda reader=reader: reader.accounts, reader.account_places)
        made[f"streams --follow, {name}"] = "\n".join(shown(safe))
    return made


def live(wire: Wire, form: Callable[..., Lines], show_accounts: bool) -> list[str]:
    printed: list[str] = []
    record = InputRecord("lo", is_live=True)
    with form(printed.append, printed.append, show_accounts, lambda: "") as lines:
        follow(events(record, wire, 6.0), Follower(Analysis(record), lines, Limits()))
    return printed


def drawn(what: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=200, height=200, highlight=False, emoji=False, markup=False)
    with console.capture() as captured:
        console.print(what)
    return captured.get()
