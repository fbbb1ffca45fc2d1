"""The ledger adds up, and is the same whether messages are read one by one or by the column, however packets are cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

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
IDS = (1, 2, 3, 300, 1_234_567, 12_345_678, -1, 2**31 - 1)
"""Few, so that they meet; the longest are read one by one in the column lane."""

COMMON_REQUESTS = (
    "REQ_MKT_DATA", "CANCEL_MKT_DATA", "REQ_CALC_OPTION_PRICE", "PLACE_ORDER", "REQ_POSITIONS", "REQ_HISTORICAL_DATA",
    "REQ_CURRENT_TIME", "CANCEL_ORDER",
)  # fmt: skip
COMMON_ANSWERS = (
    "TICK_PRICE", "TICK_SIZE", "TICK_OPTION_COMPUTATION", "TICK_SNAPSHOT_END", "POSITION_DATA", "POSITION_END",
    "HISTORICAL_DATA", "HISTORICAL_DATA_END", "ORDER_STATUS", "OPEN_ORDER", "CURRENT_TIME",
)  # fmt: skip
client_names = st.one_of(
    st.sampled_from(COMMON_REQUESTS),
    st.sampled_from([*REQUESTS, *CANCELS, "REQ_GLOBAL_CANCEL", "REQ_MARKET_DATA_TYPE"]),
)
server_names = st.one_of(st.sampled_from(COMMON_ANSWERS), st.sampled_from([*ANSWERS]))


@st.composite
def messages(draw: st.DrawFn, version: int) -> Packet:
    """A message of either side, in a form of this version: often with an id that others have as well."""
    side, number = draw(st.sampled_from(Side)), draw(st.sampled_from(IDS))
    if side is SERVER and draw(st.integers(0, 5)) == 0:
        return side, ib_bytes.error(version, draw(st.sampled_from(CODES)), "text", number)
    name = draw(client_names if side is CLIENT else server_names)
    message = NUMBERS[side][name]
    rest = draw(st.sampled_from([("1",), ("", "0"), (draw(st.sampled_from(STATUSES)),), (), ("x" * 5000,)]))
    if version >= 201 and draw(st.booleans()):
        fields: dict[int, int | str] = {} if message in id_fields.WITHOUT_ID[side] else {1: number}
        return side, ib_bytes.protobuf(message, fields | ({2: rest[0]} if rest else {}))
    leading = [draw(st.sampled_from([1, 6, 11, ""]))] if has_version(side, message, version) else []
    own = [] if message in id_fields.WITHOUT_ID[side] else [number]
    return side, ib_bytes.text(version, message, *leading, *own, *rest)


def has_version(side: Side, message: int, version: int) -> bool:
    return id_fields.has_version_field(side, message, version >= names.PROTOBUF, version)


@st.composite
def packets(draw: st.DrawFn, version: int, most: int = 60) -> list[Packet]:
    """Messages of both sides; some come in two pieces, between which the other side may send."""
    late: dict[Side, bytes] = dict.fromkeys(Side, b"")
    found = []
    for side, data in draw(st.lists(messages(version), max_size=most)):
        whole = late[side] + data
        cut = draw(st.one_of(st.just(len(whole)), st.integers(1, len(whole))))
        late[side] = whole[cut:]
        found.append((side, whole[:cut]))
    return found + [(side, rest) for side, rest in late.items() if rest]


versions = st.sampled_from([100, 123, 151, 178, 196, 201, 203, 213, 226])


@pytest.fixture(autouse=True, scope="module")
def in_columns_from_the_start() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(message_summary, "MAX_FIRST_MESSAGES", 0)
        patch.setattr(followed_requests, "MAX_OPEN", 12)
        patch.setattr(followed_requests, "MAX_REJECTED", 4)
        patch.setattr(followed_requests, "MAX_RECENT", 6)
        yield


@settings(max_examples=300)
@given(st.data())
def test_both_lanes_keep_the_same_ledger(data: st.DataObject) -> None:
    version = data.draw(versions)
    sent = data.draw(packets(version))
    plain, columns = Session(version), Session(version)
    assert columns.reader.can_take_columns
    for side, piece in sent:
        plain.send(side, piece)
    while sent:
        count = data.draw(st.integers(1, len(sent)))
        stretch, sent = sent[:count], sent[count:]
        if data.draw(st.integers(0, 3)):
            columns.columns(stretch)
        else:
            for side, piece in stretch:
                columns.send(side, piece)
    assert columns.requests == plain.requests
    assert list(columns.requests.open) == list(plain.requests.open)
    assert columns.reader.dialogue == plain.reader.dialogue


@settings(max_examples=200)
@given(st.data())
def test_the_ledger_adds_up_after_every_packet(data: st.DataObject) -> None:
    version = data.draw(versions)
    session, before = Session(version), Requests()
    for side, piece in data.draw(packets(version)):
        session.send(side, piece)
        now = session.requests
        check(now)
        assert now.asked >= before.asked
        before = now.copy()


def check(requests: Requests) -> None:
    """What holds of every ledger at every moment."""
    opened, rejected = requests.open, requests.rejected
    assert requests.asked == sum(map(requests.count, RequestState)) + requests.not_followed.total()
    assert min(requests.counts.values(), default=0) >= 0
    assert Counter(request.name for request in opened.values()) == +Counter(
        {name: count for (name, state), count in requests.counts.items() if state is RequestState.OPEN}
    )
    assert len(opened) <= followed_requests.MAX_OPEN
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
