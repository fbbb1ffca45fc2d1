"""ib -> diagnosis: what a client asked TWS for, and what became of each request and order."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple, Self

from ibsniff.masking.wire_text import WireText
from ibsniff.model.connection import Moment


class WireError(NamedTuple):
    """One ERR_MSG of the server."""

    request: int
    """The id of the request that it belongs to; -1 for none."""
    code: int
    text: WireText
    moment: Moment


class RequestState(StrEnum):
    """What has become of a request or an order."""

    OPEN = "open"
    """Neither of the others, so far: not answered yet, or a subscription that goes on."""
    ANSWERED = "answered"
    """It ended as it should: by its end marker, its single answer, the final status of an order, or the error that says that
    there is no data for it."""
    REJECTED = "rejected"
    """An error ended it."""
    CANCELLED = "cancelled"
    """The client cancelled it."""


class Request(NamedTuple):
    """One request or order of a client. All of it counts packets that were captured; what was lost may say more."""

    number: int | None
    """The id that the client gave it; None for requests without an id."""
    name: str
    """Of the client's message: ``REQ_MKT_DATA``, ``PLACE_ORDER``."""
    asked: Moment
    first_answer: Moment | None = None
    """The first message that brought a part of the answer or ended it; an error is no answer."""
    last_answer: Moment | None = None
    answers: int = 0
    """Messages of the answer, end markers included."""
    ended: Moment | None = None
    """When it left the state ``OPEN``."""
    state: RequestState = RequestState.OPEN
    error: WireError | None = None
    """The last error or advisory that names it."""
    modified: int = 0
    """How often an order was placed again with the same id while it was open."""
    is_transmitted: bool = False
    """TWS is to send this order on at once, and does not hold it until it is told to."""
    may_have_missed: bool = False
    """While it was open, bytes of this conversation were not captured or could not be read: its answer may be among them."""

    @property
    def is_unanswered(self) -> bool:
        """It is open, and nothing has come that belongs to it, not even an error."""
        return self.state is RequestState.OPEN and not self.answers and self.error is None

    def with_answers(self, first: Moment, last: Moment, count: int) -> "Request":
        """The same with so many more messages of the answer, which came from ``first`` to ``last``."""
        begun, latest = self.first_answer, self.last_answer
        if begun is None or first.packet < begun.packet:
            begun = first
        if latest is None or last.packet > latest.packet:
            latest = last
        # less time than _replace, for nearly every message of a session
        return Request._make((*self[:3], begun, latest, self.answers + count, *self[6:]))


class LateAnswer(NamedTuple):
    """A question that TWS answers at once as a rule, and that it answered after a long time."""

    name: str
    """Of the client's message: ``REQ_CURRENT_TIME``."""
    asked: Moment
    answered: Moment

    @property
    def wait_ns(self) -> int:
        """How long it was unanswered."""
        return self.answered.time_ns - self.asked.time_ns


@dataclass(slots=True)
class Requests:
    """The requests and orders of one conversation. Only ``ib`` changes it."""

    counts: Counter[tuple[str, RequestState]] = field(default_factory=Counter)
    """How many there are of each name in each state, of those that are followed."""
    open: dict[int, Request] = field(default_factory=dict)
    """Every one that is open and followed, by its place among all requests (from 1), in the order they were asked."""
    rejected: dict[int, Request] = field(default_factory=dict)
    """The first that were rejected (bounded by ``ib``), by their places."""
    settled: dict[str, Moment] = field(default_factory=dict)
    """By name: when the latest of those was asked that are not open any more."""
    not_followed: Counter[str] = field(default_factory=Counter)
    """By name: those that came while too many others were open (bounded by ``ib``), so that their ends are not known."""
    keeps_ended: int = 0
    """How many of those that ended are kept in ``ended``: usually none, they are only counted."""
    ended: dict[int, Request] = field(default_factory=dict)
    """The first of those that ended, by their places."""
    inactive: dict[int, Request] = field(default_factory=dict)
    """The first orders that TWS made inactive without an error, and that were not placed again (bounded by ``ib``)."""
    taken_back: Counter[int] = field(default_factory=Counter)
    """By error number: how many rejections did not last, because an answer came after all."""
    late: LateAnswer | None = None
    """The longest time for which TWS left a question unanswered that it answers at once as a rule."""

    @property
    def asked(self) -> int:
        """How many there were in all."""
        return self.counts.total() + self.not_followed.total()

    def listed(self) -> list[Request]:
        """Those that are open and those that ended, as far as they are kept, in the order in which they were asked."""
        return [request for _, request in sorted((self.ended | self.open).items())]

    @property
    def unanswered(self) -> int:
        """How many are open and not answered by anything."""
        return sum(request.is_unanswered for request in self.open.values())

    @property
    def rejected_beyond(self) -> int:
        """How many were rejected and are not among ``rejected``."""
        return self.count(RequestState.REJECTED) - len(self.rejected)

    def count(self, state: RequestState) -> int:
        """How many of those followed are in this state."""
        return sum(count for (_, reached), count in self.counts.items() if reached is state)

    def copy(self) -> Self:
        """Return its present state, which does not change any more."""
        counts, opened, rejected, settled, not_followed, keeps_ended, ended, inactive, back, late = _FIELDS_OF_REQUESTS(
            self
        )
        return type(self)(
            counts.copy(),
            opened.copy(),
            rejected.copy(),
            settled.copy(),
            not_followed.copy(),
            keeps_ended,
            ended.copy(),
            inactive.copy(),
            back.copy(),
            late,
        )


_FIELDS_OF_REQUESTS = attrgetter(*Requests.__slots__)
NO_REQUESTS = Requests()
"""Of every conversation in which the client asked for nothing; never changed."""
