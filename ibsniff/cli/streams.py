"""``ibsniff streams``: every TCP conversation, to look at, to follow, and to hold against other tools."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ibsniff import __version__
from ibsniff.cli.app import AccountsOption, app, complain, console, edges, only_one_of
from ibsniff.formatting import counted
from ibsniff.model import ExitCode, Side, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ibsniff.analysis.streams import StreamReader
    from ibsniff.model import Chunk


class Form(StrEnum):
    """How a followed conversation is shown."""

    TEXT = "text"
    HEX = "hex"
    RAW = "raw"


@app.command()
def streams(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Captures, as for 'read'; - is stdin.")],
    port: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N",
            min=1,
            max=65535,
            help="Only conversations on this port; repeatable. Numbers stay as they are.",
        ),
    ] = None,
    sha256: Annotated[
        bool, typer.Option("--sha256", help="Hash each direction's bytes as they are, gaps as zero bytes.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document (schema_version 1).")] = False,
    number: Annotated[
        int | None,
        typer.Option(
            "--follow", metavar="N", min=0, help="Print what conversation N said (N as Wireshark's tcp.stream)."
        ),
    ] = None,
    as_hex: Annotated[bool, typer.Option("--hex", help="Follow as a hexdump.")] = False,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="Follow as bytes, nothing masked, gaps as zero bytes; never to a terminal."),
    ] = False,
    client: Annotated[bool, typer.Option("--client", help="Follow only what the client sent.")] = False,
    server: Annotated[bool, typer.Option("--server", help="Follow only what the server sent.")] = False,
    show_accounts: AccountsOption = False,
) -> None:
    """List every TCP conversation on any port; hash or follow its bytes."""
    with edges():
        if number is None:
            if as_hex or raw or client or server:
                raise _usage("--hex, --raw, --client and --server say how to follow", "Add --follow N")
            _list(files, frozenset(port) if port else None, sha256, as_json, show_accounts)
            return
        only_one_of(hex=as_hex, raw=raw)
        for name, is_given in (("port", bool(port)), ("sha256", sha256), ("json", as_json)):
            only_one_of(follow=True, **{name: is_given})
        if len(files) != 1:
            what = f"--follow takes one FILE, not {len(files)}"
            raise _usage(what, "ibsniff streams FILE --follow N [--hex|--raw] [--client|--server]")
        sides = {side for side, chosen in ((Side.CLIENT, client), (Side.SERVER, server)) if chosen} or set(Side)
        _follow(files[0], number, Form.HEX if as_hex else Form.RAW if raw else Form.TEXT, sides, show_accounts)


def _usage(what: str, what_to_do: str) -> UserError:
    return UserError(what, what_to_do, ExitCode.USAGE)


def _list(paths: list[str], ports: frozenset[int] | None, hashing: bool, as_json: bool, show_accounts: bool) -> None:
    from ibsniff.analysis.streams import StreamReader
    from ibsniff.capture.files import open_capture
    from ibsniff.render.streams import StreamScreen, document

    lists, unreadable = [], []
    for path in paths:
        try:
            with open_capture(path, sys.stdin.buffer) as source:
                lists.append(StreamReader(source.record, ports, hashing=hashing).run(source.frames()))
        except UserError as error:
            complain(error)
            unreadable.append(error)
    if lists and as_json:
        json.dump(document(lists, __version__, show_accounts), sys.stdout, indent=2)  # dumps would hold it twice more
        print()
    elif lists:
        console().print(StreamScreen(lists))
    sys.stdout.flush()
    if unreadable:
        raise typer.Exit(unreadable[0].exit_code)


def _follow(path: str, number: int, form: Form, sides: set[Side], show_accounts: bool) -> None:
    from ibsniff.analysis.streams import StreamReader
    from ibsniff.capture.files import open_capture

    if form is Form.RAW and sys.stdout.isatty():
        raise _usage(
            "--raw would send the bytes of strangers to your terminal", "Add > FILE, or | COMMAND; or take --hex"
        )
    with open_capture(path, sys.stdin.buffer) as source:
        reader = StreamReader(source.record)
        said = (chunk for chunk in reader.follow(source.frames(), number) if chunk.side in sides)
        if form is Form.RAW:
            _write(said)
        else:
            _print(said, reader, form, show_accounts)
    if reader.followed is None:
        raise _usage(
            f"--follow {number}: there is no such one of {counted(reader.total, 'conversation')}, counted from 0",
            f"ibsniff streams {path}",
        )


def _write(said: Iterable[Chunk]) -> None:
    from ibsniff.analysis.streams import MAX_ZEROS, zeros

    left = MAX_ZEROS
    for chunk in said:
        sys.stdout.buffer.write(chunk.data)
        left -= chunk.missing
        if left < 0:
            what = f"{chunk.missing} bytes are missing before packet {chunk.packet}, too many to write as zeros"
            raise UserError(what, "--follow N without --raw names the gaps")
        for piece in zeros(chunk.missing):
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _print(said: Iterable[Chunk], reader: StreamReader, form: Form, show_accounts: bool) -> None:
    from ibsniff.render.streams import StreamLines
    from ibsniff.render.text import plain_ascii
    from ibsniff.render.transcript import as_hex, as_text, masked

    screen = console()
    shown = said if show_accounts else masked(said, lambda: reader.accounts)
    for line in (as_hex if form is Form.HEX else as_text)(shown):
        print(plain_ascii(line) if screen.options.ascii_only else line)
    if reader.followed is not None:
        screen.print(StreamLines(reader.followed))
