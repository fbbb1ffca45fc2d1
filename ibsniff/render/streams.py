"""The list of TCP conversations: three lines for each on a screen, or a JSON document with everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from ibsniff.clock import LOCAL_CLOCK, Clock
from ibsniff.formatting import counted, elapsed, iso, seconds_between
from ibsniff.model import Half, Side
from ibsniff.model.streams import Stream, StreamList
from ibsniff.render.document import MAX_LISTED, SCHEMA_VERSION, DocumentWriter, Json
from ibsniff.render.report_view import input_line
from ibsniff.render.screen import ConsoleWriter
from ibsniff.render.text import Masker
from ibsniff.render.transcript import ARROWS
from ibsniff.timeline.delivery import halves

MAX_ON_SCREEN = 1000
"""Conversations shown; the JSON document contains all that are listed."""

ANOMALIES = (
    ("retransmissions", "retransmission", "retransmissions"),
    ("out_of_order", "out of order", "out of order"),
    ("duplicates", "duplicate", "duplicates"),
    ("keep_alives", "keep-alive", "keep-alives"),
    ("zero_windows", "zero window", "zero windows"),
    ("conflicts", "conflict", "conflicts"),
    ("damaged", "bad checksum", "bad checksums"),
    ("cut_by_snaplen", "cut by the snapshot length", "cut by the snapshot length"),
)
"""Counters of a ``Half``, with their names in singular and plural."""


class StreamScreen(NamedTuple):
    """The lists of one or more inputs as a rich renderable."""

    lists: Sequence[StreamList]
    clock: Clock = LOCAL_CLOCK

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for found in self.lists:
            yield from self._list(found, _console_writer(options)._replace(clock=self.clock))

    def _list(self, found: StreamList, writer: ConsoleWriter) -> Iterator[Text]:
        for stream in found.streams[:MAX_ON_SCREEN]:
            yield from stream_lines(stream, writer)
        if not (found.streams or found.unlisted):
            yield Text("No TCP conversation found.")
        if (more := len(found.streams) - MAX_ON_SCREEN) > 0:
            yield writer.literal(f"… {counted(more, 'more conversation')} with --json or --port", "dim")
        if found.unlisted:
            evicted = counted(found.unlisted.total(), "more conversation")
            yield writer.literal(f"… {evicted}, only counted: {_states(found)}")
        if found.closed_early:
            early = counted(found.closed_early, "conversation")
            yield writer.literal(
                f"… {early} given up because there were too many; one that went on has a second number"
            )
        yield writer.text(input_line(found.facts), "dim")


class StreamLines(NamedTuple):
    """One conversation as a rich renderable."""

    stream: Stream

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from stream_lines(self.stream, _console_writer(options))


def _console_writer(options: ConsoleOptions) -> ConsoleWriter:
    return ConsoleWriter(Masker(), options.ascii_only or options.legacy_windows)


def _states(found: StreamList) -> str:
    return ", ".join(f"{count} {state}" for state, count in found.unlisted.most_common())


def stream_lines(stream: Stream, writer: ConsoleWriter) -> Iterator[Text]:
    """One conversation: its addresses, state and times, then each direction."""
    connection = stream.connection
    lasted = elapsed(connection.first, connection.last)
    yield Text.assemble(
        (f"{stream.number:>4}  ", "bold"),
        writer.literal(f"{connection.client} → {connection.server}  "),
        (f"{stream.conn_state} {connection.history}  ", "cyan"),
        writer.literal(f"#{connection.first.packet} to #{connection.last.packet}, {lasted}", "dim"),
    )
    for side, half in halves(connection):
        line = writer.literal(
            f"      {ARROWS[side]} {counted(packets(half), 'packet')}, {counted(half.length, 'byte')}"
        )
        for anomaly in anomalies(stream, side, half):
            line.append(f"; {anomaly}", "yellow")
        yield line
        if side in stream.sha256:
            yield Text(f"        sha256 {stream.sha256[side] or 'not computed: the gaps are too large'}", "dim")


def anomalies(stream: Stream, side: Side, half: Half) -> Iterator[str]:
    """What was irregular in one direction."""
    if half.gap_bytes:
        where = ", ".join(f"{gap.length} at {gap.offset}" for gap in half.gaps[:3])
        more = ", ..." if stream.gaps[side] > 3 else ""
        yield f"{counted(half.gap_bytes, 'byte')} missing ({where}{more})"
    for counter, one, several in ANOMALIES:
        if count := getattr(half, counter):
            yield f"{count} {one if count == 1 else several}"
    if half.limit_reached:
        yield "a gap given up early, because too much data was buffered behind it"


def packets(half: Half) -> int:
    """Packets captured, including duplicates and damaged ones, as Wireshark counts them."""
    return half.segments + half.duplicates + half.damaged


# ---------------------------------------------------------------------------------------------------------------
# JSON


def document(lists: Sequence[StreamList], tool_version: str, show_accounts: bool = False) -> Json:
    """Everything, made of types that ``json.dumps`` accepts; packets, times and inputs as in the report's document."""
    writer = DocumentWriter(Masker(show_accounts=show_accounts))
    unlisted = sum((found.unlisted for found in lists), Counter[str]())
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "ibsniff", "version": tool_version},
        "inputs": [writer.input(found.facts) for found in lists],
        "omitted": unlisted.total(),
        "omitted_states": dict(unlisted),
        "closed_early": sum(found.closed_early for found in lists),
        "streams": [_stream(stream, index) for index, found in enumerate(lists) for stream in found.streams],
    }


def _stream(stream: Stream, index: int) -> Json:
    connection = stream.connection
    ended, unreachable = connection.ended, connection.unreachable
    return {
        "stream": stream.number,
        "input": index,
        "client": {"ip": connection.client.ip, "port": connection.client.port},
        "server": {"ip": connection.server.ip, "port": connection.server.port},
        "start": iso(connection.first.time_ns),
        "end": iso(connection.last.time_ns),
        "duration": seconds_between(connection.first, connection.last),
        "first_packet": connection.first.packet,
        "last_packet": connection.last.packet,
        "conn_state": stream.conn_state,
        "history": connection.history,
        "syns": connection.syn_count,
        "refusals": len(connection.refusals),
        "unreachable": {"kind": unreachable.kind.value, "packet": unreachable.packet} if unreachable else None,
        "ended": {"by": ended.by.value, "how": ended.how.value, "packet": ended.moment.packet} if ended else None,
        **{f"from_{side}": _half(stream, side, half) for side, half in halves(connection)},
    }


def _half(stream: Stream, side: Side, half: Half) -> Json:
    """One direction: ``bytes`` is the length of the stream; each byte counts once, and missing bytes count, too."""
    hashed = {"sha256": stream.sha256[side]} if side in stream.sha256 else {}
    return {
        "packets": packets(half),
        "bytes": half.length,
        "captured_bytes": half.captured,
        "gap_bytes": half.gap_bytes,
        "gaps": [
            {"offset": gap.offset, "length": gap.length, "packet": gap.noticed.packet} for gap in half.gaps[:MAX_LISTED]
        ],
        "gap_count": stream.gaps.get(side, 0),
        **{counter: getattr(half, counter) for counter, _, _ in ANOMALIES},
        "limit_reached": half.limit_reached,
        **hashed,
    }
