"""What the findings about a conversation come to: its cause, and with it fault, confidence and summary.

A session in which no rule finds a fault has none. That is certain only if the session was shown to work until it was closed in
good order or until the watching ended (``facts.liveness.standing``). A session in which nothing was asked and nothing came for
the last 5 s may be idle as well as dead: no fault, medium, and the summary says since when. Nor is it certain where bytes are
missing from the capture, because rules that rest on what did not come say nothing then, nor where TWS left a question for a
long time unanswered and then went on.
"""

from __future__ import annotations

from ibsniff.facts.liveness import Standing, hang_that_ended, questions_since_last_byte, standing
from ibsniff.facts.questions import QUESTIONS
from ibsniff.facts.recovery import over_since
from ibsniff.formatting import counted, duration, elapsed, time_of_day
from ibsniff.ib import errors
from ibsniff.masking.sentence import sentence
from ibsniff.model import (
    NANOSECONDS,
    Confidence,
    Conversation,
    ErrorTally,
    Fault,
    Finding,
    LateAnswer,
    Moment,
    Outcome,
    Rung,
    Severity,
)

MAX_ERRORS = 2
"""Errors told with their texts in a sentence."""

MAX_NAMES = 4
"""Kinds of requests named in a sentence."""

SHOWN_TO_WORK = (Standing.CLOSED, Standing.HEARD)
"""At the end of a session, these show that it worked until then."""


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
    hang = hang_that_ended(conversation) if works else None
    has_unseen_time = any(loss.packets is None for loss in conversation.lost_in_wait)
    fine = works and not has_unseen_time
    if works and has_unseen_time:
        also = " What happened to it while the interface was down is not known."
    else:
        also = _hang_in_words(hang) + _not_shown(conversation) if works else ""
    has_gap = bool(conversation.dialogue.bytes_after_gap)  # what is missing may have said otherwise
    is_shown = standing(conversation) in SHOWN_TO_WORK and not has_gap and hang is None
    shown = Confidence.HIGH if is_shown else Confidence.MEDIUM
    return conversation._replace(
        findings=findings,
        fault=Fault.NONE if fine else Fault.UNDETERMINED,
        confidence=shown if fine else Confidence.LOW,
        summary=sentence(
            _summary_without_cause(conversation) + (errors_in_words(conversation) if works else "") + also
        ),
    )


def _cause(conversation: Conversation, findings: tuple[Finding, ...]) -> Finding | None:
    """The finding that explains the first missing rung; at the top, the worst problem of the session."""
    if conversation.missing is not None:
        fitting = [finding for finding in findings if finding.explains is conversation.missing]
    else:
        fitting = [finding for finding in findings if _is_problem_of_session(finding)]
    return min(fitting, key=_gravity, default=None)


def _is_problem_of_session(finding: Finding) -> bool:
    return finding.is_problem and finding.explains is None and not finding.is_about_trust


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


def errors_in_words(conversation: Conversation) -> str:
    """What TWS reported in a session in which no rule finds a fault: it may concern what the program asked for.

    First what was not reported to be over; of the rest, the connections that TWS lost and had back, and the requests
    for which there is no data. Empty if there is none.
    """
    tallies = conversation.dialogue.errors
    if errors.NOTICES.issuperset(tallies) and errors.IB_CONNECTION_RESTORED_DATA_LOST not in tallies:
        return ""
    from ibsniff.ib.error_table import is_serious  # noqa: PLC0415  (large, and most sessions do without)

    serious = {code: tally for code, tally in tallies.items() if tally.examples and is_serious(code)}
    over = {code: since for code, tally in serious.items() if (since := over_since(conversation, tally.examples[-1]))}
    lost = [_lost_and_back(code, serious[code].examples[-1].moment, since) for code, since in over.items()]
    if errors.IB_CONNECTION_RESTORED_DATA_LOST in serious and not over.keys().isdisjoint(errors.IB_CONNECTION_DOWN):
        del serious[errors.IB_CONNECTION_RESTORED_DATA_LOST]
        lost.append(" Subscriptions to market data were lost with it (error 1101): the program must make them again.")
    empty = [code for code, tally in serious.items() if all(map(errors.is_no_data, tally.examples))]
    lost += [f" TWS had no data for {counted(serious[code].count, 'request')} (error {code})." for code in empty]
    still = [(code, tally) for code, tally in serious.items() if code not in over and code not in empty]
    return (f" TWS reported {_listed(still)}." if still else "") + "".join(lost)


def _listed(tallies: list[tuple[int, ErrorTally]]) -> str:
    """The first errors with their texts: ``error 354 ("not subscribed", 2 times) and 3 other error numbers``."""
    told = [f"error {code} ({_text_and_times(tally)})" for code, tally in tallies[:MAX_ERRORS]]
    told += [counted(len(tallies) - MAX_ERRORS, "other error number")] if len(tallies) > MAX_ERRORS else []
    return " and ".join(filter(None, (", ".join(told[:-1]), told[-1])))


def _text_and_times(tally: ErrorTally) -> str:
    text = tally.examples[0].text
    return ", ".join(
        ([f'"{text:quoted}"'] if text else []) + ([f"{tally.count:,} times"] if tally.count > 1 else []) or ["once"]
    )


def _lost_and_back(code: int, lost: Moment, since: Moment) -> str:
    what = "IB's servers" if code in errors.IB_CONNECTION_DOWN else "a data farm of IB"
    return f" TWS lost its connection to {what} (error {code}) and had it back {elapsed(lost, since)} later."


def _hang_in_words(hang: LateAnswer | None) -> str:
    """A sentence about a time in which TWS did not answer; empty if there was none."""
    if hang is None:
        return ""
    return (
        f" TWS left {hang.name} unanswered for {elapsed(hang.asked, hang.answered)}, from {time_of_day(hang.asked.time_ns)} on, "
        "and then went on: what held it up, the packets do not show."
    )


def _not_shown(conversation: Conversation) -> str:
    """A sentence to add when the session was not shown to work until its end; empty otherwise."""
    connection, at_the_end = conversation.connection, standing(conversation)
    heard, ended = connection.from_server.last_data, connection.ended
    end_ns = ended.moment.time_ns if ended is not None else conversation.watched_until_ns
    if heard is None:
        return ""
    if at_the_end is Standing.RESET and ended is not None:
        return f" The client ended it with a RST, {elapsed(heard, ended.moment)} after the server's last byte."
    if at_the_end is Standing.PENDING:
        first = questions_since_last_byte(conversation)[0]
        seconds = (end_ns - first.asked.time_ns) / NANOSECONDS
        if seconds >= QUESTIONS[first.name].patience:
            return (
                f" {first.name} got no answer in the last {duration(seconds)}, which proves nothing: TWS may leave a request "
                "for the time unanswered when it comes soon after another one."
            )
        return f" {first.name} was asked {duration(seconds)} before the end, too late to tell whether it is answered."
    if at_the_end is Standing.IDLE:
        silent = duration((end_ns - heard.time_ns) / NANOSECONDS)
        return (
            f" After {time_of_day(heard.time_ns)} nothing came from the server for {silent}, and {_what_was_asked(conversation)}: "
            "whether the session still worked is not shown."
        )
    return ""


def _what_was_asked(conversation: Conversation) -> str:
    """What is open since the server's last byte, in a session in which that proves nothing."""
    requests, heard = conversation.dialogue.requests, conversation.connection.from_server.last_data
    assert heard is not None
    waiting = [one for one in requests.open.values() if one.is_unanswered and one.asked.packet > heard.packet]
    if requests.not_followed:
        return "more requests were open than are followed"
    if not waiting:
        return "nothing was asked that it must answer"
    names = list(dict.fromkeys(one.name for one in waiting))
    more = f" and {len(names) - MAX_NAMES} more kinds" if len(names) > MAX_NAMES else ""
    return (
        f"{counted(len(waiting), 'request')} asked since then, which it need not answer at once, "
        f"{'is' if len(waiting) == 1 else 'are'} open ({', '.join(names[:MAX_NAMES])}{more})"
    )
