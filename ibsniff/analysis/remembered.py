"""Judgements of a live capture that are kept from one report to the next, as long as nothing they rest on has changed.

A rule is a function of one conversation and of what it asks the `CaptureIndex`. While a rule looks at a conversation, it is
noted whether it reads until when was watched, which changes all the time; which facts about the input it reads; and what it
asks about other conversations, with the answers. Its finding is kept while the conversation is the same and those facts and
answers are the same; one that rests on the passing time is made again each time. What is read or asked in a way that cannot
be noted counts as changed. So the report is the same as if every rule had been asked (`tests/analysis/test_remembered.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from ibsniff.analysis.noted_index import Fact, NotedIndex, Question, Watched, is_same
from ibsniff.analysis.snapshot import as_of
from ibsniff.diagnosis import conclude
from ibsniff.model import Capture, Conversation, Finding
from ibsniff.rules import Rule, all_rules, apply_rule
from ibsniff.rules.citations import Citations

MAX_FACTS = 1000
"""Different sets of facts that rules rest on. There are a few dozen, until one of the facts changes."""


@dataclass(slots=True)
class Kept:
    """What one rule found, and what that rests on."""

    rule: Rule
    finding: Finding | None
    is_lasting: bool
    facts: tuple[Fact, ...]
    questions: tuple[Question, ...]


@dataclass(slots=True)
class Remembered:
    """One conversation as it was judged."""

    unjudged: Conversation
    kept: list[Kept]
    """Of the rules that found something, or whose answer may change although the conversation does not."""
    judged: Conversation
    is_lasting: bool
    """The conclusion does not rest on the passing time."""


class Memory:
    """The judgements of one live capture."""

    def __init__(self) -> None:
        self.remembered: dict[str, Remembered] = {}
        """By conversation; evicted ones are forgotten."""
        self._facts: dict[tuple[Fact, ...], tuple[Fact, ...]] = {}
        """The same facts are one value for all conversations that rest on them, so that they are compared once."""

    def judged(self, unjudged: Capture) -> Capture:
        """Ask the rules about every conversation, as far as their answers may have changed."""
        watched = tuple(tuple.__new__(Watched, one) for one in unjudged.conversations)
        index = NotedIndex(unjudged._replace(conversations=watched), self._facts)
        if len(self._facts) > MAX_FACTS:
            self._facts.clear()
        before, self.remembered = self.remembered, {}
        judged = []
        for plain, one in zip(unjudged.conversations, watched, strict=True):
            index.look_at(one)
            remembered = before.get(one.id)
            if remembered is not None and is_same(remembered.unjudged, plain):
                _renew(remembered, plain, one, index)
            else:
                remembered = _judged_anew(plain, one, index)
            self.remembered[one.id] = remembered
            judged.append(remembered.judged)
        return unjudged._replace(conversations=tuple(judged))


# ---------------------------------------------------------------------------------------------------------------
# Judging


def _judged_anew(plain: Conversation, watched: Watched, index: NotedIndex) -> Remembered:
    citations = Citations(index)
    kept = [_asked(rule, watched, index, citations) for rule in all_rules() if rule.on_conversation is not None]
    kept = [each for each in kept if each.finding or not each.is_lasting or each.facts or each.questions]
    remembered = Remembered(plain, kept, plain, is_lasting=False)
    _conclude(remembered, watched)
    return remembered


def _renew(remembered: Remembered, plain: Conversation, watched: Watched, index: NotedIndex) -> None:
    """Ask again the rules whose answers may have changed."""
    citations, has_changed = None, False
    for place, each in enumerate(remembered.kept):
        if each.is_lasting and index.still_tells(each.facts, each.questions):
            continue
        citations = citations or Citations(index)
        again = remembered.kept[place] = _asked(each.rule, watched, index, citations)
        has_changed = has_changed or again.finding != each.finding
    remembered.unjudged = plain
    if has_changed or not remembered.is_lasting:
        _conclude(remembered, watched)
    else:
        remembered.judged = as_of(remembered.judged, plain.watched_until_ns)


def _asked(rule: Rule, watched: Watched, index: NotedIndex, citations: Citations) -> Kept:
    notes = Watched.notes
    notes.clear()
    finding = apply_rule(rule, watched, index, citations)
    return Kept(rule, finding, notes.is_lasting, index.shared(notes.facts), tuple(notes.questions))


def _conclude(remembered: Remembered, watched: Watched) -> None:
    findings = tuple(each.finding for each in remembered.kept if each.finding is not None)
    Watched.notes.clear()
    concluded = conclude(watched, findings)
    remembered.is_lasting = Watched.notes.is_lasting
    remembered.judged = Conversation._make(concluded)
