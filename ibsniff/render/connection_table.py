"""A live capture on one screen: its conversations as a table, and below it the ladder of the chosen one.

The rows are a matter of `rows`. What is below them gives way where the terminal is low, and says by how much.
Colour repeats what signs and words say; whoever sees none misses nothing.
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

from ibsniff.formatting import age, counted, seconds
from ibsniff.model import NANOSECONDS, Conversation, Fault, Outcome, Report, Rung, WatchedBy
from ibsniff.render.ladder_view import climb
from ibsniff.render.report_view import TURN
from ibsniff.render.rows import began, counts_of, one_line, table_lines
from ibsniff.render.screen import Lines, Pen, trimmed
from ibsniff.render.terminal import COLOURS, NARROWEST, WIDEST, bullet, headed
from ibsniff.render.text import Veil

FEWEST_ROWS = 5
"""Lines of the table at least, its titles among them, where the screen is too low for everything."""

TABLE_SHARE = 0.4
"""Of the screen, if the table has so many rows: what to do can be read in the report, who else is there only here."""

WATCHED_TOO_BRIEFLY = "IBS009"
"""What a report says of a conversation that goes on: true, and no news to someone who is watching it."""

NOTHING_YET = "No API conversation yet."


@dataclass(frozen=True, slots=True)
class View:
    """What its user looks at."""

    chosen: str | None = None
    """Id of the conversation whose ladder is drawn; None follows the newest."""
    rates: Mapping[str, float] = field(default_factory=dict)
    """Messages a second, by conversation."""
    says: str = ""
    """Said where nothing has come yet."""
    here: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What was seen on this machine beside the packets, by conversation."""
    keys: str = "Ctrl-C stops"
    """The last line: which keys do what."""


def shown_conversation(seen: Report, view: View) -> Conversation | None:
    """The one whose ladder is drawn: the chosen one as long as it is there, else the newest."""
    chosen = next((one for one in seen.conversations if one.id == view.chosen), None)
    return chosen or max(seen.conversations, key=began, default=None)


class ConnectionTable(NamedTuple):
    """The whole screen as a rich renderable, as wide and as high as the console's options say."""

    report: Report
    view: View
    show_accounts: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = max(NARROWEST, min(options.max_width, WIDEST)), options.height or options.size.height
        pen = Pen(Veil.over(self.report, self.show_accounts), options.ascii_only)
        within = options.update(width=width, height=None)

        def lay_out(body: RenderableType) -> Lines:
            return trimmed(console.render_lines(body, within, pad=False))

        chosen = shown_conversation(self.report, self.view)
        detail: Lines = []
        for part in details(self.report, self.view, chosen, pen, width):
            detail += [[], *lay_out(part)]
        head = [lay_out(one_line(text, pen, width))[0] for text in _head(self.report, pen)]
        room = height - len(head) - 1  # the keys
        rows = max(FEWEST_ROWS, room - len(detail), int(room * TABLE_SHARE))
        table = [lay_out(line)[0] for line in table_lines(self.report, self.view.rates, chosen, pen, width, rows)]
        lines = [*head, *table, *_cut(detail, room - len(table), pen)]
        lines += [[] for _ in range(height - 1 - len(lines))]
        lines = [*lines[: height - 1], lay_out(one_line(pen.sign(self.view.keys, "dim"), pen, width))[0]]
        for number, line in enumerate(lines):
            if number:
                yield Segment.line()
            yield from line


def _cut(lines: Lines, room: int, pen: Pen) -> Lines:
    """As many lines as there is room for; the last says that there are more."""
    if len(lines) <= room:
        return lines
    more = Segment(pen.sign(f"  … {len(lines) - room + 1} more lines").plain, Style(dim=True))
    return [*lines[: room - 1], [more]] if room > 1 else []


def _head(seen: Report, pen: Pen) -> Iterator[Text]:
    """One line: where, how long, how much, how much of it lost; and what became of the conversations."""
    for facts in seen.inputs:
        said = ["standard input" if facts.path == "-" else facts.path, counted(facts.packets, "packet")]
        if facts.first_time_ns is not None and facts.watched_until_ns is not None:
            said[-1] += f" in {age(seconds(facts.watched_until_ns - facts.first_time_ns))}"
        if facts.dropped:
            said.append(f"{facts.dropped:,} lost: every silence is in doubt")
        if facts.truncated:
            said.append(facts.truncated)
        counts = Counter(one.outcome for one in seen.conversations)
        if counts:
            said.append(counts_of(counts))
        said += facts.notes[-1:]
        yield pen.words(" · ".join(said), "bold red" if facts.dropped else "bold")


def details(seen: Report, view: View, chosen: Conversation | None, pen: Pen, width: int) -> Iterator[RenderableType]:
    """What is below the table: of the chosen conversation its ladder, what became of it, and what to do."""
    if chosen is None:
        yield pen.words(f"{NOTHING_YET} {view.says}".rstrip())
        return
    until_ns = chosen.watched_until_ns // NANOSECONDS * NANOSECONDS  # its seconds tick like those of the table
    is_under_way = _is_under_way(chosen)
    as_of_now = chosen._replace(watched_until_ns=max(until_ns, chosen.connection.last.time_ns))
    yield climb(as_of_now, pen, width, is_under_way=is_under_way)
    if is_under_way:
        yield pen.words(_under_way(chosen))
    elif chosen.cause is not None or chosen.fault is Fault.NONE:
        colour = COLOURS[chosen.fault]
        turn = [TURN[chosen.fault]] + ([chosen.cause.code] if chosen.cause else [])
        yield pen.words(f"{chosen.summary} ({', '.join(turn)})", colour)
    if here := view.here.get(chosen.id):
        yield headed("Seen on this machine", [bullet(pen.words(each), pen) for each in here])
    if chosen.cause is not None and chosen.cause.remedy and not is_under_way:
        yield headed("What to do", [pen.words(chosen.cause.remedy)])
    also = [found for found in chosen.findings if found is not chosen.cause]
    also += [found for found in seen.findings if chosen.id in found.conversations]
    if also:
        yield headed("Also noticed", [bullet(pen.words(f"{found.code} {found.summary}"), pen) for found in also])


def _is_under_way(conversation: Conversation) -> bool:
    """Nothing is proved because it goes on, and not because the capture shows too little."""
    if conversation.outcome is not Outcome.UNPROVEN or conversation.watched_by is not WatchedBy.LIVE:
        return False
    return conversation.cause is None or conversation.cause.code == WATCHED_TOO_BRIEFLY


def _under_way(conversation: Conversation) -> str:
    if conversation.rung in (Rung.NOTHING, Rung.CALLED):
        return "Under way: its call has not been answered yet."
    return f"Under way: no answer for {conversation.patience:g} s will count as silence."
