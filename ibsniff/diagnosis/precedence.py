"""Which of several conversations went worse."""

from __future__ import annotations

from ibsniff.model import Conversation, Finding, Outcome, Rung, Severity

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
UNANSWERED, LAST_UNANSWERED = (Outcome.SILENT, Outcome.RESET, Outcome.CLOSED), Outcome.CUT_OFF
"""What may become of a hello that is not answered, and the last such outcome in the order above."""

Precedence = tuple[int, int, int]
"""Sort key: the worst comes first, of equals the newest."""


def order_of(conversation: Conversation, finding: Finding | None = None) -> Precedence:
    """The place of a conversation among others, or of one finding about it."""
    severity, rank = badness(conversation)
    if finding is not None and finding is not conversation.cause:
        severity = list(Severity).index(finding.severity)
    return severity, rank, -conversation.connection.first.time_ns


def badness(conversation: Conversation) -> tuple[int, int]:
    """Sort key: the conversation that should speak for the capture comes first.

    One that failed where nobody has to act comes after those that worked. A client that sent no hello does not speak before
    one whose good hello was left unanswered, nor before a session that died: a health check by HTTP beside a TWS that hangs.
    """
    if conversation.is_fine:
        severity = len(Severity) + (conversation.cause is not None)
    elif conversation.cause is not None:
        severity = list(Severity).index(conversation.cause.severity)
    else:
        severity = list(Severity).index(Severity.WARNING)
    return severity, _rank(conversation)


def _rank(conversation: Conversation) -> int:
    """The place of its outcome in ``WORST_FIRST``; that of ``LAST_UNANSWERED`` at the earliest if its hello is not valid.

    A session in which something went wrong stands just before those.
    """
    hello, rank = conversation.dialogue.hello, 2 * WORST_FIRST.index(conversation.outcome)
    if conversation.rung is Rung.READY or conversation.outcome is Outcome.JOINED:
        return min(rank, 2 * WORST_FIRST.index(LAST_UNANSWERED))
    was_asked_wrongly = hello is not None and not hello.is_valid and conversation.outcome in UNANSWERED
    return max(rank, 2 * WORST_FIRST.index(LAST_UNANSWERED) + 1) if was_asked_wrongly else rank
