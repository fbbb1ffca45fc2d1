"""The ledger adds up, and is the same whether messages are read one by one or by the column, however packets are cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import ib_bytes
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import CLIENT, NUMBERS, SERVER, Session

from ibsniff.ib import followed_requests, id_fields, message_summary, names
from ibsniff.ib.request_table import ANSWERS, CANCELS, REQUESTS
from ibsniff.model import Requests, RequestState, Side

Packet = tuple[Side, bytes]
STATUSES = ("PreSubmitted", "Submitted", "Filled", "Cancelled", "Inactive")
CODES = (102, 105, 200, 201, 202, 321, 354, 399, 2104, 10090, 10167, 99_999)
IDS = (1, 1, 1, 2, 2, 300, 1_234_567, 12_345_678, -1, 2**31 - 1)
"""Few, so that they meet; the longest are read one by one in the column lane."""
COMMON_REQUESTS = (
    "REQ_MKT_DATA", "CANCEL_MKT_DATA", "REQ_CALC_OPTION_PRICE", "PLACE_ORDER", "REQ_POSITIONS", "REQ_HISTORICAL_DATA",
    "REQ_CURRENT_TIME", "CANCEL_ORDER",
)  # fmt: skip
COMMON_ANSWERS = (
    "TICK_PRICE", "TICK_SIZE", "TICK_OPTION_COMPUTATION", "TICK_SNAPSHOT_END", "POSITION_DATA", "POSITION_END",
    "HISTORICAL_DATA", "HISTORICAL_DATA_END", "ORDER_STATUS", "OPEN_ORDER", "CURRENT_TIME",
)  # fmt: skip
NAMES = {
    CLIENT: [*REQUESTS, *CANCELS, "REQ_GLOBAL_CANCEL", "REQ_MARKET_DATA_TYPE"],
    SERVER: [*ANSWERS, "ORDER_STATUS"],
}


def message(choice: Random, version: int) -> Packet:
    """A message of either side, in a form of this version: often with an id that others have as well."""
    side, number = choice.choice((CLIENT, SERVER, SERVER)), choice.choice(IDS)
    if side is SERVER and choice.random() < 0.1:
        return side, ib_bytes.error(version, choice.choice(CODES), "text", number)
    common = COMMON_REQUESTS if side is CLIENT else COMMON_ANSWERS
    name = choice.choice(common if choice.random() < 0.9 else NAMES[side])
    kind = NUMBERS[side][name]
    rest = choice.choice([("1",), ("", "0"), (choice.choice(STATUSES),), (), ("x" * 5000,), ("1", "2", "3")])
    own = () if kind in id_fields.WITHOUT_ID[side] else (number,)
    if version >= 201 and choice.random() < 0.5:
        fields: dict[int, int | str] = dict(enumerate((*own, *rest[:1]), start=1 if own else 2))
        return side, ib_bytes.protobuf(kind, fields)
    leading = [choice.choice([1, 6, 6, 6, 11, ""])] if has_version(side, kind, version) else []
    return side, ib_bytes.text(version, kind, *leading, *own, *rest)


def has_version(side: Side, message: int, version: int) -> bool:
    return id_fields.has_version_field(side, message, version >= names.PROTOBUF, version)


def packets(choice: Random, version: int, count: int = 150) -> list[Packet]:
    """Messages of both sides; some come in two pieces, between which the other side may send."""
    late: dict[Side, bytes] = dict.fromkeys(Side, b"")
    found = []
    for _ in range(count):
        side, data = message(choice, version)
        whole = late[side] + data
        cut = len(whole) if choice.random() < 0.7 else choice.randint(1, len(whole))
        late[side] = whole[cut:]
        found.append((side, whole[:cut]))
    return found + [(side, rest) for side, rest in late.items() if rest]


seeds = st.integers(0, 2**32)
versions = st.sampled_from([100, 123, 151, 178, 196, 201, 203, 213, 226])


@pytest.fixture(autouse=True, scope="module")
def in_columns_from_the_start() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(message_summary, "MAX_FIRST_MESSAGES", 0)
        patch.setattr(followed_requests, "MAX_REJECTED", 4)
        yield


BOUNDS = ((12, 6), (1000, 2), (1000, 200))
"""Of requests that are open, and of those remembered after their end."""


@contextmanager
def bounded(most_open: int, most_recent: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(followed_requests, "MAX_OPEN", most_open)
        patch.setattr(followed_requests, "MAX_SHOWING_LIFE", most_open // 4)
        patch.setattr(followed_requests, "MAX_RECENT", most_recent)
        yield


@settings(max_examples=150)
@given(seeds, versions, st.sampled_from(BOUNDS))
def test_both_lanes_keep_the_same_ledger(seed: int, version: int, bounds: tuple[int, int]) -> None:
    choice = Random(seed)
    sent = packets(choice, version)
    plain, columns = Session(version), Session(version)
    assert columns.reader.can_take_columns
    with bounded(*bounds):
        for side, piece in sent:
            plain.send(side, piece)
        while sent:
            count = choice.randint(1, choice.choice((3, len(sent))))
            stretch, sent = sent[:count], sent[count:]
            if choice.random() < 0.8:
                columns.columns(stretch)
            else:
                for side, piece in stretch:
                    columns.send(side, piece)
    assert columns.requests == plain.requests
    assert list(columns.requests.open) == list(plain.requests.open)
    assert columns.reader.dialogue == plain.reader.dialogue


def test_an_answer_shows_a_rejected_request_to_be_alive_before_another_is_forgotten_for_it() -> None:
    sent = [(CLIENT, ib_bytes.text(178, 1, 11, number)) for number in (1, 2, 3)]
    sent += [(SERVER, ib_bytes.error(178, 354, "text", number)) for number in (1, 2)]
    tick_of_second, tick_of_first = ((SERVER, ib_bytes.text(178, 1, 6, number, 1)) for number in (2, 1))
    sent += [tick_of_second, (SERVER, ib_bytes.error(178, 354, "text", 3)), tick_of_first]
    plain, columns = Session(178), Session(178)
    with bounded(1000, 2):
        for side, piece in sent:
            plain.send(side, piece)
        columns.columns(sent)
    assert [request.number for request in plain.requests.open.values()] == [1, 2]
    assert columns.requests == plain.requests


@settings(max_examples=100)
@given(seeds, versions, st.sampled_from(BOUNDS))
def test_the_ledger_adds_up_after_every_packet(seed: int, version: int, bounds: tuple[int, int]) -> None:
    session, before = Session(version), Requests()
    with bounded(*bounds):
        for side, piece in packets(Random(seed), version):
            session.send(side, piece)
            now = session.requests
            check(now)
            assert now.asked >= before.asked
            before = now.copy()


def test_what_is_made_at_random_reaches_every_end() -> None:
    reached: Counter[RequestState] = Counter()
    for seed in range(30):
        session = Session()
        for side, piece in packets(Random(seed), 178):
            session.send(side, piece)
        reached += Counter({state: session.requests.count(state) for state in RequestState})
        reached[RequestState.OPEN] += sum(request.answers for request in session.requests.open.values())
    assert min(reached[state] for state in RequestState) > 30


def check(requests: Requests) -> None:
    """What holds of every ledger at every moment."""
    opened, rejected = requests.open, requests.rejected
    assert requests.asked == sum(map(requests.count, RequestState)) + requests.not_followed.total()
    assert min(requests.counts.values(), default=0) >= 0
    assert Counter(request.name for request in opened.values()) == +Counter(
        {name: count for (name, state), count in requests.counts.items() if state is RequestState.OPEN}
    )
    assert len(opened) <= followed_requests.MAX_OPEN + followed_requests.MAX_SHOWING_LIFE
    assert len(rejected) <= followed_requests.MAX_REJECTED
    assert requests.rejected_beyond >= 0
    assert not opened.keys() & rejected.keys()
    assert list(opened) == sorted(opened)
    for request in (*opened.values(), *rejected.values()):
        assert (request.ended is None) == (request.state is RequestState.OPEN)
        assert (request.first_answer is None) == (request.last_answer is None) == (request.answers == 0)
        moments = [request.asked, request.first_answer, request.last_answer]
        known = [moment.packet for moment in moments if moment is not None]
        assert known == sorted(known)
        assert request.ended is None or request.ended.packet >= request.asked.packet


def test_a_copy_does_not_change() -> None:
    session = Session().ask("REQ_MKT_DATA", 11, 5, *[""] * 16)
    copied = session.reader.dialogue.copy().requests
    session.answer("TICK_PRICE", 6, 5, 1, 2, 3, 0).fail(200, 5)
    assert [request.answers for request in copied.open.values()] == [0]
    assert not copied.rejected
    assert copied.counts == {("REQ_MKT_DATA", RequestState.OPEN): 1}
