from __future__ import annotations

import io
from dataclasses import replace
from textwrap import dedent

import pytest
from render.build import START_NS, at, facts, finding, machine_report, ready, refused, report, silent, unproven
from rich.console import Console

from ibsniff.model import NANOSECONDS, Conversation, Fault, Report, Severity, Side, WatchedBy, WireText
from ibsniff.render.connection_table import ConnectionTable, TableView
from ibsniff.render.live_rows import Shown


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
        bot.pcapng · 6 packets in 6 s · 1 failed, 1 healthy
             library        id server         state            activity
          c1 official 10.30    127.0.0.1:7497 ✗ silent, IBS301 ended 1 s ago
        ▸ c2 official 10.30 7  127.0.0.1:7497 ✓ ready          1,204 msg/s

        c2  127.0.0.1:50123 → 127.0.0.1:7497  2026-01-05 09:30:01 UTC
          ✓ called ─ ✓ connected ─ ✓ greeted ─── ✓ answered ─ ✓ started ─── ✓ ready
            #1 0 s     #2 50 µs      #4 0.4 ms     #6 3 ms      #7 3.5 ms     #8 9 ms

        It works: ready in 9 ms as client id 7, account DU*****67. [No problem found]""")
    assert lines[-1] == "Ctrl-C stops"
    assert len(lines) == 24


def test_the_first_line_shows_the_latest_note_about_the_capture() -> None:
    noted = two()._replace(inputs=(replace(two().inputs[0], notes=("lo was up", "nothing more is kept")),))
    first = table(noted)[0]
    assert first.endswith("1 failed, 1 healthy · nothing more is kept")
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
    assert "IBS009" not in text.splitlines()[2]
    assert "· answered" in text
    assert "✗" not in text, "nothing has been missed yet"


def many(count: int = 40) -> Report:
    """Failed attempts of so many programs on machines of their own, and a session that works."""
    talks = [silent(id=f"c{n}", began_ns=START_NS + n * NANOSECONDS) for n in range(1, count)]
    for number, one in enumerate(talks):
        one.connection.client = one.connection.client._replace(address=bytes([10, 0, 0, number]))
    return report(*talks, ready(id=f"c{count}", began_ns=START_NS + count * NANOSECONDS))


def loop(count: int = 40) -> Report:
    """One program that tries again every five seconds, and a session that works."""
    talks = [silent(id=f"c{n}", began_ns=START_NS + 5 * n * NANOSECONDS) for n in range(1, count)]
    until = facts(watched_until_ns=START_NS + 5 * count * NANOSECONDS)
    return report(*talks, ready(id=f"c{count}"))._replace(inputs=(until,))


@pytest.mark.parametrize("severity", [Severity.ERROR, Severity.WARNING])
def test_a_session_with_a_problem_gets_no_tick(severity: Severity) -> None:
    found = finding("IBS402", severity=severity)
    troubled = ready(id="c1")._replace(cause=found, findings=(found,), fault=Fault.CLIENT)
    sign = "✗" if severity is Severity.ERROR else "!"
    assert f"{sign} ready, IBS402" in table(report(troubled))[2]


def test_a_reconnect_loop_is_one_row_with_its_count_and_pace() -> None:
    lines = table(loop())
    assert "c39" in lines[2]
    assert "x 39, every 5 s" in lines[2]
    assert "✓ ready" in lines[3]
    assert "39 attempts went like this in 3 min, every 5 s." in " ".join("\n".join(lines).split())


def test_rows_that_do_not_fit_are_counted() -> None:
    lines = table(many())
    rows = [line for line in lines if line[2:3] == "c"]
    (more,) = (line for line in lines if "more rows" in line)
    assert more.strip() == f"… {40 - len(rows)} more rows: {40 - len(rows)} failed"
    assert len(lines) == 24


def test_the_selected_conversation_is_always_among_the_rows() -> None:
    lines = table(many(), TableView(selected="c3"))
    assert [line[:5] for line in lines if line.startswith("▸")] == ["▸ c3 "]
    assert "1 healthy" in next(line for line in lines if "more rows" in line), "the newest is no longer among them"


def test_what_is_chosen_is_said_with_the_number_of_hidden_rows() -> None:
    lines = table(many(), TableView(shown=Shown.HEALTHY))
    assert [line[2:5] for line in lines if line[2:3] == "c"] == ["c40"]
    assert "  … only healthy, 39 other rows hidden" in lines
    assert "No row is left: v shows the others." in "\n".join(table(report(refused()), TableView(shown=Shown.HEALTHY)))


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (40, 24)])
def test_the_sentence_and_what_to_do_are_the_last_to_go(size: tuple[int, int]) -> None:
    one = silent(id="c1")
    for seen in (report(one), many(), loop()):
        text = " ".join("\n".join(table(seen, TableView(selected="c1"), *size)).split())
        assert one.summary in text
        assert one.cause is not None
        assert one.cause.remedy in text


def test_a_low_screen_shows_a_ladder_whole_or_not_at_all() -> None:
    for height in range(4, 40):
        text = "\n".join(table(report(silent(id="c1")), height=height))
        assert ("✓ called" in text) == ("no reply in 4 s" in text)


def test_the_selected_conversation_can_be_shown_alone_and_scrolled() -> None:
    lines = table(many(), TableView(selected="c3", is_alone=True), 40, 12)
    assert lines[2].startswith("TWS took the connection"), "what happened comes before the ladder"
    assert lines[-2].endswith("more lines: ↓ or PgDn")
    down = table(many(), TableView(selected="c3", is_alone=True, scrolled=2), 40, 12)
    assert down[1:8] == lines[3:10]
    end = table(many(), TableView(selected="c3", is_alone=True, scrolled=200), 40, 12)
    assert "more lines" not in "".join(end)
    assert end[-2].strip()


def test_the_keys_are_explained_with_the_signs() -> None:
    text = "\n".join(table(two(), TableView(help=(("s", "sort"), ("q", "stop")))))
    assert "  s  sort\n  q  stop\n" in text
    assert "!  in trouble" in text
    assert "c1" not in text


def with_programs(seen: Report) -> Report:
    """As if each conversation were made by a program of its own on this machine."""
    said = []
    for number, one in enumerate(seen.conversations, 1):
        one.connection.client = one.connection.client._replace(port=50_000 + number)
        said.append(machine_report(one, program=WireText("python bot.py" if one.id == "c1" else "python good.py")))
    return seen._replace(inputs=(replace(seen.inputs[0], machine_reports=tuple(said)),))


def test_what_the_machine_reports_stands_beside_the_verdict() -> None:
    one = silent(id="c1")
    said = machine_report(one, Side.SERVER, program=WireText("java"), accept_queue=3, close_wait=1)
    seen = report(one)._replace(inputs=(facts(machine_reports=(said,)),))
    text = " ".join("\n".join(table(seen, height=40)).split())
    assert (
        "This machine reports (not from the packets): server 127.0.0.1:7497 is java, process 8; 3 connections" in text
    )
    assert "in CLOSE_WAIT: only the other side has closed; seen at 2026-01-05 09:30:01 UTC" in text


def test_columns_say_who_it_is_as_long_as_there_is_room() -> None:
    seen = with_programs(two())
    wide, usual, narrow = (table(seen, None, width)[1].split() for width in (120, 80, 50))
    assert wide == ["program", "library", "id", "client", "server", "state", "activity"]
    assert usual == ["program", "library", "id", "server", "state", "activity"]
    assert narrow == ["program", "server", "state", "activity"]
    assert "python bot.py" in table(seen, None, 50)[2]
    assert ":7497 " in table(seen, None, 50)[2], "all servers have the same address"


def test_of_clients_with_several_addresses_each_has_its_own_in_the_table() -> None:
    assert "10.0.0.38:50123" in table(many(), TableView(selected="c39"))[2]


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
    for seen in (two(), with_programs(two()), many(), loop(), report(), report(refused())):
        lines = table(seen, None, width, height)
        assert len(lines) == height
        assert max(map(len, lines)) <= width


def test_a_long_address_is_shortened_at_its_beginning_and_keeps_its_port() -> None:
    seen = two()
    for number, one in enumerate(seen.conversations):
        one.connection.server = one.connection.server._replace(
            address=bytes.fromhex("20010db8" + f"abcdef0{number}" * 3)
        )
    row = table(seen, width=60)[2]
    assert "…" in row
    assert ":7497 " in row
    assert "✗ silent" in row


def test_without_colour_and_in_ascii_nothing_is_missing() -> None:
    plain = "\n".join(table(two(), encoding="ascii"))
    assert "ok ready " in plain
    assert "x silent" in plain
    assert "\x1b" not in plain
    assert "\x1b[" in "\n".join(table(two(), colour=True))


def test_hostile_text_is_escaped() -> None:
    hostile = silent()._replace(summary="\x1b[2J[red]x[/foo] \u202eevil", cause=finding(remedy="\x1b]8;;file:///\x07"))
    said = machine_report(hostile, program=WireText("\x1b[31mpython"), unread=5)
    text = "\n".join(table(report(hostile)._replace(inputs=(facts(machine_reports=(said,)),))))
    assert "[31mpython" in text
    assert "\x1b" not in text
    assert "[red]x[/foo]" in text


def test_the_ladder_changes_once_a_second() -> None:
    """Within a second, the ladder of a waiting conversation stays the same."""
    one = unproven()._replace(watched_by=WatchedBy.LIVE, watched_until_ns=at(9, 2_100).time_ns)
    other = one._replace(watched_until_ns=at(9, 2_900).time_ns)
    assert table(report(one)) == table(report(other))
