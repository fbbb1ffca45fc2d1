"""The requests of one conversation: which are open, which message belongs to which of them, and how each one ended.

A request is found by its key: the id that the client gave it, or the name of a request that has none. Several may have the
same key at once, because TWS counts the ids of each kind of request, and those of orders, for themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, KeysView, Sequence

from ibsniff.ib.late_answers import late_answer
from ibsniff.ib.request_table import ORDERS, SHOW_LIFE
from ibsniff.model import NO_REQUESTS, Dialogue, Moment, Request, Requests, RequestState

MAX_OPEN = 1000
"""Requests followed at a time, a third of a kilobyte each. TWS allows 100 streams of market data and some hundreds of orders."""
MAX_SHOWING_LIFE = 100
"""Places beyond those for requests that show whether TWS is alive, so that no number of others hides that it is not."""
MAX_REJECTED = 100
"""Rejected requests that are kept to be listed; a client that repeats a wrong request makes thousands of them."""
MAX_RECENT = 200
"""Requests remembered after an end that a later message may correct."""

Key = int | str
"""An id, or the name of a request without one."""


class FollowedRequests:
    """All requests of one conversation, as far as their number is bounded."""

    __slots__ = ("_count", "_dialogue", "_places", "_recent", "_rejections", "_unmarked")

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._places: dict[Key, list[int]] = {}
        """Of those that are open or recent, by key, in the order they were asked."""
        self._recent: dict[int, Request] = {}
        """Those that an error ended, which an answer may show to be alive, and ended orders, which an error may reject."""
        self._unmarked: list[int] = []
        """Places of requests that are not marked as possibly missing an answer."""
        self._count = 0
        self._rejections = 0
        """All there were, whether or not an answer showed later that the request was alive."""

    def __bool__(self) -> bool:
        """Whether there is any request that a message may belong to."""
        return bool(self._places)

    @property
    def _requests(self) -> Requests:
        return self._dialogue.requests

    def may_be_full(self, asked: int) -> bool:
        """Whether it may come to ``MAX_OPEN`` when so many more are asked and recent ones are opened again."""
        return len(self._requests.open) + len(self._recent) + asked >= MAX_OPEN

    @property
    def keys_at_stake(self) -> list[Key]:
        """The keys of the recent requests, if one of them is forgotten with the next that ends.

        Which one, and whether any, depends on which of them an answer has shown to be alive before. No answer does so for an
        order.
        """
        if len(self._recent) < MAX_RECENT:
            return []
        return [_key(request) for request in self._recent.values() if request.name not in ORDERS]

    # -- asking --------------------------------------------------------------------------------------------------------

    def ask(self, key: Key, request: Request) -> int | None:
        """Follow a new request; return its place, or None if too many are open."""
        if self._dialogue.requests is NO_REQUESTS:
            self._dialogue.requests = Requests()
        self._count += 1
        most = MAX_OPEN + MAX_SHOWING_LIFE if request.name in SHOW_LIFE else MAX_OPEN
        if len(self._requests.open) >= most:
            self._requests.not_followed[request.name] += 1
            return None
        self.forget_recent(key, request.name)
        place = self._count
        self._requests.open[place] = request
        self._requests.counts[request.name, RequestState.OPEN] += 1
        self._places.setdefault(key, []).append(place)
        if not request.may_have_missed:
            self._unmarked.append(place)
        return place

    def mark_all(self) -> None:
        """The answers to whatever is open now may be missed; each request is marked once, however often this happens."""
        opened = self._requests.open
        for place in self._unmarked:
            if place in opened:
                opened[place] = opened[place]._replace(may_have_missed=True)
        self._unmarked.clear()

    # -- finding -------------------------------------------------------------------------------------------------------

    def find(self, key: Key, name: str, packet: int, *, oldest: bool = False) -> int | None:
        """The place of the newest (or oldest) open request of this name that was asked before this packet.

        If there is none, the place of the newest such recent request.
        """
        places = self._places.get(key)
        if places is None:
            return None
        opened = self._dialogue.requests.open
        for place in places if oldest else reversed(places):
            request = opened.get(place)
            if request is not None and request.name == name and request.asked.packet <= packet:
                return place
        for place in reversed(places):
            request = self._recent.get(place)
            if request is not None and request.name == name and request.asked.packet <= packet:
                return place
        return None

    @property
    def keys(self) -> KeysView[Key]:
        """The keys of all that are open or recent; it changes with them."""
        return self._places.keys()

    def is_open(self, place: int) -> bool:
        """Whether the request at this place is open."""
        return place in self._dialogue.requests.open

    def open_with(self, key: Key, names: Collection[str]) -> list[int]:
        """Places of the open requests with this key and one of these names, the oldest first."""
        opened = self._requests.open
        return [place for place in self._places.get(key, ()) if place in opened and opened[place].name in names]

    def all_open_with(self, key: Key) -> list[int]:
        """Places of all open requests with this key, the oldest first."""
        opened = self._requests.open
        return [place for place in self._places.get(key, ()) if place in opened]

    def recent_with(self, key: Key, names: Collection[str]) -> int | None:
        """The latest recent one with this key and one of these names."""
        recent = self._recent
        places = [place for place in self._places.get(key, ()) if place in recent and recent[place].name in names]
        return places[-1] if places else None

    def open_orders(self) -> Iterator[int]:
        """Places of all open orders."""
        return (place for place, request in self._requests.open.items() if request.name in ORDERS)

    def __getitem__(self, place: int) -> Request:
        """The request at this place, open or recent."""
        return self._requests.open.get(place) or self._recent[place]

    # -- what becomes of it ----------------------------------------------------------------------------------------------

    def change(self, place: int, request: Request) -> None:
        """Something came for an open request."""
        self._requests.open[place] = request

    def add_answers(self, place: int, first: Moment, last: Moment, count: int) -> bool:
        """So many messages came for an open or a recent request, from ``first`` to ``last``.

        A recent one turns out to be alive; False if too many are open for that.
        """
        opened = self._dialogue.requests.open
        if place not in opened:
            if not self.reopen(place):
                return False
            opened = self._dialogue.requests.open
        opened[place] = opened[place].with_answers(first, last, count)
        return True

    def end(
        self,
        key: Key,
        place: int,
        state: RequestState,
        moment: Moment,
        *,
        stays_recent: bool = False,
        is_inactive: bool = False,
    ) -> None:
        """An open request ends; with ``stays_recent``, a later message may correct that. An order may be inactive only."""
        requests = self._requests
        ended = requests.open.pop(place)._replace(state=state, ended=moment)
        requests.counts[ended.name, RequestState.OPEN] -= 1
        requests.counts[ended.name, state] += 1
        if (latest := requests.settled.get(ended.name)) is None or latest.packet < ended.asked.packet:
            requests.settled[ended.name] = ended.asked
        if state is RequestState.REJECTED:
            self._rejections += 1
            if self._rejections <= MAX_REJECTED:
                requests.rejected[place] = ended
        if is_inactive and len(requests.inactive) < MAX_REJECTED:
            requests.inactive[place] = ended
        if len(requests.ended) < requests.keeps_ended:
            requests.ended[place] = ended
        if stays_recent:
            self._recent[place] = ended
            if len(self._recent) > MAX_RECENT:
                self._forget_oldest_recent()
        else:
            self._forget_place(key, place)
        if len(self._unmarked) > 2 * MAX_OPEN:
            self._unmarked = [open_place for open_place in self._unmarked if open_place in requests.open]

    def note_answer(self, places: Sequence[int], moment: Moment) -> None:
        """These questions of one name are answered now: keep the longest time that TWS left one of them unanswered."""
        requests = self._requests
        row = [requests.open[place] for place in places]
        late, longest = late_answer(row, requests.settled.get(row[0].name), moment), requests.late
        if late is not None and (longest is None or late.wait_ns > longest.wait_ns):
            requests.late = late

    def reopen(self, place: int) -> bool:
        """A recent request turns out to be alive; False if too many are open already."""
        requests = self._requests
        if len(requests.open) >= MAX_OPEN:
            return False
        ended = self._recent.pop(place)
        requests.counts[ended.name, ended.state] -= 1
        requests.counts[ended.name, RequestState.OPEN] += 1
        if ended.state is RequestState.REJECTED and ended.error is not None:
            requests.taken_back[ended.error.code] += 1
        requests.rejected.pop(place, None)
        requests.ended.pop(place, None)
        requests.inactive.pop(place, None)
        requests.open[place] = ended._replace(state=RequestState.OPEN, ended=None)
        requests.open = dict(sorted(requests.open.items()))
        if not ended.may_have_missed:
            self._unmarked.append(place)
        return True

    # -- forgetting ----------------------------------------------------------------------------------------------------

    def forget_recent(self, key: Key, name: str) -> None:
        """What comes for this key from now on corrects nothing that ended before."""
        for place in list(self._places.get(key, ())):
            if place in self._recent and self._recent[place].name == name:
                del self._recent[place]
                self._requests.inactive.pop(place, None)
                self._forget_place(key, place)

    def _forget_oldest_recent(self) -> None:
        place = next(iter(self._recent))
        request = self._recent.pop(place)
        self._forget_place(_key(request), place)

    def _forget_place(self, key: Key, place: int) -> None:
        places = self._places[key]
        places.remove(place)
        if not places:
            del self._places[key]


def _key(request: Request) -> Key:
    return request.name if request.number is None else request.number
