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


def test_a_cropped_line_shows_the_end_of_a_long_path() -> None:
    assert f" {ROWS[1].path} " in printed(40, soft_wrap=True)[1]
    assert f" …{ROWS[1].path[-34:]} " in printed(100, no_wrap=True, overflow="ellipsis")[1]


def test_a_terminal_of_80_columns_has_room_for_the_path_and_the_verdict() -> None:
    first, second, _ = printed(80, no_wrap=True, overflow="ellipsis")
    assert "packet" not in first
    assert "2 silent …" in second
    assert first.endswith("accepted the connection and…")
    assert "1,234 packets" in printed(120, no_wrap=True, overflow="ellipsis")[1]


def test_a_narrow_terminal_shows_code_and_path() -> None:
    first, second, _ = printed(40, no_wrap=True, overflow="ellipsis")
    assert first.startswith("IBS301  a.pcap ")
    assert second.endswith("/end.pcapng")


@pytest.mark.parametrize("width", [20, 80])
def test_each_file_has_one_line_on_a_terminal(width: int) -> None:
    lines = printed(width, no_wrap=True, overflow="ellipsis")
    assert len(lines) == len(ROWS)
    assert all(len(line) <= width for line in lines)


def test_an_ascii_console_gets_ascii() -> None:
    assert len(printed(80, "ascii", soft_wrap=True)) == len(ROWS)


def test_the_summary_adds_files_packets_and_outcomes() -> None:
    assert list(totals(ROWS)) == [
        "3 files, 1,244 packets, 1 unreadable",
        "8 conversations: 3 silent, 3 closed, 1 replied, 1 reset",
    ]


def test_the_summary_of_no_file() -> None:
    assert list(totals([])) == ["0 files, 0 packets", "0 conversations"]
