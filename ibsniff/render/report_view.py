"""What every form of the report shows: which conversation, which finding, in what order, and the words they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ibsniff.clock import Clock, TimeColumn
from ibsniff.formatting import counted, duration, period, seconds
from ibsniff.masking.sentence import marked
from ibsniff.model import (
    Confidence,
    Conversation,
    Endpoint,
    Fault,
    Finding,
    InputFacts,
    Loss,
    Outcome,
    Problem,
    Report,
    Severity,
    Verdict,
    WatchedBy,
    WireText,
)
from ibsniff.render.grouping import ConversationGroup, group_identical, group_key
from ibsniff.render.headline import actor, headline, no_conversation, sureness
from ibsniff.render.text import Masker, plain_ascii

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

IPV4_BYTES = 4

MAX_SERVERS = 3
"""Servers of one problem in the table of problems."""

MAX_FILTERED = 4
"""Conversations named one by one in a display filter: a longer one is hard to read."""

MAX_TOLD = 3
"""Problems told in full; of the others a line each says which option opens them."""


class ProblemView(NamedTuple):
    """One problem, with what shows it."""

    number: int
    """Its place in the report, from 1: ``--problem`` takes it."""
    problem: Problem
    conversation: Conversation
    """The one that shows it best."""
    cited: tuple[Conversation, ...]
    """Those that its proof has packets of."""


class ReportView(NamedTuple):
    """The parts of one report, selected and put in order for a reader."""

    report: Report
    headline: str
    """Does it work now, must you act, and on which machine."""
    fault: Fault
    """Of the worst problem: it decides the colour."""
    problems: tuple[ProblemView, ...]
    """All that are kept, the worst first."""
    told: tuple[ProblemView, ...]
    """Those told in full."""
    shown: tuple[Conversation, ...]
    """The conversations that show these; without any problem the one that the verdict is about."""
    concerned: tuple[Conversation, ...]
    """Those and the others of the same problems."""
    about_capture: tuple[Finding, ...]
    """Findings about the captures themselves: what can be trusted."""
    notes: tuple[Finding, ...]
    """What was noticed in what is shown, and is no problem."""
    groups: tuple[ConversationGroup, ...]
    """Conversations, identical ones in one group, those of the worst problem first."""

    @property
    def wireshark_filter(self) -> str:
        """The display filter for all that is shown; empty if that is no conversation."""
        cited = {one.id: one for each in self.told for one in each.cited}
        return display_filter(cited.values() or self.shown)

    @property
    def in_brief(self) -> tuple[ProblemView, ...]:
        """The problems that have only a line."""
        return tuple(each for each in self.problems if each not in self.told)


def view_of(report: Report, problem: int | None = None) -> ReportView:
    """Select what to show of a report; ``problem`` is the number of the only one to be told in full."""
    by_id = {conversation.id: conversation for conversation in report.conversations}
    problems = tuple(
        ProblemView(number, each, by_id[each.conversation], _cited(each, by_id))
        for number, each in enumerate(report.problems, 1)
        if each.conversation in by_id
    )
    told = tuple(each for each in problems if each.number == problem) if problem else problems[:MAX_TOLD]
    shown = tuple({each.conversation.id: each.conversation for each in told}.values())
    verdict = report.verdict
    if not problems and verdict is not None and verdict.conversation in by_id:
        shown = (by_id[verdict.conversation],)
    worst = told[0].problem if told else None
    listed = {name for each in told for name in each.problem.conversations}
    about_capture = tuple(found for found in report.findings if not found.conversations)
    lead = lead_of(report)
    return ReportView(
        report=report,
        headline=lead.summary if verdict is None and lead is not None else headline(report, worst),
        fault=worst.finding.fault if worst else lead.fault if lead else Fault.UNDETERMINED,
        problems=problems,
        told=told,
        shown=shown,
        concerned=tuple(one for one in report.conversations if one.id in listed or not told),
        about_capture=tuple(found for found in about_capture if found is not lead),
        notes=_notes(report, shown),
        groups=_worst_first(group_identical(report.conversations), shown[0] if shown else None),
    )


def _cited(problem: Problem, by_id: Mapping[str, Conversation]) -> tuple[Conversation, ...]:
    names = [problem.conversation or "", *(one.conversation for one in problem.finding.evidence)]
    return tuple(by_id[name] for name in dict.fromkeys(names) if name in by_id)


def _notes(report: Report, shown: tuple[Conversation, ...]) -> tuple[Finding, ...]:
    """What is neither a problem nor explained by one, of the conversations shown; each code once."""
    across = [found for found in report.findings if found.conversations]
    own = [found for one in shown for found in one.findings]
    doubts = [found for found in own if found.is_about_trust]
    remarks = [found for found in (*own, *across) if found.severity is Severity.NOTE and found not in doubts]
    told = {problem.finding.code for problem in report.problems}
    return tuple({found.code: found for found in (*doubts, *remarks) if found.code not in told}.values())


def most_severe(findings: Iterable[Finding]) -> Finding | None:
    """The first of the most severe findings."""
    return min(findings, key=lambda found: list(Severity).index(found.severity), default=None)


def lead_of(report: Report) -> Verdict | Finding | None:
    """What the report is about: the verdict, or without any conversation the most severe finding about the capture.

    None if it is about conversations of which none was chosen.
    """
    return report.verdict or (most_severe(report.findings) if report.narrowed is None else None)


def problem_line(problem: Problem) -> str:
    """The line below the sentence about a problem: its code, where it must be fixed, how sure that is."""
    finding = problem.finding
    parts = [f"{finding.code} {finding.name}"] if finding.code else []
    parts += [actor(finding)] if finding.fault is not Fault.UNDETERMINED else []
    return " · ".join([*parts, sureness(problem)])


def how_often(problem: Problem, column: TimeColumn) -> str:
    """How many conversations a problem concerns, and when: ``once, 09:30:00``."""
    first_ns, last_ns = problem.first_ns or 0, problem.last_ns or 0
    first, last = column.shortest(first_ns), column.shortest(last_ns)
    if problem.total == 1:
        return f"once, {first}"
    several = "connections" if problem.finding.conversations else "times"
    return f"{problem.total:,} {several}, {first}" + (f" to {last}" if last != first else "")


def times_of(problems: Iterable[ProblemView], clock: Clock) -> TimeColumn:
    """The column of the times at which problems were seen."""
    both = ((each.problem.first_ns, each.problem.last_ns) for each in problems)
    return clock.column(time_ns for times in both for time_ns in times if time_ns is not None)


def _is_shown_to_work(one: Conversation) -> bool:
    """One that only fell idle may be as dead as those beside it."""
    return one.works and one.confidence is Confidence.HIGH


def what_works(view: ReportView) -> str:
    """What is in order beside the problems: the servers whose latest sessions work; empty if there is none."""
    concerned = {server for each in view.problems if not each.problem.is_over for server in each.problem.servers}
    newest: dict[tuple[bytes, Endpoint], Conversation] = {}
    for one in view.report.conversations:
        newest[one.connection.client.address, one.connection.server] = one
    open_ones = (one for one in view.report.conversations if one.connection.ended is None)
    working = {one.connection.server: one for one in (*open_ones, *newest.values()) if _is_shown_to_work(one)}
    if not working or all(each.problem.is_over for each in view.problems):
        return ""
    named = [f"{server} ({one.id})" for server, one in list(working.items())[:MAX_SERVERS]]
    more = f" and {counted(len(working) - MAX_SERVERS, 'more server')}" if len(working) > MAX_SERVERS else ""
    beside = "Another session works" if concerned & working.keys() else "Meanwhile a session works"
    return f"{beside}: {', '.join(named)}{more}."


def what_it_is(problem: Problem) -> str:
    """A problem in a few words."""
    return problem.finding.title or problem.finding.name.replace("-", " ") or "Nothing explains how it went"


def servers_of(problem: Problem, most: int = MAX_SERVERS) -> str:
    """The servers of a problem; of many the first ones."""
    named = ", ".join(map(str, problem.servers[:most]))
    more = len(problem.servers) - most
    return f"{named} and {counted(more, 'more server')}" if more > 0 else named


def verdict_line(report: Report, *, show_accounts: bool = False) -> str:
    """The verdict in one line for ``-q``: outcome, where to fix it, code, summary. ASCII, because scripts and logs read it."""
    lead = lead_of(report)
    label = _label(lead.fault if lead else Fault.UNDETERMINED, report)
    parts = [report.verdict.outcome if report.verdict else "no conversation", label[0].lower() + label[1:]]
    parts += [lead.code] if lead and lead.code else []
    line = f"{', '.join(parts)}: {marked(lead.summary) if lead else no_conversation(report)}"
    if (more := len(report.problems) + report.problems_omitted - 1) > 0:
        line += f" [{counted(more, 'more problem')}]"
    if report.narrowed is not None:
        line += f" [{counted(report.narrowed.left_out, 'other conversation')} left out]"
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


def display_filter(conversations: Iterable[Conversation]) -> str:
    """The Wireshark display filter that shows these conversations; of many, all with their servers."""
    connections = [one.connection for one in conversations]
    if len(connections) > MAX_FILTERED:
        servers = dict.fromkeys(each.server for each in connections)
        return " or ".join(f"({_address(each)} eq {each.ip} and tcp.port eq {each.port})" for each in servers)
    parts = [
        f"({_address(each.client)} eq {each.client.ip} and tcp.port eq {each.client.port} and tcp.port eq {each.server.port})"
        for each in connections
    ]
    return " or ".join(dict.fromkeys(parts))


def _address(endpoint: Endpoint) -> str:
    """The name of its address in display filters."""
    return "ip.addr" if len(endpoint.address) == IPV4_BYTES else "ipv6.addr"


def _worst_first(groups: list[ConversationGroup], worst: Conversation | None) -> tuple[ConversationGroup, ...]:
    if worst is None:
        return tuple(groups)
    return tuple(sorted(groups, key=lambda each: group_key(each.first) != group_key(worst)))
