"""One problem on a console: what it is, how far the connection got, the packets that prove it, what to do, what else it could be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from ibsniff.clock import TimeColumn
from ibsniff.masking.sentence import marked
from ibsniff.model import Conversation, Finding, Problem
from ibsniff.render.headline import WHERE, actor
from ibsniff.render.ladder_view import draw_ladder
from ibsniff.render.proof import Proof, ProofRow, proof_of
from ibsniff.render.report_view import (
    ProblemView,
    ReportView,
    how_often,
    problem_line,
    servers_of,
    times_of,
    what_it_is,
)
from ibsniff.render.screen import ARROWS, COLOURS, ConsoleWriter, bullet, columns, more_line, with_heading
from ibsniff.render.text import MAX_SHOWN_CHARACTERS

ALTERNATIVE_ROWS, ALTERNATIVE_ROWS_VERBOSE = 3, 50
MIN_TABLE_WIDTH = 76
"""Columns that the table of problems needs: in fewer, an address would be broken in two."""

MAX_QUOTED_CHARACTERS = 140
"""Quoted of one packet: two lines are enough to recognise it; ``-v`` quotes more."""


def problem_table(problems: Sequence[ProblemView], writer: ConsoleWriter, width: int) -> RenderableType:
    """A line for each problem: its number, what it is, where, how often and when, who must act; a list on a narrow console."""
    column = times_of(problems, writer.clock)
    titles = ("what", "where", f"how often ({column.heading_with_date})", "who must act")
    if width < MIN_TABLE_WIDTH:
        return Group(*(_listed(each, column, writer) for each in problems))
    grid = columns("right", "left", "left", "left", "left", gap=2)
    grid.add_row("", *(Text(title, "dim") for title in titles))
    for each in problems:
        grid.add_row(Text(str(each.number), "bold"), *_table_cells(each, column, writer))
    return grid


def _table_cells(each: ProblemView, column: TimeColumn, writer: ConsoleWriter) -> tuple[Text, Text, Text, Text]:
    problem = each.problem
    colour = "dim" if problem.is_over else COLOURS[problem.finding.fault]
    return (
        writer.text(f"{what_it_is(problem)}{' (over)' if problem.is_over else ''}", colour),
        writer.text(servers_of(problem)),
        writer.literal(how_often(problem, column)),
        Text(actor(problem.finding), colour),
    )


def _listed(each: ProblemView, column: TimeColumn, writer: ConsoleWriter) -> RenderableType:
    line = Text("; ").join(_table_cells(each, column, writer))
    grid = columns("right", "left")
    grid.add_row(Text(f"{each.number}.", "bold"), line)
    return grid


def statement(problem: Problem, writer: ConsoleWriter) -> Group:
    """What is wrong, in a sentence or two, and below it the rule, where it must be fixed and how sure that is."""
    return Group(
        writer.prose(problem.finding.summary, "bold"),
        writer.text(problem_line(problem), COLOURS[problem.finding.fault]),
    )


def problem_parts(
    each: ProblemView, view: ReportView, writer: ConsoleWriter, width: int, *, verbose: bool
) -> Iterator[RenderableType]:
    """The parts of one problem below its statement, in their order."""
    finding = each.problem.finding
    yield draw_ladder(each.conversation, writer, width)
    if finding.remedy:
        yield with_heading("What to do", [writer.prose(finding.remedy)])
    others = [
        one for one in view.report.conversations if one.id in each.problem.conversations and one != each.conversation
    ]
    yield proof_table(proof_of(finding, each.conversation, others, verbose=verbose), writer, verbose=verbose)
    if finding.alternatives:
        yield with_heading("It could also be", alternatives(finding, writer, verbose=verbose))


def conversation_parts(
    shown: Conversation, writer: ConsoleWriter, width: int, *, verbose: bool
) -> Iterator[RenderableType]:
    """A conversation without a problem: its ladder, and the packets that show that it works."""
    yield draw_ladder(shown, writer, width)
    yield proof_table(proof_of(shown.cause, shown, (), verbose=verbose), writer, verbose=verbose)


def proof_table(proof: Proof, writer: ConsoleWriter, *, verbose: bool) -> RenderableType:
    """The packets: number, conversation if there are several, time, direction, what each of them shows."""
    with_conversations = any(row.conversation for row in proof.rows)
    column = writer.clock.column(row.time_ns for row in proof.rows if row.time_ns is not None)
    grid = (
        columns("right", "left", "right", "left", "left")
        if with_conversations
        else columns("right", "right", "left", "left")
    )
    for row in proof.rows:
        time = proof.since_zero(row)
        if proof.zero_ns is None and row.time_ns is not None:
            time = column.month_and_time(row.time_ns)
        grid.add_row(*_cells(row, time, with_conversations, writer, verbose))
    times = f"times since {proof.zero}" if proof.zero_ns is not None else column.heading
    title = Text("Proof", "bold").append_text(writer.literal(f"   {times}; → to the server, ← from it", "dim"))
    return Group(title, Padding(grid, (0, 0, 0, 2)), *more_line(proof.omitted, "packet", writer))


def _cells(
    row: ProofRow, time: str, with_conversations: bool, writer: ConsoleWriter, verbose: bool
) -> Iterator[RenderableType]:
    yield Text("" if row.packet is None else f"#{row.packet}", "bold")
    if with_conversations:
        yield Text(row.conversation, "dim")
    yield writer.literal(time, "dim")
    yield writer.literal(ARROWS[row.side])
    quoted = MAX_SHOWN_CHARACTERS if verbose else MAX_QUOTED_CHARACTERS
    what = writer.text(row.what, "dim") if row.packet is None else writer.text(row.what, limit=quoted)
    shown = [what]
    if row.raw:
        as_hex, as_text = writer.masker.hex(row.raw), writer.masker.readable(row.raw)
        is_text = as_text != as_hex
        shown += [writer.literal(as_text, "cyan")] if is_text else []
        shown += [writer.literal(as_hex, "cyan")] if verbose or (row.bytes_prove and not is_text) else []
    yield Group(*shown)


def alternatives(finding: Finding, writer: ConsoleWriter, *, verbose: bool) -> Iterator[RenderableType]:
    """Other possible causes, each with where it would have to be fixed and how to tell."""
    rows = ALTERNATIVE_ROWS_VERBOSE if verbose else ALTERNATIVE_ROWS
    for other in finding.alternatives[:rows]:
        label = "" if other.fault is finding.fault else f" [{WHERE[other.fault]}]"
        cause = writer.prose(f"{marked(other.cause)}{label}", "bold")
        yield bullet(cause.append(": ").append_text(writer.prose(other.how_to_tell, "not bold")), writer)
    yield from more_line(len(finding.alternatives) - rows, "cause", writer)
