"""``ibsniff requests``: what a client asked TWS for, and what became of each request and order."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ibsniff import __version__
from ibsniff.cli.app import AccountsOption, PortOption, UtcOption, app, chosen_clock, handle_errors
from ibsniff.cli.errors import print_error
from ibsniff.cli.filters import (
    ClientOption,
    ConversationOption,
    Filters,
    FromOption,
    NameOption,
    RequestOption,
    ServerOption,
    ToOption,
    filters_of,
)
from ibsniff.formatting import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ibsniff.clock import Clock
    from ibsniff.model import Report
    from ibsniff.render.requests import ListedRequest

MAX_LISTED = 200_000
"""Requests of one conversation that are listed, half a kilobyte each; a client may send fifty a second, all day."""


@app.command()
def requests(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Captures, as for 'read'; - is standard input.")],
    only_open: Annotated[
        bool, typer.Option("--open", help="Only requests without an answer, or with answers that still come.")
    ] = False,
    conversation: ConversationOption = None,
    client: ClientOption = None,
    server: ServerOption = None,
    request: RequestOption = None,
    name: NameOption = None,
    since: FromOption = None,
    until: ToOption = None,
    port: PortOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document (schema version 1).")] = False,
    show_accounts: AccountsOption = False,
    utc: UtcOption = False,
) -> None:
    """List the requests and orders of API clients: when each was sent, answered, completed or rejected."""
    from ibsniff.analysis.api_traffic import parse_ports
    from ibsniff.analysis.reading import InputReader, collect, result_or_error

    with handle_errors():
        clock = chosen_clock(utc)
        filters = filters_of(conversation, client, server, since, until, clock)._replace(request=request, name=name)
        reader = InputReader(parse_ports(port or ()), keep_requests=MAX_LISTED)
        reading = collect(
            result_or_error(lambda path: reader.read(path, stdin=sys.stdin.buffer), path) for path in files
        )
        for error in reading.unreadable:
            print_error(error)
        if reading.report.inputs:
            _print(reading.report, filters, only_open, as_json, show_accounts, clock)
        if reading.unreadable:
            raise typer.Exit(reading.unreadable[0].exit_code)


def _print(report: Report, filters: Filters, only_open: bool, as_json: bool, show_accounts: bool, clock: Clock) -> None:
    from ibsniff.cli.app import for_stdout
    from ibsniff.render.requests import document, request_lines, summary_line
    from ibsniff.render.text import Masker

    masker = Masker.for_report(report, show_accounts)
    listed = [each for each in _chosen(report, filters) if not only_open or each.request.ended is None]
    omitted = sum(one.dialogue.requests.asked - len(one.dialogue.requests.listed()) for one in report.conversations)
    if as_json:
        json.dump(document(listed, omitted, __version__, masker), sys.stdout, indent=2)
        print()
        return
    for line in request_lines(listed, clock):
        print(for_stdout(masker.visible_line(line)))
    print(summary_line(listed, sum(one.dialogue.requests.asked for one in report.conversations) - omitted))
    if omitted:
        print(f"{counted(omitted, 'more request')}, only counted: there were too many to list")
    if report.omitted:
        print(f"The requests of {counted(report.omitted, 'conversation')} are not known: there were too many to keep")


def _chosen(report: Report, filters: Filters) -> Iterator[ListedRequest]:
    """The requests that the filters leave, in the order in which they were sent."""
    from ibsniff.render.requests import ListedRequest

    beginnings_ns = [facts.first_time_ns or 0 for facts in report.inputs]
    found = [
        ListedRequest(one, request)
        for one in report.conversations
        if filters.takes_conversation(one.id, one.connection)
        for request in one.dialogue.requests.listed()
        if filters.takes_request(request.number, request.name)
        and filters.takes_time(request.asked.time_ns, beginnings_ns[one.input])
    ]
    yield from sorted(found, key=lambda each: (each.conversation.input, each.request.asked.packet))
