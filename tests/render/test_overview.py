"""The table of many captures: the contents of a row, how it is cropped, and the summary."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from ibsniff.model import Fault, UserError
from ibsniff.render.overview import OverviewTable, Row, totals, unreadable_row

ROWS = [
    Row("a.pcap", 10, {"silent": 1}, "IBS301", Fault.TWS_STATE, "accepted the connection and sent nothing"),
    Row(
        "b/" + "x" * 60 + "/end.pcapng",
        1_234,
        {"silent": 2, "replied": 1, "closed": 3, "reset": 1},
        "",
        Fault.NONE,
        "ready",
    ),
    unreadable_row("c\x1b[31m.txt", UserError("c\x1b[31m.txt is not a capture", "take another")),
]


def printed(width: int, encoding: str = "utf-8", **how: object) -> list[str]:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="strict", write_through=True)
    Console(file=file, width=width, highlight=False, emoji=False, markup=False).print(
        OverviewTable(ROWS, is_cropped="no_wrap" in how), **how
    )  # type: ignore[arg-type]
    return raw.getvalue().decode(encoding).splitlines()


def test_lines_in_a_file_are_whole() -> None:
    first, second, third = printed(40, soft_wrap=True)
    assert re.sub(" +", " ", first) == "IBS301 1 silent 10 packets a.pcap accepted the connection and sent nothing"
    assert second.endswith("end.pcapng  ready")
    assert "2 silent, 1 replied …" in second
    assert "c\\x1b[31m.txt is not a capture" in third
    assert "\x1b" not in "".join((first, second, third))


def test_columns_are_aligned() -> None:
    first, second, _ = printed(40, soft_wrap=True)
    assert first.index("accepted") == second.index("ready")


def test_a_wide_terminal_shows_beginning_and_end_of_a_long_path() -> None:
    assert f" {ROWS[1].path} " in printed(40, soft_wrap=True)[1]
    assert f" {ROWS[1].path[:20]}…{ROWS[1].path[-21:]} " in printed(120, no_wrap=True, overflow="ellipsis")[1]
    assert "1,234 packets" in printed(120, no_wrap=True, overflow="ellipsis")[1]


def test_a_terminal_of_80_columns_gives_the_sentence_a_line_of_its_own() -> None:
    lines = printed(80, no_wrap=True, overflow="ellipsis")
    assert lines[:2] == ["IBS301  1 silent      a.pcap", "        accepted the connection and sent nothing"]
    assert "2 silent …" in lines[2]
    assert lines[2].endswith("/end.pcapng")


def test_a_narrow_terminal_shows_code_and_path_and_whole_words() -> None:
    lines = printed(40, no_wrap=True, overflow="ellipsis")
    assert lines[:2] == ["IBS301  a.pcap", "        accepted the connection …"]
    assert lines[2].endswith("/end.pcapng")


@pytest.mark.parametrize("width", [20, 80])
def test_each_file_has_two_lines_on_a_narrow_terminal(width: int) -> None:
    lines = printed(width, no_wrap=True, overflow="ellipsis")
    assert len(lines) == 2 * len(ROWS)
    assert all(len(line) <= width for line in lines)


def test_the_folder_that_all_files_share_is_told_once_on_a_terminal_and_never_in_a_file() -> None:
    rows = [ROWS[0]._replace(path=f"/tickets/2026/case-{number}/capture.pcap") for number in (1, 2)]
    assert on_console(rows, 80)[0::2] == [
        "in /tickets/2026/",
        *["        accepted the connection and sent nothing"] * 2,
    ]
    assert [line.split()[-1] for line in on_console(rows, 80)[1::2]] == ["case-1/", "case-2/"]
    assert all("/tickets/2026/case-" in line for line in on_console(rows, None))


def on_console(rows: list[Row], width: int | None) -> list[str]:
    output = io.StringIO()
    table = OverviewTable(rows, is_cropped=width is not None)
    Console(file=output, width=width or 40, highlight=False).print(table, soft_wrap=width is None)
    return output.getvalue().splitlines()


def test_an_ascii_console_gets_ascii() -> None:
    assert len(printed(80, "ascii", soft_wrap=True)) == len(ROWS)


def test_the_summary_adds_files_packets_and_outcomes() -> None:
    assert list(totals(ROWS)) == [
        "3 files, 1,244 packets, 1 unreadable",
        "8 conversations: 3 silent, 3 closed, 1 replied, 1 reset",
    ]


def test_the_summary_of_no_file() -> None:
    assert list(totals([])) == ["0 files, 0 packets", "0 conversations"]
