"""The record of an input: it collects the facts, and returns them as values that do not change."""

from __future__ import annotations

from collections import Counter
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibsniff.capture.input_record import BACKWARDS_NS, CLOCK_JUMP_NS, MAX_CLOCK_JUMPS, InputRecord
from ibsniff.model import ClockJump, Frame, WatchedBy

SECOND = 1_000_000_000
times = st.lists(
    st.sampled_from([0, 1, SECOND, BACKWARDS_NS + 2, CLOCK_JUMP_NS - 1, CLOCK_JUMP_NS, 3 * CLOCK_JUMP_NS]), max_size=12
)


def frames(stamps: list[int], first: int = 1) -> list[Frame]:
    return [Frame(number, time_ns, 1, b"", 0) for number, time_ns in enumerate(stamps, first)]


@given(times)
def test_packets_count_the_same_one_by_one_and_together(stamps: list[int]) -> None:
    single, together = InputRecord("x"), InputRecord("x")
    for number, time_ns in enumerate(stamps, 1):
        assert single.add_packet(time_ns) == number
    together.add_frames(frames(stamps))
    assert single.facts() == together.facts()


@given(times, st.integers(0, 12))
def test_packets_count_the_same_in_columns(stamps: list[int], border: int) -> None:
    np = pytest.importorskip("numpy")
    from ibsniff.model import Columns  # noqa: PLC0415  (beside numpy)

    plain, columns = InputRecord("x"), InputRecord("x")
    plain.add_frames(frames(stamps))
    for first, part in ((1, stamps[:border]), (border + 1, stamps[border:])):
        if part:
            nothing = np.zeros(len(part), np.int64)
            columns.add_columns(Columns(first, 1, b"", nothing, nothing, nothing, np.array(part, np.int64)))
    assert plain.facts() == columns.facts()


def test_facts_do_not_change_later() -> None:
    record, skipped = InputRecord("x", "pcapng", [1]), Counter({"not TCP": 1})
    before = record.facts(skipped=skipped)
    said = repr(before)
    record.add_packet(SECOND)
    record.add_packet(2 * CLOCK_JUMP_NS)
    record.add_link_type(101)
    record.note("the interface came up")
    record.truncate("it is cut")
    record.set_dropped(3)
    skipped["not TCP"] += 1
    assert repr(before) == said
    assert record.facts(skipped=skipped) != before
    with pytest.raises(FrozenInstanceError):
        before.packets = 7  # type: ignore[misc]


def test_until_when_was_watched() -> None:
    record = InputRecord("x")
    assert record.facts().watched_until_ns is None
    record.add_packet(5 * SECOND)
    assert (record.facts().watched_until_ns, record.facts().watched_by) == (5 * SECOND, WatchedBy.LAST_PACKET)
    record.follow_clock(True)
    assert record.facts(7 * SECOND).watched_until_ns == 7 * SECOND
    assert record.facts(4 * SECOND).watched_until_ns == 5 * SECOND
    assert record.facts().watched_by is WatchedBy.LIVE
    record.end(4 * SECOND)
    assert record.facts().watched_by is WatchedBy.LIVE, "packets came later than it says"
    record.end(6 * SECOND)
    assert (record.facts().watched_until_ns, record.facts().watched_by) == (6 * SECOND, WatchedBy.STATISTICS)
    record.vouch(6 * SECOND)
    assert record.facts().watched_by is WatchedBy.STATISTICS
    record.vouch(9 * SECOND)
    assert (record.facts().watched_until_ns, record.facts().watched_by) == (9 * SECOND, WatchedBy.USER)


def test_a_live_clock_is_the_only_end_time() -> None:
    record = InputRecord("lo", is_live=True)
    assert record.facts().watched_until_ns is None
    assert record.facts(SECOND).watched_until_ns == SECOND


def test_a_packet_has_one_clock_jump_and_only_some_are_kept() -> None:
    record = InputRecord("x")
    record.add_clock_jump(1, 5, 6)
    record.add_clock_jump(1, 5, 7)
    assert record.facts().clock_jumps == (ClockJump(1, 5, 6),)
    for number in range(2, 2 * MAX_CLOCK_JUMPS):
        record.add_clock_jump(number, 5, 6)
    facts = record.facts()
    assert (len(facts.clock_jumps), facts.clock_jump_count) == (MAX_CLOCK_JUMPS, 2 * MAX_CLOCK_JUMPS - 1)


def test_reasons_are_joined_and_an_interruption_replaces_them() -> None:
    record = InputRecord("x")
    record.truncate("lo went down")
    record.truncate("the capture ends inside packet 4")
    assert record.facts().truncated == "lo went down; the capture ends inside packet 4"
    record.interrupt("reading was interrupted after 3 packets")
    assert (record.facts().truncated, record.facts().interrupted) == ("reading was interrupted after 3 packets", True)
