from __future__ import annotations

import io
from dataclasses import replace
from textwrap import dedent

import pytest
from render.build import START_NS, at, facts, finding, ready, refused, report, silent, unproven
from rich.console import Console

from ibsniff.model import NANOSECONDS, Conversation, Fault, Report, Severity, WatchedBy
from ibsniff.render.connection_table import ConnectionTable, TableView
from ibsniff.render.rows import display_order


def table(
    each: Report,
    view: TableView | None = None,
    width: int = 80,
    height: int = 24,
    encoding: str = "utf-8",
    colour: bool = False,
) -> list[str]:
    """The lines a terminal of that size shows."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    system = "standard" if colour else None
    console = Console(
        file=file, width=width, height=height, force_terminal=colour, color_system=system, legacy_windows=False
    )  # type: ignore[arg-type]
    console.print(ConnectionTable(each, view or TableView()), height=height, end="")
    file.flush()
    return raw.getvalue().decode(encoding).split("\n")


def later(conversation: Conversation, id: str) -> Conversation:
    return conversation._replace(id=id)


def two() -> Report:
    return report(silent(id="c1"), ready(id="c2", began_ns=START_NS + NANOSECONDS))


def test_a_table_and_the_ladder_of_the_newest() -> None:
    lines = table(two(), TableView(rates={"c2": 1204.0}))
    assert "\n".join(lines[:10]) == dedent("""\
        bot.pcapng · 6 packets in 6 s · 1 silent, 1 replied
             client          server         rung      outcome         idle  msg/s
        ▸ c2 127.0.0.1:50123 127.0.0.1:7497 ready     ✓ replied        5 s  1,204
          c1 127.0.0.1:50123 127.0.0.1:7497 greeted   ✗ silent       ended

        c2  127.0.0.1:50123 → 127.0.0.1:7497  2026-01-05 09:30:01 UTC
          ✓ called ─ ✓ connected ─ ✓ greeted ─── ✓ answered ─ ✓ started ─── ✓ ready
            #1 0 s     #2 50 µs      #4 0.4 ms     #6 3 ms      #7 3.5 ms     #8 9 ms

        It works: ready in 9 ms as client id 7, account DU*****67. [No problem found]""")
    assert lines[-1] == "Ctrl-C stops"
    assert len(lines) == 24


def test_the_first_line_shows_the_latest_note_about_the_capture() -> None:
    noted = two()._replace(inputs=(replace(two().inputs[0], notes=("lo was up", "nothing more is kept")),))
    first = table(noted)[0]
    assert first.endswith("1 silent, 1 replied · nothing more is kept")
    assert "was up" not in first


def test_the_ladder_of_the_selected_conversation_and_what_to_do() -> None:
    text = "\n".join(table(two(), TableView(selected="c1")))
    assert "▸ c1" in text
    assert "✗ answered" in text
    assert "IBS301" in text
    assert "What to do" in text


def test_a_conversation_in_progress_is_not_accused() -> None:
    waiting = unproven()._replace(watched_by=WatchedBy.LIVE)
    guessed = waiting._replace(cause=finding("IBS009"), findings=(finding("IBS009"),))
    text = "\n".join(table(report(guessed)))
    assert "no answer within 5 s will count as silence" in text
    assert "IBS009" not in text.splitlines()[7]
    assert "· answered" in text
    assert "✗" not in text, "nothing has been missed yet"


def test_the_newest_comes_first_then_problems_then_what_works() -> None:
    warned = ready(id="c3")._replace(cause=finding("IBS401", severity=Severity.WARNING), fault=Fault.TWS_CONFIG)
    ended = ready(id="c4")
    ended.connection.ended = silent().connection.ended
    newest = ready(id="c9", began_ns=START_NS + 9 * NANOSECONDS)
    rows = [ready(id="c2"), ended, warned, unproven(id="c5"), silent(id="c6"), newest]
    assert [one.id for one in display_order(rows)] == ["c9", "c6", "c3", "c5", "c2", "c4"]
    older, younger = silent(id="c1"), silent(id="c7", began_ns=START_NS + NANOSECONDS)
    assert [one.id for one in display_order([older, younger, newest])] == ["c9", "c7", "c1"]


def many(count: int = 40) -> Report:
    talks = [silent(id=f"c{n}", began_ns=START_NS + n * NANOSECONDS) for n in range(1, count)]
    return report(*talks, ready(id=f"c{count}", began_ns=START_NS + count * NANOSECONDS))


def test_a_session_with_an_error_gets_no_tick() -> None:
    for severity, sign in ((Severity.ERROR, "✗"), (Severity.WARNING, "✓")):
        troubled = ready(id="c1")._replace(cause=finding("IBS402", severity=severity), fault=Fault.CLIENT)
        assert f"ready     {sign} replied" in table(report(troubled))[2]


def test_rows_that_do_not_fit_are_counted() -> None:
    lines = table(many())
    rows = [line for line in lines if line[2:3] == "c"]
    (more,) = (line for line in lines if "more" in line and "silent" in line)
    assert more.strip() == f"… {40 - len(rows)} more ({40 - len(rows)} silent)"
    assert len(lines) == 24


def test_the_selected_conversation_is_always_among_the_rows() -> None:
    lines = table(many(), TableView(selected="c3"))
    assert [line[:5] for line in lines if line.startswith("▸")] == ["▸ c3 "]
    assert "1 replied)" in next(line for line in lines if "more" in line), "the newest is no longer among them"


def test_evicted_conversations_are_counted_too() -> None:
    seen = two()._replace(omitted=1234)
    assert "1,234 older ones were only counted" in "\n".join(table(seen))


def test_without_a_conversation_a_hint_is_shown() -> None:
    text = "\n".join(
        table(report(), TableView(hint="Not one packet has crossed lo. " + "A server listens elsewhere. " * 5))
    )
    assert "No API conversation yet." in text
    assert text.count("elsewhere") == 5


def test_lost_packets_are_reported_in_the_first_line() -> None:
    assert "12 lost: a missing answer may be among them" in table(two()._replace(inputs=(facts(dropped=12),)))[0]


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
@pytest.mark.parametrize("height", [4, 8, 24, 60])
def test_it_fits_any_terminal(width: int, height: int) -> None:
    for seen in (two(), many(), report(), report(refused())):
        lines = table(seen, TableView(processes={"c2": ["server 127.0.0.1:7497 is java, process 12"]}), width, height)
        assert len(lines) == height
        assert max(map(len, lines)) <= width


def test_a_long_address_is_shortened_at_its_beginning_and_keeps_its_port() -> None:
    seen = two()
    for one in seen.conversations:
        one.connection.client = one.connection.client._replace(address=bytes.fromhex("20010db8" + "12345678" * 3))
    row = table(seen)[2]
    assert "…" in row
    assert ":50123 " in row
    assert "ready     ✓ replied" in row


def test_without_colour_and_in_ascii_nothing_is_missing() -> None:
    plain = "\n".join(table(two(), encoding="ascii"))
    assert "ok ready" in plain
    assert "x silent" in plain
    assert "\x1b" not in plain
    assert "\x1b[" in "\n".join(table(two(), colour=True))


def test_hostile_text_is_escaped() -> None:
    hostile = silent()._replace(summary="\x1b[2J[red]x[/foo] \u202eevil", cause=finding(remedy="\x1b]8;;file:///\x07"))
    text = "\n".join(table(report(hostile), TableView(processes={"c1": ["\x1b[31mjava"]})))
    assert "\x1b" not in text
    assert "[red]x[/foo]" in text


def test_the_ladder_changes_once_a_second() -> None:
    """Within a second, the ladder of a waiting conversation stays the same."""
    one = unproven()._replace(watched_by=WatchedBy.LIVE, watched_until_ns=at(9, 2_100).time_ns)
    other = one._replace(watched_until_ns=at(9, 2_900).time_ns)
    assert table(report(one)) == table(report(other))
