"""Where a message holds account numbers: the fields that are accounts whatever stands in them.

An account field is masked even when its content does not look like an account, and a conversation whose beginning was not
captured names its accounts here although its managedAccounts message is missing.

Source: the decoder and the request writers of the official Python client 10.46; field numbers of its .proto files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ibsniff.ib import messages, protobuf
from ibsniff.ib.messages import Payload
from ibsniff.model import Side

CLIENT, SERVER = Side.CLIENT, Side.SERVER

LAST = -1

TEXT_FIELDS: dict[tuple[Side, str], tuple[int, ...]] = {
    (CLIENT, "PLACE_ORDER"): (22,),
    (CLIENT, "REQ_ACCT_DATA"): (2,),
    (CLIENT, "REQ_EXECUTIONS"): (3,),
    (CLIENT, "EXERCISE_OPTIONS"): (15, 18),
    (CLIENT, "REQ_ACCOUNT_SUMMARY"): (2,),
    (CLIENT, "REQ_POSITIONS_MULTI"): (2,),
    (CLIENT, "REQ_ACCOUNT_UPDATES_MULTI"): (2,),
    (CLIENT, "REQ_PNL"): (1,),
    (CLIENT, "REQ_PNL_SINGLE"): (1,),
    (SERVER, "OPEN_ORDER"): (19, 30),
    (SERVER, "ACCT_VALUE"): (4,),
    (SERVER, "PORTFOLIO_VALUE"): (LAST,),
    (SERVER, "EXECUTION_DATA"): (15,),
    (SERVER, "MANAGED_ACCTS"): (1,),
    (SERVER, "ACCT_DOWNLOAD_END"): (1,),
    (SERVER, "POSITION_DATA"): (1,),
    (SERVER, "ACCOUNT_SUMMARY"): (2,),
    (SERVER, "POSITION_MULTI"): (2,),
    (SERVER, "ACCOUNT_UPDATE_MULTI"): (2,),
    (SERVER, "COMPLETED_ORDER"): (18, 27),
}
"""Message -> the places, from 0, of its fields that hold accounts or an advisor's group, behind the message id."""

VERSION_BELOW: dict[tuple[Side, str], int] = {
    (CLIENT, "PLACE_ORDER"): 145,
    (SERVER, "OPEN_ORDER"): 145,
    (SERVER, "EXECUTION_DATA"): 136,
}
"""Message -> the server version below which a version field stands in front of all others, which moves them by one."""

ORDER = (12, 14, 34, 74, 132)
"""account, clearingAccount, faGroup, deltaNeutralClearingAccount and customerAccount of an order."""

PROTOBUF_FIELDS: dict[tuple[Side, str], tuple[tuple[int, ...], ...]] = {
    (CLIENT, "PLACE_ORDER"): tuple((3, number) for number in ORDER),
    (CLIENT, "REQ_ACCT_DATA"): ((2,),),
    (CLIENT, "REQ_EXECUTIONS"): ((2, 2),),
    (CLIENT, "EXERCISE_OPTIONS"): ((5,), (8,)),
    (CLIENT, "REQ_ACCOUNT_SUMMARY"): ((2,),),
    (CLIENT, "REQ_POSITIONS_MULTI"): ((2,),),
    (CLIENT, "REQ_ACCOUNT_UPDATES_MULTI"): ((2,),),
    (CLIENT, "REQ_PNL"): ((2,),),
    (CLIENT, "REQ_PNL_SINGLE"): ((2,),),
    (SERVER, "OPEN_ORDER"): (*((3, number) for number in ORDER), (4, 27, 1)),
    (SERVER, "ACCT_VALUE"): ((4,),),
    (SERVER, "PORTFOLIO_VALUE"): ((8,),),
    (SERVER, "EXECUTION_DATA"): ((3, 4),),
    (SERVER, "MANAGED_ACCTS"): ((1,),),
    (SERVER, "ACCT_DOWNLOAD_END"): ((1,),),
    (SERVER, "POSITION_DATA"): ((1,),),
    (SERVER, "ACCOUNT_SUMMARY"): ((2,),),
    (SERVER, "POSITION_MULTI"): ((2,),),
    (SERVER, "ACCOUNT_UPDATE_MULTI"): ((2,),),
    (SERVER, "FAMILY_CODES"): ((1, 1), (1, 2)),
    (SERVER, "COMPLETED_ORDER"): (*((2, number) for number in ORDER), (3, 27, 1)),
}
"""Message -> the paths of those fields in its protobuf form."""

NO_ACCOUNT = frozenset({b"", b"0", b"all"})
"""What stands in an account field instead of one: none, or all of them."""

FEWEST_LETTERS = 3
"""Of an account, where it is not certain that the field is one."""

MOST_FIELDS = 200
"""Fields of one message that are looked at: an open order has about 150."""


class Place(NamedTuple):
    """Where an account stands in a payload."""

    start: int
    end: int


def account_places(side: Side, raw: bytes, server_version: int | None) -> Iterator[Place]:
    """Where the accounts stand in a payload; nothing for messages that have none."""
    payload = messages.split_payload(raw)
    message, body = (side, messages.name_of(side, payload.id)), payload.body
    found = _protobuf(message, payload) if payload.protobuf else _text(message, payload, server_version)
    for place in found:
        for start, end in _listed(body, place):
            if body[start:end].lower() not in NO_ACCOUNT:
                yield Place(len(raw) - len(body) + start, len(raw) - len(body) + end)


def _protobuf(message: tuple[Side, str], payload: Payload) -> Iterator[Place]:
    for path in PROTOBUF_FIELDS.get(message, ()):
        for field in protobuf.inside(payload.body, path):
            if field.value is None:
                yield Place(field.start, field.end)


def _text(message: tuple[Side, str], payload: Payload, server_version: int | None) -> Iterator[Place]:
    if message == (SERVER, "FAMILY_CODES"):
        yield from _fields(payload.body)[1:]
        return
    wanted = TEXT_FIELDS.get(message, ())
    if not wanted:
        return
    fields = _fields(payload.body)
    moves = _moves(message, server_version)
    for index in wanted:
        for place in (index if index == LAST else index + moved for moved in moves):
            if place < len(fields) and fields:
                found = fields[place]
                if len(moves) == 1 or found.end - found.start >= FEWEST_LETTERS:
                    yield found


def _moves(message: tuple[Side, str], server_version: int | None) -> tuple[int, ...]:
    """By how many fields a version in front moves the others; both when the negotiated version is not known."""
    below = VERSION_BELOW.get(message)
    if below is None:
        return (0,)
    return (0, 1) if server_version is None else (int(server_version < below),)


def _fields(body: bytes) -> list[Place]:
    found, at = [], 0
    for field in body.split(b"\0", MOST_FIELDS)[:-1]:
        found.append(Place(at, at + len(field)))
        at += len(field) + 1
    return found


def _listed(body: bytes, place: Place) -> Iterator[Place]:
    """The items of a list with commas."""
    start = place.start
    for item in body[place.start : place.end].split(b","):
        yield Place(start, start + len(item))
        start += len(item) + 1
