"""``ibsniff flow``: a conversation as a sequence diagram, as sngrep draws calls."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ibsniff.cli.app import (
    AccountsOption,
    PortOption,
    UtcOption,
    VerboseOption,
    app,
    chosen_clock,
    console,
    handle_errors,
)
from ibsniff.cli.filters import (
    ClientOption,
    ConversationOption,
    Filters,
    FromOption,
    ServerOption,
    ToOption,
    filters_of,
)
from ibsniff.model import ExitCode, UserError

if TYPE_CHECKING:
    from ibsniff.clock import Clock
    from ibsniff.model import Conversation, Report

MAX_DRAWN = 20
"""Conversations drawn at once: more than anybody compares."""


@app.command()
def flow(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A capture, as for 'read'; - is standard input.")],
    conversation: ConversationOption = None,
    client: ClientOption = None,
    server: ServerOption = None,
    since: FromOption = None,
    until: ToOption = None,
    port: PortOption = None,
    show_accounts: AccountsOption = False,
    utc: UtcOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Draw a conversation: client at the left, server at the right, time runs down.

    Without --conversation the one that the report is about; -v also draws each message that is kept, and the first bytes.
    """
    from ibsniff.analysis.api_traffic import parse_ports
    from ibsniff.analysis.reading import InputReader, collect, result_or_error

    with handle_errors():
        clock = chosen_clock(utc)
        filters = filters_of(conversation, client, server, since, until, clock)
        reader = InputReader(parse_ports(port or ()))
        reading = collect(
            result_or_error(lambda path: reader.read(path, stdin=sys.stdin.buffer), path) for path in [file]
        )
        if reading.unreadable:
            raise reading.unreadable[0]
        _draw(reading.report, filters, show_accounts, verbose, clock)


def _draw(report: Report, filters: Filters, show_accounts: bool, verbose: bool, clock: Clock) -> None:
    from ibsniff.render.diagram import diagram, proof_of
    from ibsniff.render.flow import FlowScreen, others_line
    from ibsniff.render.screen import ConsoleWriter
    from ibsniff.render.text import Masker

    screen = console()
    writer = ConsoleWriter(Masker.for_report(report, show_accounts), screen.options.ascii_only, clock=clock)
    drawn = _chosen(report, filters)[:MAX_DRAWN]
    for number, one in enumerate(drawn):
        if number:
            screen.print()
        beginning_ns = report.inputs[one.input].first_time_ns or 0
        made = diagram(one, proof_of(report, one), verbose=verbose)
        shown = made.within(partial(filters.takes_time, beginning_ns=beginning_ns))
        screen.print(FlowScreen(shown, writer, verbose))
    if line := others_line(report, drawn):
        screen.print(writer.literal(line, "dim"))


def _chosen(report: Report, filters: Filters) -> list[Conversation]:
    """The conversations that the options name; without such options the one that the report is about.

    Raises UserError if there is none.
    """
    from ibsniff.render.headline import NO_CONVERSATION
    from ibsniff.render.report_view import view_of

    found = [one for one in report.conversations if filters.takes_conversation(one.id, one.connection)]
    if not report.conversations:
        raise UserError(NO_CONVERSATION[0].lower() + NO_CONVERSATION[1:].removesuffix("."), "Try 'ibsniff read FILE'")
    if not found:
        what = "none of the conversations is chosen by --conversation, --client and --server"
        ids = " to ".join(dict.fromkeys((report.conversations[0].id, report.conversations[-1].id)))
        raise UserError(what, f"The capture has {ids}; 'ibsniff read FILE' lists them", ExitCode.USAGE)
    if len(found) < len(report.conversations):
        return found
    return [*view_of(report).shown[:1]] or found[:1]
