"""What stands on the HTML page, part by part, as values: every text is masked and visible, and has still to be escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ibsniff.clock import UTC_CLOCK
from ibsniff.formatting import counted, duration
from ibsniff.lookup.words import API, MACHINE, OUTCOME, REPORT, RUNG, TCP, WORDS
from ibsniff.masking.sentence import marked
from ibsniff.model import Conversation, Fault, Outcome, Problem, Report
from ibsniff.render import participant_rows, participants, server_messages, story
from ibsniff.render.code_spans import prose
from ibsniff.render.grouping import ConversationGroup, group_key
from ibsniff.render.headline import WHERE, actor, left_out
from ibsniff.render.html_diagram import DiagramPart, diagram_part, ladder_part, packet_part
from ibsniff.render.html_parts import (
    Alternative,
    GroupPart,
    MessagePart,
    Page,
    ProblemPart,
    ProblemRow,
    ProofPart,
    StoryPart,
    Words,
)
from ibsniff.render.proof import Proof, proof_of
from ibsniff.render.report_view import (
    ProblemView,
    ReportView,
    display_filter,
    input_line,
    problem_line,
    servers_of,
    view_of,
    what_it_is,
    what_works,
)
from ibsniff.render.text import Masker

MAX_PROBLEMS_TOLD = 12
"""Problems told in full: a page has room, and what nobody reads folds away. The others have a row in the table."""

OPEN_PROBLEMS = 3
"""Problems that are open when the page is opened."""

MAX_DIAGRAMS = 12
"""Conversations that are drawn: those of the problems, and one of each group of equal ones."""

MAX_GROUPS = 60
"""Rows of the table of conversations."""

MAX_SERVERS = 6
"""Servers named of one problem."""

OUTCOME_MEANINGS = {name: word.meaning for word in WORDS if word.kind == OUTCOME for name in word.names}

EXPLAINED = (OUTCOME, RUNG, REPORT, TCP, API, MACHINE)
"""Kinds of words that the page explains where it uses them; the others say what they mean."""


def page_of(report: Report, masker: Masker, tool_version: str) -> Page:
    """Select what the page shows, and make it safe to show."""
    return _Maker(report, masker).page(tool_version)


class _Maker:
    def __init__(self, report: Report, masker: Masker) -> None:
        self._report, self._masker = report, masker
        self._view: ReportView = view_of(report)
        self._told = self._view.problems[:MAX_PROBLEMS_TOLD]
        self._by_id = {one.id: one for one in report.conversations}
        self._drawn: dict[str, str] = {}
        """The anchors of the diagrams, by conversation."""
        self._kinds: dict[object, str] = {}
        """The same by what conversations that went the same way have in common: one of them is drawn."""

    def page(self, tool_version: str) -> Page:
        view, report = self._view, self._report
        problems = tuple(self._problem(each) for each in self._told)
        others = [*(() if view.problems else view.shown), *(each.first for each in view.groups)]
        kinds = (one for one in others if group_key(one) not in self._kinds)
        diagrams = tuple(part for one in kinds if (part := self._diagram(one)) is not None)
        said = server_messages.server_messages(report.conversations)
        page = Page(
            title=self._text(view.headline),
            headline=self._text(view.headline),
            narrowed=self._text(left_out(report) or ""),
            works=what_works(view) if view.problems else "",
            tone="good" if view.problems and view.problems[0].problem.is_over else _tone(view.fault),
            files=tuple(self._text(facts.path) for facts in report.inputs),
            table=tuple(self._row(each) for each in view.problems) if len(view.problems) > 1 else (),
            problems=problems,
            without_problem=ladder_part(view.shown[0], self._masker)
            if others and not problems and view.shown
            else None,
            summary=self._prose(report.verdict.summary) if report.verdict and not problems else (),
            notes=tuple(
                self._prose(f"{found.code}: {marked(found.summary)}") for found in (*view.about_capture, *view.notes)
            ),
            who=tuple(
                row._replace(text=self._text(row.text))
                for row in participant_rows.rows(participants.participants(report))
            ),
            messages=tuple(self._messages(said)),
            notices=server_messages.notices_line(said),
            story=tuple(self._story()),
            groups=tuple(self._group(each) for each in view.groups[:MAX_GROUPS]) if len(self._by_id) > 1 else (),
            omitted_groups=max(0, len(view.groups) - MAX_GROUPS),
            diagrams=diagrams,
            inputs=tuple(self._text(input_line(facts)) for facts in report.inputs),
            glossary=(),
            tool_version=tool_version,
        )
        return page._replace(glossary=tuple(_glossary(page)))

    def _text(self, text: str) -> str:
        return self._masker.visible_line(text)

    def _prose(self, sentence: str) -> Words:
        return prose(sentence, self._masker)

    def _row(self, each: ProblemView) -> ProblemRow:
        problem = each.problem
        return ProblemRow(
            each.number,
            self._text(what_it_is(problem)),
            self._servers(each),
            self._file(each),
            _how_often(problem),
            actor(problem.finding),
            each in self._told,
            problem.is_over,
        )

    def _file(self, each: ProblemView) -> str:
        return self._text(self._report.inputs[each.conversation.input].path)

    def _servers(self, each: ProblemView) -> str:
        return servers_of(each.problem, MAX_SERVERS)

    def _problem(self, each: ProblemView) -> ProblemPart:
        problem, shown = each.problem, each.conversation
        finding = problem.finding
        others = [self._by_id[one] for one in problem.conversations if one in self._by_id and one != shown.id]
        drawing = self._diagram(shown)
        return ProblemPart(
            number=each.number,
            title=self._text(what_it_is(problem)),
            tone="good" if problem.is_over else _tone(finding.fault),
            summary=self._prose(finding.summary),
            line=self._text(problem_line(problem)),
            who=actor(finding),
            where=self._servers(each),
            file=self._file(each),
            when=_how_often(problem),
            is_over=problem.is_over,
            is_open=each.number <= OPEN_PROBLEMS,
            ladder=ladder_part(shown, self._masker),
            diagram=drawing,
            drawn_at=self._drawn.get(shown.id, ""),
            proof=self._proof(proof_of(finding, shown, others, verbose=False), display_filter(each.cited)),
            remedy=self._prose(finding.remedy) if finding.remedy else (),
            alternatives=tuple(
                Alternative(
                    self._prose(other.cause),
                    "" if other.fault is finding.fault else WHERE[other.fault],
                    self._prose(other.how_to_tell),
                )
                for other in finding.alternatives
            ),
        )

    def _proof(self, proof: Proof, wireshark: str) -> ProofPart:
        rows = tuple(
            packet_part(
                "" if row.packet is None else str(row.packet),
                proof.since_zero(row),
                row.time_ns,
                row.side,
                row.what,
                row.raw,
                self._masker,
            )._replace(conversation=row.conversation)
            for row in proof.rows
        )
        zero = proof.zero if proof.zero_ns is not None else ""
        return ProofPart(rows, proof.omitted, zero, any(row.conversation for row in rows), wireshark)

    def _diagram(self, one: Conversation) -> DiagramPart | None:
        """The diagram of a conversation, unless it was drawn already, or there are many."""
        if one.id in self._drawn or len(self._drawn) >= MAX_DIAGRAMS:
            return None
        self._drawn[one.id] = f"diagram-{one.id}"
        self._kinds.setdefault(group_key(one), self._drawn[one.id])
        return diagram_part(one, self._report, self._masker, self._drawn[one.id])

    def _messages(self, said: server_messages.ServerMessages) -> Iterator[MessagePart]:
        several = len(self._by_id) > 1
        for one in said.messages:
            about = server_messages.headline(one, with_conversations=several)
            yield MessagePart(
                server_messages.label(one),
                self._text(about),
                self._text(server_messages.text_of(one)),
                self._text(one.meaning),
                one.is_serious,
            )

    def _story(self) -> Iterator[StoryPart]:
        named = -1
        for entry in story.story(self._report):
            file = (
                self._report.inputs[entry.input].path if entry.input != named and len(self._report.inputs) > 1 else ""
            )
            named = entry.input
            when = _when(entry.began_ns, entry.until_ns or entry.began_ns)
            yield StoryPart(self._text(file), when, self._text(entry.text))

    def _group(self, each: ConversationGroup) -> GroupPart:
        first = each.first
        began, ended = (one.connection.first.time_ns for one in (each.first, each.newest))
        return GroupPart(
            total=each.count,
            outcome=_outcome(first.outcome),
            meaning=OUTCOME_MEANINGS[first.outcome.value],
            tone=_tone(first.fault),
            addresses=f"{first.connection.client.ip} → {first.connection.server}",
            ids=first.id if each.count == 1 else f"first {first.id}, last {each.newest.id}",
            when=_when(began, ended),
            every=f"every {duration(each.interval)}" if each.interval else "",
            drawn_at=self._kinds.get(group_key(first), ""),
        )


def _how_often(problem: Problem) -> str:
    """How many conversations a problem concerns, and when."""
    when = _when(problem.first_ns or 0, problem.last_ns or 0)
    return f"once, {when}" if problem.total < 2 else f"{counted(problem.total, 'conversation')}, {when}"


def _when(first_ns: int, last_ns: int) -> str:
    """A moment, or a time from one to another."""
    if UTC_CLOCK.stamp(first_ns) == UTC_CLOCK.stamp(last_ns):
        return UTC_CLOCK.date_and_time(first_ns)
    return UTC_CLOCK.period(first_ns, last_ns)


def _outcome(outcome: Outcome) -> str:
    return outcome.value.replace("_", " ")


def _tone(fault: Fault) -> str:
    """The style sheet's name of a colour."""
    return {Fault.NONE: "good", Fault.UNDETERMINED: "open", Fault.CLIENT: "yours"}.get(fault, "bad")


def _glossary(page: Page) -> Iterator[tuple[str, str]]:
    """The words of the page that need an explanation, in the order of the alphabet."""
    used = set(re.findall(r"[\w-]+", " ".join(_texts(page)).casefold()))
    for word in sorted(WORDS, key=lambda word: word.names[0].casefold()):
        if word.kind in EXPLAINED and any(
            set(name.casefold().replace("_", " ").split()) <= used for name in word.names
        ):
            yield word.names[0].replace("_", " "), word.meaning


def _texts(part: object) -> Iterable[str]:
    """All texts within a part of the page."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, tuple):
        for each in part:
            yield from _texts(each)
