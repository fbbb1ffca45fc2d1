"""The unframed protocol of clients older than version 100: fields ended by NUL, and no border between messages.

Only decoding a message tells where it ends, so this reads the few whose length is known and which a session begins
with; at the first other message the rest of the stream is given up as unreadable (and said to be).

Source: EReader/EClientSocket of the official API 9.70.
"""

from __future__ import annotations

from collections.abc import Iterator

from ibsniff.ib import names
from ibsniff.model import Side

MAX_FIELD_BYTES = 4096
"""Fields of a message sought in this many bytes; the known ones are shorter than 300."""

SERVER_FIELDS = {names.ERR_MSG: 5, names.NEXT_VALID_ID: 3, names.MANAGED_ACCTS: 3}
"""Message id -> its number of fields, the id included (legacy server versions always send a version field)."""

MOST_FIELDS = max(SERVER_FIELDS.values())
"""Of any message known here; START_API has at most four."""

START_FIELDS = 3
"""START_API of a legacy client: id, version, client id; from server version 72 a version 2 adds capabilities."""


class LegacyFields:
    """Cuts one side's legacy stream into messages."""

    def __init__(self) -> None:
        self.lost = False
        """A message of unknown length came: nothing behind it can be read."""

    def messages(self, side: Side, unread: bytes | bytearray, server_version: int | None) -> Iterator[tuple[int, int]]:
        """Yield start and end of each message that is whole."""
        start = 0
        while (end := self._end(side, unread, start, server_version)) is not None:
            yield start, end
            start = end

    def _end(self, side: Side, unread: bytes | bytearray, start: int, server_version: int | None) -> int | None:
        """Where the message ends that begins at ``start``; None when that is not known, or not yet."""
        window = bytes(unread[start : start + MAX_FIELD_BYTES])
        fields = window.split(b"\0", MOST_FIELDS)[:-1]
        count = self._count(side, fields, server_version) if fields else 1
        if count is not None and len(fields) >= count:
            return start + sum(len(field) + 1 for field in fields[:count])
        self.lost = count is None or len(window) >= MAX_FIELD_BYTES
        return None

    @staticmethod
    def _count(side: Side, fields: list[bytes], server_version: int | None) -> int | None:
        """Number of fields of the message that begins here; None when it is not known."""
        number = int(fields[0]) if fields[0].isdigit() and len(fields[0]) <= 3 else None
        if side is Side.SERVER:
            return SERVER_FIELDS.get(number) if number is not None else None
        if number != names.START_API:
            return None
        has_capabilities = fields[1:2] == [b"2"] and (server_version or 0) >= names.OPTIONAL_CAPABILITIES
        return START_FIELDS + has_capabilities


def bare_client_id(unread: bytes) -> int | None:
    """Read the client id of a client too old for START_API: a number by itself, once, right after the hello."""
    first, nul, _ = unread[:12].partition(b"\0")
    return int(first) if nul and first.isdigit() and first != b"%d" % names.START_API else None
