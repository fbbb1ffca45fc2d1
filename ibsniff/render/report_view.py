"""What every form of the report shows: which conversation, which finding, in what order, and the words they share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ibsniff.formatting import counted, duration, period, seconds
from ibsniff.masking.sentence import marked
from ibsniff.model import (
    Confidence,
    Conversation,
    Fault,
    Finding,
    InputFacts,
    Loss,
    Outcome,
    Report,
    ServerOutage,
    Severity,
    Verdict,
    WatchedBy,
    WireText,
)
from ibsniff.render.grouping import ConversationGroup, group_identical, group_key, start_time_ns
from ibsniff.render.text import Masker, plain_ascii
from ibsniff.render.timeline import Event, events

FIX_LABELS: dict[Fault, str] = {
    Fault.NONE: "No problem found",
    Fault.CLIENT: "Fix: your program (the API client)",
    Fault.TWS_CONFIG: "Fix: TWS (its settings)",
    Fault.TWS_STATE: "Fix: TWS (its state)",
    Fault.NETWORK: "Fix: the network",
    Fault.IB: "Fix: IB (its servers or the account)",
    Fault.UNDETERMINED: "Cause not determined",
}
"""Where the problem must be fixed. Every form of output uses these labels."""

END_TIMES: dict[WatchedBy, str] = {
    WatchedBy.STATISTICS: "stated by the file",
    WatchedBy.LAST_PACKET: "time of the last packet",
    WatchedBy.USER: "given by --watched-until",
    WatchedBy.LIVE: "clock of this machine",
}
"""How it is known when the capture ended."""

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
"""Usual names of LINKTYPE_ values (tcpdump.org/linktypes.html)."""

MAX_NOTES = 10
"""Notes shown of one input."""

NO_CONVERSATION = "The capture contains no conversation with TWS or IB Gateway."

MAX_CONVERSATIONS_OF_FINDING = 10
"""Conversations of one finding whose packets are shown as evidence."""


class ReportView(NamedTuple):
    """The parts of one report, selected and put in order for a reader."""

    report: Report
    verdict: Verdict | None
    worst: Conversation | None
    """The conversation that the verdict is about."""
    newest: Conversation | None
    """The conversation that began last, if it went differently from the worst."""
    finding: Finding | None
    """The finding behind the verdict."""
    other_findings: tuple[Finding, ...]
    """Further findings about the worst conversation, and across conversations."""
    capture_findings: tuple[Finding, ...]
    """Findings about the captures themselves."""
    groups: tuple[ConversationGroup, ...]
    """Conversations, identical ones in one group; the group of the worst one first."""

    @property
    def outages(self) -> tuple[ServerOutage, ...]:
        """The times in which a server served nobody, when there is more than one: of a single one the finding tells."""
        told = self.report.outages
        return told if len(told) > 1 else ()

    @property
    def packet_events(self) -> list[Event]:
        """The packets of the worst conversation, and of the other conversations that the finding is about."""
        related = set(self.finding.conversations[:MAX_CONVERSATIONS_OF_FINDING]) if self.finding else set()
        shown = (c for c in self.report.conversations if c is self.worst or c.id in related)
        return sorted((event for c in shown for event in events(c)), key=lambda event: event.packet)


def view_of(report: Report) -> ReportView:
    """Select what to show of a report."""
    by_id = {conversation.id: conversation for conversation in report.conversations}
    verdict = report.verdict
    worst = by_id.get(verdict.conversation) if verdict and verdict.conversation else None
    newest = max(report.conversations, key=start_time_ns, default=None)
    if worst is None:
        worst = newest
    if newest is not None and worst is not None and group_key(newest) == group_key(worst):
        newest = None
    finding = _finding_behind(verdict, worst, report.findings)
    own = worst.findings if worst else ()
    across = tuple(found for found in report.findings if found.conversations)
    return ReportView(
        report=report,
        verdict=verdict,
        worst=worst,
        newest=newest,
        finding=finding,
        other_findings=tuple(found for found in (*own, *across) if found != finding),
        capture_findings=tuple(found for found in report.findings if not found.conversations and found != finding),
        groups=_worst_first(group_identical(report.conversations), worst),
    )


def most_severe(findings: Iterable[Finding]) -> Finding | None:
    """The first of the most severe findings."""
    return min(findings, key=lambda found: list(Severity).index(found.severity), default=None)


def lead_of(view: ReportView) -> Verdict | Finding | None:
    """What the report begins with: the verdict, or without any conversation the most severe finding about the capture."""
    return view.verdict or view.finding


def status_line(view: ReportView) -> str:
    """The line below the verdict: where to fix the problem, how sure that is, which conversation of how many."""
    lead = lead_of(view)
    if lead is None:
        return FIX_LABELS[Fault.UNDETERMINED]
    parts = [_label(lead.fault, view.report)]
    if lead.fault is not Fault.UNDETERMINED or lead.confidence is not Confidence.LOW:
        of_what = " in the finding" if lead.fault is Fault.UNDETERMINED else ""
        parts.append(f"{lead.confidence} confidence{of_what}")
    parts += [lead.code] if lead.code else []
    total = len(view.report.conversations) + view.report.omitted
    if view.worst is not None and total > 1:
        counts = view.verdict.counts if view.verdict else {}
        only_counted = f" ({view.report.omitted:,} only counted)" if view.report.omitted else ""
        parts.append(
            f"{view.worst.id} of {total}{only_counted}: " + ", ".join(f"{n} {outcome}" for outcome, n in counts.items())
        )
    elif view.worst is not None:
        parts.append(view.worst.outcome)
    return " · ".join(parts)


def verdict_line(report: Report, *, show_accounts: bool = False) -> str:
    """The verdict in one line for ``-q``: outcome, where to fix it, code, summary. ASCII, because scripts and logs read it."""
    view = view_of(report)
    lead = lead_of(view)
    label = _label(lead.fault if lead else Fault.UNDETERMINED, report)
    parts = [view.verdict.outcome if view.verdict else "no conversation", label[0].lower() + label[1:]]
    parts += [lead.code] if lead and lead.code else []
    line = f"{', '.join(parts)}: {marked(lead.summary) if lead else NO_CONVERSATION}"
    if report.omitted:
        line += f" [{counted(report.omitted, 'older conversation')} only counted]"
    if lost := sum(facts.dropped or 0 for facts in report.inputs):
        line += f" [{counted(lost, 'packet')} lost while capturing]"
    if outages := _interface_outages(report):
        line += f" [interface down for {duration(seconds(sum(one.until_ns - one.since_ns for one in outages)))}]"
    return plain_ascii(Masker.for_report(report, show_accounts).visible_line(line))


def _label(fault: Fault, report: Report) -> str:
    """Where to fix it; while an interface was down, there may have been problems that nobody captured."""
    label = FIX_LABELS[fault]
    return f"{label} in what was captured" if fault is Fault.NONE and _interface_outages(report) else label


def _interface_outages(report: Report) -> list[Loss]:
    """The times at which an interface was down."""
    return [loss for facts in report.inputs for loss in facts.losses if loss.packets is None]


def state_at_end(conversation: Conversation) -> str | None:
    """The state of a conversation when the capture ended; None if it had ended before."""
    if conversation.connection.ended is not None or conversation.outcome is Outcome.REFUSED:
        return None
    quiet = conversation.outcome in (Outcome.SILENT, Outcome.UNPROVEN, Outcome.UNREACHABLE, Outcome.NOT_ASKED)
    state = "nothing more" if quiet else "still open"
    return f"{state} until the capture's end ({END_TIMES[conversation.watched_by]})"


def input_line(facts: InputFacts) -> str:
    """One input in one line: its packets, the time it covers and how its end is known, and what was skipped."""
    links = ", ".join(map(link_name, facts.link_types[:4]))
    name = "standard input" if facts.path == "-" else f"{WireText(facts.path):quoted}"
    parts = [f"{name}: {counted(facts.packets, 'packet')}" + (f", {links}" if links else "")]
    if facts.first_time_ns is not None and facts.watched_until_ns is not None:
        covered = period(facts.first_time_ns, facts.watched_until_ns)
        parts.append(f"from {covered} (end: {END_TIMES[facts.watched_by]})")
    parts += [f"{counted(facts.dropped, 'packet')} lost while capturing"] if facts.dropped else []
    parts += [f"incomplete: {marked(facts.truncated)}"] if facts.truncated else []
    parts += map(marked, facts.notes[:MAX_NOTES])
    parts += [counted(more, "more note")] if (more := len(facts.notes) - MAX_NOTES) > 0 else []
    if facts.skipped:
        most = facts.skipped.most_common(4)
        rest = facts.skipped.total() - sum(count for _, count in most)
        reasons = [f"{count} {reason}" for reason, count in most] + ([f"{rest} more"] if rest else [])
        parts.append("skipped: " + ", ".join(reasons))
    return " · ".join(parts)


def link_name(link_type: int) -> str:
    """The usual name of a LINKTYPE_ value."""
    return LINK_TYPES.get(link_type, f"link type {link_type}")


def display_filter(packets: Iterable[int]) -> str:
    """The Wireshark display filter that shows these packets."""
    numbers = ", ".join(map(str, sorted(set(packets))))
    return f"frame.number in {{{numbers}}}" if numbers else ""


def _finding_behind(
    verdict: Verdict | None, worst: Conversation | None, findings: tuple[Finding, ...]
) -> Finding | None:
    if verdict is None:
        return most_severe(findings)
    own = worst.findings if worst else ()
    matching = (found for found in (*own, *findings) if found.code == verdict.code)
    return next(matching, worst.cause if worst else None)


def _worst_first(groups: list[ConversationGroup], worst: Conversation | None) -> tuple[ConversationGroup, ...]:
    if worst is None:
        return tuple(groups)
    return tuple(sorted(groups, key=lambda each: group_key(each.first) != group_key(worst)))
