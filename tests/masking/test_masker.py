"""No account in any spelling passes the masker, and little else is masked: held over a corpus, and over what is made of it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from masking.corpus import Row, accounts, false_alarms, lookalikes, misses, shows

from ibsniff.masking.account_forms import LONGEST_ACCOUNT
from ibsniff.masking.masker import SHORT, AccountMasker, mask_account, may_hold_account
from ibsniff.masking.search import MOST_HUNTED, KnownAccounts, hidden_in

MASKER = AccountMasker()

MOST_FALSE_ALARMS = 11
"""Each with a reason in the corpus."""

PREFIXES = ("U", "F", "I", "DU", "DF", "DI", "DUK", "DUH", "DUZ", "DFO", "DIA", "u", "du", "duk", "Du", "dF")
DIGITS = {1: ("1234567", "246813", "12345678"), 2: ("1234567", "246813", "12345678"), 3: ("181965", "2468135")}
SEPARATORS = (
    "",
    "-",
    " ",
    ".",
    "_",
    "/",
    ":",
    "#",
    "\u2009",
    "\u00a0",
    "\u2013",
    "\u200b",
    "\x00",
    " - ",
    ": #",
    "%20",
)
BEFORE = ("", "account ", "account:", "(", '"', "\x00", "\n\x09", "=", "ref_", "20260105 ", "12.5,", "ä ", "口座")
BEHIND = ("", " closed", ")", '"', "\x00", "A", "-C", ",", ".", "\n", " 182.50", "é", "\x12\x03USD")
JOINED = ("accounts", "x", "Zz", "7", "0x", "IBKR")
"""What touches the prefix or the digits where both are joined."""

any_text = st.text(st.characters(), max_size=30)
prefix = st.sampled_from(["U", "F", "I", "DU", "DF", "DI", "u", "di"])


def row(before: str, account: str, behind: str, what: str = "made") -> Row:
    start = len(before)
    return Row(what, before + account + behind, ((start, start + len(account)),))


# ---------------------------------------------------------------------------------------------------------------
# The corpus


def test_no_account_of_the_corpus_is_missed() -> None:
    assert len(accounts()) > 200
    assert [str(missed) for missed in misses(MASKER.text, accounts())] == []


def test_a_mask_that_hides_nothing_misses_every_row() -> None:
    assert len(misses(lambda text: text, accounts())) == len(accounts())
    assert len(false_alarms(lambda text: "*" * len(text), lookalikes())) == len(lookalikes())


def test_beside_accounts_nothing_is_masked() -> None:
    assert [str(alarm) for alarm in false_alarms(MASKER.text, accounts())] == []


def test_what_only_looks_like_an_account_is_left_alone_but_for_what_is_accepted() -> None:
    alarms = false_alarms(MASKER.text, lookalikes())
    assert [str(alarm) for alarm in alarms if not alarm.accepted] == []
    assert len(lookalikes()) > 100
    assert len(alarms) <= MOST_FALSE_ALARMS
    accepted = [one for one in lookalikes() if one.accepted]
    assert accepted == alarms, "what is no longer masked needs no excuse"


@pytest.mark.parametrize("each", [*accounts(), *lookalikes()], ids=lambda each: each.what)
def test_bytes_are_masked_as_their_text_is_and_keep_their_length(each: Row) -> None:
    raw = each.text.encode("utf-8", "surrogateescape")
    masked = MASKER.bytes(raw)
    assert len(masked) == len(raw)
    narrow = "".join(
        "*" * len(old.encode("utf-8", "surrogateescape")) if new == "*" != old else new
        for old, new in zip(each.text, MASKER.text(each.text), strict=True)
    )
    assert masked == narrow.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("each", [*accounts(), *lookalikes()], ids=lambda each: each.what)
def test_what_is_masked_stays_as_it_is(each: Row) -> None:
    once = MASKER.text(each.text)
    assert MASKER.text(once) == once


# ---------------------------------------------------------------------------------------------------------------
# Every form beside everything


@pytest.mark.parametrize("letters", PREFIXES)
def test_every_form_is_masked_behind_every_separator(letters: str) -> None:
    digits = DIGITS[len(letters)]
    made = [
        row(before, letters + separator + number, behind)
        for number, separator, before, behind in product(digits, SEPARATORS, BEFORE, BEHIND)
        if not behind[:1].isdecimal()
    ]
    assert [str(missed) for missed in misses(MASKER.text, tuple(made))] == []


@pytest.mark.parametrize("letters", PREFIXES)
def test_where_prefix_and_digits_touch_no_neighbour_hides_an_account(letters: str) -> None:
    made = [
        row(before, letters + number, behind)
        for number, before, behind in product(DIGITS[len(letters)], JOINED, (*JOINED, ""))
        if not behind[:1].isdecimal()
    ]
    assert [str(missed) for missed in misses(MASKER.text, tuple(made))] == []


@given(any_text, prefix, st.from_regex(r"\A[0-9]{5,9}\Z"), any_text)
def test_no_text_around_it_lets_an_account_through(before: str, letters: str, number: str, behind: str) -> None:
    account, behind = letters + number, behind.lstrip("0123456789")
    masked = MASKER.text(before + account + behind)
    assert account not in masked
    assert number[:-2] not in masked[len(before) : len(before) + len(account)]
    assert len(masked) == len(before + account + behind)


@given(st.text(st.characters(), max_size=200))
def test_any_text_keeps_its_length_and_what_is_not_masked(text: str) -> None:
    masked = MASKER.text(text)
    assert all(new in (old, "*", "2", "a") for old, new in zip(text, masked, strict=True))


@given(st.binary(max_size=200))
def test_any_bytes_keep_their_length(raw: bytes) -> None:
    assert all(new in (old, *b"*2a") for old, new in zip(raw, MASKER.bytes(raw), strict=True))


@given(
    st.text(st.characters(max_codepoint=127) | st.sampled_from("DUFI0123 -\0"), max_size=60)
    | st.sampled_from(accounts()).map(lambda row: row.text)
)
def test_what_a_quick_look_passes_over_holds_no_account(text: str) -> None:
    if not may_hold_account(text):
        assert hidden_in(text, None, is_cut=False) == hidden_in(text, None, is_cut=True) == []


@given(
    st.lists(
        st.from_regex(r"\A[A-Z]{0,3}[0-9]{0,8}[a-z]?\Z") | st.text(st.characters(codec="utf-8"), max_size=9), max_size=3
    ),
    st.sampled_from(("{}", "x {} y", "{}v100..187", "\0\0{}")),
    st.sampled_from(
        (str, lambda name: name.encode().hex(" "), lambda name: name.encode("utf-16-le").decode("latin-1"))
    ),
    st.text(st.characters(max_codepoint=127), max_size=9),
)
def test_what_a_quick_look_passes_over_names_no_known_account(
    named: list[str], form: str, spelled: Callable[[str], str], other: str
) -> None:
    known = KnownAccounts(named)
    for text in [form.format(spelled(name)) for name in [*named, other]]:
        hidden = [text[start:end] for start, end, _ in hidden_in(text, known, is_cut=False)]
        assert not hidden or AccountMasker(named).text(text) != text or set("".join(hidden)) <= set("*2a")


def test_a_report_that_names_accounts_passes_over_a_hello_as_well() -> None:
    with mock.patch("ibsniff.masking.search.hidden_in") as search:
        assert AccountMasker(["DU1234567"]).bytes(b"API\0\0\0\0\x09v157..178") == b"API\0\0\0\0\x09v157..178"
        search.assert_not_called()
        AccountMasker(["DU1234567", "joe"]).bytes(b"API\0\0\0\0\x09v157..178")
        search.assert_called()


def test_a_quick_look_passes_over_most_of_what_servers_say() -> None:
    passed = [row for row in lookalikes() if not may_hold_account(row.text)]
    assert len(passed) > len(lookalikes()) / 4
    assert not may_hold_account("API\0\0\0\0\x09v157..178")
    assert may_hold_account("x" * (SHORT + 1))


# ---------------------------------------------------------------------------------------------------------------
# Cut off


@pytest.mark.parametrize("letters", [letters for letters in PREFIXES if letters.isupper()])
def test_the_beginning_of_an_account_at_a_cut_is_masked(letters: str) -> None:
    account = letters + DIGITS[len(letters)][0]
    for length in range(len(letters) + 1, len(account)):
        cut = row("account ", account[:length], "")
        masked = MASKER.text(cut.text, is_cut=True)
        shown = [digit for digit in masked if digit.isdecimal()]
        assert len(shown) <= 2, masked
        assert MASKER.text("nothing of the kind: 12", is_cut=True) == "nothing of the kind: 12"


def test_a_whole_account_at_a_cut_shows_its_last_digits() -> None:
    assert MASKER.text("DU1234567\0", is_cut=True) == "DU*****67\0"
    assert MASKER.text("U-1-2-3-", is_cut=True) == "U***2-3-"


# ---------------------------------------------------------------------------------------------------------------
# Accounts that a message named


def test_a_named_account_is_masked_even_when_it_does_not_look_like_one() -> None:
    assert AccountMasker({"SPARROW99"}).text("for SPARROW99 and sparrow99x") == "for SP*****99 and sp*****99x"
    assert AccountMasker({"ÄÖ-KONTO-99"}).bytes("ÄÖ-KONTO-99".encode()) == "ÄÖ*******99".encode()


def test_a_named_account_is_masked_without_its_letters() -> None:
    assert (
        AccountMasker({"U1234567"}).text("account no 1234567, order 12345678") == "account no *****67, order 12345678"
    )
    assert AccountMasker({"U1234567"}).text("1234567") == "*****67"


def test_a_named_account_of_a_few_letters_is_not_hunted_in_other_text() -> None:
    assert AccountMasker({"TWS", "", "i", "1234"}).text("TWS is silent, 1234") == "TWS is silent, 1234"
    longest = "x" * (LONGEST_ACCOUNT + 1)
    assert AccountMasker({longest}).text(longest) == longest


def test_no_more_accounts_are_hunted_than_a_flood_may_cost() -> None:
    named = [f"SPARROW-{number:05d}" for number in range(MOST_HUNTED + 1)]
    assert AccountMasker(named).text(named[MOST_HUNTED - 1]) != named[MOST_HUNTED - 1]
    assert AccountMasker(named).text(named[MOST_HUNTED]) == named[MOST_HUNTED]


@pytest.mark.parametrize(("account", "masked"), [("", ""), ("7", "*"), ("AB12", "AB**"), ("12345", "***45")])
def test_short_accounts_show_less(account: str, masked: str) -> None:
    assert mask_account(account) == masked


def test_the_measure_tells_a_masked_account_from_a_readable_one() -> None:
    one = row("a ", "U1234567", " b")
    assert not shows(one, one.accounts[0], "a U*****67 b")
    for readable in ("a U1234567 b", "a U****567 b", "a U12***** b", "a *****67 b"):
        assert shows(one, one.accounts[0], readable), readable
