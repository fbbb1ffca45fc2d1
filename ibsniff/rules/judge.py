"""Apply every rule to a conversation or a capture, and make findings of their statements."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.outages import Outage
from ibsniff.facts.reliability import Reliability, rests_on_absence
from ibsniff.masking.sentence import sentence
from ibsniff.model import Alternative, Confidence, Conversation, Evidence, Fault, Finding, ServerOutage, WatchedBy
from ibsniff.rules.citations import Citations
from ibsniff.rules.registry import Rule, Statement, all_rules
from ibsniff.rules.wording.outages import outage_in_words

MAX_STATEMENTS = 100
"""Of one rule about one capture: a hostile capture can hold a problem for each of thousands of servers."""

MAX_OUTAGES = 100
"""Outages told of one capture: three months of nights. Of more, the latest."""


def judge_conversation(conversation: Conversation, index: CaptureIndex) -> tuple[Finding, ...]:
    """Apply every rule to one conversation; no finding is surer than the capture allows."""
    citations = Citations(index)
    found = (apply_rule(rule, conversation, index, citations) for rule in all_rules())
    return tuple(finding for finding in found if finding is not None)


def apply_rule(rule: Rule, conversation: Conversation, index: CaptureIndex, citations: Citations) -> Finding | None:
    """What one rule finds in one conversation, no surer than the capture allows."""
    if rule.on_conversation is None or (rule.rests_on_absence and conversation.lost_in_wait):
        return None
    statement = rule.on_conversation(conversation, index)
    if statement is None:
        return None
    finding = _finding(rule, statement, conversation.input, citations.evidence(statement, (conversation,)))
    return cap_confidence(finding, conversation, index.reliability)


def judge_capture(index: CaptureIndex) -> tuple[Finding, ...]:
    """Apply every rule to the capture as a whole."""
    findings, citations = [], Citations(index)
    for rule in all_rules():
        stated = rule.on_capture(index) if rule.on_capture else None
        statements = (stated,) if isinstance(stated, Statement) else stated or ()
        for one in islice(statements, MAX_STATEMENTS):
            about = (index.by_id[name] for name in one.conversations if name in index.by_id)
            findings.append(_finding(rule, one, index.capture.input, citations.evidence(one, about)))
    return tuple(findings)


def tell_outages(index: CaptureIndex) -> tuple[ServerOutage, ...]:
    """Tell when servers that work at other times served nobody, in order of time."""
    by_server = ((group, outage) for group, outages in index.outages for outage in outages)
    ordered = sorted(by_server, key=lambda found: found[1].began_ns)
    return tuple(_outage(outage, group, index) for group, outage in ordered[-MAX_OUTAGES:])


def _outage(outage: Outage, group: list[Conversation], index: CaptureIndex) -> ServerOutage:
    return ServerOutage(
        input=index.capture.input,
        server=outage.server,
        began_ns=outage.began_ns,
        back_ns=outage.back_ns,
        ended=tuple(one.id for one in outage.ended),
        failed=dict(Counter(one.outcome for one in outage.failed)),
        back=outage.back.id if outage.back is not None else None,
        text=sentence(outage_in_words(outage, group)),
    )


def cap_confidence(finding: Finding, conversation: Conversation, reliability: Reliability) -> Finding:
    """The finding, no surer than the capture allows: one that blames somebody for a doubtful silence is a guess."""
    if finding.fault in (Fault.NONE, Fault.UNDETERMINED) or finding.confidence is Confidence.LOW:
        return finding
    if reliability.in_doubt(conversation):
        return finding._replace(confidence=Confidence.LOW)
    end_stated_by_user = conversation.watched_by is WatchedBy.USER and rests_on_absence(conversation)
    return finding._replace(confidence=Confidence.MEDIUM) if end_stated_by_user else finding


def _alternative(other: Alternative) -> Alternative:
    return other._replace(cause=sentence(other.cause), how_to_tell=sentence(other.how_to_tell))


def _finding(rule: Rule, statement: Statement, index: int, proof: tuple[Evidence, ...]) -> Finding:
    return Finding(
        code=rule.code,
        name=rule.name,
        title=rule.title,
        severity=statement.severity or rule.severity,
        fault=statement.fault,
        confidence=statement.confidence,
        summary=sentence(statement.summary),
        packets=tuple(one.packet for one in proof),
        remedy=sentence(statement.remedy),
        alternatives=tuple(map(_alternative, statement.alternatives)),
        explains=statement.explains,
        input=index,
        conversations=statement.conversations,
        evidence=proof,
    )
