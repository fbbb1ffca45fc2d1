"""Messages as they come, a line each: ``--follow``.

A conversation keeps its first messages and every error; later messages are only counted, so that the memory of a session
that lasts a day stays small. So the first ones are printed with their own time and size, later ones with the time when
they were noticed, and when there are many, as the number of each kind in a second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from operator import attrgetter
from types import TracebackType
from typing import NamedTuple

from ibsniff.analysis.changes import Change
from ibsniff.formatting import duration, seconds
from ibsniff.ib.names import ERR_MSG, MANAGED_ACCTS, START_API
from ibsniff.model import NANOSECONDS, Conversation, Dialect, Message, ReplyKind, Report, Side
from ibsniff.render.text import Masker
from ibsniff.screens.lines import Lines, PrintLine
from ibsniff.timeline.dialogues import hello_event, reply_event

MAX_SINGLE_LINES = 20
"""Counted messages of one conversation that get a line of their own in a second: nobody reads more."""

WINDOW_NS = NANOSECONDS
"""Time after which many messages are printed together."""

UNFINISHED = (Dialect.INCOMPLETE, Dialect.NOT_CAPTURED)

ARROWS = {Side.CLIENT: "→", Side.SERVER: "←"}


class Entry(NamedTuple):
    """One line to be printed."""

    time_ns: int
    side: Side
    text: str


class MessageLines(Lines):
    """A line for every message, between the lines about changes; many messages of a second share a line."""

    def __init__(
        self, print_line: PrintLine, print_error: PrintLine, show_accounts: bool, hint: Callable[[], str]
    ) -> None:
        super().__init__(print_line, print_error, show_accounts, hint)
        self._progress: dict[str, Progress] = {}
        """By conversation; evicted conversations are forgotten."""
        self._last: Report | None = None

    def show(self, report: Report, changes: list[Change]) -> None:
        """Print new conversations, then the messages that came, then what they changed."""
        super().show(report, [change for change in changes if change.type == "conversation"])
        self._last = report
        self._progress = {one.id: self._progress.get(one.id) or Progress() for one in report.conversations}
        masker = Masker.for_report(report, self._show_accounts)
        for one in report.conversations:
            self._print(one, [*self._progress[one.id].new_entries(one, masker)], masker)
        super().show(report, [change for change in changes if change.type != "conversation"])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Print the messages of the last, unfinished second."""
        if self._last is not None and error is None:
            masker = Masker.for_report(self._last, self._show_accounts)
            for one in self._last.conversations:
                self._print(one, [*self._progress[one.id].counted.release(one.watched_until_ns)], masker)

    def _print(self, conversation: Conversation, entries: list[Entry], masker: Masker) -> None:
        for entry in sorted(entries, key=attrgetter("time_ns")):
            since = seconds(entry.time_ns - conversation.connection.first.time_ns)
            line = f"{since:+.3f} s {conversation.id} {ARROWS[entry.side]} {entry.text}"
            self._print_line(masker.visible_line(line))


class Progress:
    """How much of one conversation has been printed."""

    def __init__(self) -> None:
        self.counted = CountedMessages()
        self._hello = self._reply = False
        self._first = 0
        self._errors: Counter[int] = Counter()

    def new_entries(self, conversation: Conversation, masker: Masker) -> Iterator[Entry]:
        """Return what came since the last call, in no particular order."""
        dialogue = conversation.dialogue
        hello, reply = dialogue.hello, dialogue.reply
        if hello is not None and not self._hello and hello.dialect not in UNFINISHED:
            self._hello = True
            yield Entry(hello.complete.time_ns, Side.CLIENT, hello_event(hello).what)
        if reply is not None and not self._reply and reply.kind is not ReplyKind.UNFINISHED:
            self._reply = True
            yield Entry(reply.complete.time_ns, Side.SERVER, reply_event(reply).what)
        for message in dialogue.first_messages[self._first :]:
            if not _is_error(message):
                what = f"{message.name}, {message.length:,} bytes{_detail(conversation, message, masker)}"
                yield Entry(message.moment.time_ns, message.side, what)
        self._first = len(dialogue.first_messages)
        yield from self._new_errors(conversation)
        yield from self.counted.take(_only_counted(conversation), conversation.watched_until_ns)

    def _new_errors(self, conversation: Conversation) -> Iterator[Entry]:
        """Each new error; of those that are no longer kept, how many there were."""
        now = Counter({code: tally.count for code, tally in conversation.dialogue.errors.items()})
        new, self._errors = now - self._errors, now
        shown = conversation.dialogue.latest_errors[-new.total() :] if new else ()
        for code, count in (new - Counter(error.code for error in shown)).items():
            what = f"ERR_MSG {code}, {count:,} more times"
            yield Entry(shown[0].moment.time_ns, Side.SERVER, what)
        for error in shown:
            of_request = f", request {error.request}" if error.request != -1 else ""
            what = f"ERR_MSG {error.code}{of_request}: {error.text:quoted}"
            yield Entry(error.moment.time_ns, Side.SERVER, what)


class CountedMessages:
    """Messages of which only the number is known: a few are printed at once, many when a second is over."""

    def __init__(self) -> None:
        self._counts: dict[Side, Counter[str]] = {side: Counter() for side in Side}
        self._held: dict[Side, Counter[str]] = {side: Counter() for side in Side}
        self._since_ns = 0
        self._single_lines = 0

    def take(self, counts: dict[Side, Counter[str]], now_ns: int) -> Iterator[Entry]:
        """Take the present counts; return the entries that are due."""
        for side, now in counts.items():
            self._held[side] += now - self._counts[side]
        self._counts = counts
        self._since_ns = self._since_ns or now_ns
        held = sum(kinds.total() for kinds in self._held.values())
        if now_ns - self._since_ns >= WINDOW_NS:
            self._single_lines = min(held, MAX_SINGLE_LINES)
            yield from self.release(now_ns, many=held > MAX_SINGLE_LINES)
            self._since_ns = now_ns
        elif held and self._single_lines + held <= MAX_SINGLE_LINES:
            self._single_lines += held
            yield from self.release(now_ns, many=False)

    def release(self, now_ns: int, many: bool = True) -> Iterator[Entry]:
        """Return an entry for each side that has messages held back."""
        within = f" in {duration(seconds(now_ns - self._since_ns))}" if many else ""
        for side, kinds in self._held.items():
            if kinds:
                names = (name if count == 1 else f"{count:,} {name}" for name, count in kinds.most_common())
                yield Entry(now_ns, side, ", ".join(names) + within)
        self._held = {side: Counter() for side in Side}


def _is_error(message: Message) -> bool:
    return message.side is Side.SERVER and message.id == ERR_MSG


def _detail(conversation: Conversation, message: Message, masker: Masker) -> str:
    """The decisive content of a message."""
    dialogue = conversation.dialogue
    if message.side is Side.CLIENT and message.id == START_API and dialogue.start is not None:
        return f": client id {dialogue.start.client_id} ({dialogue.start.form})"
    if message.side is Side.SERVER and message.id == MANAGED_ACCTS:
        return f": {', '.join(map(masker.account, dialogue.accounts))}"
    return ""


def _only_counted(conversation: Conversation) -> dict[Side, Counter[str]]:
    """The messages that were counted but not kept, without the errors."""
    dialogue = conversation.dialogue
    kept = {side: Counter(m.name for m in dialogue.first_messages if m.side is side) for side in Side}
    counted = {side: dialogue.messages[side] - kept[side] for side in Side}
    errors = sum(tally.count for tally in dialogue.errors.values())
    kept_errors = sum(map(_is_error, dialogue.first_messages))
    counted[Side.SERVER] -= Counter({"ERR_MSG": max(0, errors - kept_errors)})
    return counted
