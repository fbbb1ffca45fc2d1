"""The screen: who looks at which conversation, how fast they talk, and when to paint."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console

from ibsniff.analysis.watching import Change
from ibsniff.model import NANOSECONDS, Conversation, Report
from ibsniff.render.connection_table import ConnectionTable, View, shown_conversation
from ibsniff.render.rows import in_order
from ibsniff.render.text import prose
from ibsniff.screens.keys import Keys, keys_of
from ibsniff.screens.painter import Painter

Here = Callable[[], Mapping[str, Sequence[str]]]


def nothing_here() -> Mapping[str, Sequence[str]]:
    """Nobody asked what is seen on this machine beside the packets."""
    return {}


class LiveScreen:
    """The conversations as a table and the chosen one's ladder; painted once a second, and at once upon news and keys."""

    def __init__(
        self,
        console: Console,
        show_accounts: bool,
        hint: Callable[[], str],
        keys: Keys | None = None,
        stop: Callable[[], None] = lambda: None,
        here: Here = nothing_here,
        says: str = "",
    ) -> None:
        """Take whom to ask, and what is said while nothing has come.

        ``hint`` says what can be seen where nothing comes, ``here`` what is known of this machine, and ``stop`` ends the
        capture.
        """
        self._painter = Painter(console)
        self._show_accounts = show_accounts
        self._hint = hint
        self._keys = keys or Keys()
        self._stop = stop
        self._here = here
        self._says = prose(says)
        self._chosen: str | None = None
        self._second = -1
        self._pulse = Pulse()

    def __enter__(self) -> Self:
        self._keys.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keys.__exit__(kind, error, trace)
        self._painter.__exit__(kind, error, trace)

    def pause(self, stop: Callable[[], None]) -> None:
        """Give the terminal back, do ``stop``, which returns when somebody wants to go on, and take it again."""
        self.__exit__(None, None, None)
        stop()
        self._keys = keys_of(sys.stdin)  # we may be in the background now
        self._keys.__enter__()
        self._second = -1

    def show(self, seen: Report, changes: list[Change]) -> None:
        """Take the present report; paint it if a second is over, or if there is a reason to."""
        pressed = self._keys.pressed()
        for key in pressed:
            self._press(key, seen)
        now_ns = max((facts.watched_until_ns or 0 for facts in seen.inputs), default=0)
        if changes or pressed or now_ns // NANOSECONDS != self._second:
            self._second = now_ns // NANOSECONDS
            rates = self._pulse.rates(seen.conversations, now_ns)
            view = View(self._chosen, rates, self._says, self._here(), self._keys.help)
            self._painter.paint(ConnectionTable(seen, view, self._show_accounts))

    def quiet(self) -> None:
        """Say what can be seen instead, from the next painting on."""
        self._says = prose(self._hint())

    def _press(self, key: str, seen: Report) -> None:
        if key == "stop":
            self._stop()
        elif key == "newest":
            self._chosen = None
        elif key == "paint":
            self._painter.forget()
        elif seen.conversations:
            ordered = in_order(seen.conversations)
            shown = shown_conversation(seen, View(self._chosen))
            at = next(number for number, one in enumerate(ordered) if one is shown)
            step = 1 if key == "down" else -1
            self._chosen = ordered[max(0, min(at + step, len(ordered) - 1))].id


class Pulse:
    """How many messages a second each conversation exchanges, over the last second or more."""

    def __init__(self) -> None:
        self._since_ns = 0
        self._before: dict[str, int] = {}
        """Messages so far, by conversation, when it was last counted: those folded meanwhile are forgotten."""
        self._rates: dict[str, float] = {}

    def rates(self, conversations: Sequence[Conversation], now_ns: int) -> Mapping[str, float]:
        """Count anew if a second has passed; messages a second by conversation."""
        if now_ns - self._since_ns < NANOSECONDS:
            return self._rates
        counts = {one.id: sum(said.total() for said in one.dialogue.messages.values()) for one in conversations}
        seconds = (now_ns - self._since_ns) / NANOSECONDS
        known = self._before if self._since_ns else counts
        self._rates = {name: (count - known.get(name, 0)) / seconds for name, count in counts.items()}
        self._since_ns, self._before = now_ns, counts
        return self._rates
