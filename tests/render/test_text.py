from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from render.build import ACCOUNT, ready, report

from ibsniff.model import WireBytes, WireText
from ibsniff.render.text import (
    MAX_SHOWN_CHARACTERS,
    Masker,
    encodable,
    plain_ascii,
    visible,
)

any_text = st.text(st.characters())  # surrogates included


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain [/foo] ünï 中文", "plain [/foo] ünï 中文"),
        ("\x1b[31mred\x07\x00", r"\x1b[31mred\x07\x00"),
        ("two\nlines\r\n\tand a tab", r"two\x0alines\x0d\x0a\x09and a tab"),
        ("\x9b31m", r"\x9b31m"),
        ("abc\u202edcba\u2066", r"abc\u202edcba\u2066"),
        ("zero\u200bwidth\ufeff\u00ad", r"zero\u200bwidth\ufeff\xad"),
        ("line\u2028par\u2029", r"line\u2028par\u2029"),
        ("no\u00a0break", r"no\xa0break"),
        ("a\u0336\u0336", r"a\u0336\u0336"),
        ("\u3164", r"\u3164"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
        (b"ok \xff\xc3", r"ok \xff\xc3"),
        ("中文".encode(), "中文"),
    ],
)
def test_unprintable_characters_are_escaped(raw: str | bytes, shown: str) -> None:
    assert visible(raw) == shown


def test_a_long_text_says_how_much_was_omitted() -> None:
    shown = visible("x" * 1_000_000)
    kept = shown.index("…")
    assert shown == "x" * kept + f"… (+{1_000_000 - kept} more)"
    assert len(shown) <= MAX_SHOWN_CHARACTERS


def test_an_escape_is_never_cut_in_two() -> None:
    shown = visible("\x00" * 1000, limit=42)
    assert shown == r"\x00" * 7 + "… (+993 more)"


@given(any_text, st.integers(40, 100))
def test_the_result_is_printable_bounded_and_stable(text: str, limit: int) -> None:
    shown = visible(text, limit)
    assert shown.isprintable()
    assert len(shown) <= limit
    assert visible(shown, limit) == shown
    shown.encode("utf-8")


@given(st.binary())
def test_any_bytes_can_be_shown(raw: bytes) -> None:
    assert visible(raw).isprintable()


def test_line_breaks_in_a_line_become_spaces() -> None:
    assert Masker(show_accounts=True).visible_line("one\n   two\u2028three\x1b") == r"one two three\x1b"


@given(any_text)
def test_encodable_text_survives_strict_json(text: str) -> None:
    kept = encodable(text)
    assert json.loads(json.dumps(kept, ensure_ascii=False).encode("utf-8")) == kept


def test_plain_ascii_keeps_the_meaning_of_our_signs() -> None:
    assert plain_ascii("✓ a → b \N{EN DASH} “c” … ü") == 'ok a -> b - "c" ... \\xfc'


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("DU1234567", "DU*****67"),
        ("U1234567", "U*****67"),
        ("du1234567", "du*****67"),
        ("Df7654321", "Df*****21"),
        ("DI7654321 F7654321 I7654321", "DI*****21 F*****21 I*****21"),
        ("F1234567A", "F*****67A"),
        ('{"acct":"DU1234567","x":1}', '{"acct":"DU*****67","x":1}'),
        ("acct=DU1234567,", "acct=DU*****67,"),
        ("acct_DU1234567_", "acct_DU*****67_"),
        ("accountDU1234567", "accountDU*****67"),
        ("DU1234567\x00U7654321", "DU*****67\x00U*****21"),
        ("cut: DU123", "cut: DU***"),
        ("IBS301, port 7497, v100..187, 20260105 09:30:00", "IBS301, port 7497, v100..187, 20260105 09:30:00"),
    ],
)
def test_accounts_are_masked_in_any_context(text: str, masked: str) -> None:
    assert Masker().encodable(WireText(text)) == masked
    assert Masker().encodable(text) == text, "only what is quoted is masked"


def test_a_mark_that_reached_the_end_unresolved_leaks_nothing() -> None:
    for how in (visible, encodable):
        assert how(f"to {WireText(ACCOUNT):quoted}") == "to DU*****67"


def test_hex_shows_the_bytes_and_how_many_were_omitted() -> None:
    assert Masker().hex(WireBytes(b"API\0")) == "41 50 49 00"
    assert Masker().hex(WireBytes(bytes(40)), limit=3) == "00 00 00 ... (+37 bytes)"


def test_accounts_in_hex_become_stars_in_place() -> None:
    raw = b"\0\x09" + ACCOUNT.encode() + b"\0"
    assert Masker().hex(WireBytes(raw)) == "00 09 44 55 2a 2a 2a 2a 2a 36 37 00"
    assert Masker(show_accounts=True).hex(WireBytes(raw)) == raw.hex(" ")
    named = Masker([WireText("ÄÖ-KONTO-99")]).hex(WireBytes("ÄÖ-KONTO-99".encode()))
    assert named == "c3 84 c3 96 " + "2a " * 7 + "39 39"


def test_accounts_quoted_in_hex_are_masked_in_text() -> None:
    spelled = f"GET /{ACCOUNT} u7654321".encode().hex(" ")
    masked = "47 45 54 20 2f 44 55 2a 2a 2a 2a 2a 36 37 20 75 2a 2a 2a 2a 2a 32 31"
    assert Masker().encodable(WireText(f"The bytes: {spelled} ...")) == f"The bytes: {masked} ..."
    hello = "41 50 49 00 00 00 00 09 76 31 30 30 2e 2e 31 38 37"
    assert Masker().encodable(WireText(hello)) == hello


def test_an_account_across_the_limit_does_not_leak() -> None:
    assert Masker().hex(WireBytes(b"U1234567"), limit=4) == "55 2a 2a 2a ... (+4 bytes)"


def test_the_masker_knows_every_account_of_the_report() -> None:
    named = ready()
    named.dialogue.accounts.append(WireText("SPARROW99"))
    masker = Masker.for_report(report(named), show_accounts=False)
    for how in (masker.visible_line, masker.encodable):
        assert how(WireText(f"{ACCOUNT} SPARROW99")) == "DU*****67 SP*****99"
        assert how(f"{ACCOUNT} {WireText('SPARROW99'):quoted}") == f"{ACCOUNT} SP*****99"
    assert masker.account(WireText("7")) == "*"
    bare = Masker.for_report(report(named), show_accounts=True)
    assert [how(WireText(ACCOUNT)) for how in (bare.visible_line, bare.encodable, bare.account)] == [ACCOUNT] * 3


@pytest.mark.parametrize("before", range(150))
def test_no_cut_shows_a_part_of_an_account(before: int) -> None:
    text = WireText(" x" * before + ACCOUNT + "y" * 500)
    masker = Masker()
    for cut in (masker.visible_line(text, 100), masker.encodable(text, 100)):
        assert "DU1" not in cut
        assert "(+" in cut


def test_omitted_characters_are_counted_from_the_whole_text() -> None:
    masker = Masker()
    for text in ("x" * 1_000_000, WireText("x" * 1_000_000)):
        assert masker.encodable(text, 100) == "x" * 100 + "… (+999900 more)"
        assert masker.visible_line(text, 100) == "x" * 83 + "… (+999917 more)"
