"""Where in each message the id of its request or order stands, and the few fields around it that tell what became of it.

In text an id is one of the first fields, after a version field that most old messages have and some lost: the tables say
from which server version on. In protobuf it is nearly always field 1.

Source: ``client.py`` and ``decoder.py`` of the official Python client 10.46, traced at every server version from 100 on;
its protobuf descriptors.
"""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.ib import names, protobuf
from ibsniff.ib.messages import Payload
from ibsniff.model import Side

FIRST_WITHOUT_VERSION = {Side.CLIENT: 78, Side.SERVER: 75}
"""From this message id on, messages never had a version field."""
VERSION_FIELD_UNTIL: dict[Side, dict[int, int]] = {
    Side.CLIENT: {3: 145, 4: 192, 20: 124, 22: 143, 58: 192},
    Side.SERVER: {3: 131, 4: 194, 5: 145, 10: 164, 11: 136, 17: 124, 18: 164, 21: 156},
}
"""Message id -> the server version from which it has no version field any more."""
ASSUMED_TEXT_VERSION = 178
"""The server version assumed when the handshake was not captured and messages begin with an id in text. The clients that
are common and still speak text ask for 157 to 193; what they receive has this form."""

WITHOUT_ID: dict[Side, frozenset[int]] = {
    Side.CLIENT: frozenset(
        {5, 6, 8, 12, 13, 14, 15, 16, 17, 18, 24, 49, 58, 59, 61, 64, 65, 66, 71, 72, 73, 80, 82, 85, 99, 105}
    ),
    Side.SERVER: frozenset(
        {6, 7, 8, 9, 14, 15, 16, 19, 49, 53, 54, 59, 61, 62, 65, 66, 69, 70, 78, 80, 85, 101, 102, 109}
    ),
}
"""Messages that name no request and no order. (The order id in NEXT_VALID_ID belongs to none yet.)"""

MAX_ID_CHARACTERS = 11
"""The longest 32-bit integer, ``-2147483648``."""


class FieldPlace(NamedTuple):
    """Where a field stands."""

    text: int
    """Its place among the text fields, counted from the one after the version field; from the end if it is negative."""
    protobuf: tuple[int, ...]
    """The number of its protobuf field, and before it those of the messages that it is inside of."""


FIRST_FIELD = FieldPlace(0, (1,))
ID_PLACES: dict[tuple[Side, int], FieldPlace] = {
    (Side.CLIENT, 19): FieldPlace(2, (1,)),
    (Side.SERVER, 100): FieldPlace(2, (3,)),
}
"""Of the ids that are not the first field: REPLACE_FA (from server version 157 on) and ORDER_BOUND."""
ORDER_OF_EXECUTION = FieldPlace(1, (3, 1))
STATUS_OF_ORDER = FieldPlace(1, (2,))
CLIENT_OF_ORDER_STATUS = FieldPlace(8, (9,))
IS_SUBSCRIBING = FieldPlace(0, (1,))
"""In REQ_ACCT_DATA: whether it begins or ends the subscription."""
TRANSMIT = FieldPlace(26, (3, 66))
"""In PLACE_ORDER: whether TWS is to send the order on at once, or to hold it. In protobuf it is absent if not."""
KEEP_UP_TO_DATE = FieldPlace(-2, (9,))
"""In REQ_HISTORICAL_DATA: whether new bars follow the old ones."""
KEEP_UP_TO_DATE_SINCE = 124
"""The first server version that has this field in its requests."""


def has_version_field(side: Side, message: int, is_raw: bool, server_version: int | None) -> bool:
    """Whether a message in text has a version field; ``is_raw``: it begins with a raw id, as from version 201 on."""
    if message >= FIRST_WITHOUT_VERSION[side]:
        return False
    if server_version is None:
        server_version = names.PROTOBUF if is_raw else ASSUMED_TEXT_VERSION
    return server_version < VERSION_FIELD_UNTIL[side].get(message, server_version + 1)


def id_of(side: Side, payload: Payload, server_version: int | None) -> int | None:
    """The id of the request or order that a message names; None if it names none, or nothing that is an id."""
    if payload.id is None or payload.id in WITHOUT_ID[side]:
        return None
    place = ID_PLACES.get((side, payload.id), FIRST_FIELD)
    return number_at(side, payload, place, server_version)


def number_at(side: Side, payload: Payload, place: FieldPlace, server_version: int | None) -> int | None:
    """The integer in a field; None if there is none."""
    if payload.protobuf:
        value = _protobuf_value(payload.body, place)
        return None if value is None or isinstance(value, bytes) else protobuf.signed(value)
    return parse_id(_text_value(side, payload, place, server_version))


def text_at(side: Side, payload: Payload, place: FieldPlace, server_version: int | None) -> str:
    """The text in a field; empty if there is none."""
    if payload.protobuf:
        return protobuf.text(_protobuf_value(payload.body, place))
    return _text_value(side, payload, place, server_version).decode("utf-8", "backslashreplace")


def parse_id(field: bytes) -> int | None:
    """Read a text field as an integer."""
    digits = field.removeprefix(b"-")
    return int(field) if digits.isdigit() and len(field) <= MAX_ID_CHARACTERS else None


def _text_value(side: Side, payload: Payload, place: FieldPlace, server_version: int | None) -> bytes:
    """The bytes of a text field, without reading more of a long message than is needed."""
    if place.text < 0:
        found = payload.body.rsplit(b"\0", 1 - place.text)
        return found[1] if len(found) > 1 - place.text else b""
    index = place.text
    if payload.id is not None and has_version_field(side, payload.id, payload.raw_id, server_version):
        index += 1
    found = payload.body.split(b"\0", index + 1)
    return found[index] if len(found) > index + 1 else b""


def _protobuf_value(body: bytes, place: FieldPlace) -> int | bytes | None:
    start, end = 0, len(body)
    for depth, number in enumerate(place.protobuf, 1):
        field = next((field for field in protobuf.walk(body, start, end) if field.number == number), None)
        if field is None:
            return None
        if depth == len(place.protobuf):
            return body[field.start : field.end] if field.value is None else field.value
        start, end = field.start, field.end
    return None
