"""Live output as lines: for pipes and logs, and as NDJSON for programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from ibsniff.analysis.changes import Change
from ibsniff.formatting import iso
from ibsniff.model import Report
from ibsniff.render.text import Masker, encodable, json_text, visible_line

PrintLine = Callable[[str], None]


class Lines:
    """One line for each event; hints and notes go to stderr."""

    def __init__(
        self, print_line: PrintLine, print_error: PrintLine, show_accounts: bool, hint: Callable[[], str]
    ) -> None:
        self._print_line = print_line
        self._print_error = print_error
        self._show_accounts = show_accounts
        self._hint = hint
        self._lost = 0
        """Packets that the capture has lost so far."""
        self._dropped = 0
        """How many of them were reported."""
        self._events_printed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: lines leave nothing open."""

    def show(self, report: Report, changes: list[Change]) -> None:
        """Print what changed, and what happened to the capture itself."""
        masker = Masker.for_report(report, self._show_accounts)
        self._lost = sum(facts.dropped or 0 for facts in report.inputs)
        for change in self.selected(changes):
            self.print_change(change, masker)
        if self._lost > self._dropped:
            self._dropped = self._lost
            self.print_losses(self._lost, report)
        events = [event for facts in report.inputs for event in facts.events]
        for event in events[self._events_printed :]:
            self.print_event(event, report)
        self._events_printed = len(events)

    def selected(self, changes: Sequence[Change]) -> list[Change]:
        """Return the changes worth a line: the sentence of an outcome is that of its cause, and is not printed twice."""
        printed = {(change.conversation.id, change.text) for change in changes if change.type == "outcome"}
        return [one for one in changes if one.type != "finding" or (one.conversation.id, one.text) not in printed]

    def print_change(self, change: Change, masker: Masker) -> None:
        """Print one change."""
        kind, cause = change.type, change.conversation.cause
        if kind == "outcome":
            kind = f"outcome {change.conversation.outcome}" + (f", {cause.code}" if cause else "")
        elif change.code:
            kind = f"{kind} {change.code}"
        self._print_line(f"{iso(change.time_ns)} {change.conversation.id} {kind}: {masker.visible_line(change.text)}")

    def print_losses(self, dropped: int, _report: Report) -> None:
        """Print that the capture is losing packets."""
        self._print_error(f"{dropped:,} packets lost so far; a missing answer may be among them")

    def print_event(self, text: str, _report: Report) -> None:
        """Print what happened to the capture: an interface went down, came up again or disappeared."""
        self._print_error(visible_line(text))

    def quiet(self) -> None:
        """Print what traffic can be seen instead."""
        self._print_error(visible_line(self._hint()))


class JsonLines(Lines):
    """NDJSON: one object for each event, as the contract says."""

    def selected(self, changes: Sequence[Change]) -> list[Change]:
        """Return all changes."""
        return [*changes]

    def print_change(self, change: Change, masker: Masker) -> None:
        """Print one change."""
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
            "confidence": conversation.confidence,
            "code": change.code,
            "summary": masker.encodable(change.text),
            "dropped": self._lost,
        }
        self._write(row)

    def print_losses(self, dropped: int, report: Report) -> None:
        """Print that the capture is losing packets."""
        self._write({"type": "drops", "time": iso(_now_ns(report)), "dropped": dropped})

    def print_event(self, text: str, report: Report) -> None:
        """Print what happened to the capture, for programs and for people."""
        self._write({"type": "interface", "time": iso(_now_ns(report)), "text": encodable(text)})
        super().print_event(text, report)

    def _write(self, row: dict[str, Any]) -> None:
        self._print_line(json_text(row))


def _now_ns(report: Report) -> int:
    """Until when the capture has come."""
    times = (max(facts.last_time_ns or 0, facts.watched_until_ns or 0) for facts in report.inputs)
    return max(times, default=0)
