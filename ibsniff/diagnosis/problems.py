"""Everything that is wrong in a capture, each problem once, the worst first.

A problem is told by one finding. It gathers the findings of other conversations with the same code and the same remedy, and
those that follow from it (`explained`). Of two problems, the one that is not over is worse; then the one whose conversation
went worse (`order_of`), the newest of equals; and a finding about several conversations before that about a single one.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from ibsniff.diagnosis.explained import SESSION_LOST, TABLE, Explanations
from ibsniff.diagnosis.precedence import Precedence, order_of
from ibsniff.facts.index import CaptureIndex
from ibsniff.ib import errors
from ibsniff.model import Confidence, Conversation, Endpoint, Fault, Finding, Outcome, Problem, Rung, Severity

MAX_CONVERSATIONS = 100
"""Of one problem, listed by id; all are counted."""

ADDRESS_OR_NUMBER = re.compile(r"\d+\.\d+\.\d+\.\d+|[0-9a-f]*::[0-9a-f:]*|\d+")
"""Numbers differ between two remedies that say the same: ports, ids, seconds. The address of a client does not."""


_NEVER_NS = sys.maxsize
"""Later than any packet."""


@dataclass(slots=True)
class Gathered:
    """A problem while its conversations are gathered."""

    finding: Finding
    order: tuple[Precedence, bool]
    shown_by: Conversation
    concerned: dict[str, Conversation] = field(default_factory=dict)
    seen_ns: dict[str, int] = field(default_factory=dict)
    """When it was seen in each of them."""
    explained: Counter[str] = field(default_factory=Counter)

    def take(self, finding: Finding, conversations: Iterable[Conversation]) -> None:
        """Add conversations that it concerns, and when it was seen in each."""
        for one in conversations:
            self.concerned[one.id] = one
            self.seen_ns[one.id] = min(_seen_ns(finding, one), self.seen_ns.get(one.id, _NEVER_NS))

    def problem(self, newest: Newest) -> Problem:
        """The problem, which is over if all its clients have worked since."""
        all_of_them = list(self.concerned.values())
        troubled = [one for one in all_of_them if not one.works] or all_of_them
        seen = [self.seen_ns[one.id] for one in troubled]
        again = [newest.that_works(self.finding, since=one) is not None for one in troubled]
        return Problem(
            finding=self.finding,
            conversation=self.shown_by.id,
            conversations=tuple(self.concerned)[:MAX_CONVERSATIONS],
            total=len(troubled),
            servers=tuple(dict.fromkeys(one.connection.server for one in troubled)),
            explained=dict(self.explained),
            first_ns=min(seen),
            last_ns=max(seen),
            is_over=all(again),
            is_partly_over=any(again) and not all(again),
        )


def problems_of(
    index: CaptureIndex, findings: Sequence[Finding], chosen: Sequence[Conversation] | None = None
) -> list[tuple[Precedence, Problem]]:
    """The problems of one capture, worst first, each with the key that it was sorted by.

    ``index`` holds the judged conversations, ``findings`` are those about the capture as a whole or several conversations.
    Only the problems of the ``chosen`` conversations are given, as far as they concern these.
    """
    shared = [one for one in findings if one.conversations]
    chosen_ids = frozenset(one.id for one in (index.conversations if chosen is None else chosen))
    gathered = _gather(index, shared, chosen_ids)
    newest = Newest(index.conversations)
    found = [(each.order, each.problem(newest)) for each in gathered]
    found.sort(key=lambda pair: (pair[1].is_over, *pair[0]))
    return [(order, problem) for (order, _), problem in found]


Concerned = tuple[Finding, list[Conversation]]
"""A finding, and the conversations that it concerns."""


def _gather(index: CaptureIndex, shared: Sequence[Finding], chosen: frozenset[str]) -> Iterable[Gathered]:
    causes, consequences = _causes_and_consequences(index, shared, chosen)
    problems: dict[object, Gathered] = {}
    for finding, all_concerned in causes:
        concerned = [one for one in all_concerned if one.id in chosen] or _cited(finding, index, chosen)
        if not concerned:
            continue
        follows = consequences.get(finding, ()) if finding.code in TABLE else ()
        order = (min(order_of(one, finding) for one in concerned), not finding.conversations)
        found = problems.setdefault(_key(finding, all_concerned), Gathered(finding, order, concerned[0]))
        if order < found.order:
            found.finding, found.order, found.shown_by = finding, order, concerned[0]
        for following, those in ((finding, concerned), *follows):
            found.take(following, those)
            if following is not finding:
                found.explained[following.code] += 1
    return problems.values()


def _causes_and_consequences(
    index: CaptureIndex, shared: Sequence[Finding], chosen: frozenset[str]
) -> tuple[list[Concerned], dict[Finding, list[Concerned]]]:
    """The findings that no other explains, and by what explains them, those of chosen conversations that follow.

    What explains them counts only if it concerns a chosen conversation: otherwise it would be told in place of their own.
    """
    explanations = Explanations(index, shared)
    found = [*_shared(shared, index.by_id), *_own(index.conversations)]
    elsewhere = {
        finding
        for finding, those in found
        if finding.code in TABLE and not any(one.id in chosen for one in those) and not _cited(finding, index, chosen)
    }
    causes: list[Concerned] = []
    consequences: dict[Finding, list[Concerned]] = {}
    for finding, concerned in found:
        is_shared = bool(finding.conversations)
        cause = explanations.of_shared(finding) if is_shared else explanations.of(finding, concerned[0])
        if cause is None or cause in elsewhere:
            causes.append((finding, concerned))
        elif follows := [one for one in concerned if one.id in chosen]:
            consequences.setdefault(cause, []).append((finding, follows))
    return causes, consequences


def _cited(finding: Finding, index: CaptureIndex, chosen: frozenset[str]) -> list[Conversation]:
    """The chosen conversations whose packets a finding cites: it may list fewer than it is about."""
    cited = dict.fromkeys(one.conversation for one in finding.evidence)
    return [index.by_id[name] for name in cited if name in chosen]


def _shared(
    findings: Iterable[Finding], by_id: dict[str, Conversation]
) -> Iterator[tuple[Finding, list[Conversation]]]:
    for finding in findings:
        concerned = [by_id[name] for name in finding.conversations if name in by_id]
        if concerned and finding.is_problem:
            yield finding, concerned


def _own(conversations: Iterable[Conversation]) -> Iterator[tuple[Finding, list[Conversation]]]:
    """The problems of each conversation: its cause, and what else is wrong with it."""
    for one in conversations:
        if one.cause is None and not one.is_fine:
            yield _unexplained(one), [one]
        for finding in one.findings:
            is_cause = finding is one.cause and finding.fault is not Fault.NONE
            if is_cause or (finding.is_problem and not finding.is_about_trust):
                yield finding, [one]


def _unexplained(one: Conversation) -> Finding:
    """What is said of a conversation that no rule explains."""
    return Finding("", "", Severity.WARNING, one.fault, Confidence.LOW, one.summary, input=one.input)


def _seen_ns(finding: Finding, one: Conversation) -> int:
    """The first packet of a session that proves it; a connection that became no session failed as a whole."""
    ready = one.dialogue.ready
    if ready is None and one.outcome is not Outcome.JOINED:
        return one.connection.first.time_ns
    since_ns = ready.time_ns if ready is not None else one.connection.first.time_ns
    cited = (each.time_ns for each in finding.evidence if each.conversation in ("", one.id))
    return min((time_ns for time_ns in cited if time_ns is not None and time_ns >= since_ns), default=since_ns)


def _key(finding: Finding, concerned: Sequence[Conversation]) -> object:
    """Equal for findings that are one problem: the same code, and the same thing to do."""
    server = concerned[0].connection.server.ip
    return finding.input, finding.code, finding.fault, _without_numbers(finding.remedy or finding.summary, server)


@lru_cache(maxsize=4096)
def _without_numbers(text: str, server: str) -> str:
    return ADDRESS_OR_NUMBER.sub(lambda found: found[0] if _is_other_address(found[0], server) else "#", text)


def _is_other_address(text: str, server: str) -> bool:
    return text != server and ("." in text or ":" in text)


OWN_BYTES = ("IBS20", "IBS215")
"""Findings about a client that does not speak the API: one that does, at the same address, may be another program."""


def _may_be_over(finding: Finding, one: Conversation) -> bool:
    """Tell whether a later session can show that a problem is over: one about getting a session, or about losing it.

    What was refused or missing within a session may be refused again when it is asked for again.
    """
    if finding.conversations:
        return True
    if one.rung is Rung.READY or one.outcome is Outcome.JOINED:
        return finding.code in SESSION_LOST
    return not finding.code.startswith(OWN_BYTES)


class Newest:
    """Of each client with each server, the conversation that began last."""

    def __init__(self, conversations: Iterable[Conversation]) -> None:
        self._newest: dict[Client, Conversation] = {}
        for one in conversations:
            for client in {_client(one), _client(one)._replace(client_id=None)}:
                before = self._newest.get(client)
                if before is None or one.connection.first.time_ns > before.connection.first.time_ns:
                    self._newest[client] = one

    def that_works(self, finding: Finding, since: Conversation) -> Conversation | None:
        """The newest conversation of the same client, if it shows that this problem of an earlier one is over; else None.

        It works, and began after the earlier one failed. A program is known by its client id, unless that is what was refused.
        """
        if not _may_be_over(finding, since):
            return None
        newest = self._newest[_client(since)]
        ended = since.connection.ended
        failed_ns = (ended.moment if ended is not None else since.connection.first).time_ns
        return newest if newest.works and newest.connection.first.time_ns > failed_ns else None


class Client(NamedTuple):
    """Who connects to which server."""

    address: bytes
    server: Endpoint
    client_id: int | None


def _client(one: Conversation) -> Client:
    start, connection = one.dialogue.start, one.connection
    is_refused = start is None or errors.CLIENT_ID_IN_USE in one.dialogue.errors
    return Client(
        connection.client.address, connection.server, None if is_refused or start is None else start.client_id
    )
