"""The verdict on all captures together follows from their problems.

It is that of the worst problem. When nothing is wrong, the conversation that went best speaks, the newest of equals. What can
be doubted of a capture as a whole is a problem, and so a verdict, only if it has no conversation (see ``render``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from heapq import nsmallest

from ibsniff.diagnosis.precedence import Precedence, order_of
from ibsniff.diagnosis.problems import Newest, problems_of
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Conversation, Finding, Outcome, Problem, Verdict

MAX_PROBLEMS = 200
"""Kept of all captures together: the worst. Of one capture there are seldom more than four."""


class VerdictSoFar:
    """Takes one capture after the other, and keeps of its conversations only what the verdict needs."""

    def __init__(self) -> None:
        self.evicted: Counter[Outcome] = Counter()
        """Conversations that were not kept, by outcome."""
        self.omitted = 0
        """Problems that were not kept."""
        self._outcomes: Counter[Outcome] = Counter()
        self._problems: list[tuple[tuple[bool, Precedence], Problem, Verdict]] = []
        self._best: tuple[Precedence, Verdict] | None = None

    def add(
        self,
        index: CaptureIndex,
        evicted: Counter[Outcome],
        findings: Sequence[Finding] = (),
        chosen: Sequence[Conversation] | None = None,
    ) -> None:
        """Take the judged conversations of a capture and the findings about it or about several of them.

        The verdict is only about the ``chosen`` conversations.
        """
        self.evicted += evicted
        chosen = index.conversations if chosen is None else chosen
        self._outcomes.update(one.outcome for one in chosen)
        by_id = index.by_id
        newest = Newest(index.conversations)
        found = [
            ((problem.is_over, order), problem, _verdict_on(problem, by_id[problem.conversation], newest))
            for order, problem in problems_of(index, findings, chosen)
            if problem.conversation is not None
        ]
        together = [*self._problems, *found]
        self._problems = nsmallest(MAX_PROBLEMS, together, key=lambda kept: kept[0])
        self.omitted += len(together) - len(self._problems)
        self._take_best(chosen)

    def _take_best(self, conversations: Sequence[Conversation]) -> None:
        """Without any problem, the conversation that is asked first speaks."""
        first = min(conversations, key=order_of, default=None)
        if first is not None and (self._best is None or order_of(first) < self._best[0]):
            code = first.cause.code if first.cause else None
            self._best = (
                order_of(first),
                Verdict(first.outcome, first.fault, first.confidence, code, first.summary, first.id, {}),
            )

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The worst first."""
        return tuple(problem for _, problem, _ in self._problems)

    def verdict(self) -> Verdict | None:
        """The verdict on the worst problem, or on the conversation that went best; None without any conversation."""
        chosen = self._problems[0][2] if self._problems else self._best[1] if self._best else None
        return None if chosen is None else chosen._replace(counts=dict(self._outcomes + self.evicted))


def _verdict_on(problem: Problem, shown_by: Conversation, newest: Newest) -> Verdict:
    """The verdict if this problem is the worst; it also says when the newest conversation works."""
    finding, latest = problem.finding, newest.that_works(problem.finding, since=shown_by)
    recovered = f" The latest conversation ({latest.id}) is ready: it has worked since then." if latest else ""
    return Verdict(
        outcome=shown_by.outcome,
        fault=finding.fault,
        confidence=finding.confidence,
        code=finding.code or None,
        summary=finding.summary + recovered,
        conversation=shown_by.id,
        counts={},
    )


def verdict_of(
    index: CaptureIndex, evicted: Counter[Outcome] | None = None, findings: Sequence[Finding] = ()
) -> Verdict | None:
    """The verdict on one capture; ``evicted`` counts the conversations that are not kept any more."""
    so_far = VerdictSoFar()
    so_far.add(index, evicted or Counter(), findings)
    return so_far.verdict()
