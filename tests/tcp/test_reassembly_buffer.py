from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from wire import endpoint

from ibsniff.model import Mark, Run, Segment
from ibsniff.tcp import reassembly_buffer
from ibsniff.tcp.reassembly_buffer import CHUNK_OVERHEAD, BufferedTotal, ReassemblyBuffer

END = endpoint("127.0.0.1:1")
STREAM = bytes(range(64))


def segment(data: bytes, packet: int = 1) -> Segment:
    return Segment(packet, packet * 10, END, END, 0, 0, 0, 0, data, len(data))


@given(st.lists(st.tuples(st.integers(0, 64), st.integers(0, 64)), max_size=20), st.integers(0, 64))
def test_what_is_kept_is_the_first_version_of_every_byte(ranges: list[tuple[int, int]], already: int) -> None:
    total = BufferedTotal()
    waiting = ReassemblyBuffer(total)
    owner: dict[int, int] = {}
    for packet, ends in enumerate(ranges):
        start, stop = min(ends), max(ends)
        new = [place for place in range(max(start, already), stop) if place not in owner]
        owner |= dict.fromkeys(new, packet)
        assert waiting.add(start, segment(bytes((packet,)) * (stop - start), packet), already) == len(new)
    taken: dict[int, int] = {}
    while waiting:
        run = waiting.take(waiting.first_offset)
        assert run is not None
        taken |= {run.offset + index: byte for index, byte in enumerate(run.data)}
    assert taken == owner
    assert total.held == 0


def test_a_run_is_taken_only_at_the_next_offset() -> None:
    waiting = ReassemblyBuffer(BufferedTotal())
    waiting.add(5, segment(b"later", 2), 0)
    waiting.add(2, segment(b"abc", 1), 0)
    assert waiting.take(0) is None
    assert waiting.take(2) == Run(2, b"abclater", (Mark(2, 1, 10), Mark(5, 2, 20)))
    assert not waiting


def test_the_total_counts_the_overhead_of_chunks() -> None:
    total = BufferedTotal()
    one, other = ReassemblyBuffer(total), ReassemblyBuffer(total)
    one.add(3, segment(b"x"), 0)
    other.add(3, segment(b"yy"), 0)
    assert total.held == 3 + 2 * CHUNK_OVERHEAD
    one.clear()
    assert total.held == 2 + CHUNK_OVERHEAD


def test_limits_of_one_direction_and_of_all(monkeypatch) -> None:
    monkeypatch.setattr(reassembly_buffer, "DIRECTION_LIMIT", 10 + CHUNK_OVERHEAD)
    monkeypatch.setattr(reassembly_buffer, "TOTAL_LIMIT", 15 + 2 * CHUNK_OVERHEAD)
    total = BufferedTotal()
    one, other, empty = ReassemblyBuffer(total), ReassemblyBuffer(total), ReassemblyBuffer(total)
    one.add(1, segment(b"x" * 10), 0)
    assert not one.is_over_limit
    other.add(1, segment(b"x" * 5), 0)
    assert not other.is_over_limit
    other.add(20, segment(b"x"), 0)
    assert one.is_over_limit, "all together"
    assert not empty.is_over_limit, "nothing to let go"
