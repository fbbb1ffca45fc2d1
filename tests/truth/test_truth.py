"""A few transfers over a bad network; ``netem.py`` makes hundreds. And: whether the judge would notice."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from live_namespace import needs_ip, needs_namespace
from net_frames import ETHERNET, ethernet, over_ipv4, over_ipv6, segment
from truth import netem
from truth.judging import Sight, is_equal
from truth.trouble import Trouble, fragments

from ibsniff.model import Frame, Gap, Mark, Moment, Run, Segment
from ibsniff.net import Dissector

needs_tun = pytest.mark.skipif(not Path("/dev/net/tun").exists(), reason="needs TAP devices (/dev/net/tun)")


@needs_namespace
@needs_ip
@needs_tun
def test_we_read_what_the_programs_read() -> None:
    outcomes = list(netem.examine(range(40)))
    assert [outcome.wrong for outcome in outcomes if outcome.wrong] == []
    counts = sum((outcome.counts for outcome in outcomes), Counter[str]())
    assert counts["streams"] == counts["equal"] >= 4 * 40
    assert counts["thinned"] == counts["exact"] > 0
    assert counts["gaps"] > 0
    assert {feature for outcome in outcomes for feature in outcome.features} == set(netem.FEATURES)
    if shutil.which("tshark"):
        assert counts["streams tshark has too"] > 0
        assert counts["streams tshark has otherwise"] == 0
    assert "all                             40" in netem.table(outcomes)


def gap(offset: int, length: int, packet: int) -> Gap:
    return Gap(offset, length, Moment(packet, 0))


def run(offset: int, data: bytes) -> Run:
    return Run(offset, data, (Mark(offset, 1, 0),))


def test_the_judge_wants_every_byte_and_no_gap() -> None:
    assert is_equal([run(0, b"ab"), run(2, b"c")], b"abc")
    assert not is_equal([run(0, b"ab"), run(2, b"x")], b"abc")
    assert not is_equal([run(0, b"ab"), run(2, b"c"), gap(3, 1, 9)], b"abc")


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        ([run(0, b"ab"), gap(2, 2, 7), run(4, b"ef")], None),
        ([run(0, b"ab"), gap(2, 2, 7), run(4, b"eg")], "other bytes at 4"),
        ([run(0, b"ab"), gap(2, 3, 7), run(5, b"f")], "a gap at 2 that the capture fills"),
        ([run(0, b"a"), gap(1, 3, 7), run(4, b"ef")], "a gap at 1 that the capture fills"),
        ([run(0, b"a"), gap(1, 3, 1), run(4, b"ef")], None),
        ([run(0, b"ab"), gap(2, 2, 7), run(4, b"e")], "the end at 5, known to be in range(6, 7)"),
    ],
    ids=["right", "wrong byte", "too long", "too early", "given up before it came", "too short"],
)
def test_the_judge_wants_the_gaps_to_the_byte(events: list[Run | Gap], fault: str | None) -> None:
    sight = Sight(first_packet=[1, 2, None, None, 3, 3], reach=range(6, 7))
    assert sight.faults(events, b"abcdef") == ([fault] if fault else [])


def test_trouble_comes_again_with_its_seed() -> None:
    trouble = Trouble(loss=0.3, reorder=0.3, duplicate=0.3, corrupt=0.3, fragment=64)
    frame = ethernet(over_ipv4(segment(bytes(range(200)))))
    first, again, other = ([trouble.suffer(frame, random) for _ in range(20)] for random in map(Random, (1, 1, 2)))
    assert first == again != other
    assert [] in first


@pytest.mark.parametrize("packet", [over_ipv4(segment(bytes(600))), over_ipv6(segment(bytes(600)))], ids=["4", "6"])
@pytest.mark.parametrize("size", [8, 100, 552, 2000])
def test_fragments_can_be_joined_again(packet: bytes, size: int) -> None:
    dissector = Dissector(None, Counter())
    parts = fragments(ethernet(packet), size, Random(size))
    found = [
        dissector.dissect(Frame(number, number, ETHERNET, part, len(part))) for number, part in enumerate(parts, 1)
    ]
    assert found[:-1] == [None] * (len(parts) - 1)
    assert isinstance(found[-1], Segment)
    assert found[-1].payload == bytes(600)
    assert found[-1].intact
    assert len(parts) == -(-620 // (size - size % 8))
