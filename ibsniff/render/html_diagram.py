"""The parts of the HTML page that show one conversation: its ladder, its diagram, and its packets as a table."""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.clock import UTC_CLOCK
from ibsniff.formatting import counted, duration, elapsed, seconds
from ibsniff.model import Conversation, Report, Side, WireBytes
from ibsniff.render.diagram import Diagram, Kind, Row, diagram, proof_of
from ibsniff.render.ladder import RungView, ladder
from ibsniff.render.sequence_svg import sequence_svg
from ibsniff.render.svg_shapes import NARROW, WIDE, Svg
from ibsniff.render.text import MAX_SHOWN_CHARACTERS, Masker

MAX_ROWS_DRAWN, MAX_ROWS_LISTED = 80, 200
"""Rows of a diagram and of the table below it: more is for Wireshark."""

MAX_REASON = 120
"""Characters of the reason why a rung was not reached."""


class PacketPart(NamedTuple):
    """A row of a table of packets."""

    packet: str
    since: str
    """The time since a zero that the table names."""
    time: str
    """The time of day, and the date where it is needed."""
    sender: str
    what: str
    text: str
    """The first bytes, if they are text."""
    hex: str
    """The first bytes in any case."""
    conversation: str = ""
    is_cited: bool = False


class RungPart(NamedTuple):
    """A rung of the ladder."""

    name: str
    state: str
    detail: str


class LadderPart(NamedTuple):
    """How far a conversation got."""

    id: str
    addresses: str
    began: str
    rungs: tuple[RungPart, ...]


class DiagramPart(NamedTuple):
    """A conversation, drawn."""

    anchor: str
    id: str
    addresses: str
    began: str
    described: str
    """What a screen reader says of it."""
    note: str
    signs: tuple[str, ...]
    """The signs that are drawn and need an explanation."""
    wide: Svg
    narrow: Svg
    rows: tuple[PacketPart, ...]
    omitted: int


def packet_part(
    packet: str, since: str, time_ns: int | None, side: Side | None, what: str, raw: WireBytes, masker: Masker
) -> PacketPart:
    """A row of a table, made safe to show."""
    as_hex = masker.hex(raw) if raw else ""
    as_text = masker.readable(raw) if raw else ""
    return PacketPart(
        packet,
        since,
        "" if time_ns is None else utc(time_ns),
        side.value if side else "",
        masker.visible_line(what, MAX_SHOWN_CHARACTERS),
        as_text if as_text != as_hex else "",
        as_hex,
    )


def utc(time_ns: int) -> str:
    """``2026-01-05 09:30:00.123``."""
    stamp = UTC_CLOCK.stamp(time_ns)
    return f"{stamp.date} {stamp.time}.{time_ns // 1_000_000 % 1000:03d}" if stamp.date else stamp.unzoned


def ladder_part(conversation: Conversation, masker: Masker) -> LadderPart:
    """The ladder of a conversation."""
    connection = conversation.connection
    return LadderPart(
        conversation.id,
        f"{connection.client} → {connection.server}",
        UTC_CLOCK.date_and_time(connection.first.time_ns),
        tuple(_rung(conversation, view, masker) for view in ladder(conversation)),
    )


def _rung(conversation: Conversation, view: RungView, masker: Masker) -> RungPart:
    detail = masker.visible_line(view.reason, MAX_REASON)
    if view.moment is not None:
        detail = f"#{view.moment.packet}, {elapsed(conversation.connection.first, view.moment)}"
    return RungPart(view.rung.value, view.step.value, detail)


def diagram_part(conversation: Conversation, report: Report, masker: Masker, anchor: str) -> DiagramPart:
    """The diagram of a conversation in two widths, and its packets as a table."""
    proof = proof_of(report, conversation)
    made = diagram(conversation, proof).shortened(MAX_ROWS_DRAWN)
    listed = [row for row in diagram(conversation, proof, verbose=True).rows if row.kind is not Kind.SILENCE]
    return DiagramPart(
        anchor,
        conversation.id,
        f"{made.client} → {made.server}",
        UTC_CLOCK.date_and_time(made.began_ns),
        _described(made),
        _note(made),
        tuple(_signs(made)),
        sequence_svg(made, masker, WIDE),
        sequence_svg(made, masker, NARROW),
        tuple(_listed(row, made, masker) for row in listed[:MAX_ROWS_LISTED]),
        max(0, len(listed) - MAX_ROWS_LISTED),
    )


def _listed(row: Row, made: Diagram, masker: Masker) -> PacketPart:
    since = "" if row.time_ns is None else duration(seconds(row.time_ns - made.began_ns))
    packets = "–".join(map(str, dict.fromkeys(row.packets)))  # noqa: RUF001  (an en dash, from one to the other)
    part = packet_part(packets, since, row.time_ns, row.side, row.what, row.raw, masker)
    return part._replace(is_cited=row.is_cited)


def _described(made: Diagram) -> str:
    silences = [row for row in made.rows if row.kind is Kind.SILENCE]
    longest = max((row.length_ns for row in silences), default=0)
    quiet = f", the longest silence {duration(seconds(longest))}" if longest else ""
    return (
        f"Sequence diagram of {made.id}: client {made.client}, server {made.server}; {counted(made.packets, 'packet')}"
        f"{quiet}. The table below it has the same packets."
    )


def _note(made: Diagram) -> str:
    parts = [counted(made.packets, "packet")]
    parts += [counted(made.retransmissions, "retransmission")] if made.retransmissions else []
    return ", ".join(parts)


def _signs(made: Diagram) -> list[str]:
    signs = {
        "● proves a finding": any(row.is_cited for row in made.rows),
        "dashed arrow: sent again": any(row.is_resent for row in made.rows),
        "arrow that ends in ✗: never acknowledged": any(row.is_unacknowledged for row in made.rows),
        "thick arrow: it ended the conversation": any(row.is_the_end for row in made.rows),
    }
    return [sign for sign, is_drawn in signs.items() if is_drawn]
