"""The packets that prove a problem, as rows for a table: all that its finding cites, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import NamedTuple

from ibsniff.formatting import duration, seconds
from ibsniff.masking.sentence import marked
from ibsniff.model import NANOSECONDS, Conversation, Evidence, Finding, Side, WireBytes
from ibsniff.render.cited_packets import MAX_EVIDENCE, evidence_of
from ibsniff.render.report_view import state_at_end
from ibsniff.timeline.event import DECISIVE, NOTHING, Event
from ibsniff.timeline.events import events

MAX_ROWS_VERBOSE = 200
"""Packets of one problem with ``-v``."""

MAX_CONVERSATIONS_VERBOSE = 10
"""Conversations of one problem whose packets are shown with ``-v``."""

WITHIN_NS = 3600 * NANOSECONDS
"""Packets further apart than this are given with the time of day: nobody counts hours from another packet."""


MIN_ALIKE = 4
"""So many packets in a row that show the same are told in one row after the first of them; each is still named."""


ABOUT_BYTES = ("IBS20", "IBS212", "IBS215", "IBS306", "IBS307")
"""Findings about what exactly was sent: their proof is in the bytes."""


class ProofRow(NamedTuple):
    """One packet and what it shows. Without a number: several alike, or what the capture shows at its end."""

    packet: int | None
    time_ns: int | None
    side: Side | None
    what: str
    """In words; what it quotes of the wire stands between marks."""
    conversation: str = ""
    """Given if the proof has packets of several conversations."""
    raw: WireBytes = NOTHING
    bytes_prove: bool = False
    """The finding is about these bytes: they are shown in every report."""


class Proof(NamedTuple):
    """The table of the packets."""

    rows: tuple[ProofRow, ...]
    omitted: int
    """Packets that are cited beyond those shown."""
    zero_ns: int | None
    """From when the times count; None if they are given as times of day."""
    zero: str
    """Which packet that is, in words."""

    def since_zero(self, row: ProofRow) -> str:
        """The time of a row since the zero."""
        if row.time_ns is None or self.zero_ns is None:
            return ""
        return duration(seconds(row.time_ns - self.zero_ns))


def proof_of(finding: Finding | None, shown: Conversation, others: Iterable[Conversation], *, verbose: bool) -> Proof:
    """The proof of a finding: what it cites, or without a finding what decides the conversation.

    With ``verbose`` all packets that are known of the conversation, and of the ``others`` that the finding is about.
    """
    cited, omitted = evidence_of(finding, MAX_ROWS_VERBOSE if verbose else MAX_EVIDENCE) if finding else ((), 0)
    known = {(shown.id, event.packet): event for event in events(shown)}
    rows = {(one.conversation, one.packet): _cited(one, known) for one in cited}
    more = [shown, *others][:MAX_CONVERSATIONS_VERBOSE] if verbose else [] if rows else [shown]
    for one in more:
        for event in events(one):
            if (verbose or event.weight >= DECISIVE) and (one.id, event.packet) not in rows:
                rows[one.id, event.packet] = _row(event, one.id)
    ordered = sorted(rows.values(), key=lambda row: row.packet or 0)[:MAX_ROWS_VERBOSE]
    if finding is not None and finding.code.startswith(ABOUT_BYTES):
        ordered = [row._replace(bytes_prove=bool(row.raw)) for row in ordered]
    if len({row.conversation for row in ordered if row.conversation}) < 2 and (
        not ordered or ordered[0].conversation in ("", shown.id)
    ):
        ordered = [row._replace(conversation="") for row in ordered]
    return _with_zero(ordered, shown, omitted)


def _cited(one: Evidence, known: Mapping[tuple[str, int], Event]) -> ProofRow:
    event = known.get((one.conversation, one.packet))
    raw = event.raw if event is not None else NOTHING
    return ProofRow(one.packet, one.time_ns, one.side, marked(one.what), one.conversation, raw)


def _row(event: Event, conversation: str) -> ProofRow:
    return ProofRow(event.packet, event.time_ns, event.side, event.what, conversation, event.raw)


def _with_zero(rows: list[ProofRow], shown: Conversation, omitted: int) -> Proof:
    """Times count from the first packet of the conversation, or of the proof if that is earlier."""
    first = shown.connection.first
    times = [row.time_ns for row in rows if row.time_ns is not None]
    earliest = min(times, default=first.time_ns)
    zero_ns, zero = first.time_ns, f"packet {first.packet}"
    if earliest < first.time_ns:
        zero_ns = earliest
        zero = next(f"packet {row.packet}" for row in rows if row.time_ns == earliest)
    if state := state_at_end(shown):
        rows = [*rows, ProofRow(None, shown.watched_until_ns, None, state)]
        times.append(shown.watched_until_ns)
    rows = [row for run in _runs(rows) for row in _told(run)]
    is_long = max(times, default=zero_ns) - zero_ns > WITHIN_NS
    return Proof(tuple(rows), omitted, None if is_long else zero_ns, zero)


def _runs(rows: list[ProofRow]) -> list[list[ProofRow]]:
    """Rows that follow each other and show the same."""
    return [list(run) for _, run in groupby(rows, key=lambda row: (row.what, row.side))]


def _told(run: list[ProofRow]) -> list[ProofRow]:
    """The rows as they are, or, of many alike, the first one and the numbers of the others."""
    if len(run) < MIN_ALIKE:
        return run
    first, *others = run
    named = ", ".join(f"#{row.packet}" + (f" ({row.conversation})" if row.conversation else "") for row in others)
    last = run[-1]
    return [first, ProofRow(None, last.time_ns, first.side, f"{len(others)} more alike until then: {named}")]
