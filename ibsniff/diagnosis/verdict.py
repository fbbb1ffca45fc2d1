"""Which conversation speaks for the whole capture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ibsniff.diagnosis.conclusion import is_fine
from ibsniff.model import Conversation, Endpoint, Finding, Outcome, Rung, Severity, Verdict

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


class _Newest(NamedTuple):
    """The newest conversation with one server."""

    time_ns: int
    id: str
    is_ready: bool
    """It is ready, and nothing is wrong with it."""


class VerdictSoFar:
    """Takes one capture after the other, and keeps of its conversations only what the verdict needs."""

    def __init__(self) -> None:
        self.evicted: Counter[Outcome] = Counter()
        """Conversations that were not kept, by outcome."""
        self._outcomes: Counter[Outcome] = Counter()
        self._worst: Conversation | None = None
        self._newest: dict[Endpoint, _Newest] = {}
        self._common: list[tuple[Finding, Outcome]] = []
        """Errors that concern several conversations, and the outcome of the first of those."""

    def add(
        self, conversations: Sequence[Conversation], evicted: Counter[Outcome], shared: Sequence[Finding] = ()
    ) -> None:
        """Take the conversations of a capture and the findings about several of them."""
        self.evicted += evicted
        for one in conversations:
            self._outcomes[one.outcome] += 1
            self._take_newest(one)
            if self._worst is None or _precedence(one) < _precedence(self._worst):
                self._worst = one
        for finding in shared:
            if finding.severity is Severity.ERROR and finding.conversations:
                first = next(one for one in conversations if one.id == finding.conversations[0])
                self._common.append((finding, first.outcome))

    def _take_newest(self, one: Conversation) -> None:
        server, time_ns = one.connection.server, one.connection.first.time_ns
        newest = self._newest.get(server)
        if newest is None or time_ns > newest.time_ns:
            self._newest[server] = _Newest(time_ns, one.id, is_fine(one) and one.rung is Rung.READY)

    def verdict(self) -> Verdict | None:
        """Let the worst conversation speak, the latest of equals; and say so when the newest one works.

        An error that concerns several conversations, the worst among them, explains more than any single one and speaks
        in its place; the first conversation it names is the user's.
        """
        worst = self._worst
        if worst is None:
            return None
        recovered, counts = self._recovered(worst), dict(self._outcomes + self.evicted)
        common = next((one for one in self._common if worst.id in one[0].conversations), None)
        if common is not None:
            finding, outcome = common
            summary, first = finding.summary + recovered, finding.conversations[0]
            return Verdict(outcome, finding.fault, finding.confidence, finding.code, summary, first, counts)
        return Verdict(
            outcome=worst.outcome,
            fault=worst.fault,
            confidence=worst.confidence,
            code=worst.cause.code if worst.cause else None,
            summary=worst.summary + recovered,
            conversation=worst.id,
            counts=counts,
        )

    def _recovered(self, worst: Conversation) -> str:
        """A sentence to add when the newest conversation with the same server works; empty when it does not."""
        newest = self._newest[worst.connection.server]
        if is_fine(worst) or not newest.is_ready:
            return ""
        return f" The latest conversation ({newest.id}) is ready: it has worked since then."


def verdict_of(
    conversations: Sequence[Conversation], evicted: Counter[Outcome], shared: Sequence[Finding] = ()
) -> Verdict | None:
    """The verdict on these conversations; ``evicted`` counts those that are not kept any more."""
    so_far = VerdictSoFar()
    so_far.add(conversations, evicted, shared)
    return so_far.verdict()


def _precedence(conversation: Conversation) -> tuple[tuple[int, int], int]:
    """Sort key: the worst comes first, of equals the newest."""
    return badness(conversation), -conversation.connection.first.time_ns


def badness(conversation: Conversation) -> tuple[int, int]:
    """Sort key: the conversation that should speak for the capture comes first.

    One that failed where nobody has to act comes after those that worked. A client that sent no hello does not speak before
    one whose good hello was left unanswered, nor before a session that died: a health check by HTTP beside a TWS that hangs.
    """
    if is_fine(conversation):
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
