from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ibsniff.masking.sentence import sentence
from ibsniff.model import WireText
from ibsniff.render.code_spans import Prose, prose, with_ticks
from ibsniff.render.markdown import MarkdownWriter
from ibsniff.render.screen import ConsoleWriter
from ibsniff.render.text import MAX_LINE_CHARACTERS, Masker

MASKER = Masker()
LISTENERS = "run `ss -ltn 'sport = :7497'` there: is it java?"


def quoting(text: str) -> str:
    return sentence(f"TWS wrote {WireText(text):quoted}; run `ss -ltnp`, then `ip route`")


def commands(text: str) -> list[str]:
    return [part.text for part in prose(text, MASKER) if part.is_code]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no command", []),
        (LISTENERS, ["ss -ltn 'sport = :7497'"]),
        ("`a` and `b`", ["a", "b"]),
        ("a lone ` backtick", []),
        ("an empty `` one", []),
        ("`first`, then a lone ` one", ["first"]),
    ],
)
def test_what_stands_between_our_backticks_is_a_command(text: str, expected: list[str]) -> None:
    assert commands(text) == expected
    assert "".join(map(with_ticks, prose(text, MASKER))) == text


@pytest.mark.parametrize("hostile", ["`", "``", "x`rm -rf /`y", "` `ss -ltnp", "\x1b`\n`"])
def test_a_quotation_neither_opens_nor_closes_a_command(hostile: str) -> None:
    assert commands(quoting(hostile)) == ["ss -ltnp", "ip route"]


def test_a_command_that_quotes_the_wire_is_none() -> None:
    text = sentence(f"run `kill {WireText('1; rm -rf /'):quoted}`, or `ss -ltnp`")
    assert commands(text) == ["ss -ltnp"]


@given(st.text(st.characters(codec="utf-8")))
def test_nothing_that_the_wire_sends_becomes_a_command(text: str) -> None:
    assert commands(quoting(text)) in ([], ["ss -ltnp", "ip route"])  # none if the sentence is cut off
    assert "".join(map(with_ticks, prose(quoting(text), MASKER))) == MASKER.visible_line(quoting(text))


def test_accounts_are_masked_beside_a_command() -> None:
    shown = prose(quoting("account DU1234567"), MASKER)
    assert not any("DU1234567" in part.text for part in shown)
    assert prose(quoting("account DU1234567"), Masker(show_accounts=True))[0].text.count("DU1234567") == 1


def test_a_sentence_that_is_too_long_is_cut_and_holds_no_command() -> None:
    (only,) = prose(f"{'x' * MAX_LINE_CHARACTERS} `ss -ltnp`", MASKER)
    assert not only.is_code
    assert len(only.text) <= MAX_LINE_CHARACTERS


def test_markdown_shows_commands_as_code_and_escapes_everything_else() -> None:
    writer = MarkdownWriter(MASKER)
    assert writer.prose("a_b: `ss -ltn 'sport = :7497'` | c") == r"a\_b: `ss -ltn 'sport = :7497'` \| c"
    assert writer.prose(quoting("`x`")) == r"TWS wrote \`x\`; run `ss -ltnp`, then `ip route`"


def on_console(text: str, has_styles: bool) -> str:
    output = io.StringIO()
    console = Console(
        file=output, width=200, force_terminal=has_styles, color_system="standard" if has_styles else None
    )
    console.print(ConsoleWriter(MASKER, ascii_only=False, has_styles=has_styles).prose(text))
    return output.getvalue()


def test_on_a_terminal_a_command_has_a_style_instead_of_backticks() -> None:
    shown = on_console(LISTENERS, has_styles=True)
    assert "\x1b[1;36mss -ltn 'sport = :7497'\x1b[0m" in shown
    assert "`" not in shown


def test_where_no_style_can_be_shown_a_command_keeps_its_backticks() -> None:
    assert on_console(LISTENERS, has_styles=False) == f"{LISTENERS}\n"


def test_a_part_says_whether_it_is_code() -> None:
    assert prose("run `a`", MASKER) == (Prose("run ", False), Prose("a", True))
