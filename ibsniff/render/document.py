"""The report as one JSON document: the contract that other programs rely on, ``schema_version`` 1.

Within a schema version fields may be added, but are never renamed. Times are ISO 8601 in UTC with nanoseconds, durations
are in seconds, and packets have the numbers that Wireshark gives them. Text from the wire is masked and bounded but not
escaped: JSON has its own escaping.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ibsniff.formatting import iso, seconds, seconds_between
from ibsniff.model import (
    Alternative,
    Conversation,
    Ended,
    Endpoint,
    ErrorTally,
    Evidence,
    Finding,
    Hello,
    InputFacts,
    Loss,
    MachineReport,
    Moment,
    Narrowed,
    Problem,
    Reply,
    Report,
    ServerOutage,
    Side,
    WatchedBy,
    WireText,
)
from ibsniff.render.cited_packets import evidence_of
from ibsniff.render.headline import no_conversation
from ibsniff.render.report_view import lead_of
from ibsniff.render.request_counts import requests_document
from ibsniff.render.text import Masker, json_text
from ibsniff.timeline.dialogues import guessed_library

SCHEMA_VERSION = 1

MAX_LISTED = 20
"""Packets, accounts, conversations or link types in one list; the full number is given next to it (``..._count``)."""

MAX_CODES = 100
"""Error codes and message names of one conversation, or reasons to skip packets: a hostile peer can invent any number."""

INDENT = "  "
"""Of the document that people read, for each level."""

Json = dict[str, Any]


WATCHED_BY = {
    WatchedBy.STATISTICS: "capture",
    WatchedBy.LIVE: "capture",
    WatchedBy.LAST_PACKET: "last packet",
    WatchedBy.USER: "user",
}
"""How the end of the capture is known. A live capture and its file say the same, because the file states the end."""


def document(report: Report, tool_version: str, show_accounts: bool = False) -> Json:
    """The whole report, made of types that ``json.dumps`` accepts."""
    members = _members(report, tool_version, show_accounts)
    return {name: list(value) if isinstance(value, Iterator) else value for name, value in members.items()}


def document_text(report: Report, tool_version: str, show_accounts: bool = False) -> Iterator[str]:
    """Yield the indented text of the same document in pieces, so that never more than one conversation is in memory."""
    begins = "{\n"
    for name, value in _members(report, tool_version, show_accounts).items():
        yield f"{begins}{INDENT}{json_text(name)}: "
        if isinstance(value, Iterator):
            yield from _list_text(value)
        else:
            yield _indented(value, INDENT)
        begins = ",\n"
    yield "\n}"


def _list_text(values: Iterator[Json]) -> Iterator[str]:
    begins = "[\n"
    for value in values:
        yield f"{begins}{INDENT * 2}{_indented(value, INDENT * 2)}"
        begins = ",\n"
    yield "[]" if begins.startswith("[") else f"\n{INDENT}]"


def _indented(value: object, indent: str) -> str:
    """JSON that stands this far from the left; no text in it holds a line break."""
    return json_text(value, indent=len(INDENT)).replace("\n", f"\n{indent}")


def _members(report: Report, tool_version: str, show_accounts: bool) -> dict[str, Any]:
    """The members of the document; long lists are iterators, which make one element at a time."""
    writer = DocumentWriter(Masker.for_report(report, show_accounts))
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "ibsniff", "version": tool_version},
        "inputs": map(writer.input, report.inputs),
        "verdict": writer.verdict(report),
        "findings": map(writer.shared_finding, report.findings),
        "problems": map(writer.problem, report.problems),
        "problems_omitted": report.problems_omitted,
        "outages": map(writer.outage, report.outages),
        "omitted": report.omitted,
        "narrowed": writer.narrowed(report.narrowed),
        "conversations": map(writer.conversation, report.conversations),
    }


class DocumentWriter(NamedTuple):
    """Makes the parts of the document; every text passes through its masker."""

    masker: Masker

    def text(self, text: str | WireText) -> str:
        """A text: masked, valid Unicode, bounded."""
        return self.masker.encodable(text)

    def optional(self, text: str | WireText | None) -> str | None:
        """The same for a text that may be missing."""
        return None if text is None else self.text(text)

    def narrowed(self, narrowed: Narrowed | None) -> Json | None:
        """What the report was restricted to; None for one on all conversations."""
        if narrowed is None:
            return None
        return {"chosen_by": self.text(narrowed.chosen_by), "left_out": narrowed.left_out}

    def outage(self, outage: ServerOutage) -> Json:
        """A time in which a server served nobody."""
        return {
            "input": outage.input,
            "server": _endpoint(outage.server),
            "began": iso(outage.began_ns),
            "back": None if outage.back_ns is None else iso(outage.back_ns),
            "ended": [*outage.ended[:MAX_LISTED]],
            "ended_count": len(outage.ended),
            "failed": {str(outcome): count for outcome, count in outage.failed.items()},
            "back_conversation": outage.back,
            "text": self.text(outage.text),
        }

    def input(self, facts: InputFacts) -> Json:
        """What is known of one capture as a whole."""
        return {
            "path": self.text(WireText(facts.path)),
            "format": facts.format,
            "link_types": list(facts.link_types[:MAX_LISTED]),
            "link_type_count": len(facts.link_types),
            "packets": facts.packets,
            "first_time": _time(facts.first_time_ns),
            "last_time": _time(facts.last_time_ns),
            "watched_until": _time(facts.watched_until_ns),
            "watched_by": WATCHED_BY[facts.watched_by],
            "truncated": facts.truncated is not None,
            "truncated_detail": self.optional(facts.truncated),
            "interrupted": facts.interrupted,
            "dropped": facts.dropped,
            "losses": [self.loss(loss) for loss in facts.losses[:MAX_LISTED]],
            "losses_omitted": max(0, len(facts.losses) - MAX_LISTED),
            "cut_by_snaplen": facts.cut_by_snaplen,
            "times_backwards": facts.times_backwards,
            "skipped": {self.text(reason): count for reason, count in facts.skipped.most_common(MAX_CODES)},
            "skipped_reasons_omitted": max(0, len(facts.skipped) - MAX_CODES),
            "notes": [self.text(note) for note in facts.notes[:MAX_LISTED]],
            "notes_omitted": max(0, len(facts.notes) - MAX_LISTED),
            "machine_reports": [self.machine_report(each) for each in facts.machine_reports[-MAX_LISTED:]],
            "machine_reports_omitted": max(0, len(facts.machine_reports) - MAX_LISTED),
        }

    def machine_report(self, said: MachineReport) -> Json:
        """What the capturing machine said of one end of a connection."""
        return {
            "time": iso(said.time_ns),
            "client": str(said.client),
            "server": str(said.server),
            "end": said.side,
            "pid": said.process,
            "program": None if said.program is None else self.text(said.program),
            "close_wait": said.close_wait,
            "accept_queue": said.accept_queue,
            "unread": said.unread,
        }

    @staticmethod
    def loss(loss: Loss) -> Json:
        """Packets that the capture lost; ``since`` is null when it may have been from its beginning on."""
        return {"since": _time(loss.since_ns or None), "until": _time(loss.until_ns), "packets": loss.packets}

    def verdict(self, report: Report) -> Json:
        """The verdict; without any conversation ``outcome`` is null, and the most severe finding takes its place."""
        verdict, lead = report.verdict, lead_of(report)
        return {
            "outcome": verdict.outcome.value if verdict else None,
            "fault": lead.fault.value if lead else "undetermined",
            "confidence": lead.confidence.value if lead else "low",
            "code": lead.code if lead else None,
            "summary": self.text(lead.summary) if lead else no_conversation(report),
            "conversation": verdict.conversation if verdict else None,
            "counts": {outcome.value: count for outcome, count in verdict.counts.items()} if verdict else {},
        }

    def finding(self, finding: Finding) -> Json:
        """What one rule found."""
        return {
            "code": finding.code,
            "name": finding.name,
            "severity": finding.severity.value,
            "fault": finding.fault.value,
            "confidence": finding.confidence.value,
            "summary": self.text(finding.summary),
            "packets": list(finding.packets[:MAX_LISTED]),
            "packet_count": len(finding.packets),
            "evidence": [self.evidence(one) for one in evidence_of(finding)[0]],
            "remedy": self.text(finding.remedy),
            "alternatives": [self.alternative(alternative) for alternative in finding.alternatives],
        }

    def evidence(self, one: Evidence) -> Json:
        """A cited packet; of more than 20, the first and the last are told. ``conversation`` is null if it has none."""
        return {
            "packet": one.packet,
            "time": _time(one.time_ns),
            "side": one.side.value if one.side else None,
            "what": self.text(one.what),
            "conversation": one.conversation or None,
        }

    def alternative(self, alternative: Alternative) -> Json:
        """Another possible cause."""
        return {
            "cause": self.text(alternative.cause),
            "fault": alternative.fault.value,
            "how_to_tell": self.text(alternative.how_to_tell),
        }

    def shared_finding(self, finding: Finding) -> Json:
        """A finding about the capture, or across conversations."""
        return self.finding(finding) | {
            "input": finding.input,
            "conversations": list(finding.conversations[:MAX_LISTED]),
            "conversation_count": len(finding.conversations),
        }

    def problem(self, problem: Problem) -> Json:
        """One thing that is wrong; ``conversation`` shows it best, and ``explains`` counts the findings that follow from it."""
        found = problem.finding
        return {
            "input": found.input,
            "code": found.code or None,
            "name": found.name or None,
            "severity": found.severity.value,
            "fault": found.fault.value,
            "confidence": found.confidence.value,
            "summary": self.text(found.summary),
            "remedy": self.text(found.remedy),
            "packets": list(found.packets[:MAX_LISTED]),
            "packet_count": len(found.packets),
            "conversation": problem.conversation,
            "conversations": list(problem.conversations[:MAX_LISTED]),
            "conversation_count": problem.total,
            "servers": [_endpoint(server) for server in problem.servers[:MAX_LISTED]],
            "server_count": len(problem.servers),
            "explains": problem.explained,
            "first": _time(problem.first_ns),
            "last": _time(problem.last_ns),
            "is_over": problem.is_over,
            "is_partly_over": problem.is_partly_over,
        }

    def conversation(self, conversation: Conversation) -> Json:
        """One connection, with all that is known and concluded about it."""
        connection, dialogue = conversation.connection, conversation.dialogue
        codes = list(dialogue.errors.items())
        accounts = [self.masker.account(account) for account in dialogue.accounts[:MAX_LISTED]]
        return {
            "id": conversation.id,
            "input": conversation.input,
            "client": _endpoint(connection.client),
            "server": _endpoint(connection.server),
            "start": iso(connection.first.time_ns),
            "end": iso(connection.last.time_ns),
            "duration": _seconds_between(connection.first, connection.last),
            "conn_state": conversation.conn_state,
            "history": connection.history,
            "outcome": conversation.outcome.value,
            "rung": conversation.rung.value,
            "fault": conversation.fault.value,
            "code": conversation.cause.code if conversation.cause else None,
            "confidence": conversation.confidence.value,
            "summary": self.text(conversation.summary),
            "hello": self.hello(dialogue.hello) if dialogue.hello else None,
            "reply": self.reply(dialogue.reply) if dialogue.reply else None,
            "client_id": dialogue.start.client_id if dialogue.start else None,
            "accounts": accounts,
            "account_count": len(dialogue.accounts),
            "ended": _ended(connection.ended, connection.first) if connection.ended else None,
            "timings": _timings(conversation),
            "messages": {side.value: self.messages(conversation, side) for side in Side},
            "message_names_omitted": sum(max(0, len(dialogue.messages[side]) - MAX_CODES) for side in Side),
            "errors": [self.error(code, tally) for code, tally in codes[:MAX_CODES]],
            "error_codes_omitted": max(0, len(codes) - MAX_CODES),
            "requests": requests_document(dialogue.requests, self.text),
            "findings": [self.finding(finding) for finding in conversation.findings],
        }

    def hello(self, hello: Hello) -> Json:
        """The client's first bytes; ``min`` and ``max`` are versions."""
        return {
            "dialect": hello.dialect.value,
            "min": hello.min_version,
            "max": hello.max_version,
            "options": self.optional(hello.options),
            "client_library": guessed_library(hello),
            "detail": self.text(hello.detail),
            "raw": self.masker.hex(hello.raw),
            "packets": list(hello.packets[:MAX_LISTED]),
            "packet_count": len(hello.packets),
        }

    def reply(self, reply: Reply) -> Json:
        """The server's first bytes."""
        return {
            "kind": reply.kind.value,
            "server_version": reply.server_version,
            "connection_time": self.optional(reply.connection_time),
            "redirect": self.optional(reply.redirect),
            "service": self.optional(reply.service),
            "raw": self.masker.hex(reply.raw),
            "packets": list(reply.packets[:MAX_LISTED]),
            "packet_count": len(reply.packets),
        }

    def messages(self, conversation: Conversation, side: Side) -> dict[str, int]:
        """How often one side sent each message, the most frequent first."""
        return {self.text(name): n for name, n in conversation.dialogue.messages[side].most_common(MAX_CODES)}

    def error(self, code: int, tally: ErrorTally) -> Json:
        """All messages with one error code; ``id`` is that of the request."""
        examples = [
            {
                "id": error.request,
                "text": self.text(error.text),
                "packet": error.moment.packet,
                "time": iso(error.moment.time_ns),
            }
            for error in tally.examples
        ]
        return {"code": code, "count": tally.count, "examples": examples}


def _time(time_ns: int | None) -> str | None:
    return None if time_ns is None else iso(time_ns)


def _endpoint(endpoint: Endpoint) -> Json:
    return {"ip": endpoint.ip, "port": endpoint.port}


def _ended(ended: Ended, first: Moment) -> Json:
    after = _seconds_between(first, ended.moment)
    return {"by": ended.by.value, "how": ended.how.value, "after": after, "packet": ended.moment.packet}


def _timings(conversation: Conversation) -> dict[str, float | None]:
    """``connect``: SYN to SYN-ACK; ``reply``: whole hello to whole reply; the others: time since the first packet."""
    connection, dialogue = conversation.connection, conversation.dialogue
    hello, reply = dialogue.hello, dialogue.reply
    return {
        "connect": _seconds_between(connection.syns[0], connection.syn_ack) if connection.syns else None,
        "reply": _seconds_between(hello.complete, reply.complete) if hello and reply and reply.is_whole else None,
        "ready": _seconds_between(connection.first, dialogue.ready),
        "watched": seconds(conversation.watched_until_ns - connection.first.time_ns),
    }


def _seconds_between(earlier: Moment, later: Moment | None) -> float | None:
    return None if later is None else seconds_between(earlier, later)
