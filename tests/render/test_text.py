from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from render.build import ACCOUNT, ready, report

from ibsniff.render.text import (
    MAX_SHOWN_CHARACTERS,
    Masker,
    encodable,
    hexdump,
    mask_account,
    mask_accounts,
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
    assert Masker(frozenset(), True).visible_line("one\n   two\u2028three\x1b") == r"one two three\x1b"


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
    assert mask_accounts(text) == masked


def test_a_known_account_is_masked_whatever_its_form() -> None:
    assert mask_accounts("for SPARROW99 and sparrow99x", {"SPARROW99"}) == "for SP*****99 and sp*****99x"


def test_a_known_account_of_a_few_letters_is_not_searched_for_in_other_text() -> None:
    assert mask_accounts("TWS is silent", {"TWS", "", "i"}) == "TWS is silent"


@pytest.mark.parametrize(("account", "masked"), [("", ""), ("7", "*"), ("AB12", "AB**"), ("12345", "***45")])
def test_short_accounts_are_masked_entirely_or_almost(account: str, masked: str) -> None:
    assert mask_account(account) == masked


@given(st.text(max_size=20), st.from_regex(r"\A(D?[UFI])[0-9]{5,9}\Z"), st.text(max_size=20), st.booleans())
def test_no_surrounding_text_lets_an_account_through(before: str, account: str, after: str, lower: bool) -> None:
    written = account.lower() if lower else account
    masked = mask_accounts(before + written + after, {account})
    assert written not in masked
    assert len(masked) == len(before + written + after)


def test_hex_shows_the_bytes_and_how_many_were_omitted() -> None:
    assert hexdump(b"API\0") == "41 50 49 00"
    assert hexdump(bytes(40), limit=3) == "00 00 00 ... (+37 bytes)"


def test_accounts_in_hex_become_stars_in_place() -> None:
    raw = b"\0\x09" + ACCOUNT.encode() + b"\0"
    assert hexdump(raw) == "00 09 44 55 2a 2a 2a 2a 2a 36 37 00"
    assert hexdump(raw, show_accounts=True) == raw.hex(" ")
    assert hexdump("ÄÖ-KONTO-99".encode(), known={"ÄÖ-KONTO-99"}) == "c3 " + "2a " * 10 + "39 39"


def test_accounts_quoted_in_hex_are_masked_in_text() -> None:
    spelled = f"GET /{ACCOUNT} u7654321".encode().hex(" ")
    masked = "47 45 54 20 2f 44 55 2a 2a 2a 2a 2a 36 37 20 75 2a 2a 2a 2a 2a 32 31"
    assert mask_accounts(f"The bytes: {spelled} ...") == f"The bytes: {masked} ..."
    hello = "41 50 49 00 00 00 00 09 76 31 30 30 2e 2e 31 38 37"
    assert mask_accounts(hello) == hello


def test_an_account_across_the_limit_does_not_leak() -> None:
    assert hexdump(b"U1234567", limit=4) == "55 2a 2a 2a ... (+4 bytes)"


def test_the_masker_knows_every_account_of_the_report() -> None:
    named = ready()
    named.dialogue.accounts.append("SPARROW99")
    masker = Masker.for_report(report(named), show_accounts=False)
    for how in (masker.visible_line, masker.encodable):
        assert how(f"{ACCOUNT} SPARROW99") == "DU*****67 SP*****99"
    assert masker.account("7") == "*"
    bare = Masker.for_report(report(named), show_accounts=True)
    assert (bare.visible_line(ACCOUNT), bare.encodable(ACCOUNT), bare.account(ACCOUNT)) == (ACCOUNT,) * 3


@pytest.mark.parametrize("before", range(150))
def test_no_cut_shows_a_part_of_an_account(before: int) -> None:
    text = " x" * before + ACCOUNT + "y" * 500
    masker = Masker(frozenset(), False)
    for cut in (masker.visible_line(text, 100), masker.encodable(text, 100)):
        assert "DU1" not in cut
        assert "(+" in cut


def test_omitted_characters_are_counted_from_the_whole_text() -> None:
    masker = Masker(frozenset(), False)
    assert masker.encodable("x" * 1_000_000, 100) == "x" * 100 + "… (+999900 more)"
    assert masker.visible_line("x" * 1_000_000, 100) == "x" * 83 + "… (+999917 more)"
