"""Which requests and orders TWS rejected, by error number, and whether it could reach IB at that time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from ibsniff.ib import errors
from ibsniff.model import Conversation, FarmKind, Request, Side, WireError

ORDERS = frozenset({"PLACE_ORDER", "EXERCISE_OPTIONS"})
"""Requests that place an order."""
SAID_BY_OTHERS = frozenset({errors.MESSAGE_RATE_EXCEEDED, errors.REQUEST_NOT_READABLE})
"""Errors that rules of their own report."""


class Rejection(NamedTuple):
    """All requests that were rejected with one error number."""

    code: int
    requests: tuple[tuple[Request, WireError], ...]
    """Each with the error, in the order they were asked; of a great many, the first (bounded by ``ib``)."""


def rejections(conversation: Conversation, *, orders: bool) -> list[Rejection]:
    """What TWS rejected, the most frequent error first: orders, or all other requests.

    Left out is what other rules report (a rate that is too high, a request that TWS could not read, a Read-Only API), and a
    request for ids that a Read-Only API refuses: its text does not always say so, and the client knows an id already.
    """
    by_code: dict[int, list[tuple[Request, WireError]]] = {}
    for request in conversation.dialogue.requests.rejected.values():
        error = request.error
        if error is None or (request.name in ORDERS) is not orders or _is_said_by_others(error):
            continue
        if not (request.name == "REQ_IDS" and error.code == errors.REQUEST_REFUSED):  # usual under a Read-Only API
            by_code.setdefault(error.code, []).append((request, error))
    found = [Rejection(code, tuple(requests)) for code, requests in by_code.items()]
    return sorted(found, key=lambda one: (-len(one.requests), one.code))


def all_of(found: Iterable[Rejection]) -> list[tuple[Request, WireError]]:
    """The requests of several rejections, in the order they were asked."""
    requests = (each for rejection in found for each in rejection.requests)
    return sorted(requests, key=lambda each: each[0].asked.packet)


def refused_changes(conversation: Conversation) -> list[tuple[Request, WireError]]:
    """Open orders that were changed, each with the last error that names it."""
    opened = conversation.dialogue.requests.open.values()
    orders = (one for one in opened if one.name in ORDERS and one.modified)
    return [(one, one.error) for one in orders if one.error is not None]


def ib_was_out_of_reach(
    conversation: Conversation, rejected: Iterable[tuple[Request, WireError]], farms: Collection[FarmKind]
) -> bool:
    """Tell whether TWS had no connection to IB when it rejected one of these, or had lost such a farm for good."""
    return any(was_out_of_reach(conversation, error, farms) for _, error in rejected)


def was_out_of_reach(conversation: Conversation, error: WireError, farms: Collection[FarmKind]) -> bool:
    """The same for one error."""
    tallies = conversation.dialogue.errors
    connection = [one for code in errors.IB_CONNECTION for one in (tallies[code].examples if code in tallies else ())]
    connection.sort(key=lambda one: one.moment.packet)
    known = conversation.dialogue.farms.items()
    broken = [last for farm, last in known if farm.kind in farms and last.code in errors.FARM_BROKEN]
    return _is_down(connection, error) or _is_down(broken, error)


def _is_down(messages: Iterable[WireError], at: WireError) -> bool:
    """Tell whether the last of these messages before an error says that a connection is lost."""
    before = [one for one in messages if one.moment.packet <= at.moment.packet]
    return bool(before) and before[-1].code not in errors.IB_CONNECTION_RESTORED


def is_guess(request: Request, error: WireError) -> bool:
    """Tell whether the error names no request, so that another one may be meant: 321 for a request without an id."""
    return request.number is None and error.request < 0


def nothing_followed(conversation: Conversation, rejected: Iterable[tuple[Request, WireError]]) -> bool:
    """Tell whether nothing came for these after the error: all that the server sent was captured and could be read."""
    if Side.SERVER in conversation.dialogue.bytes_after_gap or Side.SERVER in conversation.dialogue.unframed:
        return False
    return not any(request.may_have_missed for request, _ in rejected)


def _is_said_by_others(error: WireError) -> bool:
    is_read_only = error.code == errors.REQUEST_REFUSED and error.text.mentions(errors.READ_ONLY_TEXT)
    return is_read_only or error.code in SAID_BY_OTHERS
