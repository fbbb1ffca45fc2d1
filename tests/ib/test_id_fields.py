"""The id of a request is found in every form of every message, on both sides of each change of the protocol."""

from __future__ import annotations

import struct

import ib_bytes
import pytest
from ib_bytes import varint
from ledgers import CLIENT, NUMBERS, SERVER, Session

from ibsniff.ib import id_fields, names
from ibsniff.ib.messages import split_payload
from ibsniff.ib.request_table import REQUESTS
from ibsniff.model import RequestState, Side
from ibsniff.standin import messages as standin
from ibsniff.standin.requests import parse_request

CHANGES = {
    (CLIENT, "PLACE_ORDER"): 145, (CLIENT, "CANCEL_ORDER"): 192, (CLIENT, "REQ_HISTORICAL_DATA"): 124,
    (CLIENT, "REQ_SCANNER_SUBSCRIPTION"): 143, (SERVER, "ORDER_STATUS"): 131, (SERVER, "OPEN_ORDER"): 145,
    (SERVER, "CONTRACT_DATA"): 164, (SERVER, "BOND_CONTRACT_DATA"): 164, (SERVER, "EXECUTION_DATA"): 136,
    (SERVER, "HISTORICAL_DATA"): 124, (SERVER, "TICK_OPTION_COMPUTATION"): 156,
}  # fmt: skip
"""Messages that lost their version field, and the server version from which on they have none."""
ID = 4711


def found(side: Side, version: int | None, frame: bytes) -> int | None:
    return id_fields.id_of(side, split_payload(frame[4:]), version)


@pytest.mark.parametrize(("side", "name"), CHANGES)
def test_the_version_field_that_was_dropped(side: Side, name: str):
    number, since = NUMBERS[side][name], CHANGES[side, name]
    assert found(side, since - 1, ib_bytes.text(since - 1, number, 8, ID, "x")) == ID
    for version in (since, 200, 201, 226):
        assert found(side, version, ib_bytes.text(version, number, ID, 8, "x")) == ID


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("version", [100, 178, 200, 201, 226, None])
def test_messages_with_and_without_a_version_field(side: Side, version: int | None):
    old, new = (("REQ_MKT_DATA", "REQ_PNL"), ("TICK_PRICE", "PNL"))[side is SERVER]
    form = version or 178
    assert found(side, version, ib_bytes.text(form, NUMBERS[side][old], 6, ID, "x")) == ID
    assert found(side, version, ib_bytes.text(form, NUMBERS[side][new], ID, 6, "x")) == ID


@pytest.mark.parametrize("number", [0, 1, 127, 128, 2**31 - 1, -1, -(2**31)])
@pytest.mark.parametrize("side", Side)
def test_protobuf(side: Side, number: int):
    for message in names.SERVER_MESSAGES if side is SERVER else names.CLIENT_MESSAGES:
        has_id = message not in id_fields.WITHOUT_ID[side]
        if has_id and (side, message) not in id_fields.ID_PLACES:
            assert found(side, 226, ib_bytes.protobuf(message, {1: number, 2: "x"})) == number
        elif not has_id:
            assert found(side, 226, ib_bytes.protobuf(message, {1: number})) is None


def test_ids_that_are_not_the_first_field():
    assert found(CLIENT, 157, ib_bytes.text(157, 19, 1, 2, "<xml/>", ID)) == ID
    assert found(CLIENT, 211, ib_bytes.protobuf(19, {1: ID, 2: 2, 3: "<xml/>"})) == ID
    assert found(SERVER, 144, ib_bytes.text(144, 100, 123456789, 7, ID)) == ID
    inner = varint(1 << 3) + varint(ID)
    execution = struct.pack(">I", 211) + b"\x08\x05" + varint(3 << 3 | 2) + varint(len(inner)) + inner
    payload = split_payload(execution)
    assert id_fields.number_at(SERVER, payload, id_fields.ORDER_OF_EXECUTION, 201) == ID


@pytest.mark.parametrize("transmit", [0, 1])
@pytest.mark.parametrize("version", [120, 144, 145, 178, 201, 203, 226])
def test_whether_an_order_is_transmitted(version: int, transmit: int):
    """The order stands as nautilus-ibapi 10.46 and ib_async 2.1 write it."""
    if version >= 203:
        order = varint(5 << 3 | 2) + b"\x03BUY" + (varint(66 << 3) + b"\1" if transmit else b"")
        sent = struct.pack(">I", 203) + b"\x08\x07" + varint(3 << 3 | 2) + varint(len(order)) + order
    else:
        head = [45, ID] if version < 145 else [ID]
        contract = [0, "AAPL", "STK", "", 0, "", "", "SMART", "", "USD", "", "", "", ""]
        order = ["BUY", 1, "LMT", 5, "", "DAY", "", "", "O", 0, "ref", transmit, 9, 0]
        sent = ib_bytes.text(version, 3, *head, *contract, *order)[4:]
    expected = transmit if version < 203 or transmit else None
    assert id_fields.number_at(CLIENT, split_payload(sent), id_fields.TRANSMIT, version) == expected


@pytest.mark.parametrize("body", [b"", b"\0", b"6\0", b"6\0x\0", b"6\0" + b"1" * 12 + b"\0", b"6\0--1\0", b"6\x005"])
def test_what_is_no_id(body: bytes):
    assert id_fields.id_of(SERVER, split_payload(b"1\0" + body), 178) is None


def test_every_request_of_the_protocol_is_known():
    known = set(names.CLIENT_MESSAGES.values())
    assert REQUESTS.keys() <= known
    for kind in REQUESTS.values():
        assert {*kind.parts, *kind.ends} <= set(names.SERVER_MESSAGES.values())
        assert kind.cancelled_by in {"", *known}


# -- the stand-in, whose messages were written without the ledger -----------------------------------------------------------

STANDIN_ENDS = {
    "REQ_MKT_DATA": RequestState.OPEN,
    "REQ_CONTRACT_DATA": RequestState.REJECTED,
    **dict.fromkeys(
        ("REQ_OPEN_ORDERS", "REQ_ALL_OPEN_ORDERS", "REQ_ACCT_DATA", "REQ_EXECUTIONS", "REQ_IDS", "REQ_MANAGED_ACCTS",
         "REQ_CURRENT_TIME", "REQ_POSITIONS", "REQ_ACCOUNT_SUMMARY", "REQ_POSITIONS_MULTI",
         "REQ_ACCOUNT_UPDATES_MULTI", "REQ_COMPLETED_ORDERS"),
        RequestState.ANSWERED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("version", [100, 151, 178, 194, 200, 201, 203, 207, 213, 226])
@pytest.mark.parametrize("name", STANDIN_ENDS)
def test_requests_that_the_stand_in_answers(name: str, version: int):
    number = NUMBERS[CLIENT][name]
    has_id = number not in id_fields.WITHOUT_ID[CLIENT]
    if version >= names.CLIENT_PROTOBUF_SINCE[number]:
        sent = ib_bytes.protobuf(number, {1: ID} if has_id else {1: 1})
    else:
        sent = ib_bytes.text(version, number, *([1] if number < 78 else []), *([ID] if has_id else [1]), "")
    request = parse_request(sent[4:], version)
    assert request is not None
    session = Session(version).send(CLIENT, sent)
    for message in standin.answers(request):
        session.send(SERVER, standin.frame(message.encode(version)))
    assert session.requests.counts[name, STANDIN_ENDS[name]] == 1
    assert session.requests.asked == 1
    if name == "REQ_MKT_DATA":
        assert session.only.answers == len(standin.answers(request))


def test_fields_are_read_from_the_end():
    payload = split_payload(ib_bytes.text(178, 20, ID, *[""] * 19, 1, "")[4:])
    assert id_fields.number_at(CLIENT, payload, id_fields.KEEP_UP_TO_DATE, 178) == 1
