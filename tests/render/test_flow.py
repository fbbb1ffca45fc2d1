"""The sequence diagram on a console, at every width."""

from __future__ import annotations

import pytest
from render.build import START_NS, at, called, conversation, hello, ready, report, shown, silent
from render.test_diagram import with_many_messages
from render.test_hostile import HOSTILE, with_text_everywhere
from rich.cells import cell_len

from ibsniff.model import NANOSECONDS, Conversation, Dialect, Endpoint, Evidence, Outcome, WireBytes
from ibsniff.render.diagram import diagram
from ibsniff.render.flow import FlowScreen, others_line
from ibsniff.render.screen import ConsoleWriter
from ibsniff.render.text import Masker

WIDTHS = (40, 60, 75, 76, 80, 120, 200)


def drawn(talk: Conversation, width: int = 80, *, verbose: bool = False, encoding: str = "utf-8") -> str:
    writer = ConsoleWriter(Masker.for_report(report(talk), show_accounts=False), encoding == "ascii")
    proof = [Evidence(packet, None, None, "", talk.id) for packet in (4, 5)]
    made = diagram(talk, proof, verbose=verbose)
    return shown(FlowScreen(made, writer, verbose), width=width, encoding=encoding)


def test_a_silence_as_it_is_drawn() -> None:
    assert drawn(silent()).splitlines()[2:] == [
        "                           client                                         server",
        "                           127.0.0.1:50123                        127.0.0.1:7497",
        "09:30:00.000          #1   │─ SYN: the client asks for a connection ──────────▶│",
        "09:30:00.000   +50 µs #2   │◀─ SYN-ACK: the server accepts ────────────────────│",
        "09:30:00.000   +30 µs #3   │─ ACK: the connection is open ────────────────────▶│",
        "09:30:00.000  +0.3 ms #4 ● │─ hello, versions 100 to 187 (official client ────▶│",
        "                           │  10.30, or a fork?)                               │",
        "09:30:00.000  +0.1 ms #5 ● │◀─ ACK of the hello: it has arrived ───────────────│",
        "                           ┊                  nothing for 4 s                  ┊",
        "                           ┊                                                   ┊",
        "09:30:04.001     +4 s #6   │━ FIN: the client closes the connection ━━━━━━━━━━▶│",
        "                           ┴───────────────────────────────────────────────────┴",
        "",
        "times are UTC · ● proves the finding",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", WIDTHS)
def test_both_lifelines_stand_in_one_column_at_every_width(width: int, encoding: str) -> None:
    for talk in (silent(), ready(), with_many_messages()):
        lines = drawn(talk, width, verbose=True, encoding=encoding).splitlines()
        lifelines = ":|+" if encoding == "ascii" else "│┊┴"
        body = [line for line in lines if line and line[-1] in lifelines and not line.startswith("c1")]
        assert len(body) > 5
        assert {len(line) for line in body} == {len(body[0])}
        left = body[0].index("|" if encoding == "ascii" else "│")
        assert {line[left] for line in body} <= set(lifelines)
        assert max(map(len, lines)) <= width


def test_a_longer_silence_takes_more_lines() -> None:
    def lines(seconds: int) -> int:
        return drawn(ready(watched_until_ns=START_NS + seconds * NANOSECONDS)).count("┊") // 2

    lengths = [lines(seconds) for seconds in (2, 5, 30, 300, 3000, 30_000, 300_000)]
    assert lengths == sorted(set(lengths))


def test_what_does_not_arrive_does_not_reach_the_other_side() -> None:
    connection = called()
    connection.syns, connection.syn_count = [at(1, 0), at(2, 1000)], 2
    lines = drawn(conversation(connection, outcome=Outcome.UNREACHABLE)).splitlines()
    assert [line[-3:] for line in lines if "SYN" in line] == ["✗ │", "✗ │"]
    assert "╌╌╌ sent again · ✗ never acknowledged" in lines[-1]


def test_text_is_shown_as_text_and_other_bytes_in_hex() -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\n"
    talk = silent()
    talk.dialogue.hello = hello(dialect=Dialect.HTTP, raw=request, detail="it is HTTP")
    assert "GET / HTTP/1.1 Host: x" in drawn(talk, verbose=True)
    assert "GET / HTTP/1.1" not in drawn(talk)
    assert Masker().readable(WireBytes(b"71\x002\x007\x00")) == "37 31 00 32 00 37 00"
    assert Masker().readable(WireBytes(b"account DU1234567 \x1b")).startswith("61 63 63")
    assert Masker().readable(WireBytes(b"account DU1234567")) == "account DU*****67"


@pytest.mark.parametrize("verbose", [True, False])
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_drawn_and_does_nothing(text: str, verbose: bool) -> None:
    for valid in (True, False):
        talk = with_text_everywhere(text, valid).conversations[0]
        drawing = drawn(talk, verbose=verbose)
        assert drawing.replace("\n", "").isprintable()
        assert len(drawing) < 40_000
        body = [line for line in drawing.splitlines() if line and line[-1] in "│┊┴"]
        assert {len(line) for line in body} == {80}


def test_wide_letters_do_not_move_the_lifeline() -> None:
    talk = with_text_everywhere("行情数据连接已断开" * 20, True).conversations[0]
    body = [line for line in drawn(talk, verbose=True).splitlines() if line and line[-1] in "│┊┴"]
    assert {cell_len(line) for line in body} <= {79, 80}
    left = body[0].index("│")
    assert all(line[left] in "│┊┴" for line in body)


def test_the_others_are_named_by_outcome() -> None:
    talks = [silent(id=f"c{n}") for n in range(1, 13)]
    told = others_line(report(*talks, ready(id="c13", outcome=Outcome.NOT_ASKED)), talks[:1])
    assert told == (
        "Not drawn: silent: c2, c3, c4, c5, c6, c7, c8, c9 and 3 more; not asked: c13. To draw one: --conversation c2"
    )
    assert others_line(report(talks[0]), talks[:1]) == ""


def test_addresses_that_are_too_long_stand_in_the_title_only() -> None:
    connection = called()
    connection.client = connection.server = Endpoint(bytes(range(1, 17)), 7497)
    lines = drawn(conversation(connection), 60).splitlines()
    assert "[102:304:506:708:90a:b0c:d0e:f10]:7497" in lines[0]
    assert lines[lines.index("") + 2].startswith("     0 s #1")
