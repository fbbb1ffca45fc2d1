"""Messages as they come, a line each: ``--follow``.

A conversation keeps its first messages and every error; what follows is only counted, so that a session of a day does
not grow. So the first ones are told with their own time and size, later ones with the time they were noticed at, and
many as what they are: so many of a kind in a second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from operator import attrgetter
from types import TracebackType
from typing import NamedTuple

from ibsniff.analysis.watching import Change
from ibsniff.formatting import duration, seconds
from ibsniff.ib.names import ERR_MSG, MANAGED_ACCTS, START_API
from ibsniff.model import NANOSECONDS, Conversation, Dialect, Message, ReplyKind, Report, Side
from ibsniff.render.text import Veil, prose
from ibsniff.render.timeline import hello_event, reply_event
from ibsniff.screens.lines import Lines, Say

SINGLY = 20
"""Counted messages of one conversation told by themselves in a second: more than that, nobody reads."""

WINDOW_NS = NANOSECONDS
"""Many are told once in so long."""

UNFINISHED = (Dialect.INCOMPLETE, Dialect.NOT_CAPTURED)

ARROWS = {Side.CLIENT: "→", Side.SERVER: "←"}


class Told(NamedTuple):
    """One line to be said."""

    time_ns: int
    side: Side
    text: str


class MessageLines(Lines):
    """Every message a line, between the lines that say what changed; all of a second in one where there are many."""

    def __init__(self, say: Say, complain: Say, show_accounts: bool, hint: Callable[[], str]) -> None:
        super().__init__(say, complain, show_accounts, hint)
        self._told: dict[str, Telling] = {}
        """By conversation; those folded meanwhile are forgotten."""
        self._last: Report | None = None

    def show(self, seen: Report, changes: list[Change]) -> None:
        """Say who called, which messages came, and then what they changed."""
        super().show(seen, [change for change in changes if change.type == "conversation"])
        self._last = seen
        self._told = {one.id: self._told.get(one.id) or Telling() for one in seen.conversations}
        veil = Veil.over(seen, self._show_accounts)
        for one in seen.conversations:
            self._tell(one, [*self._told[one.id].news(one, veil)], veil)
        super().show(seen, [change for change in changes if change.type != "conversation"])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say what was held back until its second is over."""
        if self._last is not None and error is None:
            veil = Veil.over(self._last, self._show_accounts)
            for one in self._last.conversations:
                self._tell(one, [*self._told[one.id].bulk.release(one.watched_until_ns)], veil)

    def _tell(self, conversation: Conversation, told: list[Told], veil: Veil) -> None:
        for each in sorted(told, key=attrgetter("time_ns")):
            since = seconds(each.time_ns - conversation.connection.first.time_ns)
            self._say(prose(f"{since:+.3f} s {conversation.id} {ARROWS[each.side]} {veil.text(each.text)}"))


class Telling:
    """How far one conversation has been told."""

    def __init__(self) -> None:
        self.bulk = Bulk()
        self._hello = self._reply = False
        self._first = 0
        self._errors: Counter[int] = Counter()

    def news(self, conversation: Conversation, veil: Veil) -> Iterator[Told]:
        """Give what came since the last time, in no order."""
        dialogue = conversation.dialogue
        hello, reply = dialogue.hello, dialogue.reply
        if hello is not None and not self._hello and hello.dialect not in UNFINISHED:
            self._hello = True
            yield Told(hello.complete.time_ns, Side.CLIENT, hello_event(hello).what)
        if reply is not None and not self._reply and reply.kind is not ReplyKind.UNFINISHED:
            self._reply = True
            yield Told(reply.complete.time_ns, Side.SERVER, reply_event(reply).what)
        for message in dialogue.first_messages[self._first :]:
            if not _is_error(message):
                what = f"{message.name}, {message.length:,} bytes{_detail(conversation, message, veil)}"
                yield Told(message.moment.time_ns, message.side, what)
        self._first = len(dialogue.first_messages)
        yield from self._new_errors(conversation)
        yield from self.bulk.take(_only_counted(conversation), conversation.watched_until_ns)

    def _new_errors(self, conversation: Conversation) -> Iterator[Told]:
        for code, tally in conversation.dialogue.errors.items():
            new = tally.count - self._errors[code]
            self._errors[code] = tally.count
            shown = tally.examples[-new:] if new else []
            for error in shown:
                of_request = f", request {error.request}" if error.request != -1 else ""
                yield Told(error.moment.time_ns, Side.SERVER, f"ERR_MSG {code}{of_request}: {error.text}")
            if new > len(shown):
                what = f"ERR_MSG {code}, {new - len(shown):,} times more"
                yield Told(shown[-1].moment.time_ns, Side.SERVER, what)


class Bulk:
    """Messages that are only counted: a few are told at once, many when a second is over."""

    def __init__(self) -> None:
        self._counted: dict[Side, Counter[str]] = {side: Counter() for side in Side}
        self._held: dict[Side, Counter[str]] = {side: Counter() for side in Side}
        self._since_ns = 0
        self._singly = 0

    def take(self, counts: dict[Side, Counter[str]], now_ns: int) -> Iterator[Told]:
        """Take the counts as they are now; give what is due."""
        for side, now in counts.items():
            self._held[side] += now - self._counted[side]
        self._counted = counts
        self._since_ns = self._since_ns or now_ns
        held = sum(kinds.total() for kinds in self._held.values())
        if now_ns - self._since_ns >= WINDOW_NS:
            self._singly = min(held, SINGLY)
            yield from self.release(now_ns, many=held > SINGLY)
            self._since_ns = now_ns
        elif held and self._singly + held <= SINGLY:
            self._singly += held
            yield from self.release(now_ns, many=False)

    def release(self, now_ns: int, many: bool = True) -> Iterator[Told]:
        """Give what is held back, a line for each side."""
        within = f" in {duration(seconds(now_ns - self._since_ns))}" if many else ""
        for side, kinds in self._held.items():
            if kinds:
                said = (name if count == 1 else f"{count:,} {name}" for name, count in kinds.most_common())
                yield Told(now_ns, side, ", ".join(said) + within)
        self._held = {side: Counter() for side in Side}


def _is_error(message: Message) -> bool:
    return message.side is Side.SERVER and message.id == ERR_MSG


def _detail(conversation: Conversation, message: Message, veil: Veil) -> str:
    """What decides in a message."""
    dialogue = conversation.dialogue
    if message.side is Side.CLIENT and message.id == START_API and dialogue.start is not None:
        return f": client id {dialogue.start.client_id} ({dialogue.start.form})"
    if message.side is Side.SERVER and message.id == MANAGED_ACCTS:
        return f": {', '.join(map(veil.account, dialogue.accounts))}"
    return ""


def _only_counted(conversation: Conversation) -> dict[Side, Counter[str]]:
    """The messages that were not kept, and are not among the errors."""
    dialogue = conversation.dialogue
    kept = {side: Counter(m.name for m in dialogue.first_messages if m.side is side) for side in Side}
    counted = {side: dialogue.messages[side] - kept[side] for side in Side}
    told = sum(tally.count for tally in dialogue.errors.values())
    kept_errors = sum(map(_is_error, dialogue.first_messages))
    counted[Side.SERVER] -= Counter({"ERR_MSG": max(0, told - kept_errors)})
    return counted
