"""The live screen: which conversation is selected, the rates of messages, and when to repaint."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console

from ibsniff.analysis.changes import Change
from ibsniff.clock import LOCAL_CLOCK, Clock
from ibsniff.formatting import seconds
from ibsniff.model import NANOSECONDS, Conversation, Report
from ibsniff.render.connection_table import ConnectionTable, TableView, selected_conversation
from ibsniff.render.rows import display_order
from ibsniff.render.text import visible_line
from ibsniff.screens.keys import Keys, open_keys
from ibsniff.screens.painter import Painter

Processes = Callable[[], Mapping[str, Sequence[str]]]
"""Returns the processes of this machine at the ends of the conversations, by conversation."""


def no_processes() -> Mapping[str, Sequence[str]]:
    """Return no processes: nobody asked for them."""
    return {}


class LiveScreen:
    """The table of conversations and the ladder of the selected one, repainted once a second and upon news and keys."""

    def __init__(
        self,
        console: Console,
        show_accounts: bool,
        hint: Callable[[], str],
        keys: Keys | None = None,
        stop: Callable[[], None] = lambda: None,
        processes: Processes = no_processes,
        first_hint: str = "",
        clock: Clock = LOCAL_CLOCK,
    ) -> None:
        """Take the sources of what is shown, and ``stop``, which ends the capture.

        ``first_hint`` is shown until something comes. If nothing comes, ``hint`` says what traffic can be seen.
        """
        self._painter = Painter(console)
        self._show_accounts = show_accounts
        self._clock = clock
        self._hint = hint
        self._keys = keys or Keys()
        self._stop = stop
        self._processes = processes
        self._shown_hint = visible_line(first_hint)
        self._selected: str | None = None
        self._second = -1
        self._rates = MessageRates()

    def __enter__(self) -> Self:
        self._keys.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keys.__exit__(kind, error, trace)
        self._painter.__exit__(kind, error, trace)

    def suspend(self, stop_process: Callable[[], None]) -> None:
        """Restore the terminal, stop this process until the shell continues it, and take the terminal again."""
        self.__exit__(None, None, None)
        stop_process()
        self._keys = open_keys(sys.stdin)  # we may be in the background now
        self._keys.__enter__()
        self._second = -1

    def show(self, report: Report, changes: list[Change]) -> None:
        """Take the present report; repaint if a second is over, or if there is a reason to."""
        pressed = self._keys.pressed()
        for key in pressed:
            self._press(key, report)
        now_ns = max((facts.watched_until_ns or 0 for facts in report.inputs), default=0)
        if changes or pressed or now_ns // NANOSECONDS != self._second:
            self._second = now_ns // NANOSECONDS
            rates = self._rates.update(report.conversations, now_ns)
            view = TableView(self._selected, rates, self._shown_hint, self._processes(), self._keys.help)
            self._painter.paint(ConnectionTable(report, view, self._show_accounts, self._clock))

    def quiet(self) -> None:
        """Show from now on what traffic can be seen instead."""
        self._shown_hint = visible_line(self._hint())

    def _press(self, key: str, report: Report) -> None:
        if key == "stop":
            self._stop()
        elif key == "newest":
            self._selected = None
        elif key == "repaint":
            self._painter.forget()
        elif report.conversations:
            ordered = display_order(report.conversations)
            shown = selected_conversation(report, TableView(self._selected))
            position = next(number for number, one in enumerate(ordered) if one is shown)
            step = 1 if key == "down" else -1
            self._selected = ordered[max(0, min(position + step, len(ordered) - 1))].id


class MessageRates:
    """Messages per second of each conversation, over the last second or longer."""

    def __init__(self) -> None:
        self._since_ns = 0
        self._counts: dict[str, int] = {}
        """Messages at ``_since_ns``, by conversation; evicted conversations are forgotten."""
        self._rates: dict[str, float] = {}

    def update(self, conversations: Sequence[Conversation], now_ns: int) -> Mapping[str, float]:
        """Return messages per second by conversation; they are calculated again when a second has passed."""
        if now_ns - self._since_ns < NANOSECONDS:
            return self._rates
        counts = {one.id: sum(sent.total() for sent in one.dialogue.messages.values()) for one in conversations}
        passed = seconds(now_ns - self._since_ns)
        before = self._counts if self._since_ns else counts
        self._rates = {name: (count - before.get(name, 0)) / passed for name, count in counts.items()}
        self._since_ns, self._counts = now_ns, counts
        return self._rates
