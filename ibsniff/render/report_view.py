"""What there is to tell, whatever it is told in: which conversations to show, which finding, in which words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ibsniff.formatting import counted, period
from ibsniff.model import Confidence, Conversation, Fault, Finding, InputFacts, Outcome, Report, Severity, Verdict
from ibsniff.render.grouping import ConversationGroup, fold, key, started
from ibsniff.render.text import Veil, plain_ascii
from ibsniff.render.timeline import Event, events

TURN: dict[Fault, str] = {
    Fault.NONE: "nothing to mend",
    Fault.CLIENT: "your program's turn",
    Fault.TWS_CONFIG: "TWS's turn: a setting",
    Fault.TWS_STATE: "TWS's turn: its state",
    Fault.NETWORK: "the network's turn",
    Fault.IB: "IB's turn: servers or account",
    Fault.UNDETERMINED: "undecided",
}
"""Whose turn it is to act."""

LINK_TYPES: dict[int, str] = {
    0: "loopback (NULL)",
    1: "Ethernet",
    12: "raw IP",
    14: "raw IP",
    101: "raw IP",
    108: "loopback (LOOP)",
    113: "Linux cooked",
    228: "raw IPv4",
    229: "raw IPv6",
    258: "pktap",
    276: "Linux cooked v2",
}
"""LINKTYPE_ values as people call them (tcpdump.org/linktypes.html)."""

MOST_NOTES = 10
"""Notes shown of one input."""

NOTHING_SEEN = "No conversation with TWS or IB Gateway was seen."

MOST_CITED = 10
"""Conversations of one finding whose packets are looked up by name."""


class ReportView(NamedTuple):
    """One report, chosen from and put in order for a reader."""

    report: Report
    verdict: Verdict | None
    worst: Conversation | None
    """The one the verdict speaks of."""
    newest: Conversation | None
    """The one that began last, when it tells something else than the worst."""
    finding: Finding | None
    """The one behind the verdict."""
    others: tuple[Finding, ...]
    """What else was found about the worst conversation, and across conversations."""
    of_capture: tuple[Finding, ...]
    """What was found about the captures themselves."""
    folds: tuple[ConversationGroup, ...]
    """Conversations, identical ones folded; the worst first."""

    @property
    def happened(self) -> list[Event]:
        """The packets of the worst conversation, and of others when the finding is about them, too."""
        cited = set(self.finding.conversations[:MOST_CITED]) if self.finding else set()
        told = [event for c in self.report.conversations if c is self.worst or c.id in cited for event in events(c)]
        return sorted(told, key=lambda event: event.packet)


def story(report: Report) -> ReportView:
    """Choose what to tell of a report."""
    by_id = {conversation.id: conversation for conversation in report.conversations}
    verdict = report.verdict
    worst = by_id.get(verdict.conversation) if verdict and verdict.conversation else None
    newest = max(report.conversations, key=started, default=None)
    if worst is None:
        worst = newest
    if newest is not None and worst is not None and key(newest) == key(worst):
        newest = None
    finding = _behind(verdict, worst, report.findings)
    own = worst.findings if worst else ()
    across = tuple(found for found in report.findings if found.conversations)
    return ReportView(
        report=report,
        verdict=verdict,
        worst=worst,
        newest=newest,
        finding=finding,
        others=tuple(found for found in (*own, *across) if found != finding),
        of_capture=tuple(found for found in report.findings if not found.conversations and found != finding),
        folds=_worst_first(fold(report.conversations), worst),
    )


def gravest(findings: Iterable[Finding]) -> Finding | None:
    """The first of the most severe."""
    return min(findings, key=lambda found: list(Severity).index(found.severity), default=None)


def speaker(told: ReportView) -> Verdict | Finding | None:
    """What speaks for the report: its verdict; without any conversation the gravest finding about the capture."""
    return told.verdict or told.finding


def standing(told: ReportView) -> str:
    """The line below the verdict: whose turn, how sure, which conversation of how many."""
    speaks = speaker(told)
    if speaks is None:
        return TURN[Fault.UNDETERMINED]
    parts = [TURN[speaks.fault]]
    if speaks.fault is not Fault.UNDETERMINED or speaks.confidence is not Confidence.LOW:
        parts.append(f"{speaks.confidence} confidence")
    parts += [speaks.code] if speaks.code else []
    total = len(told.report.conversations) + told.report.omitted
    if told.worst is not None and total > 1:
        counts = told.verdict.counts if told.verdict else {}
        parts.append(f"{told.worst.id} of {total}: " + ", ".join(f"{n} {outcome}" for outcome, n in counts.items()))
    elif told.worst is not None:
        parts.append(told.worst.outcome)
    return " · ".join(parts)


def one_line(report: Report, *, show_accounts: bool = False) -> str:
    """The verdict in one line for ``-q``: outcome, turn, code, summary. ASCII, for it goes to logs and scripts."""
    told = story(report)
    speaks = speaker(told)
    said = [told.verdict.outcome if told.verdict else "no conversation"]
    said += [TURN[speaks.fault if speaks else Fault.UNDETERMINED]]
    said += [speaks.code] if speaks and speaks.code else []
    line = f"{', '.join(said)}: {speaks.summary if speaks else NOTHING_SEEN}"
    return plain_ascii(Veil.over(report, show_accounts).shown(line))


def how_it_stood(conversation: Conversation) -> str | None:
    """What was so when the watching ended; None when the conversation had ended before."""
    if conversation.connection.ended is not None or conversation.outcome is Outcome.REFUSED:
        return None
    quiet = conversation.outcome in (Outcome.SILENT, Outcome.UNPROVEN, Outcome.UNREACHABLE, Outcome.NOT_ASKED)
    return f"{'nothing more' if quiet else 'still open'}; watched until here ({conversation.watched_by})"


def input_line(facts: InputFacts) -> str:
    """One input in one sentence: what it holds, until when it watched and how that is known, what was not looked at."""
    links = ", ".join(map(link_name, facts.link_types[:4]))
    name = "standard input" if facts.path == "-" else facts.path
    said = [f"{name}: {counted(facts.packets, 'packet')}" + (f", {links}" if links else "")]
    if facts.first_time_ns is not None and facts.watched_until_ns is not None:
        watched = period(facts.first_time_ns, facts.watched_until_ns)
        said.append(f"watched {watched} (end: {facts.watched_by})")
    said += [f"{counted(facts.dropped, 'packet')} lost by the capturing side"] if facts.dropped else []
    said += [f"cut short: {facts.truncated}"] if facts.truncated else []
    said += facts.notes[:MOST_NOTES]
    said += [f"{more} more notes"] if (more := len(facts.notes) - MOST_NOTES) > 0 else []
    if facts.skipped:
        most = facts.skipped.most_common(4)
        rest = facts.skipped.total() - sum(count for _, count in most)
        reasons = [f"{count} {reason}" for reason, count in most] + ([f"{rest} more"] if rest else [])
        said.append("not looked at: " + ", ".join(reasons))
    return " · ".join(said)


def link_name(link_type: int) -> str:
    """What people call a LINKTYPE_ value."""
    return LINK_TYPES.get(link_type, f"link type {link_type}")


def display_filter(packets: Iterable[int]) -> str:
    """The Wireshark display filter that shows these packets."""
    numbers = ", ".join(map(str, sorted(set(packets))))
    return f"frame.number in {{{numbers}}}" if numbers else ""


def _behind(verdict: Verdict | None, worst: Conversation | None, findings: tuple[Finding, ...]) -> Finding | None:
    if verdict is None:
        return gravest(findings)
    own = worst.findings if worst else ()
    matching = (found for found in (*own, *findings) if found.code == verdict.code)
    return next(matching, worst.cause if worst else None)


def _worst_first(folds: list[ConversationGroup], worst: Conversation | None) -> tuple[ConversationGroup, ...]:
    if worst is None:
        return tuple(folds)
    return tuple(sorted(folds, key=lambda each: key(each.first) != key(worst)))
