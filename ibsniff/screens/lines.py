"""News as lines: for pipes, for logs, and as NDJSON for programs."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from ibsniff.model import Report
from ibsniff.render.text import Veil, iso, json_text, prose
from ibsniff.watching import Change

Say = Callable[[str], None]


class Lines:
    """One line an event; hints go where complaints go."""

    def __init__(self, say: Say, complain: Say, show_accounts: bool, hint: Callable[[], str]) -> None:
        self._say = say
        self._complain = complain
        self._show_accounts = show_accounts
        self._hint = hint
        self._dropped = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to tidy up."""

    def show(self, seen: Report, changes: list[Change]) -> None:
        """Say what changed."""
        veil = Veil.over(seen, self._show_accounts)
        for change in changes:
            self.tell(change, veil)
        dropped = max((facts.dropped or 0 for facts in seen.inputs), default=0)
        if dropped > self._dropped:
            self._dropped = dropped
            self.tell_drops(dropped, seen)

    def tell(self, change: Change, veil: Veil) -> None:
        """Say one change."""
        code = f" {change.code}" if change.code else ""
        text = prose(veil.text(change.text))
        self._say(f"{iso(change.time_ns)} {change.conversation.id} {change.type}{code}: {text}")

    def tell_drops(self, dropped: int, _seen: Report) -> None:
        """Say that the capture loses packets."""
        self._complain(f"dropped: {dropped:,} packets so far; every silence since is in doubt")

    def quiet(self) -> None:
        """Say what can be seen instead."""
        self._complain(prose(self._hint()))


class JsonLines(Lines):
    """NDJSON: one object an event, as the contract says."""

    def tell(self, change: Change, veil: Veil) -> None:
        """Write one change."""
        conversation = change.conversation
        row = {
            "type": change.type,
            "time": iso(change.time_ns),
            "conversation": conversation.id,
            "client": str(conversation.connection.client),
            "server": str(conversation.connection.server),
            "rung": conversation.rung,
            "outcome": conversation.outcome,
            "fault": conversation.fault,
            "code": change.code,
            "summary": veil.text(change.text),
        }
        self._write(row)

    def tell_drops(self, dropped: int, seen: Report) -> None:
        """Write that the capture loses packets."""
        last_ns = max((facts.last_time_ns or 0 for facts in seen.inputs), default=0)
        self._write({"type": "drops", "time": iso(last_ns), "dropped": dropped})

    def _write(self, row: dict[str, Any]) -> None:
        self._say(json_text(row))
