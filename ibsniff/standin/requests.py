"""The messages of a client, as far as the stand-in must understand them."""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from ibsniff.ib import names
from ibsniff.standin import protobuf

NO_REQUEST = -1
"""The request id of messages that belong to no request."""
PLACE_ORDER, ORDER_WITHOUT_VERSION = 3, 145
"""The id of PLACE_ORDER, and the server version from which it has no version field (``client.py`` of IB's Python client)."""


class Hello(NamedTuple):
    """The version range of a client; both ends are equal in the legacy protocol."""

    minimum: int
    maximum: int
    legacy: bool = False


_NUMBER = re.compile(rb"\d{1,9}")
_RANGE = re.compile(rb"v(\d{1,9})(?:\.\.(\d{1,9}))?(?: .*)?", re.DOTALL)


def parse_range(text: bytes) -> Hello | None:
    """Parse ``v157..178`` or ``v178``, perhaps with options after a space; None when it is something else."""
    match = _RANGE.fullmatch(text)
    return Hello(int(match[1]), int(match[2] or match[1])) if match else None


def parse_legacy(text: bytes) -> Hello | None:
    """Parse ``66``: the only version that a legacy client supports."""
    return Hello(int(text), int(text), legacy=True) if _NUMBER.fullmatch(text) else None


class Request(NamedTuple):
    """One client message."""

    id: int
    is_protobuf: bool
    fields: int
    """How many there are, including the version field but not the id."""
    number: int
    """The request id, or in START_API the client id."""

    @property
    def name(self) -> str:
        """IB's name for it."""
        return names.CLIENT_MESSAGES.get(self.id, f"message {self.id}")


def parse_request(payload: bytes, server_version: int) -> Request | None:
    """Parse the request in a frame's payload; None when it is not in the form of this server version."""
    if server_version < names.PROTOBUF:
        message, separator, rest = payload.partition(b"\0")
        if not separator or not _NUMBER.fullmatch(message):
            return None
        return _parse_text(int(message), rest, server_version)
    if len(payload) < 4:
        return None
    (message_id,) = struct.unpack_from(">I", payload)
    if message_id <= names.PROTOBUF_ID_OFFSET:
        return _parse_text(message_id, payload[4:], server_version)
    return _parse_protobuf(message_id - names.PROTOBUF_ID_OFFSET, payload[4:])


def _parse_text(message_id: int, rest: bytes, server_version: int) -> Request | None:
    if rest and not rest.endswith(b"\0"):
        return None
    fields = rest.split(b"\0")[:-1]
    place = 0 if message_id == PLACE_ORDER and server_version >= ORDER_WITHOUT_VERSION else 1  # after the version field
    number = fields[place] if len(fields) > place else b""
    return Request(message_id, False, len(fields), int(number) if _NUMBER.fullmatch(number) else NO_REQUEST)


def _parse_protobuf(message_id: int, rest: bytes) -> Request | None:
    try:
        fields = protobuf.decode(rest)
    except ValueError:
        return None
    number = fields.get(1, NO_REQUEST)
    return Request(message_id, True, len(fields), number if isinstance(number, int) else NO_REQUEST)


def is_start(request: Request, server_version: int) -> bool:
    """Whether this is START_API in the form that this server version requires."""
    if request.id != names.START_API:
        return False
    if server_version >= names.START_API_PROTOBUF:
        return request.is_protobuf
    expected = 3 if server_version >= names.OPTIONAL_CAPABILITIES else 2
    return not request.is_protobuf and request.fields == expected
