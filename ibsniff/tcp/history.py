"""Zeek's history: the story of a connection in one letter per kind of thing, upper case for the client.

``s`` SYN, ``h`` SYN-ACK, ``a`` a bare ACK, ``d`` data, ``f`` FIN, ``r`` RST, ``t`` repeated data, ``g`` a hole, ``w`` a
zero window, ``i`` FIN with RST, ``q`` SYN with FIN or RST, ``^`` the first packet was the server's. Zeek's ``c``, a bad
checksum, is never written: behind checksum offload it means nothing. Each stands once for each side; ``t``, ``g`` and
``w`` again at the 10th, the 100th ... time, which also bounds the string (docs.zeek.org, base/protocols/conn).
"""

from __future__ import annotations

from ibsniff.model import Connection, Side

_POWERS_OF_TEN = frozenset(10**power for power in range(19))


def note(connection: Connection, side: Side, letter: str) -> None:
    """It happened; write it down unless it stands there."""
    letter = letter.upper() if side is Side.CLIENT else letter
    if letter not in connection.history:
        connection.history += letter


def note_repeated(connection: Connection, side: Side, letter: str, count: int) -> None:
    """It happened for the ``count``-th time."""
    if count in _POWERS_OF_TEN:
        connection.history += letter.upper() if side is Side.CLIENT else letter


def flip(connection: Connection) -> None:
    """Client and server turned out to be the other way round."""
    swapped = connection.history.swapcase()
    connection.history = swapped.removeprefix("^") if swapped.startswith("^") else "^" + swapped
