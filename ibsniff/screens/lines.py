"""News as lines: for pipes, for logs, and as NDJSON for programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from ibsniff.analysis.watching import Change
from ibsniff.formatting import iso
from ibsniff.model import Report
from ibsniff.render.text import Veil, json_text, prose

Say = Callable[[str], None]


class Lines:
    """One line an event; hints go where complaints go."""

    def __init__(self, say: Say, complain: Say, show_accounts: bool, hint: Callable[[], str]) -> None:
        self._say = say
        self._complain = complain
        self._show_accounts = show_accounts
        self._hint = hint
        self._dropped = 0
        self._noted = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to tidy up."""

    def show(self, seen: Report, changes: list[Change]) -> None:
        """Say what changed, and what befell the capture."""
        veil = Veil.over(seen, self._show_accounts)
        for change in self.worth_telling(changes):
            self.tell(change, veil)
        dropped = max((facts.dropped or 0 for facts in seen.inputs), default=0)
        if dropped > self._dropped:
            self._dropped = dropped
            self.tell_drops(dropped, seen)
        notes = [note for facts in seen.inputs for note in facts.notes]
        for note in notes[self._noted :]:
            self._complain(prose(note))
        self._noted = len(notes)

    def worth_telling(self, changes: Sequence[Change]) -> list[Change]:
        """What a person wants to read: an outcome's sentence is its cause's, and is not said twice."""
        said = {(change.conversation.id, change.text) for change in changes if change.type == "outcome"}
        return [one for one in changes if one.type != "finding" or (one.conversation.id, one.text) not in said]

    def tell(self, change: Change, veil: Veil) -> None:
        """Say one change."""
        kind, cause = change.type, change.conversation.cause
        if kind == "outcome":
            kind = f"outcome {change.conversation.outcome}" + (f", {cause.code}" if cause else "")
        elif change.code:
            kind = f"{kind} {change.code}"
        self._say(f"{iso(change.time_ns)} {change.conversation.id} {kind}: {prose(veil.text(change.text))}")

    def tell_drops(self, dropped: int, _seen: Report) -> None:
        """Say that the capture loses packets."""
        self._complain(f"dropped: {dropped:,} packets so far; every silence since is in doubt")

    def quiet(self) -> None:
        """Say what can be seen instead."""
        self._complain(prose(self._hint()))


class JsonLines(Lines):
    """NDJSON: one object an event, as the contract says."""

    def worth_telling(self, changes: Sequence[Change]) -> list[Change]:
        """Programs want each."""
        return [*changes]

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
