"""Zeek's history string: one letter for each kind of event in a connection, upper case for the client.

``s`` SYN, ``h`` SYN-ACK, ``a`` a bare ACK, ``d`` data, ``f`` FIN, ``r`` RST, ``t`` repeated data, ``g`` a gap, ``w`` a
zero window, ``i`` FIN with RST, ``q`` SYN with FIN or RST, ``^`` the first packet was the server's. Zeek's ``c``, a bad
checksum, is never written: with checksum offload it means nothing. Each letter is written once for each side; ``t``,
``g`` and ``w`` again at the 10th, the 100th ... time, which also bounds the string (docs.zeek.org, base/protocols/conn).
"""

from __future__ import annotations

from ibsniff.model import Connection, Side

_POWERS_OF_TEN = frozenset(10**power for power in range(19))


def record_event(connection: Connection, side: Side, letter: str) -> None:
    """Add an event's letter unless the history has it already."""
    letter = letter.upper() if side is Side.CLIENT else letter
    if letter not in connection.history:
        connection.history += letter


def record_repeated(connection: Connection, side: Side, letter: str, count: int) -> None:
    """Add an event's letter when this is its first, 10th, 100th ... time."""
    if count in _POWERS_OF_TEN:
        connection.history += letter.upper() if side is Side.CLIENT else letter


def swap_sides(connection: Connection) -> None:
    """Rewrite the history after client and server turned out to be the other way round."""
    swapped = connection.history.swapcase()
    connection.history = swapped.removeprefix("^") if swapped.startswith("^") else "^" + swapped
