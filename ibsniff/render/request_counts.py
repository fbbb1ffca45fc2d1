"""The requests and orders of a conversation: one line of counts for readers, and their part of the JSON document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ibsniff.formatting import counted, iso
from ibsniff.model import Moment, Request, Requests, RequestState, WireError, WireText

MAX_REQUESTS = 50
"""Open requests, and rejected ones, in one list; the full number is given next to it."""

Json = dict[str, Any]


def requests_line(requests: Requests) -> str | None:
    """How many requests there were, and how many went wrong; None if nothing was asked."""
    if not requests.asked:
        return None
    parts = [counted(requests.asked, "request")]
    parts += [f"{count:,} unanswered"] if (count := requests.unanswered) else []
    parts += [f"{count:,} rejected"] if (count := requests.count(RequestState.REJECTED)) else []
    parts += [f"{count:,} not followed: too many were open"] if (count := requests.not_followed.total()) else []
    if any(request.is_unanswered and request.may_have_missed for request in requests.open.values()):
        parts.append("answers may be missing: not all bytes were captured")
    return ", ".join(parts)


def requests_document(requests: Requests, text: Callable[[str | WireText], str]) -> Json:
    """Counts by state, and the requests that are open or were rejected, those first that nothing has answered."""
    opened = sorted(requests.open.values(), key=lambda request: not request.is_unanswered)
    rejected = list(requests.rejected.values())
    return {
        "asked": requests.asked,
        **{state.value: requests.count(state) for state in RequestState},
        "unanswered": requests.unanswered,
        "not_followed": requests.not_followed.total(),
        "open_requests": [request_members(request, text) for request in opened[:MAX_REQUESTS]],
        "open_requests_omitted": max(0, len(opened) - MAX_REQUESTS),
        "rejected_requests": [request_members(request, text) for request in rejected[:MAX_REQUESTS]],
        "rejected_requests_omitted": requests.count(RequestState.REJECTED) - len(rejected[:MAX_REQUESTS]),
    }


def request_members(request: Request, text: Callable[[str | WireText], str]) -> Json:
    """One request in a JSON document."""
    return {
        "name": text(request.name),
        "request": request.number,
        "state": request.state.value,
        "asked": _moment(request.asked),
        "first_answer": _moment(request.first_answer),
        "last_answer": _moment(request.last_answer),
        "answers": request.answers,
        "ended": _moment(request.ended),
        "modified": request.modified,
        "may_have_missed": request.may_have_missed,
        "error": None if request.error is None else _error(request.error, text),
    }


def _error(error: WireError, text: Callable[[str | WireText], str]) -> Json:
    return {"code": error.code, "text": text(error.text)} | (_moment(error.moment) or {})


def _moment(moment: Moment | None) -> Json | None:
    return None if moment is None else {"packet": moment.packet, "time": iso(moment.time_ns)}
