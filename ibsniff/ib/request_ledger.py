"""The ledger of requests: what each message says about the requests and orders of its conversation.

Requests are compared with answers by packet numbers, because bytes that had to wait for a missing segment arrive here later
than what the other side sent in the meantime. Answers to requests that were not seen are ignored: they were asked before the
capture began, or bytes are missing, or another client asked.
"""

from __future__ import annotations

from collections.abc import KeysView, Sequence
from typing import NamedTuple

from ibsniff.ib import errors, id_fields, names
from ibsniff.ib.followed_requests import FollowedRequests, Key
from ibsniff.ib.late_answers import AT_ONCE
from ibsniff.ib.messages import Payload, decode_start, name_of
from ibsniff.ib.rejections import is_about_orders, rejects
from ibsniff.ib.request_table import (
    ANSWERS,
    CANCELS,
    FINAL_STATUSES,
    IDS_OF_THEIR_OWN,
    LIVE_STATUSES,
    ORDER_MESSAGES,
    ORDERS,
    REQUESTS,
    UNANSWERED_UNTIL,
    UNASKED,
    WHOLE_UNTIL,
    AnswerTo,
)
from ibsniff.model import Dialogue, Moment, Request, RequestState, Side, WireError

NO_REQUEST = -1
UNSPEAKABLE_IDS = (2**31 - 1, -(2**31))
"""Ids that TWS names as -1 in its errors."""

WITHOUT_ID = {side: frozenset(known[number] for number in id_fields.WITHOUT_ID[side]) for side, known in (
    (Side.CLIENT, names.CLIENT_MESSAGES), (Side.SERVER, names.SERVER_MESSAGES),
)}  # fmt: skip
CLIENT_NAMES = REQUESTS.keys() | CANCELS.keys() | {"START_API", "CANCEL_ORDER", "REQ_GLOBAL_CANCEL"}
"""The client's messages that the ledger reads."""
SERVER_NAMES = ANSWERS.keys() | ORDER_MESSAGES | {"ERR_MSG"}
"""The server's messages that the ledger reads."""


class LedgerMessage(NamedTuple):
    """One message, as far as the ledger reads it."""

    side: Side
    name: str
    number: int | None
    """The id of the request or order that it names."""
    payload: Payload
    moment: Moment
    error: WireError | None = None
    """The content of an ERR_MSG."""


def ledger_message(
    side: Side, payload: Payload, moment: Moment, server_version: int | None, error: WireError | None = None
) -> LedgerMessage:
    """Read of a message what the ledger reads of each."""
    number = id_fields.id_of(side, payload, server_version)
    return LedgerMessage(side, name_of(side, payload.id), number, payload, moment, error)


class RequestLedger:
    """Keeps ``Dialogue.requests`` of one conversation."""

    __slots__ = ("_cancel_asked", "_client_id", "_dialogue", "_followed", "_goes_on", "_lost", "_unasked")

    def __init__(self, dialogue: Dialogue, seen_from_start: bool = True) -> None:
        self._dialogue = dialogue
        self._followed = FollowedRequests(dialogue)
        self._lost: set[Side] = set() if seen_from_start else set(Side)
        """Sides whose messages cannot be read at the moment."""
        self._client_id: int | None = None
        self._unasked: set[str] = set()
        """Answers that are due without a request."""
        self._goes_on: set[int] = set()
        """Places of requests that go on after what ends others of their kind."""
        self._cancel_asked: set[int] = set()
        """Places of orders that the client wants cancelled."""

    def __bool__(self) -> bool:
        """Whether anything that the server sends may belong to a request."""
        return bool(self._unasked or self._followed)

    @property
    def server_version(self) -> int | None:
        """The version that the server replied with."""
        return self._dialogue.reply.server_version if self._dialogue.reply else None

    # -- what cannot be read ---------------------------------------------------------------------------------------------

    def lose(self, side: Side) -> None:
        """From now on the messages of this side are not known."""
        self._lost.add(side)
        self._followed.mark_all()

    def regain(self, side: Side) -> None:
        """The messages of this side can be read again."""
        self._lost.discard(side)
        self._followed.mark_all()

    # -- messages ------------------------------------------------------------------------------------------------------

    def take(self, message: LedgerMessage) -> None:
        """Take a message of either side."""
        if message.side is Side.CLIENT:
            self._take_request(message)
        elif message.error is not None:
            self._take_error(message.error)
        elif self:
            self._take_answer(message)

    def keys_of(self, message: LedgerMessage) -> Sequence[Key] | None:
        """The keys of the requests that a message may begin, answer, end or have forgotten; None for any of them."""
        error = message.error
        if error is not None:
            if error.request != NO_REQUEST:
                return error.request, *self._followed.keys_at_stake
            return None if error.code == errors.REQUEST_REFUSED else (*UNSPEAKABLE_IDS, *self._followed.keys_at_stake)
        if message.name in WITHOUT_ID[message.side]:
            answered = (answer.request for answer in ANSWERS.get(message.name, ()))
            return message.name, CANCELS.get(message.name, ""), *answered
        at_stake = self._followed.keys_at_stake if message.name == "ORDER_STATUS" else ()
        return at_stake if message.number is None else (message.number, *at_stake)

    def may_be_full(self, asked: int) -> bool:
        """Whether the order of all messages counts, because too many requests may be open when so many are asked."""
        return self._followed.may_be_full(asked)

    def _take_request(self, message: LedgerMessage) -> None:
        name = message.name
        if name in REQUESTS:
            if (self.server_version or names.PROTOBUF) >= UNANSWERED_UNTIL.get(name, 0):
                self._ask(message)
        elif name in CANCELS:
            key = CANCELS[name] if message.number is None else message.number
            self._cancel(key, CANCELS[name], message.moment)
        elif name == "CANCEL_ORDER":
            self._cancel_order(message.number)
        elif name == "REQ_GLOBAL_CANCEL":
            self._cancel_asked.update(self._followed.open_orders())
        elif name == "START_API":
            self._unasked = set(UNASKED)
            self._client_id = decode_start(message.payload)[1]

    def _ask(self, message: LedgerMessage) -> None:
        name, moment = message.name, message.moment
        if name == "REQ_ACCT_DATA" and self._is_off(message, id_fields.IS_SUBSCRIBING):
            self._cancel(name, name, moment)
            return
        number = message.number
        key = name if number is None else number
        if name in ORDERS and (placed := self._followed.open_with(key, (name,))):
            order = self._followed[placed[-1]]
            self._followed.change(placed[-1], order._replace(modified=order.modified + 1))
            return
        sent_on = name == "PLACE_ORDER" and self._number(message, id_fields.TRANSMIT) == 1
        request = Request(number, name, moment, is_transmitted=sent_on, may_have_missed=bool(self._lost))
        place = self._followed.ask(key, request)
        if place is not None and name == "REQ_HISTORICAL_DATA" and self._is_kept_up_to_date(message):
            self._goes_on.add(place)

    def _is_kept_up_to_date(self, message: LedgerMessage) -> bool:
        version = self.server_version or names.PROTOBUF
        return version >= id_fields.KEEP_UP_TO_DATE_SINCE and bool(self._number(message, id_fields.KEEP_UP_TO_DATE))

    def _is_off(self, message: LedgerMessage, place: id_fields.FieldPlace) -> bool:
        """Whether a switch is off. In protobuf that is the default, which clients leave out."""
        return self._number(message, place) in ((0, None) if message.payload.protobuf else (0,))

    def _number(self, message: LedgerMessage, place: id_fields.FieldPlace) -> int | None:
        return id_fields.number_at(message.side, message.payload, place, self.server_version)

    # -- cancellations -------------------------------------------------------------------------------------------------

    def _cancel(self, key: Key, name: str, moment: Moment) -> None:
        for place in self._followed.open_with(key, (name,)):
            self._end(key, place, RequestState.CANCELLED, moment)
        self._followed.forget_recent(key, name)

    def _cancel_order(self, number: int | None) -> None:
        """The order lives until TWS confirms."""
        if number is not None:
            orders = self._followed.all_open_with(number)
            self._cancel_asked.update(place for place in orders if self._followed[place].name in ORDERS)

    def _end(
        self,
        key: Key,
        place: int,
        state: RequestState,
        moment: Moment,
        *,
        stays_recent: bool = False,
        is_inactive: bool = False,
    ) -> None:
        self._followed.end(key, place, state, moment, stays_recent=stays_recent, is_inactive=is_inactive)
        self._goes_on.discard(place)
        self._cancel_asked.discard(place)

    # -- answers -------------------------------------------------------------------------------------------------------

    def _take_answer(self, message: LedgerMessage) -> None:
        name, moment = message.name, message.moment
        if name in self._unasked:
            self._unasked.discard(name)
            return
        if name in ORDER_MESSAGES:
            self._take_order(message)
        if (answers := ANSWERS.get(name)) is not None:
            self.add_answers(answers, message.number, moment, moment, 1, is_whole=self._is_whole(name))

    def add_answers(
        self,
        answers: tuple[AnswerTo, ...],
        number: int | None,
        first: Moment,
        last: Moment,
        count: int,
        *,
        is_whole: bool = False,
    ) -> None:
        """So many messages came that answer one of these requests and carry the same id (None: no id).

        The packets of the first and the last one are given; with ``is_whole``, each is all that comes.
        """
        if len(answers) > 1 and not answers[0].has_id:
            answers = self._to_oldest(answers, last.packet)
        for request, is_end, has_id in answers:
            key = number if has_id else request
            if key is None:
                continue
            place = self._followed.find(key, request, last.packet, oldest=is_end or is_whole or not has_id)
            if place is None or not self._followed.add_answers(place, first, last, count):
                continue
            if (is_end or is_whole) and place not in self._goes_on:
                self._end_answered(key, place, last)

    def _to_oldest(self, answers: tuple[AnswerTo, ...], packet: int) -> tuple[AnswerTo, ...]:
        """Requests without an id are answered in the order in which they were sent, also those that share their answers.

        An order is also sent when its state changes, so that it does not show a rejected request for orders to be alive.
        """
        found = {
            (not self._followed.is_open(place), place): answer
            for answer in answers
            if (place := self._followed.find(answer.request, answer.request, packet, oldest=True)) is not None
            and (answer.is_end or self._followed.is_open(place))
        }
        return (found[min(found)],) if found else ()

    @property
    def keys(self) -> KeysView[Key]:
        """The keys of all requests that a message may belong to; it changes with them."""
        return self._followed.keys

    def ends_with_first(self, answers: tuple[AnswerTo, ...], number: int | None) -> bool:
        """Whether these answers may belong to a request that the first of them ends."""
        if number is None or not any(answer.is_end for answer in answers):
            return False
        wanted = [answer.request for answer in answers if answer.is_end]
        return bool(self._followed.open_with(number, wanted)) or self._followed.recent_with(number, wanted) is not None

    def _is_whole(self, name: str) -> bool:
        until = WHOLE_UNTIL.get(name)
        return until is not None and (self.server_version or id_fields.ASSUMED_TEXT_VERSION) < until

    def _end_answered(self, key: Key, place: int, moment: Moment) -> None:
        name, places = self._followed[place].name, [place]
        if REQUESTS[name].answers_all_before:
            places = [
                before
                for before in self._followed.open_with(key, (name,))
                if before <= place or self._followed[before].asked.packet <= moment.packet
            ]
        if name in AT_ONCE:
            self._followed.note_answer(places, moment)
        for answered in places:
            self._end(key, answered, RequestState.ANSWERED, moment)

    # -- orders --------------------------------------------------------------------------------------------------------

    def _take_order(self, message: LedgerMessage) -> None:
        name, moment, version = message.name, message.moment, self.server_version
        where = id_fields.ORDER_OF_EXECUTION if name == "EXECUTION_DATA" else id_fields.FIRST_FIELD
        number = self._number(message, where)
        if number is None or (name == "ORDER_STATUS" and self._is_of_another_client(message)):
            return
        status = "" if name != "ORDER_STATUS" else id_fields.text_at(
            Side.SERVER, message.payload, id_fields.STATUS_OF_ORDER, version
        )  # fmt: skip
        place = self._order(number, moment, status)
        if place is None:
            return
        self._followed.add_answers(place, moment, moment, 1)
        if status in FINAL_STATUSES:
            is_cancelled = status in ("Cancelled", "ApiCancelled") and place in self._cancel_asked
            state = RequestState.CANCELLED if is_cancelled else RequestState.ANSWERED
            stays_recent = status != "Filled" and not is_cancelled
            self._end(number, place, state, moment, stays_recent=stays_recent, is_inactive=status == "Inactive")

    def _order(self, number: int, moment: Moment, status: str) -> int | None:
        """The place of the open order with this id; of a recent one if this status shows that it lives."""
        followed = self._followed
        orders = [name for name, kind in REQUESTS.items() if kind.is_order]
        places = [
            place for place in followed.open_with(number, orders) if followed[place].asked.packet <= moment.packet
        ]
        if places:
            return places[-1]
        place = followed.recent_with(number, ORDERS)
        return place if place is not None and status in LIVE_STATUSES and followed.reopen(place) else None

    def _is_of_another_client(self, message: LedgerMessage) -> bool:
        """A client that sees the orders of others may have used the same id."""
        client = self._number(message, id_fields.CLIENT_OF_ORDER_STATUS)
        return None not in (self._client_id, client) and self._client_id != client

    # -- errors --------------------------------------------------------------------------------------------------------

    def _take_error(self, error: WireError) -> None:
        if not self._followed:
            return
        found = self._place_of_error(error)
        if found is None:
            return
        key, place = found
        request = self._followed[place]
        is_order = request.name in ORDERS
        if request.state is not RequestState.OPEN:
            if not is_order or request.state is RequestState.REJECTED or not rejects(error.code, request):
                return
            if not self._followed.reopen(place):  # it had ended without a reason, and here the reason comes
                return
        self._followed.change(place, request._replace(error=error, state=RequestState.OPEN, ended=None))
        if rejects(error.code, request):
            state = self._state_after(error, place)
            self._end(key, place, state, error.moment, stays_recent=state is not RequestState.CANCELLED)

    def _state_after(self, error: WireError, place: int) -> RequestState:
        """What an error makes of the request that it ends."""
        if error.code == errors.ORDER_CANCELLED and place in self._cancel_asked:
            return RequestState.CANCELLED
        return RequestState.ANSWERED if errors.is_no_data(error) else RequestState.REJECTED

    def _place_of_error(self, error: WireError) -> tuple[Key, int] | None:
        """Which request an error is about."""
        keys: tuple[Key, ...] = (error.request,) if error.request != NO_REQUEST else UNSPEAKABLE_IDS
        for key in keys:
            places = [place for place in self._followed.all_open_with(key) if self._may_be_about(error, place)]
            if places:
                return key, self._likeliest(error, places)
            if (recent := self._followed.recent_with(key, ORDERS)) is not None:
                return key, recent
        if error.request == NO_REQUEST and error.code == errors.REQUEST_REFUSED:
            return self._oldest_without_id(error)
        return None

    def _may_be_about(self, error: WireError, place: int) -> bool:
        request = self._followed[place]
        return request.name not in IDS_OF_THEIR_OWN and request.asked.packet <= error.moment.packet

    def _likeliest(self, error: WireError, places: list[int]) -> int:
        """An order for an error about orders; else the latest that nothing has answered, or the latest."""
        of_orders = [place for place in places if self._followed[place].name in ORDERS]
        if of_orders and len(of_orders) < len(places):
            others = [place for place in places if place not in of_orders]
            places = of_orders if is_about_orders(error.code) else others
        return next((place for place in reversed(places) if self._followed[place].is_unanswered), places[-1])

    def _oldest_without_id(self, error: WireError) -> tuple[Key, int] | None:
        """A refused request without an id is named by nothing: the oldest that is not answered is taken for it."""
        places = [
            (place, name)
            for name in REQUESTS.keys() & WITHOUT_ID[Side.CLIENT]
            for place in self._followed.open_with(name, (name,))
            if self._followed[place].is_unanswered and self._may_be_about(error, place)
        ]
        return (min(places)[1], min(places)[0]) if places else None
