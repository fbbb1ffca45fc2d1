"""The live screen: which conversation is selected, the rates of messages, and when to repaint."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from types import TracebackType
from typing import Self, TypeVar

from rich.console import Console

from ibsniff.analysis.changes import Change
from ibsniff.clock import LOCAL_CLOCK, Clock
from ibsniff.formatting import seconds
from ibsniff.model import NANOSECONDS, Conversation, Report
from ibsniff.render.connection_table import ConnectionTable, Table, TableView, table_of
from ibsniff.render.live_rows import Order, Shown
from ibsniff.render.text import visible_line
from ibsniff.screens.keys import ALL_KEYS, Keys, open_keys
from ibsniff.screens.painter import Painter

MAX_SCROLLED = 200
"""Lines by which one conversation can be scrolled: more than its findings take at 20 columns."""

Choice = TypeVar("Choice", bound=StrEnum)


class LiveScreen:
    """The table of conversations and the ladder of the selected one, repainted once a second and upon news and keys."""

    def __init__(
        self,
        console: Console,
        show_accounts: bool,
        hint: Callable[[], str],
        keys: Keys | None = None,
        stop: Callable[[], None] = lambda: None,
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
        self._view = TableView(hint=visible_line(first_hint), keys=self._keys.help)
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
            self._view = replace(
                self._view,
                rates=self._rates.update(report.conversations, now_ns),
                keys=self._keys.help,
            )
            self._keep_selection(report)
            self._painter.paint(ConnectionTable(report, self._view, self._show_accounts, self._clock))

    def quiet(self) -> None:
        """Show from now on what traffic can be seen instead."""
        self._view = replace(self._view, hint=visible_line(self._hint()))

    def _keep_selection(self, report: Report) -> None:
        """Select the newest conversation of the selected row: older ones are evicted, and the loop goes on."""
        if self._view.selected is not None:
            row = next((row for row in table_of(report, self._view).rows if row.includes(self._view.selected)), None)
            self._view = replace(self._view, selected=row.newest.id if row is not None else None)

    def _press(self, key: str, report: Report) -> None:
        view = self._view
        if view.help:  # any key leaves that page
            self._view = replace(view, help=())
            if key not in ("stop", "repaint"):
                return
        match key:
            case "stop":
                self._stop()
            case "repaint":
                self._painter.forget()
            case "help":
                self._view = replace(view, help=ALL_KEYS)
            case "follow":
                self._view = replace(view, selected=None)
            case "alone":
                self._view = replace(view, is_alone=not view.is_alone, scrolled=0)
            case "sort":
                self._view = replace(view, order=_next(Order, view.order))
            case "view":
                self._view = self._next_view(report)
            case _ if view.is_alone:
                self._view = replace(view, scrolled=self._scrolled(key))
            case _:
                self._move(key, table_of(report, view))

    def _next_view(self, report: Report) -> TableView:
        """Show other rows; with one server only, the choice of a server is left out."""
        view = self._view
        selected = table_of(report, view).selected
        shown = _next(Shown, view.shown)
        servers = {one.connection.server for one in report.conversations}
        if shown is Shown.SERVER and (selected is None or len(servers) == 1):
            shown = Shown.ALL
        server = selected.newest.connection.server if shown is Shown.SERVER and selected is not None else None
        return replace(view, shown=shown, server=server)

    def _scrolled(self, key: str) -> int:
        """By how many lines the conversation that is shown alone is scrolled after this key."""
        page = max(1, self._painter.console.height // 2)
        steps = {"up": -1, "down": 1, "page up": -page, "page down": page, "first": -MAX_SCROLLED, "last": MAX_SCROLLED}
        return max(0, min(self._view.scrolled + steps[key], MAX_SCROLLED))

    def _move(self, key: str, table: Table) -> None:
        """Select another row."""
        if table.selected is None:
            return
        position, last = table.rows.index(table.selected), len(table.rows) - 1
        page = max(1, self._painter.console.height // 3)
        steps = {"up": -1, "down": 1, "page up": -page, "page down": page, "first": -last, "last": last}
        row = table.rows[max(0, min(position + steps[key], last))]
        self._view = replace(self._view, selected=row.newest.id)


def _next(kinds: type[Choice], now: Choice) -> Choice:
    """The choice after this one, and the first after the last."""
    every = list(kinds)
    return every[(every.index(now) + 1) % len(every)]


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
