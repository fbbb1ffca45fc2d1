"""``ibsniff streams``: every TCP conversation, to list, to follow, and to compare with other tools."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ibsniff import __version__
from ibsniff.cli.app import AccountsOption, UtcOption, app, chosen_clock, console, handle_errors, only_one_of
from ibsniff.cli.errors import print_error
from ibsniff.cli.usage import usage
from ibsniff.formatting import counted
from ibsniff.model import Side, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ibsniff.analysis.streams import StreamReader
    from ibsniff.clock import Clock
    from ibsniff.model.streams import Chunk, StreamList


class FollowFormat(StrEnum):
    """How a followed conversation is printed."""

    TEXT = "text"
    HEX = "hex"
    RAW = "raw"


@app.command()
def streams(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Captures, as for 'read'; - is standard input.")],
    port: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N",
            min=1,
            max=65535,
            help="List only conversations on this port; repeatable. Their numbers do not change.",
        ),
    ] = None,
    sha256: Annotated[
        bool,
        typer.Option("--sha256", help="Add the SHA-256 of the bytes of each direction; missing bytes count as zeros."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document (schema version 1).")] = False,
    number: Annotated[
        int | None,
        typer.Option(
            "--follow",
            metavar="N",
            min=0,
            help="Print the data of conversation N (the number that Wireshark calls tcp.stream).",
        ),
    ] = None,
    as_hex: Annotated[bool, typer.Option("--hex", help="With --follow: print a hex dump.")] = False,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw", help="With --follow: write the bytes unmasked, missing ones as zeros; refused on a terminal."
        ),
    ] = False,
    side: Annotated[Side | None, typer.Option("--side", help="With --follow: only what this side sent.")] = None,
    show_accounts: AccountsOption = False,
    utc: UtcOption = False,
) -> None:
    """List all TCP conversations on any port, or follow the bytes of one."""
    with handle_errors():
        if number is None:
            if as_hex or raw or side:
                raise usage("--hex, --raw and --side need --follow", "Add --follow N")
            _list(files, frozenset(port) if port else None, sha256, as_json, show_accounts, chosen_clock(utc))
            return
        only_one_of(hex=as_hex, raw=raw)
        for name, is_given in (("port", bool(port)), ("sha256", sha256), ("json", as_json)):
            only_one_of(follow=True, **{name: is_given})
        if len(files) != 1:
            what = f"--follow takes one FILE, not {len(files)}"
            raise usage(what, "Name one: ibsniff streams FILE --follow N [--hex|--raw] [--side client|server]")
        sides = {side} if side else set(Side)
        _follow(
            files[0],
            number,
            FollowFormat.HEX if as_hex else FollowFormat.RAW if raw else FollowFormat.TEXT,
            sides,
            show_accounts,
        )


def _list(
    paths: list[str],
    ports: frozenset[int] | None,
    hashing: bool,
    as_json: bool,
    show_accounts: bool,
    clock: Clock,
) -> None:
    from ibsniff.analysis.streams import StreamReader
    from ibsniff.capture.files import open_capture
    from ibsniff.render.streams import StreamScreen, document

    lists, unreadable = [], []
    for path in paths:
        try:
            with open_capture(path, sys.stdin.buffer) as source:
                lists.append(StreamReader(source.record, ports, hashing=hashing).run(source.frames()))
        except UserError as error:
            print_error(error)
            unreadable.append(error)
    if lists and as_json:
        json.dump(document(lists, __version__, show_accounts), sys.stdout, indent=2)  # dumps would hold it twice more
        print()
    elif lists:
        console().print(StreamScreen(lists, clock))
        _print_legend(lists)
    sys.stdout.flush()
    if unreadable:
        raise typer.Exit(unreadable[0].exit_code)


def _print_legend(lists: list[StreamList]) -> None:
    from ibsniff.lookup.legend import legend
    from ibsniff.render.screen import columns, print_trimmed
    from ibsniff.render.streams import MAX_ON_SCREEN

    shown = [stream for found in lists for stream in found.streams[:MAX_ON_SCREEN]]
    counted_only = (state for found in lists for state in found.unlisted)
    rows = legend([*(stream.conn_state for stream in shown), *counted_only], (one.connection.history for one in shown))
    table = columns("left", "left", gap=2)
    for row in rows:
        table.add_row(*row, style="dim")
    if rows:
        screen = console()
        print_trimmed(screen, table, screen.width)


def _follow(path: str, number: int, follow_format: FollowFormat, sides: set[Side], show_accounts: bool) -> None:
    from ibsniff.analysis.streams import StreamReader
    from ibsniff.capture.files import open_capture

    if follow_format is FollowFormat.RAW and sys.stdout.isatty():
        raise usage("--raw would write unknown bytes to your terminal", "Add > FILE or | COMMAND, or use --hex instead")
    with open_capture(path, sys.stdin.buffer) as source:
        reader = StreamReader(source.record)
        chunks = (chunk for chunk in reader.follow(source.frames(), number) if chunk.side in sides)
        if follow_format is FollowFormat.RAW:
            _write(chunks)
        else:
            _print(chunks, reader, follow_format, show_accounts)
    if reader.followed is None:
        raise usage(
            f"--follow {number}: the capture has {counted(reader.total, 'conversation')}, numbered from 0",
            f"List them: ibsniff streams {path}",
        )


def _write(chunks: Iterable[Chunk]) -> None:
    from ibsniff.analysis.streams import MAX_ZEROS, zeros

    left = MAX_ZEROS
    for chunk in chunks:
        sys.stdout.buffer.write(chunk.data.unmasked)
        left -= chunk.missing
        if left < 0:
            what = f"{counted(chunk.missing, 'byte')} missing before packet {chunk.packet}: too many to write as zeros"
            raise UserError(what, "Use --follow N without --raw, which lists the gaps")
        for piece in zeros(chunk.missing):
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _print(chunks: Iterable[Chunk], reader: StreamReader, follow_format: FollowFormat, show_accounts: bool) -> None:
    from ibsniff.render.streams import StreamLines
    from ibsniff.render.text import plain_ascii
    from ibsniff.render.transcript import as_hex, as_text, masked, unmasked

    screen = console()
    shown = unmasked(chunks) if show_accounts else masked(chunks, lambda: reader.accounts, reader.account_places)
    for line in (as_hex if follow_format is FollowFormat.HEX else as_text)(shown):
        print(plain_ascii(line) if screen.options.ascii_only else line)
    if reader.followed is not None:
        screen.print(StreamLines(reader.followed))
