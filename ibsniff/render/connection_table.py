"""A live capture on one screen: its conversations as a table, and below it the ladder of the selected one.

The rows are made by `rows`. On a low terminal the part below them is cut, and says by how many lines. Colour only
repeats what signs and words say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from ibsniff.clock import LOCAL_CLOCK, Clock
from ibsniff.formatting import age, counted, seconds
from ibsniff.masking.sentence import marked
from ibsniff.model import NANOSECONDS, Conversation, Fault, Outcome, Report, Rung, WatchedBy, WireText
from ibsniff.render.ladder_view import draw_ladder
from ibsniff.render.report_view import FIX_LABELS
from ibsniff.render.rows import counts_of, cropped, start_of, table_lines
from ibsniff.render.screen import ConsoleWriter, Lines, without_trailing_spaces
from ibsniff.render.terminal import COLOURS, MAX_WIDTH, MIN_WIDTH, bullet, with_heading
from ibsniff.render.text import Masker

MIN_TABLE_LINES = 5
"""Lines of the table at least, its titles included, on a screen that is too low for everything."""

TABLE_SHARE = 0.4
"""Share of the screen that the table may take: only here can be seen who else is connected; the report repeats the rest."""

WATCHED_TOO_BRIEFLY = "IBS009"
"""Reported of a conversation that is still in progress: true, but useless to somebody who is watching it."""

NOTHING_YET = "No API conversation yet."


@dataclass(frozen=True, slots=True)
class TableView:
    """What the user has selected, and what is shown besides the report."""

    selected: str | None = None
    """Id of the conversation whose ladder is drawn; None follows the newest."""
    rates: Mapping[str, float] = field(default_factory=dict)
    """Messages per second, by conversation."""
    hint: str = ""
    """Shown until the first conversation comes."""
    processes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Processes of this machine at the ends of a conversation, by conversation."""
    keys: str = "Ctrl-C stops"
    """The last line: which keys do what."""


def selected_conversation(report: Report, view: TableView) -> Conversation | None:
    """The conversation whose ladder is drawn: the selected one while it is known, otherwise the newest."""
    selected = next((one for one in report.conversations if one.id == view.selected), None)
    return selected or max(report.conversations, key=start_of, default=None)


class ConnectionTable(NamedTuple):
    """The whole screen as a rich renderable, as wide and as high as the console's options say."""

    report: Report
    view: TableView
    show_accounts: bool = False
    clock: Clock = LOCAL_CLOCK

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = max(MIN_WIDTH, min(options.max_width, MAX_WIDTH)), options.height or options.size.height
        writer = ConsoleWriter(Masker.for_report(self.report, self.show_accounts), options.ascii_only, clock=self.clock)
        within = options.update(width=width, height=None)

        def lay_out(body: RenderableType) -> Lines:
            return without_trailing_spaces(console.render_lines(body, within, pad=False))

        selected = selected_conversation(self.report, self.view)
        detail: Lines = []
        for part in details(self.report, self.view, selected, writer, width):
            detail += [[], *lay_out(part)]
        head = [lay_out(cropped(text, writer, width))[0] for text in _head(self.report, writer)]
        room = height - len(head) - 1  # the keys
        max_lines = max(MIN_TABLE_LINES, room - len(detail), int(room * TABLE_SHARE))
        rows = table_lines(self.report, self.view.rates, selected, writer, width, max_lines)
        table = [lay_out(line)[0] for line in rows]
        lines = [*head, *table, *_cut(detail, room - len(table), writer)]
        lines += [[] for _ in range(height - 1 - len(lines))]
        keys = cropped(writer.literal(self.view.keys, "dim"), writer, width)
        for number, line in enumerate([*lines[: height - 1], lay_out(keys)[0]]):
            if number:
                yield Segment.line()
            yield from line


def _cut(lines: Lines, room: int, writer: ConsoleWriter) -> Lines:
    """As many lines as there is room for; the last one says how many are missing."""
    if len(lines) <= room:
        return lines
    more = Segment(writer.literal(f"  … {len(lines) - room + 1} more lines").plain, Style(dim=True))
    return [*lines[: room - 1], [more]] if room > 1 else []


def _head(report: Report, writer: ConsoleWriter) -> Iterator[Text]:
    """One line for each input: its name, packets, time and losses, and the outcomes of the conversations."""
    for facts in report.inputs:
        parts = [
            "standard input" if facts.path == "-" else f"{WireText(facts.path):quoted}",
            counted(facts.packets, "packet"),
        ]
        if facts.first_time_ns is not None and facts.watched_until_ns is not None:
            parts[-1] += f" in {age(seconds(facts.watched_until_ns - facts.first_time_ns))}"
        if facts.dropped:
            parts.append(f"{facts.dropped:,} lost: a missing answer may be among them")
        if facts.truncated:
            parts.append(marked(facts.truncated))
        counts = Counter(one.outcome for one in report.conversations)
        if counts:
            parts.append(counts_of(counts))
        parts += map(marked, facts.notes[-1:])
        yield writer.text(" · ".join(parts), "bold red" if facts.dropped else "bold")


def details(
    report: Report, view: TableView, selected: Conversation | None, writer: ConsoleWriter, width: int
) -> Iterator[RenderableType]:
    """What stands below the table: of the selected conversation its ladder, what happened to it, and what to do."""
    if selected is None:
        yield writer.text(f"{NOTHING_YET} {view.hint}".rstrip())
        return
    until_ns = selected.watched_until_ns // NANOSECONDS * NANOSECONDS  # its seconds change together with the table's
    in_progress = _is_in_progress(selected)
    as_of_now = selected._replace(watched_until_ns=max(until_ns, selected.connection.last.time_ns))
    yield draw_ladder(as_of_now, writer, width, in_progress=in_progress)
    if in_progress:
        yield writer.text(_progress(selected))
    elif selected.cause is not None or selected.fault is Fault.NONE:
        label = ", ".join([FIX_LABELS[selected.fault], *([selected.cause.code] if selected.cause else [])])
        yield writer.text(f"{marked(selected.summary)} [{label}]", COLOURS[selected.fault])
    if processes := view.processes.get(selected.id):
        yield with_heading("Processes on this machine", [bullet(writer.text(each), writer) for each in processes])
    if selected.cause is not None and selected.cause.remedy and not in_progress:
        yield with_heading("What to do", [writer.prose(selected.cause.remedy)])
    others = [found for found in selected.findings if found is not selected.cause]
    others += [found for found in report.findings if selected.id in found.conversations]
    if others:
        rows = [bullet(writer.text(f"{found.code} {marked(found.summary)}"), writer) for found in others]
        yield with_heading("Also noticed", rows)


def _is_in_progress(conversation: Conversation) -> bool:
    """Tell whether nothing is proved because the conversation is going on, and not because the capture shows too little."""
    if conversation.outcome is not Outcome.UNPROVEN or conversation.watched_by is not WatchedBy.LIVE:
        return False
    return conversation.cause is None or conversation.cause.code == WATCHED_TOO_BRIEFLY


def _progress(conversation: Conversation) -> str:
    if conversation.rung in (Rung.NOTHING, Rung.CALLED):
        return "In progress: the connection attempt has not been answered yet."
    return f"In progress: no answer within {conversation.patience:g} s will count as silence."
