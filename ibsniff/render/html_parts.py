"""The parts of the HTML page as values: what its template shows. Every text is masked and visible, and has still to be escaped."""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.render import participant_rows
from ibsniff.render.code_spans import Prose
from ibsniff.render.html_diagram import DiagramPart, LadderPart, PacketPart

Words = tuple[Prose, ...]
"""A sentence of ours in parts: words, and commands to be copied."""


class Alternative(NamedTuple):
    """Another possible cause."""

    cause: Words
    label: str
    """Where it would have to be fixed, if that differs."""
    how_to_tell: Words


class ProofPart(NamedTuple):
    """The packets that prove a problem."""

    rows: tuple[PacketPart, ...]
    omitted: int
    zero: str
    """From when the times count; empty if only the time of day says anything."""
    with_conversations: bool
    display_filter: str


class ProblemPart(NamedTuple):
    """One problem in full."""

    number: int
    title: str
    tone: str
    """Its colour."""
    summary: Words
    line: str
    who: str
    where: str
    file: str
    when: str
    is_over: bool
    is_open: bool
    """It is open when the page is opened."""
    ladder: LadderPart
    diagram: DiagramPart | None
    """None if it is drawn elsewhere on the page."""
    drawn_at: str
    """The anchor of the diagram."""
    proof: ProofPart
    remedy: Words
    alternatives: tuple[Alternative, ...]


class ProblemRow(NamedTuple):
    """A problem in the table of all."""

    number: int
    title: str
    where: str
    file: str
    when: str
    who: str
    is_told: bool
    is_over: bool


class MessagePart(NamedTuple):
    """An error that TWS sent."""

    label: str
    about: str
    text: str
    meaning: str
    is_serious: bool


class StoryPart(NamedTuple):
    """Something that happened."""

    file: str
    """Given where the story of another file begins."""
    when: str
    text: str


class GroupPart(NamedTuple):
    """Conversations that went the same way."""

    total: int
    outcome: str
    meaning: str
    tone: str
    addresses: str
    ids: str
    when: str
    every: str
    drawn_at: str
    """The anchor of its diagram; empty if there is none."""


class Page(NamedTuple):
    """Everything on the page, from top to bottom."""

    title: str
    headline: str
    narrowed: str
    """What was left out because other conversations were chosen; empty for a report on all."""
    works: str
    """What is in order beside the problems; empty if nothing is."""
    tone: str
    files: tuple[str, ...]
    table: tuple[ProblemRow, ...]
    problems: tuple[ProblemPart, ...]
    without_problem: LadderPart | None
    """How far the conversation got that the report is about, if there is no problem."""
    summary: Words
    """Of the verdict, if there is no problem."""
    notes: tuple[Words, ...]
    who: tuple[participant_rows.Row, ...]
    messages: tuple[MessagePart, ...]
    notices: str
    story: tuple[StoryPart, ...]
    groups: tuple[GroupPart, ...]
    omitted_groups: int
    diagrams: tuple[DiagramPart, ...]
    """Of conversations without a place further up."""
    inputs: tuple[str, ...]
    glossary: tuple[tuple[str, str], ...]
    tool_version: str
