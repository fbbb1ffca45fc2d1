"""Reading the same bytes by both lanes, and saying where they differ."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from ibsniff.analysis import columns as lane
from ibsniff.analysis import tracking
from ibsniff.analysis.api_traffic import Ports
from ibsniff.analysis.judgement import judge
from ibsniff.analysis.reading import InputReader
from ibsniff.analysis.snapshot import Snapshot
from ibsniff.capture import files, input_buffer, pcapng
from ibsniff.ib import dialogue, message_summary
from ibsniff.model import Lane, UserError
from ibsniff.net import columns as net_columns
from ibsniff.render.document import document
from ibsniff.tcp import columns as tcp_columns
from ibsniff.tcp import reassembly_buffer

DEFAULT_PORTS, ALL_PORTS = Ports(), Ports(any=True)


@dataclass(frozen=True)
class Scale:
    """How small everything is made that makes the column lane wait for large files."""

    fewest: int = 3
    look_at: int = 16
    read_size: int = 1 << 16
    columns_read_size: int = 4096
    first_messages: int = 3
    conversations: int = tracking.MAX_CONVERSATIONS
    always_kept: int = tracking.ALWAYS_KEPT
    waiting: int = reassembly_buffer.TOTAL_LIMIT


@dataclass
class Work:
    """What the column lane did, so that no test passes because it did nothing."""

    stretches: int = 0
    segments: int = 0
    messages: int = 0
    columns: int = 0


@contextmanager
def scaled(scale: Scale) -> Iterator[Work]:
    """Shrink both lanes alike, and watch the one of columns."""
    work = Work()
    feed_segments, count_messages, feed_lane = (
        lane.feed_columns,
        dialogue.DialogueReader.take_columns,
        lane.ColumnLane.feed,
    )

    def taking(*arguments: Any) -> Any:
        count, said = feed_segments(*arguments)
        work.stretches += count > 0
        work.segments += count
        return count, said

    def counting(self: dialogue.DialogueReader, *arguments: Any) -> None:
        before = sum(counts.total() for counts in self.dialogue.messages.values())
        count_messages(self, *arguments)
        work.messages += sum(counts.total() for counts in self.dialogue.messages.values()) - before

    def feeding(self: lane.ColumnLane, columns: Any) -> None:
        work.columns += 1
        feed_lane(self, columns)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lane, "feed_columns", taking)
        patch.setattr(dialogue.DialogueReader, "take_columns", counting)
        patch.setattr(lane.ColumnLane, "feed", feeding)
        for module in (tcp_columns, lane):
            patch.setattr(module, "MIN_SEGMENTS", scale.fewest)
        patch.setattr(lane, "LOOK_AT", scale.look_at)
        patch.setattr(pcapng, "COLUMNS_MIN_PACKETS", scale.fewest)
        patch.setattr(pcapng, "MAX_PACKETS_ONE_BY_ONE", 2 * scale.fewest)
        patch.setattr(pcapng, "COLUMNS_MAX_PACKETS", 16 * scale.fewest)
        patch.setattr(net_columns, "COLUMNS_MIN_ONE_IN", 1 << 20)
        patch.setattr(input_buffer, "READ_SIZE", scale.read_size)
        patch.setattr(files, "COLUMNS_READ_SIZE", scale.columns_read_size)
        patch.setattr(files, "COLUMNS_FROM_OFFSET", 4 * scale.columns_read_size)
        patch.setattr(files, "COLUMNS_MIN_BUFFERED", scale.columns_read_size // 4)
        patch.setattr(message_summary, "MAX_FIRST_MESSAGES", scale.first_messages)
        patch.setattr(tracking, "MAX_CONVERSATIONS", scale.conversations)
        patch.setattr(tracking, "ALWAYS_KEPT", scale.always_kept)
        patch.setattr(reassembly_buffer, "TOTAL_LIMIT", scale.waiting)
        yield work


def look(source: bytes | str, lane: Lane, ports: Ports = DEFAULT_PORTS) -> Snapshot | tuple[str, str]:
    """What one lane sees in bytes that come through a pipe, or in a file; or what it tells the user instead."""
    reader = InputReader(ports, lane=lane)
    try:
        if isinstance(source, str):
            return reader.read(source)
        return reader.read("-", stdin=io.BytesIO(source))
    except UserError as error:
        return error.what, error.what_to_do


def written(seen: Snapshot | tuple[str, str]) -> str:
    """To the last byte, the order of everything included."""
    return json.dumps(document(judge([seen]), "1"), indent=1) if isinstance(seen, Snapshot) else str(seen)


def difference(source: bytes | str, ports: Ports = DEFAULT_PORTS, lane: Lane = Lane.COLUMNS) -> str:
    """How the lanes differ, in a few lines; empty when they do not."""
    plain, other = look(source, Lane.PLAIN, ports), look(source, lane, ports)
    report, reported = written(plain).splitlines(), written(other).splitlines()
    if report != reported:
        lines = [
            f"plain: {one.strip()} | {lane}: {two.strip()}"
            for one, two in zip(report, reported, strict=False)
            if one != two
        ]
        return "\n".join([f"{len(report)} and {len(reported)} lines", *lines[:8]])
    return "\n".join(_unlike(plain, other))


def _unlike(left: Any, right: Any, place: str = "") -> Iterator[str]:
    """Where two values made of dataclasses differ."""
    if left == right:
        return
    names = getattr(left, "__dataclass_fields__", None)
    if names:
        for name in names:
            yield from _unlike(getattr(left, name), getattr(right, name), f"{place}.{name}")
    elif isinstance(left, tuple | list) and isinstance(right, tuple | list) and len(left) == len(right):
        for index, (one, two) in enumerate(zip(left, right, strict=True)):
            yield from _unlike(one, two, f"{place}[{index}]")
    else:
        yield f"{place}: plain {left!r}, other {right!r}"[:300]
