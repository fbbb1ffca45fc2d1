"""The payload of a frame: which message it is, and the contents of the few messages that decide a diagnosis.

A message has one of three forms: text fields, below server version 201; a raw 4-byte id before text fields, from 201 on
and in both directions; or a raw id above 200 before a protobuf body. The bytes themselves tell which: a text id begins
with an ASCII digit, a raw id with a zero byte.

Source: ``comm.py``, ``client.py`` and ``decoder.py`` of the official Python client.
"""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.ib import names, protobuf
from ibsniff.model import Moment, Side, StartForm, WireError, WireText

RAW_ID_LENGTH = 4
MAX_ID = 400
"""Message ids are below 112 in text and below 312 in protobuf; a larger number is no message id."""
MAX_ERROR_TEXT = 400
"""Characters kept of an error's text, which is one sentence; a longer text is cut."""
MAX_ACCOUNTS = 50
"""Accounts kept of one session: an advisor may have thousands, and the report shows a few."""
MAX_ACCOUNT = 32
"""Characters kept of an account name: real ones have eight or nine."""

NAMES = {Side.CLIENT: names.CLIENT_MESSAGES, Side.SERVER: names.SERVER_MESSAGES}

DECODED = {
    Side.CLIENT: frozenset({names.START_API}),
    Side.SERVER: frozenset({names.ERR_MSG, names.NEXT_VALID_ID, names.MANAGED_ACCTS}),
}
"""Messages whose contents matter to a diagnosis; all others are only counted."""


def _counted_names(side: Side) -> dict[bytes, str]:
    by_id = {}
    for number, name in NAMES[side].items():
        if number not in DECODED[side]:
            by_id[b"%d\0" % number] = name
            for raw_id in (number, number + names.PROTOBUF_ID_OFFSET):
                by_id[raw_id.to_bytes(RAW_ID_LENGTH, "big")] = name
    return by_id


COUNTED_NAMES = {side: _counted_names(side) for side in Side}
"""The id of a message that is only counted, as bytes in each of its three forms -> its name."""


def id_bytes(payload: bytes) -> bytes:
    """The bytes of the id at the beginning of a payload: a raw id, or digits and their NUL."""
    return payload if payload[:1] == b"\0" else payload[: payload.find(b"\0") + 1]


class Payload(NamedTuple):
    """A frame's payload, split into message id and body."""

    id: int | None
    """IB's message number; None when the bytes do not begin with an id."""
    raw_id: bool
    protobuf: bool
    body: bytes
    """What follows the id."""

    @property
    def fields(self) -> list[str]:
        """The NUL-separated text fields after the id."""
        return [field.decode("utf-8", "backslashreplace") for field in self.body.split(b"\0")[:-1]]


def split_payload(payload: bytes) -> Payload:
    """Split the message id from the body, in any of the three forms."""
    if payload[:1] == b"\0":
        number = int.from_bytes(payload[:RAW_ID_LENGTH], "big")
        if len(payload) < RAW_ID_LENGTH or not 0 < number <= MAX_ID:
            return Payload(None, True, False, payload)
        is_protobuf = number > names.PROTOBUF_ID_OFFSET
        return Payload(
            number - names.PROTOBUF_ID_OFFSET if is_protobuf else number, True, is_protobuf, payload[RAW_ID_LENGTH:]
        )
    token, nul, _ = payload[:5].partition(b"\0")
    if not nul or not token.isdigit() or not 0 < int(token) <= MAX_ID:
        return Payload(None, False, False, payload)
    return Payload(int(token), False, False, payload[len(token) + 1 :])


def name_of(side: Side, number: int | None) -> str:
    """IB's own name of a message; ``UNKNOWN`` when it has none."""
    return NAMES[side].get(number, "UNKNOWN") if number is not None else "UNKNOWN"


def decode_error(payload: Payload, server_version: int | None, moment: Moment) -> WireError | None:
    """Read an ERR_MSG; None when its fields are not where any server version puts them."""
    if payload.protobuf:
        found = protobuf.fields(payload.body)
        if not isinstance(found.get(3), int):
            return None
        text = WireText.beginning_of(protobuf.text(found.get(4)), MAX_ERROR_TEXT)
        return WireError(protobuf.signed(found.get(1)), protobuf.signed(found.get(3)), text, moment)
    fields = payload.fields
    if _has_version_field(fields, server_version):
        fields = fields[1:]
    if len(fields) < 3 or not (_is_number(fields[0]) and _is_number(fields[1])):
        return None
    return WireError(int(fields[0]), int(fields[1]), WireText.beginning_of(fields[2], MAX_ERROR_TEXT), moment)


def _has_version_field(fields: list[str], server_version: int | None) -> bool:
    """Below server version 194 the first field is a version; without the handshake three numbers in a row show it."""
    if server_version is not None:
        return server_version < names.ERROR_TIME
    return len(fields) >= 4 and all(_is_number(field) for field in fields[:3])


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal() and len(text) <= 11 and text.isascii()


def decode_accounts(payload: Payload) -> list[WireText]:
    """Read MANAGED_ACCTS: the accounts of this session."""
    if payload.protobuf:
        listed = protobuf.text(protobuf.fields(payload.body).get(1))
    else:
        listed = payload.fields[1] if len(payload.fields) > 1 else ""
    named = [account for account in listed.split(",") if account]
    return [WireText.beginning_of(account, MAX_ACCOUNT) for account in named[:MAX_ACCOUNTS]]


def decode_start(payload: Payload) -> tuple[StartForm, int | None]:
    """Read START_API: its form and the client id."""
    if payload.protobuf:
        client_id = protobuf.fields(payload.body).get(1)
        return (StartForm.PROTOBUF, client_id) if isinstance(client_id, int) else (StartForm.MALFORMED, None)
    fields = payload.fields
    if not payload.body.endswith(b"\0") or not all(_is_number(field) for field in fields[:2]) or len(fields) < 2:
        return StartForm.MALFORMED, None
    client_id = int(fields[1])
    if len(fields) == 2:
        return (StartForm.MALFORMED if payload.raw_id else StartForm.TEXT), client_id
    if len(fields) == 3:
        return (StartForm.RAW_ID if payload.raw_id else StartForm.TEXT_CAPABILITIES), client_id
    return StartForm.MALFORMED, client_id


def expected_start(server_version: int) -> StartForm:
    """The form of START_API that the negotiated version requires (EClient.startApi)."""
    if server_version >= names.START_API_PROTOBUF:
        return StartForm.PROTOBUF
    if server_version >= names.PROTOBUF:
        return StartForm.RAW_ID
    if server_version >= names.OPTIONAL_CAPABILITIES:
        return StartForm.TEXT_CAPABILITIES
    return StartForm.TEXT if server_version >= names.LINKING else StartForm.CLIENT_ID_ONLY
