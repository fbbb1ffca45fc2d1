"""Captures of n conversations that are each held against the others: what makes a rule look at all of them for each.

``python tests/hostile/companies.py [NAME ...]`` prints how the work of the report grows with n.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from struct import pack

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1])]

from packets import ACK, FIN, HELLO, RAW_IP, REPLY, RST, START, START_NS, SYN, Stream  # noqa: E402  (the path comes first)
from table import GROWTH, lines_executed, processor_seconds  # noqa: E402

from ibsniff.analysis.api_traffic import API_PORTS  # noqa: E402
from ibsniff.analysis.pipeline import Analysis  # noqa: E402
from ibsniff.capture.input_record import InputRecord  # noqa: E402
from ibsniff.model import Frame  # noqa: E402

LOOPBACK, NEIGHBOUR = 0x7F000001, 0x0A000100
RELAY_PORT, GATEWAY_PORT = 4004, 4002
SECOND_MS = 1000.0

Timed = tuple[float, bytes]
"""Milliseconds after the beginning, and a packet."""

COMPANIES: dict[str, Callable[[int], Iterable[Timed]]] = {}


def company(make: Callable[[int], Iterable[Timed]]) -> Callable[[int], Iterable[Timed]]:
    """Register a company under its function's name."""
    COMPANIES[make.__name__.strip("_").replace("_", " ")] = make
    return make


def analysis(packets: Iterable[Timed]) -> Analysis:
    """All of it read and nothing judged; watched for ten seconds more."""
    ordered = sorted(packets, key=itemgetter(0))
    times = [START_NS + round(at * 1e6) for at, _ in ordered]
    record = InputRecord("x")
    record.end(times[-1] + 10 * 10**9)
    read = Analysis(record, API_PORTS)
    packed = zip(times, ordered, strict=True)
    read.run(Frame(n, time_ns, RAW_IP, data, len(data)) for n, (time_ns, (_, data)) in enumerate(packed, 1))
    return read


def framed(body: bytes) -> bytes:
    return pack("!I", len(body)) + body


READY = framed(b"9\x001\x007\0") + framed(b"15\x001\0DU1\0")
ID_IN_USE = framed(b"4\x002\0-1\x00326\0Unable to connect as the client id is already in use\0\0")


# -- one conversation -------------------------------------------------------------------------------------------------


def stream(number: int, client: int = NEIGHBOUR, **given: int) -> Stream:
    return Stream(number, client=client, **given)


def spaced(at: float, packets: Iterable[bytes], apart: float = 0.4) -> Iterator[Timed]:
    """One packet after the other."""
    return ((at + place * apart, packet) for place, packet in enumerate(packets))


def refused(one: Stream, at: float) -> Iterator[Timed]:
    yield at, one.up(flags=SYN)
    one.sent += 1
    yield at + 0.1, one.down(flags=RST | ACK)


def called(one: Stream, at: float) -> Iterator[Timed]:
    """Three calls and no answer."""
    return ((at + wait, one.up(flags=SYN)) for wait in (0, SECOND_MS, 3 * SECOND_MS))


def greeted(one: Stream, at: float, hello: bytes = HELLO) -> Iterator[Timed]:
    yield from spaced(at, [*one.handshake(), one.say(hello), one.down()])


def hung_up(one: Stream, at: float, after: float = 10) -> Iterator[Timed]:
    yield from greeted(one, at)
    yield at + after, one.down(flags=FIN | ACK)


def session(one: Stream, at: float, hello: bytes = HELLO) -> Iterator[Timed]:
    yield from spaced(at, [*one.handshake(), one.say(hello), one.answer(REPLY), one.say(START), one.answer(READY)])


def session_ended(one: Stream, at: float, until: float) -> Iterator[Timed]:
    """By the server."""
    yield from session(one, at)
    yield until, one.down(flags=FIN | ACK)


def started(one: Stream, at: float, start: bytes = START) -> Iterator[Timed]:
    yield from spaced(at, [*one.handshake(), one.say(HELLO), one.answer(REPLY), one.say(start)])


def turned_away(one: Stream, at: float, until: float) -> Iterator[Timed]:
    """The server hangs up on its START_API."""
    yield from started(one, at)
    yield until, one.down(flags=FIN | ACK)


def empty(one: Stream, at: float, until: float) -> Iterator[Timed]:
    """Said nothing until the client left."""
    yield from spaced(at, one.handshake())
    yield until, one.up(flags=FIN | ACK)


# -- all of one kind --------------------------------------------------------------------------------------------------


def all_of(
    kind: Callable[[Stream, float], Iterator[Timed]], n: int, apart: float = 20, **given: int
) -> Iterator[Timed]:
    for number in range(n):
        yield from kind(stream(number, **given), number * apart)


def addresses(kind: Callable[[Stream, float], Iterator[Timed]], first: int, n: int, at: float = 0) -> Iterator[Timed]:
    """Each from an address of its own."""
    for number in range(n):
        yield from kind(stream(first + number, NEIGHBOUR + first + number), at + number * 20)


@company
def _all_silent(n: int) -> Iterator[Timed]:
    return all_of(greeted, n)


@company
def _all_silent_on_one_machine(n: int) -> Iterator[Timed]:
    return all_of(greeted, n, client=LOOPBACK, server=LOOPBACK)


@company
def _all_refused(n: int) -> Iterator[Timed]:
    return all_of(refused, n)


@company
def _all_unanswered(n: int) -> Iterator[Timed]:
    return all_of(called, n)


@company
def _all_hung_up_on(n: int) -> Iterator[Timed]:
    return all_of(hung_up, n)


@company
def _all_ready(n: int) -> Iterator[Timed]:
    return all_of(session, n)


@company
def _all_silent_from_different_addresses(n: int) -> Iterator[Timed]:
    return addresses(greeted, 0, n)


@company
def _a_reconnect_storm(n: int) -> Iterator[Timed]:
    return all_of(refused, n, apart=2000, client=LOOPBACK, server=LOOPBACK)


# -- two kinds, each held against the other ---------------------------------------------------------------------------


@company
def _alternating(n: int) -> Iterator[Timed]:
    for number in range(n):
        one = stream(number)
        yield from (refused, greeted, hung_up, session)[number % 4](one, number * 20)


@company
def _sessions_and_refusals(n: int) -> Iterator[Timed]:
    half = n // 2
    yield from all_of(session, half)
    yield from (packet for i in range(half, n) for packet in refused(stream(i), (i + 100) * 20))


@company
def _refusals_before_sessions(n: int) -> Iterator[Timed]:
    half = n // 2
    yield from all_of(refused, half)
    yield from (packet for i in range(half, n) for packet in session(stream(i), (i + 100) * 20))


@company
def _sessions_ended_and_others_hung_up_on_later(n: int) -> Iterator[Timed]:
    """Far enough from each other not to have gone together."""
    half = n // 2
    for i in range(half):
        yield from session_ended(stream(i), i * 20, i * 20 + 15)
    yield from (packet for i in range(half, n) for packet in hung_up(stream(i, NEIGHBOUR + 1), (i + 1000) * 20))


@company
def _sessions_ended_together_with_others(n: int) -> Iterator[Timed]:
    half, end = n // 2, n * 20 + 2000.0
    for i in range(half):
        yield from session_ended(stream(i), i * 20, end)
        yield from hung_up(stream(half + i, NEIGHBOUR + 1), end - 100 + i * 0.01)


@company
def _sessions_ended_before_refusals(n: int) -> Iterator[Timed]:
    """The refusals begin before the sessions end, so that no restart is seen."""
    half, end = n // 2, n * 40.0 + 5000
    for i in range(half):
        yield from session_ended(stream(i), i * 20, end)
    yield from (packet for i in range(half, n) for packet in refused(stream(i), i * 20))


@company
def _served_at_once_and_silent_later(n: int) -> Iterator[Timed]:
    half = n // 2
    yield from addresses(session, 0, half)
    yield from (packet for i in range(half) for packet in greeted(stream(n + i, NEIGHBOUR + i), (n + i) * 20))


@company
def _one_address_served_late_and_silent(n: int) -> Iterator[Timed]:
    """Sessions that somebody clicked for, and silences of the same address."""
    for i in range(n // 2):
        one = stream(i)
        yield from greeted(one, i * 20)
        rest = [one.answer(REPLY), one.say(START), one.answer(READY)]
        yield from spaced(i * 20 + 1500, rest)
    yield from (packet for i in range(n // 2, n) for packet in greeted(stream(i), (i + 1000) * 20))


@company
def _addresses_served_and_others_not(n: int) -> Iterator[Timed]:
    half = n // 2
    yield from addresses(session, 0, half)
    yield from addresses(hung_up, half, half, at=(half + 100) * 20)


@company
def _addresses_not_served_by_a_server_that_hangs(n: int) -> Iterator[Timed]:
    """Nothing is certain of any of them: each is looked at."""
    third = n // 3
    yield from all_of(session, third, client=LOOPBACK, server=LOOPBACK)
    for i in range(third):
        yield from session(stream(n + i, NEIGHBOUR + i, server=NEIGHBOUR + 9000 + i), i * 20)
        yield from greeted(stream(2 * n + i, NEIGHBOUR + n + i, server=NEIGHBOUR + 9000 + i), (n + i) * 20)
    yield from greeted(stream(3 * n, LOOPBACK, server=LOOPBACK), n * 50)


@company
def _refused_and_silent_from_different_addresses(n: int) -> Iterator[Timed]:
    third = n // 3
    yield from addresses(session, 0, third)
    yield from addresses(refused, third, third, at=n * 20)
    yield from addresses(greeted, 2 * third, third, at=n * 40)


# -- who holds up whom ------------------------------------------------------------------------------------------------


def answered_late(one: Stream, at: float, until: float) -> Iterator[Timed]:
    yield from greeted(one, at)
    yield from spaced(until, [one.answer(REPLY), one.say(START), one.answer(READY)], 0.001)


@company
def _many_wait_for_one(n: int) -> Iterator[Timed]:
    end = n * 2 + 3000.0
    yield from empty(stream(n), 0, end)
    for i in range(n - 1):
        yield from answered_late(stream(i), 10 + i * 2, end + 1)


@company
def _many_wait_and_nobody_held_them(n: int) -> Iterator[Timed]:
    half, end = n // 2, n * 4 + 3000.0
    for i in range(half):
        yield from empty(stream(half + i), i * 2, end)
        yield from answered_late(stream(i), n * 2 + i * 2, end + 500)


@company
def _many_leave_that_came_after_those_who_wait(n: int) -> Iterator[Timed]:
    half, end = n // 2, n * 4 + 3000.0
    for i in range(half):
        yield from answered_late(stream(i), i * 2, end + 1)
        yield from empty(stream(half + i), n * 2 + i * 2, end)


# -- client ids -------------------------------------------------------------------------------------------------------


@company
def _one_client_id_again_and_again(n: int) -> Iterator[Timed]:
    """Each hung up on before the next asks."""
    for i in range(n):
        yield from turned_away(stream(i), i * 2000, i * 2000 + 1500)


@company
def _client_ids_refused(n: int) -> Iterator[Timed]:
    for i in range(n):
        one = stream(i)
        yield from started(one, i * 20)
        yield i * 20 + 10, one.answer(ID_IN_USE)
        yield i * 20 + 15, one.down(flags=FIN | ACK)


@company
def _one_client_id_all_ended_together(n: int) -> Iterator[Timed]:
    end = n * 20 + 1000.0
    for i in range(n):
        yield from turned_away(stream(i), i * 20, end)


# -- what was said ----------------------------------------------------------------------------------------------------


@company
def _broken_hellos_beside_answered_ones(n: int) -> Iterator[Timed]:
    """No two alike."""
    for i in range(n):
        text = b"v100..187 %05d" % i
        one, hello = stream(i), b"API\0" + pack("!I", len(text) + 9) + text
        yield from greeted(one, i * 20, hello)
        if i % 2:
            yield from spaced(i * 20 + 5, [one.answer(REPLY)])
        yield (i + 100) * 20.0, one.up(flags=FIN | ACK)


@company
def _start_api_in_a_wrong_form_beside_sessions(n: int) -> Iterator[Timed]:
    for i in range(n // 2):
        yield from session(stream(i), i * 20)
        yield from started(stream(n + i), (n + i) * 20, framed(b"71\x00%d\0" % i))


@company
def _relays(n: int) -> Iterator[Timed]:
    """Outer and inner legs, on one machine and at once."""
    for i in range(n // 2):
        yield from hung_up(stream(i, LOOPBACK, server=LOOPBACK, port=RELAY_PORT), i * 20, after=4)
        yield from refused(stream(n + i, LOOPBACK, server=LOOPBACK, port=GATEWAY_PORT), i * 20 + 1)


# -- how the work grows -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Grown:
    """The report over one company at n and at ``GROWTH`` times n: lines of the program executed."""

    company: str
    conversations: tuple[int, int]
    work: tuple[int, int]
    said: list[str]


def grown(name: str, small: int) -> Grown:
    analysis(COMPANIES[name](8)).report()  # imports are nobody's work
    read = [analysis(COMPANIES[name](size)) for size in (small, GROWTH * small)]
    work = [lines_executed(one.report) for one in read]
    few, many = (one.report() for one in read)
    said = {found.code for found in many.findings} | {f.code for one in many.conversations for f in one.findings}
    return Grown(name, (len(few.conversations), len(many.conversations)), (work[0], work[1]), sorted(said))


SIZE = 100
"""Conversations at first; with four times as many a square of one line for each two of them outgrows what is linear."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("companies", nargs="*", metavar="NAME", help=", ".join(COMPANIES))
    parser.add_argument("--json", action="store_true", help="one object a line")
    given = parser.parse_args()
    for name in given.companies or COMPANIES:
        found = grown(name, SIZE)
        if given.json:
            print(json.dumps(found.__dict__), flush=True)
            continue
        large = analysis(COMPANIES[name](2000))
        seconds = processor_seconds(large.report)
        ratio = found.work[1] / found.work[0]
        print(f"{name:<50} {found.work[0]:>9,} {found.work[1]:>9,} {ratio:>6.2f} {seconds:>6.2f} s", *found.said)


if __name__ == "__main__":
    main()
