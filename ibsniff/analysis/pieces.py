"""Which captures are pieces of one: a connection goes on from one to the next, with the sequence numbers that come next.

A program that writes a ring of files (tcpdump -C or -G, dumpcap -b, ``ibsniff live -b``) begins a new one in the middle of
every connection. Read one by one, each piece lacks the beginning of its connections or their end. Names and times do not prove
that files belong together; the same two ports with consecutive sequence numbers do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ibsniff.analysis.snapshot import Snapshot
from ibsniff.model import NANOSECONDS, Conversation, Endpoint, Half

MAX_CONNECTIONS = 50
"""Of one capture, at its beginning and at its end: one would be proof enough."""

NEAR = 1 << 16
"""How far a sequence number may be from the next one: what was on the way may be in both files or in neither."""

OVERLAP_NS = NANOSECONDS
"""How long before the end of one piece the next may begin: packets of several queues are not written in order."""

MODULUS = 1 << 32


class Place(NamedTuple):
    """Where a connection stands at an end of a capture: the next sequence number of each side, -1 if it is not known."""

    client: Endpoint
    server: Endpoint
    client_next: int
    server_next: int


class Edges(NamedTuple):
    """The two ends of a capture."""

    first_ns: int
    last_ns: int
    begun_before: tuple[Place, ...]
    """Connections that had begun before it."""
    still_open: tuple[Place, ...]
    """Connections that it does not show the end of."""


class Pieces(NamedTuple):
    """Captures that are pieces of one."""

    numbers: tuple[int, ...]
    """Which ones, in order of time."""
    client: Endpoint
    server: Endpoint
    """A connection that goes on from one to the next."""


def edges_of(snapshot: Snapshot) -> Edges:
    """What of a capture may continue another one, or be continued."""
    facts, conversations = snapshot.capture.facts, snapshot.capture.conversations
    before = [_place(one, at_end=False) for one in conversations if _had_begun(one)]
    after = [_place(one, at_end=True) for one in conversations if _is_open(one)]
    return Edges(
        facts.first_time_ns or 0,
        facts.last_time_ns or 0,
        tuple(before[:MAX_CONNECTIONS]),
        tuple(after[-MAX_CONNECTIONS:]),
    )


def _had_begun(one: Conversation) -> bool:
    return not one.connection.syn_count and not one.connection.refusals


def _is_open(one: Conversation) -> bool:
    return one.connection.ended is None and not one.connection.refusals


def _place(one: Conversation, *, at_end: bool) -> Place:
    connection = one.connection
    sequences = (_next(half) if at_end else half.origin for half in (connection.from_client, connection.from_server))
    return Place(connection.client, connection.server, *sequences)


def _next(half: Half) -> int:
    return -1 if half.origin < 0 else (half.origin + half.length) % MODULUS


def pieces(captures: Sequence[Edges | None]) -> Iterator[Pieces]:
    """The groups of captures that continue each other; None stands for one that could not be read."""
    group_of: dict[int, list[int]] = {}
    proofs: dict[int, Place] = {}
    open_places: dict[frozenset[Endpoint], tuple[int, Place]] = {}
    known = [(edges.first_ns, number, edges) for number, edges in enumerate(captures) if edges is not None]
    for first_ns, number, edges in sorted(known):
        group_of[number] = [number]
        for place in edges.begun_before:
            earlier, left = open_places.get(_ends(place), (number, place))
            before = captures[earlier]
            is_later = before is not None and first_ns >= before.last_ns - OVERLAP_NS
            if earlier != number and is_later and goes_on(left, place) and group_of[earlier] is not group_of[number]:
                group_of[earlier] += group_of[number]
                group_of.update(dict.fromkeys(group_of[number], group_of[earlier]))
                proofs.setdefault(group_of[earlier][0], place)
        open_places.update({_ends(place): (number, place) for place in edges.still_open})
    for first, place in proofs.items():
        yield Pieces(tuple(group_of[first]), place.client, place.server)


def _ends(place: Place) -> frozenset[Endpoint]:
    """Both ends, whichever is the client: in the middle of a connection that may be unknown."""
    return frozenset((place.client, place.server))


def goes_on(left: Place, found: Place) -> bool:
    """Tell whether a connection goes on where it was left: each side that is known in both, and at least one."""
    if left.client != found.client:
        found = Place(found.server, found.client, found.server_next, found.client_next)
    known = list(_known(left, found))
    return bool(known) and all(_distance(earlier, later) <= NEAR for earlier, later in known)


def _known(left: Place, found: Place) -> Iterable[tuple[int, int]]:
    both = ((left.client_next, found.client_next), (left.server_next, found.server_next))
    return ((earlier, later) for earlier, later in both if earlier >= 0 and later >= 0)


def _distance(earlier: int, later: int) -> int:
    ahead = (later - earlier) % MODULUS
    return min(ahead, MODULUS - ahead)
