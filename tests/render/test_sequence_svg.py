"""The sequence diagram as shapes: to scale, within its borders, and legible in both widths."""

from __future__ import annotations

import pytest
from render.build import START_NS, at, called, conversation, ready, silent
from render.scenarios import conversation_of
from render.test_diagram import message, with_many_messages
from rich.cells import cell_len

from ibsniff.model import NANOSECONDS, Conversation, Outcome
from ibsniff.render.diagram import Diagram, Kind, Row, diagram
from ibsniff.render.sequence_svg import sequence_svg
from ibsniff.render.svg_shapes import CHARACTER, LONGEST, NARROW, SHORTEST, WIDE, Layout, Scale, Svg
from ibsniff.render.text import Masker

LAYOUTS = {"wide": WIDE, "narrow": NARROW}


def svg(talk: Conversation, layout: Layout = WIDE) -> Svg:
    return sequence_svg(diagram(talk), Masker(), layout)


def with_silences(*lengths: float) -> Diagram:
    plain = diagram(silent())
    rows = [Row(Kind.SILENCE, 0, None, "nothing", until_ns=round(length * NANOSECONDS)) for length in lengths]
    return plain._replace(rows=tuple(rows))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_everything_stands_within_the_borders(layout: Layout) -> None:
    for talk in (silent(), ready(), with_many_messages(), conversation_of("streams-dead-after-a-blip")):
        drawn = svg(talk, layout)
        for text in drawn.texts:
            width = cell_len(text.text) * CHARACTER
            begin = text.x - {"start": 0, "middle": width / 2, "end": width}[text.anchor]
            assert begin >= -CHARACTER
            assert begin + width <= drawn.width + CHARACTER, text
            assert 0 < text.y <= drawn.height
        assert all(0 <= y <= drawn.height for line in drawn.lines for y in (line.y1, line.y2))


def test_silences_are_drawn_to_scale_and_one_that_is_much_longer_is_cut() -> None:
    few = with_silences(5, 10, 20)
    heights = [Scale.of(few).height(row) for row in few.rows]
    assert heights == [LONGEST / 4, LONGEST / 2, LONGEST]
    night = with_silences(2, 10, 30_000)
    scale = Scale.of(night)
    assert [scale.cuts(row) for row in night.rows] == [False, False, True]
    assert [scale.height(row) for row in night.rows] == [48, LONGEST, LONGEST]
    assert Scale.of(with_silences(1, 19)).height(with_silences(1, 19).rows[0]) == SHORTEST


def test_a_cut_silence_has_a_break_in_both_lifelines() -> None:
    drawn = sequence_svg(with_silences(2, 30_000), Masker(), WIDE)
    assert sum(path.style == "break" for path in drawn.paths) == 2
    assert any("drawn shorter" in text.text for text in drawn.texts)


def test_time_runs_down() -> None:
    for layout in LAYOUTS.values():
        packets = [text for text in svg(ready(), layout).texts if text.text.lstrip("● ").startswith("#")]
        assert len(packets) > 5
        assert [text.y for text in packets] == sorted(text.y for text in packets)


def test_arrows_point_to_the_other_side() -> None:
    drawn = svg(silent())
    arrows = [line for line in drawn.lines if line.y1 == line.y2 and line.style in ("plain", "end")]
    ends = [(line.x1, line.x2) for line in arrows]
    to_server, to_client = (WIDE.left, WIDE.right), (WIDE.right, WIDE.left)
    assert ends == [to_server, to_client, to_server, to_server, to_client, to_server]
    assert sum("tip" in path.style for path in drawn.paths) == 6


def test_what_is_never_acknowledged_ends_in_a_cross_before_the_other_side() -> None:
    connection = called()
    connection.syns, connection.syn_count = [at(1, 0), at(2, 1000)], 2
    drawn = svg(conversation(connection, outcome=Outcome.UNREACHABLE))
    arrows = [line for line in drawn.lines if line.style in ("missed", "resent")]
    assert [line.style for line in arrows] == ["missed", "resent"]
    assert all(line.x2 < WIDE.right for line in arrows)
    assert sum("cross" in path.style for path in drawn.paths) == 2


def test_the_bar_shows_the_scale() -> None:
    drawn = svg(silent())
    (top, bottom) = next((line.y1, line.y2) for line in drawn.lines if line.style == "bar" and line.x1 == line.x2)
    assert "silences: this high is 1 s" in [text.text for text in drawn.texts]
    assert bottom - top == pytest.approx(Scale.of(diagram(silent())).per_second)


def test_a_diagram_without_silences_has_no_bar() -> None:
    talk = ready(watched_until_ns=START_NS + NANOSECONDS // 2)
    assert not any(line.style == "bar" for line in svg(talk).lines)


def test_a_long_diagram_is_shortened_in_its_middle() -> None:
    talk = ready()
    talk.dialogue.first_messages = [message("X", at(11 + n, 40 + n)) for n in range(40)]
    whole = diagram(talk, verbose=True)
    short = whole.shortened(20)
    assert len(short.rows) == 21
    assert short.rows[10].what == f"… {len(whole.rows) - 20} more rows, not drawn"
    assert (short.rows[0], short.rows[-1]) == (whole.rows[0], whole.rows[-1])
    assert whole.shortened(1000) is whole
