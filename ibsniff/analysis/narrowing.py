"""A report restricted to some conversations.

Everything is analysed, because rules compare conversations: a restart explains what was refused, a relay what was closed. Then
only those chosen are reported, with the findings and problems that concern them; and the verdict follows from these problems.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.outages import Outage
from ibsniff.model import Conversation, Finding, InputFacts, Outcome, ServerOutage
from ibsniff.rules import judge_capture

ABOUT_OUTAGES = frozenset({"IBS507"})
"""Findings that tell the latest outage of a server in full, and count the earlier ones."""


class Narrowing(NamedTuple):
    """Which conversations a report is restricted to; another process may be given it."""

    takes: Callable[[Conversation, InputFacts], bool]
    """Tells whether a conversation of this input is chosen."""
    chosen_by: str
    """The options that choose them, as the user wrote them."""


class Part(NamedTuple):
    """What a report says of one input."""

    conversations: Sequence[Conversation]
    findings: tuple[Finding, ...]
    outages: tuple[ServerOutage, ...]
    evicted: Counter[Outcome]
    """Conversations that are only counted."""
    left_out: int = 0
    """Conversations that were not chosen, and those that are only counted: nobody knows whether they would be."""


def narrowed(whole: CaptureIndex, part: Part, narrowing: Narrowing | None) -> Part:
    """Restrict what is said of one input to the conversations that are chosen; nothing changes if these are all."""
    if narrowing is None:
        return part
    chosen = tuple(one for one in part.conversations if narrowing.takes(one, whole.capture.facts))
    if len(chosen) == len(part.conversations):
        return part
    ids = frozenset(one.id for one in chosen)
    return Part(
        chosen,
        _about((*_told_again(whole, ids), *(one for one in part.findings if one.code not in ABOUT_OUTAGES)), ids),
        tuple(outage for outage in part.outages if _touches(outage, chosen)),
        Counter(),
        len(part.conversations) - len(chosen) + part.evicted.total(),
    )


def _told_again(whole: CaptureIndex, chosen: frozenset[str]) -> Iterator[Finding]:
    """The findings about outages, each about the latest of those that concern chosen conversations."""
    index = CaptureIndex(whole.capture)
    index.outages = [(group, _until_latest(those, chosen)) for group, those in whole.outages]
    if any(those for _, those in index.outages):
        yield from (found for found in judge_capture(index) if found.code in ABOUT_OUTAGES)


def _until_latest(those: list[Outage], chosen: frozenset[str]) -> list[Outage]:
    """The outages up to the latest that concerns a chosen conversation."""
    last = max((number for number, one in enumerate(those, 1) if not chosen.isdisjoint(_named(one))), default=0)
    return those[:last]


def _named(outage: Outage) -> Iterator[str]:
    """The conversations that an outage ended, that failed in it, and the one that worked again."""
    yield from (one.id for one in (*outage.ended, *outage.failed))
    if outage.back is not None:
        yield outage.back.id


def _about(findings: Sequence[Finding], chosen: frozenset[str]) -> tuple[Finding, ...]:
    """The findings that concern chosen conversations, and those that say what can be trusted of the capture."""
    return tuple(found for found in findings if _concerns(found, chosen))


def _concerns(finding: Finding, chosen: frozenset[str]) -> bool:
    if not finding.conversations:
        return finding.is_about_trust
    return not chosen.isdisjoint((*finding.conversations, *(one.conversation for one in finding.evidence)))


def _touches(outage: ServerOutage, chosen: Sequence[Conversation]) -> bool:
    """Tell whether one of these conversations ended, failed or worked again with it."""
    named = {*outage.ended, outage.back}
    return any(
        one.id in named
        or (
            one.connection.server == outage.server
            and outage.began_ns <= one.connection.first.time_ns
            and (outage.back_ns is None or one.connection.first.time_ns <= outage.back_ns)
        )
        for one in chosen
    )
