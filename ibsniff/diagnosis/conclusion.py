"""What the findings about a conversation come to: its cause, and with it fault, confidence and summary."""

from __future__ import annotations

from ibsniff.model import Confidence, Conversation, Fault, Finding, Outcome, Rung, Severity

ABOUT_THE_CAPTURE = "IBS0"
"""Findings of this family say what can be trusted, not what is wrong with a session."""


def conclude(conversation: Conversation, findings: tuple[Finding, ...]) -> Conversation:
    """Add findings, and with them cause, fault, confidence and summary."""
    cause = _cause(conversation, findings)
    if cause is not None:
        return conversation._replace(
            findings=findings,
            cause=cause,
            fault=cause.fault,
            confidence=cause.confidence,
            summary=cause.summary,
        )
    works = conversation.rung is Rung.READY or conversation.outcome is Outcome.JOINED
    has_unseen_time = any(loss.packets is None for loss in conversation.lost_in_wait)
    fine = works and not has_unseen_time
    unseen = " What happened to it while the interface was down is not known." if works and has_unseen_time else ""
    return conversation._replace(
        findings=findings,
        fault=Fault.NONE if fine else Fault.UNDETERMINED,
        confidence=Confidence.HIGH if fine else Confidence.LOW,
        summary=_summary_without_cause(conversation) + unseen,
    )


def is_fine(conversation: Conversation) -> bool:
    """Nothing is wrong with it."""
    return conversation.fault is Fault.NONE


def _cause(conversation: Conversation, findings: tuple[Finding, ...]) -> Finding | None:
    """The finding that explains the first missing rung; at the top, the worst problem of the session."""
    if conversation.missing is not None:
        fitting = [finding for finding in findings if finding.explains is conversation.missing]
    else:
        fitting = [finding for finding in findings if _is_problem_of_session(finding)]
    return min(fitting, key=_gravity, default=None)


def _is_problem_of_session(finding: Finding) -> bool:
    is_problem = finding.severity is not Severity.NOTE and finding.fault is not Fault.NONE
    return is_problem and finding.explains is None and not finding.code.startswith(ABOUT_THE_CAPTURE)


def _gravity(finding: Finding) -> tuple[int, int, str]:
    """Sort key: the worst and surest first."""
    return (list(Severity).index(finding.severity), list(Confidence).index(finding.confidence), finding.code)


def _summary_without_cause(conversation: Conversation) -> str:
    """The summary if no rule explains it."""
    server = conversation.connection.server
    if conversation.rung is Rung.READY:
        version = conversation.dialogue.reply.server_version if conversation.dialogue.reply else None
        with_version = f" (server version {version})" if version else ""
        return f"{server} replied and the API session is ready{with_version}."
    if conversation.outcome is Outcome.JOINED:
        return f"The session with {server} was already working when the capture began."
    return (
        f"The conversation with {server} got as far as '{conversation.rung}'; its outcome is '{conversation.outcome}'."
    )
