"""The unframed protocol of clients older than version 100: NUL-terminated fields, and nothing between messages.

Only the number of its fields tells where a message ends. This module knows it for the few messages that a session begins
with; from the first other message on, the rest of the stream is reported as unreadable.

Source: EReader/EClientSocket of the official API 9.70.
"""

from __future__ import annotations

from collections.abc import Iterator

from ibsniff.ib import names
from ibsniff.model import Side

MAX_FIELD_BYTES = 4096
"""Bytes in which the fields of a message are searched for; the known messages are shorter than 300."""

SERVER_FIELDS = {names.ERR_MSG: 5, names.NEXT_VALID_ID: 3, names.MANAGED_ACCTS: 3}
"""Message id -> its number of fields, including the id (legacy server versions always send a version field)."""

MOST_FIELDS = max(SERVER_FIELDS.values())
"""Of all messages known here; START_API has at most four."""

START_FIELDS = 3
"""START_API of a legacy client: id, version, client id; from server version 72 on, version 2 adds capabilities."""


class LegacySplitter:
    """Splits one side's legacy stream into messages."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self.is_unreadable = False
        """A message of unknown length came: nothing after it can be read."""

    def messages(self, unread: bytes | bytearray, server_version: int | None) -> Iterator[tuple[int, int]]:
        """Yield start and end of each message that is complete."""
        start = 0
        while (end := self._end(unread, start, server_version)) is not None:
            yield start, end
            start = end

    def _end(self, unread: bytes | bytearray, start: int, server_version: int | None) -> int | None:
        """Where the message at ``start`` ends; None when that is not known, or not yet."""
        window = bytes(unread[start : start + MAX_FIELD_BYTES])
        fields = window.split(b"\0", MOST_FIELDS)[:-1]
        count = self._field_count(fields, server_version) if fields else 1
        if count is not None and len(fields) >= count:
            return start + sum(len(field) + 1 for field in fields[:count])
        self.is_unreadable = count is None or len(window) >= MAX_FIELD_BYTES
        return None

    def _field_count(self, fields: list[bytes], server_version: int | None) -> int | None:
        """Number of fields of the message that begins here; None when it is not known."""
        number = int(fields[0]) if fields[0].isdigit() and len(fields[0]) <= 3 else None
        if self._side is Side.SERVER:
            return SERVER_FIELDS.get(number) if number is not None else None
        if number != names.START_API:
            return None
        has_capabilities = fields[1:2] == [b"2"] and (server_version or 0) >= names.OPTIONAL_CAPABILITIES
        return START_FIELDS + has_capabilities


def read_bare_client_id(unread: bytes) -> int | None:
    """Read the client id that a client too old for START_API sends: one number alone, right after the hello."""
    first, nul, _ = unread[:12].partition(b"\0")
    return int(first) if nul and first.isdigit() and first != b"%d" % names.START_API else None
