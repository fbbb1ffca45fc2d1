"""Pieces of one capture are recognised by connections that go on; unrelated captures never are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
import synthesise
from ib_bytes import READY, REPLY, START
from judging import Watch
from wire import START_NS, Wire

from ibsniff import regression
from ibsniff.analysis.pieces import NEAR, Edges, Pieces, Place, edges_of, goes_on, pieces
from ibsniff.analysis.pipeline import Analysis
from ibsniff.analysis.reading import InputReader
from ibsniff.model import NANOSECONDS, Frame, Lane

HELLO = b"API\0\0\0\0\x09v157..178"


def session(client: str = "127.0.0.1:51000", start_ns: int = START_NS, client_isn: int = 1000) -> Wire:
    wire = Wire(client=client, start_ns=start_ns, client_isn=client_isn)
    wire = wire.connect().client(HELLO).server(REPLY).client(START).server(READY)
    return wire.wait(5.0).client(START).server(READY).wait(5.0).client(START).server(READY)


def edges(frames: Iterable[Frame]) -> Edges:
    kept = [frame._replace(number=number) for number, frame in enumerate(frames, 1)]
    analysis = Analysis(Watch().record(kept))
    analysis.run(kept)
    return edges_of(analysis.snapshot())


def numbers(*captures: Edges | None) -> list[tuple[int, ...]]:
    return [found.numbers for found in pieces(captures)]


def test_three_pieces_are_one_capture_whatever_their_order() -> None:
    frames = session().frames()
    a, b, c = edges(frames[:9]), edges(frames[9:13]), edges(frames[13:])
    assert numbers(a, b, c) == [(0, 1, 2)]
    assert numbers(c, a, b) == [(1, 2, 0)]
    (found,) = pieces([a, b, c])
    assert (str(found.client), str(found.server)) == ("127.0.0.1:51000", "127.0.0.1:7497")


@pytest.mark.parametrize("cut", range(1, 18))
def test_wherever_it_is_cut(cut: int) -> None:
    frames = session().frames()
    assert numbers(edges(frames[:cut]), edges(frames[cut:])) == [(0, 1)]


def test_sequence_numbers_may_pass_zero() -> None:
    frames = session(client_isn=2**32 - 30).frames()
    assert numbers(edges(frames[:9]), edges(frames[9:])) == [(0, 1)]


def test_an_unreadable_file_between_them_changes_nothing() -> None:
    frames = session().frames()
    assert numbers(edges(frames[:9]), None, edges(frames[9:])) == [(0, 2)]


def test_two_captures_in_two_pieces_each_are_two_groups() -> None:
    one, two = session().frames(), session("127.0.0.1:52000", START_NS + 3600 * NANOSECONDS, 77_000).frames()
    assert numbers(edges(one[:9]), edges(two[:9]), edges(one[9:]), edges(two[9:])) == [(0, 2), (1, 3)]


def test_the_same_ports_without_the_same_numbers_prove_nothing() -> None:
    one = session().frames()
    other = session(start_ns=START_NS + 3600 * NANOSECONDS, client_isn=1_000_000).frames()
    assert numbers(edges(one[:9]), edges(other[9:])) == []


def test_two_captures_of_the_same_time_are_no_pieces() -> None:
    """Somebody captured on both machines."""
    frames = session().frames()
    assert numbers(edges(frames[:15]), edges(frames[9:])) == []


def test_a_refused_attempt_does_not_go_on() -> None:
    refused = Wire(client="127.0.0.1:51000", start_ns=START_NS - 60 * NANOSECONDS).syn().rst_server().frames()
    assert numbers(edges(refused), edges(session().frames()[9:])) == []


def test_a_connection_that_begins_anew_continues_nothing() -> None:
    later = session(start_ns=START_NS + 60 * NANOSECONDS).frames()
    assert numbers(edges(session().frames()), edges(later)) == []


@dataclass(frozen=True)
class Far:
    """Sequence numbers at the end of one capture and at the beginning of the next."""

    left: tuple[int, int]
    found: tuple[int, int]
    goes_on: bool


@pytest.mark.parametrize(
    "far",
    [
        Far((100, 200), (100, 200), True),
        Far((100, -1), (100, 200), True),
        Far((100, -1), (-1, 200), False),
        Far((-1, -1), (-1, -1), False),
        Far((100, 200), (100 + NEAR, 200), True),
        Far((100, 200), (101 + NEAR, 200), False),
        Far((100, 200), (99, 200 + NEAR + 1), False),
        Far((5, 200), (2**32 - 5, 200), True),
    ],
)
def test_each_side_that_is_known_must_go_on_and_one_must_be_known(far: Far) -> None:
    place = edges(session().frames()).still_open[0]
    left, found = (place._replace(client_next=one, server_next=two) for one, two in (far.left, far.found))
    assert goes_on(left, found) == far.goes_on
    turned = Place(found.server, found.client, found.server_next, found.client_next)
    assert goes_on(left, turned) == far.goes_on


def test_no_two_scenarios_are_pieces_of_one_capture() -> None:
    scenarios = regression.find_scenarios(synthesise.CAPTURES)
    found: list[Pieces] = list(pieces([edges_of(InputReader().read(str(one.capture))) for one in scenarios]))
    assert [[scenarios[number].folder.name for number in each.numbers] for each in found] == []


def test_both_lanes_know_the_same_ends() -> None:
    (capture,) = [
        one.capture for one in regression.find_scenarios(synthesise.CAPTURES) if one.folder.name == "joined-ib-async"
    ]
    plain, columns = (edges_of(InputReader(lane=lane).read(str(capture))) for lane in (Lane.PLAIN, Lane.COLUMNS))
    assert plain == columns
    assert plain.begun_before
