"""Which conversation speaks for the whole capture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ibsniff.diagnosis.conclusion import is_fine
from ibsniff.model import Conversation, Finding, Outcome, Rung, Severity, Verdict

WORST_FIRST = (
    Outcome.REFUSED,
    Outcome.UNREACHABLE,
    Outcome.SILENT,
    Outcome.RESET,
    Outcome.CLOSED,
    Outcome.FOREIGN,
    Outcome.CUT_OFF,
    Outcome.REPLIED,
    Outcome.NOT_ASKED,
    Outcome.UNPROVEN,
    Outcome.JOINED,
)
"""Which outcome speaks when several conversations are equally severe."""


def verdict_of(
    conversations: Sequence[Conversation], evicted: Counter[Outcome], shared: Sequence[Finding] = ()
) -> Verdict | None:
    """Let the worst conversation speak, the latest of equals; and say so when the newest one works.

    ``evicted`` counts conversations that are not kept any more. An error that concerns several conversations, the worst
    among them, explains more than any single one and speaks in its place; the first conversation it names is the user's.
    """
    if not conversations:
        return None
    newest_first = sorted(conversations, key=lambda conversation: -conversation.connection.first.time_ns)
    worst = min(newest_first, key=badness)
    recovered = _recovered(worst, newest_first)
    counts = dict(Counter(conversation.outcome for conversation in conversations) + evicted)
    common = next((one for one in shared if one.severity is Severity.ERROR and worst.id in one.conversations), None)
    if common is not None:
        first = next(conversation for conversation in conversations if conversation.id == common.conversations[0])
        summary = common.summary + recovered
        return Verdict(first.outcome, common.fault, common.confidence, common.code, summary, first.id, counts)
    return Verdict(
        outcome=worst.outcome,
        fault=worst.fault,
        confidence=worst.confidence,
        code=worst.cause.code if worst.cause else None,
        summary=worst.summary + recovered,
        conversation=worst.id,
        counts=counts,
    )


def _recovered(worst: Conversation, newest_first: Sequence[Conversation]) -> str:
    """A sentence to add when the newest conversation with the same server works; empty when it does not."""
    newest = next(one for one in newest_first if one.connection.server == worst.connection.server)
    if newest is worst or is_fine(worst) or not is_fine(newest) or newest.rung is not Rung.READY:
        return ""
    return f" The latest conversation ({newest.id}) is ready: it has worked since then."


def badness(conversation: Conversation) -> tuple[int, int]:
    """Sort key: the conversation that should speak for the capture comes first.

    One that failed where nobody has to act comes after those that worked.
    """
    if is_fine(conversation):
        severity = len(Severity) + (conversation.cause is not None)
    elif conversation.cause is not None:
        severity = list(Severity).index(conversation.cause.severity)
    else:
        severity = list(Severity).index(Severity.WARNING)
    return severity, WORST_FIRST.index(conversation.outcome)
