"""Which of the packets that a finding cites are shown."""

from __future__ import annotations

from ibsniff.model import Evidence, Finding

MAX_EVIDENCE = 20
"""Cited packets shown of one finding; more are counted. Nobody reads more, and they are alike."""
LAST_EVIDENCE = 6
"""Of these, the latest ones: how it began says more than how it went on."""


def evidence_of(finding: Finding, limit: int = MAX_EVIDENCE) -> tuple[tuple[Evidence, ...], int]:
    """The packets of a finding to be shown, in packet order, and how many more it cites: the first and the last ones."""
    ordered = tuple(sorted(finding.evidence, key=lambda one: one.packet))
    if len(ordered) <= limit:
        return ordered, 0
    last = min(LAST_EVIDENCE, limit // 3)
    return (*ordered[: limit - last], *ordered[len(ordered) - last :]), len(ordered) - limit
