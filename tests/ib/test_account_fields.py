"""Where messages hold accounts: of every message that has some, in every form it is sent in."""

from __future__ import annotations

import ib_bytes
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibsniff.ib import names
from ibsniff.ib.account_fields import PROTOBUF_FIELDS, TEXT_FIELDS, VERSION_BELOW, account_places
from ibsniff.model import Side

CLIENT, SERVER = Side.CLIENT, Side.SERVER

CONTRACT = (265598, "AAPL", "STK", "", 0.0, "", "", "NASDAQ", "USD", "AAPL", "NMS")
"""conId, symbol, secType, expiry, strike, right, multiplier, exchange, currency, localSymbol, tradingClass."""
ORDER = ("BUY", 100, "LMT", 180.0, 0.0, "DAY", "oca")
"""action, totalQuantity, orderType, lmtPrice, auxPrice, tif, ocaGroup; the account follows."""
BEHIND = ("O", 0, "ref", 7, 123456789, 0, 0, 0.0, "", "")
"""openClose, origin, orderRef, clientId, permId, outsideRth, hidden, discretionaryAmt, goodAfterTime, allocation."""

TEXT: list[tuple[Side, int, tuple[object, ...], list[str]]] = [
    (SERVER, 15, (1, "DU1,Mr Smith"), ["DU1", "Mr Smith"]),
    (SERVER, 6, (2, "NetLiquidation", "100000.00", "USD", "A1"), ["A1"]),
    (SERVER, 7, (8, *CONTRACT, 100, 182.5, 18250.0, 180.1, 240.0, 0.0, "A1"), ["A1"]),
    (SERVER, 54, (1, "A1"), ["A1"]),
    (SERVER, 63, (1, 9001, "A1", "BuyingPower", "400000.00", "USD"), ["A1"]),
    (SERVER, 61, (3, "A1", *CONTRACT, 100, 182.5), ["A1"]),
    (SERVER, 71, (1, 17, "A1", *CONTRACT, 100, 182.5, ""), ["A1"]),
    (SERVER, 73, (1, 17, "A1", "model", "NetLiquidation", "100000.00", "USD"), ["A1"]),
    (SERVER, 78, (2, "A1", "Family", "A2", ""), ["A1", "Family", "A2"]),
    (SERVER, 11, (-1, 5, *CONTRACT, "0000e0d5.1", "20260105  09:30:05", "A1", "ARCA", "BOT", 100), ["A1"]),
    (SERVER, 5, (5, *CONTRACT, *ORDER, "A1", *BEHIND, "Friends", "Equal"), ["A1", "Friends"]),
    (SERVER, 101, (*CONTRACT, *ORDER, "A1", *BEHIND[:3], *BEHIND[4:9], "Friends", "Equal"), ["A1", "Friends"]),
    (CLIENT, 3, (5, *CONTRACT[:8], "", *CONTRACT[8:], "", "", *ORDER, "A1", "O", 0), ["A1"]),
    (CLIENT, 6, (2, 1, "A1"), ["A1"]),
    (CLIENT, 7, (3, 1, 0, "A1", "", "AAPL"), ["A1"]),
    (CLIENT, 21, (2, 5, *CONTRACT, 1, 10, "A1", 0, "", "Customer", 0), ["A1", "Customer"]),
    (CLIENT, 62, (1, 9001, "Friends", "NetLiquidation"), ["Friends"]),
    (CLIENT, 62, (1, 9001, "All", "NetLiquidation"), []),
    (CLIENT, 74, (1, 17, "A1", ""), ["A1"]),
    (CLIENT, 76, (1, 17, "A1", "", 0), ["A1"]),
    (CLIENT, 92, (44, "A1", ""), ["A1"]),
    (CLIENT, 94, (44, "A1", "", 265598), ["A1"]),
    (CLIENT, 1, (11, 1, *CONTRACT), []),
]
"""Who sends it, its id, its fields, the accounts; for server versions from 150 on (layouts of the official client 10.46)."""

PROTOBUF: list[tuple[Side, int, dict[int, object], list[str]]] = [
    (SERVER, 15, {1: "DU1,Mr Smith"}, ["DU1", "Mr Smith"]),
    (SERVER, 6, {1: "NetLiquidation", 2: "100000.00", 3: "USD", 4: "A1"}, ["A1"]),
    (SERVER, 7, {2: "100", 8: "A1"}, ["A1"]),
    (SERVER, 54, {1: "A1"}, ["A1"]),
    (SERVER, 63, {1: 9001, 2: "A1", 3: "BuyingPower"}, ["A1"]),
    (SERVER, 61, {1: "A1", 2: {2: "AAPL"}, 3: "100"}, ["A1"]),
    (SERVER, 71, {1: 17, 2: "A1", 6: "model"}, ["A1"]),
    (SERVER, 73, {1: 17, 2: "A1", 3: "model"}, ["A1"]),
    (SERVER, 78, {1: {1: "A1", 2: "Family"}}, ["A1", "Family"]),
    (SERVER, 11, {1: -1, 3: {1: 5, 4: "A1", 5: "ARCA"}}, ["A1"]),
    (SERVER, 5, {1: 5, 3: {3: "BUY", 12: "A1", 34: "Friends", 132: "Customer"}}, ["A1", "Friends", "Customer"]),
    (SERVER, 5, {1: 5, 4: {1: "Submitted", 27: {1: "A1", 2: "100"}}}, ["A1"]),
    (SERVER, 101, {2: {12: "A1", 14: "Clearing"}, 3: {1: "Filled"}}, ["A1", "Clearing"]),
    (CLIENT, 3, {1: 5, 3: {12: "A1"}}, ["A1"]),
    (CLIENT, 6, {1: 1, 2: "A1"}, ["A1"]),
    (CLIENT, 7, {1: 1, 2: {2: "A1"}}, ["A1"]),
    (CLIENT, 21, {1: 5, 5: "A1", 8: "Customer"}, ["A1", "Customer"]),
    (CLIENT, 62, {1: 9001, 2: "Friends"}, ["Friends"]),
    (CLIENT, 74, {1: 17, 2: "A1"}, ["A1"]),
    (CLIENT, 76, {1: 17, 2: "A1"}, ["A1"]),
    (CLIENT, 92, {1: 44, 2: "A1"}, ["A1"]),
    (CLIENT, 94, {1: 44, 2: "A1"}, ["A1"]),
    (CLIENT, 92, {1: 44, 2: 7}, []),
]


def body(values: dict[int, object]) -> bytes:
    parts = []
    for number, value in values.items():
        if isinstance(value, int):
            parts.append(ib_bytes.varint(number << 3) + ib_bytes.varint(value))
        else:
            inside = body(value) if isinstance(value, dict) else str(value).encode()
            parts.append(ib_bytes.varint(number << 3 | 2) + ib_bytes.varint(len(inside)) + inside)
    return b"".join(parts)


def found(side: Side, payload: bytes, version: int | None) -> list[str]:
    return [payload[start:end].decode() for start, end in sorted(account_places(side, payload, version))]


@pytest.mark.parametrize("version", [178, 201])
@pytest.mark.parametrize(("side", "number", "fields", "accounts"), TEXT)
def test_accounts_in_text_fields(
    side: Side, number: int, fields: tuple[object, ...], accounts: list[str], version: int
) -> None:
    assert found(side, ib_bytes.text(version, number, *fields)[4:], version) == accounts


@pytest.mark.parametrize(("side", "number", "values", "accounts"), PROTOBUF)
def test_accounts_in_protobuf_fields(side: Side, number: int, values: dict[int, object], accounts: list[str]) -> None:
    assert found(side, (number + 200).to_bytes(4, "big") + body(values), 225) == accounts


def test_every_message_in_the_tables_is_tried() -> None:
    tried = {(side, names.SERVER_MESSAGES[n] if side is SERVER else names.CLIENT_MESSAGES[n]) for side, n, _, _ in TEXT}
    assert TEXT_FIELDS.keys() | {(SERVER, "FAMILY_CODES")} == tried - {(CLIENT, "REQ_MKT_DATA")}
    assert PROTOBUF_FIELDS.keys() == tried - {(CLIENT, "REQ_MKT_DATA")}


@pytest.mark.parametrize(("side", "number"), [(SERVER, 5), (SERVER, 11), (CLIENT, 3)])
def test_a_version_in_front_moves_the_accounts_of_old_servers(side: Side, number: int) -> None:
    fields = next(fields for one, other, fields, _ in TEXT if (one, other) == (side, number))
    named = ["Account" if field == "A1" else field for field in fields]
    below = VERSION_BELOW[side, names.SERVER_MESSAGES[number] if side is SERVER else names.CLIENT_MESSAGES[number]]
    old, new = ib_bytes.text(below - 1, number, 8, *named)[4:], ib_bytes.text(below, number, *named)[4:]
    assert found(side, old, below - 1)[0] == found(side, new, below)[0] == "Account"
    assert "Account" in found(side, old, None)
    assert "Account" in found(side, new, None)


@given(st.sampled_from(Side), st.binary(max_size=80), st.sampled_from([None, 100, 178, 225]))
def test_any_bytes_have_places_within_them(side: Side, payload: bytes, version: int | None) -> None:
    for number in (5, 6, 15, 78, 92):
        for head in (b"%d\0" % number, number.to_bytes(4, "big"), (number + 200).to_bytes(4, "big")):
            whole = head + payload
            for start, end in account_places(side, whole, version):
                assert len(head) <= start <= end <= len(whole)
