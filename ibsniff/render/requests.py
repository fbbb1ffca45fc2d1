"""The requests and orders of some conversations: a line for each, or a JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ibsniff.clock import UTC_CLOCK, Clock
from ibsniff.formatting import counted, duration, elapsed, seconds
from ibsniff.model import Conversation, Moment, Request, RequestState
from ibsniff.render.document import SCHEMA_VERSION, DocumentWriter, Json
from ibsniff.render.request_counts import request_members
from ibsniff.render.text import Masker


class ListedRequest(NamedTuple):
    """One request, and the conversation it belongs to."""

    conversation: Conversation
    request: Request


def request_line(listed: ListedRequest, clock: Clock = UTC_CLOCK) -> str:
    """One request in a line: when and in which packet it was asked, what it is, and what became of it."""
    conversation, request = listed
    number = "" if request.number is None else f" {request.number}"
    asked = f"{clock.stamp(request.asked.time_ns).time} {conversation.id} #{request.asked.packet}"
    return f"{asked} {request.name}{number}: {_what_became(conversation, request, clock)}"


def _what_became(conversation: Conversation, request: Request, clock: Clock) -> str:
    parts = [*_result(conversation, request, clock)]
    if request.modified:
        parts.append(f"placed again {counted(request.modified, 'time')}")
    if request.may_have_missed:
        parts.append("bytes are missing, so more may have come")
    return "; ".join(parts)


def _result(conversation: Conversation, request: Request, clock: Clock) -> Iterator[str]:
    error, ended = request.error, request.ended
    if request.state is RequestState.REJECTED and ended is not None:
        yield f"rejected {_after(request, ended)}"
    elif request.state is RequestState.CANCELLED and ended is not None:
        yield f"cancelled {_after(request, ended)}"
    elif request.is_unanswered:
        yield f"not answered for {duration(seconds(_until_ns(conversation) - request.asked.time_ns))}"
    elif request.state is RequestState.OPEN and not request.answers:
        yield "open"
    if request.first_answer is not None:
        yield _answered(request, clock)
    if error is not None:
        yield f"error {error.code}: {error.text:quoted}" if error.text else f"error {error.code}"


def _answered(request: Request, clock: Clock) -> str:
    first, last, ended = request.first_answer, request.last_answer, request.ended
    assert first is not None
    told = f"answered {_after(request, first)}"
    if request.answers > 1 and last is not None:
        told += f", {request.answers:,} messages until {_until(last, request.asked, clock)}"
    if request.state is RequestState.OPEN:
        told += ", still open"
    elif request.state is RequestState.ANSWERED and ended is not None and request.answers > 1:
        told += f", complete {_after(request, ended)}"
    return told


def _until(last: Moment, asked: Moment, clock: Clock) -> str:
    """When the last answer came; with its date and zone where they are not those of the request."""
    shown, heading = clock.stamp(last.time_ns), clock.stamp(asked.time_ns)
    when = shown.time if shown.date == heading.date else shown.unzoned
    return when if shown.zone == heading.zone else f"{when} {shown.zone}"


def _after(request: Request, moment: Moment) -> str:
    return f"after {elapsed(request.asked, moment)} (#{moment.packet})"


def _until_ns(conversation: Conversation) -> int:
    """Until when an answer could have come."""
    ended = conversation.connection.ended
    return ended.moment.time_ns if ended is not None else conversation.watched_until_ns


def request_lines(listed: Iterable[ListedRequest], clock: Clock = UTC_CLOCK) -> Iterator[str]:
    """A line for each request, and one for each day (and zone) before the first request of it."""
    day = ""
    for each in listed:
        asked = clock.stamp(each.request.asked.time_ns)
        if (heading := f"{asked.date} ({clock.heading(asked.zone)})".strip()) != day:
            day = heading
            yield day
        yield request_line(each, clock)


def summary_line(listed: Iterable[ListedRequest], total: int) -> str:
    """How many there are (of ``total`` without filters), and how many of them were not answered or rejected."""
    requests = [each.request for each in listed]
    unanswered = sum(request.is_unanswered for request in requests)
    rejected = sum(request.state is RequestState.REJECTED for request in requests)
    how_many = counted(total, "request")
    if len(requests) < total:
        how_many = f"{len(requests):,} of {how_many}"
    return f"{how_many}, {unanswered:,} unanswered, {rejected:,} rejected"


def document(listed: Iterable[ListedRequest], omitted: int, tool_version: str, masker: Masker) -> Json:
    """The JSON document: ``schema_version`` 1, of the same form as that of ``read``."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "ibsniff", "version": tool_version},
        "requests": [request_row(each, masker) for each in listed],
        "omitted": omitted,
    }


def request_row(listed: ListedRequest, masker: Masker) -> Json:
    """One request."""
    members = request_members(listed.request, DocumentWriter(masker).text)
    return {"conversation": listed.conversation.id, **members}
