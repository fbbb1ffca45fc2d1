"""What somebody else wrote keeps apart from our own words, from where it is read to where it is shown."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibsniff.masking.masker import AccountMasker
from ibsniff.masking.sentence import Sentence, marked, resolved, sentence
from ibsniff.masking.wire_text import BEGIN, END, WireBytes, WireText, pieces

any_text = st.text(st.characters() | st.sampled_from([BEGIN, END]))
ours = st.text(st.characters(exclude_characters=BEGIN + END))


def test_wire_text_is_no_str_and_joins_none() -> None:
    for quoted in (WireText("x"), WireBytes(b"x")):
        assert not isinstance(quoted, str | bytes)
        with pytest.raises(TypeError):
            "our words: " + quoted
        with pytest.raises(TypeError):
            "".join([quoted])


def test_a_sentence_can_be_taken_apart_again() -> None:
    text, raw = WireText("no way"), WireBytes(b"GET /\xff", is_cut=True)
    assert list(pieces(f"It says {text:quoted} and {raw:quoted}.")) == ["It says ", text, " and ", raw, "."]
    assert list(pieces("nobody is quoted")) == ["nobody is quoted"]


@given(ours, any_text, ours, st.booleans())
def test_nobody_else_can_set_a_mark(before: str, text: str, behind: str, is_cut: bool) -> None:
    quoted = WireText(text, is_cut)
    taken = [piece for piece in pieces(f"{before}{quoted:quoted}{behind}") if piece != ""]
    assert [piece for piece in taken if isinstance(piece, str)] == [part for part in (before, behind) if part] or (
        not text and "".join(map(str, taken)) == before + behind
    )
    assert [piece for piece in taken if not isinstance(piece, str)] == ([quoted] if text else [])


@given(ours, any_text, ours, st.data())
def test_a_sentence_cut_anywhere_quotes_no_less(before: str, text: str, behind: str, data: st.DataObject) -> None:
    whole = f"{before}{WireText(text):quoted}{behind}"
    start, end = (data.draw(st.integers(0, len(whole))) for _ in range(2))
    words = "".join(piece for piece in pieces(whole[start:end]) if isinstance(piece, str))
    assert BEGIN not in words
    assert END not in words
    if start <= len(before):  # from inside of a quotation that does not end, nothing says that it is one
        assert words in before + behind


@given(st.binary(max_size=64), st.booleans())
def test_any_bytes_come_back(raw: bytes, is_cut: bool) -> None:
    quoted = WireBytes(raw, is_cut)
    assert list(pieces(f"{quoted:quoted}")) == [quoted]


def test_only_what_is_quoted_is_masked() -> None:
    text = f"DU1234567 is our own word, and they say {WireText('DU1234567'):quoted}: {WireBytes(b'DU1234567'):quoted}"
    shown = "DU1234567 is our own word, and they say DU*****67: 44 55 2a 2a 2a 2a 2a 36 37"
    assert resolved(text, AccountMasker()) == shown
    assert resolved(text, None) == "DU1234567 is our own word, and they say DU1234567: " + b"DU1234567".hex(" ")


def test_a_server_that_calls_its_account_like_our_words_changes_none_of_them() -> None:
    masker = AccountMasker(["replied", "server"])
    text = f"The server replied {WireText('the server replied'):quoted}"
    assert resolved(text, masker) == "The server replied the se**** re*****"


def test_a_sentence_is_safe_as_it_stands_and_can_be_shown_in_full() -> None:
    said = sentence(f"They say {WireText('no' + chr(0x1B) + '[2J to U1234567'):quoted}.")
    assert said == "They say no\\x1b[2J to U*****67."
    assert f"{said}" == said == str(said)
    assert resolved(said, None) == "They say no\x1b[2J to U1234567."
    assert resolved(f"{marked(said)} So they say.", AccountMasker()) == "They say no\x1b[2J to U*****67. So they say."


def test_a_sentence_without_quotations_is_only_a_str() -> None:
    assert type(sentence("all ours")) is str
    assert marked("all ours") == resolved("all ours", AccountMasker()) == "all ours"


def test_another_process_gets_the_whole_sentence() -> None:
    said = sentence(f"They say {WireText('U1234567', is_cut=True):quoted}.")
    got = pickle.loads(pickle.dumps(said))
    assert isinstance(got, Sentence)
    assert (got, got.marked) == (said, marked(said))
    assert pickle.loads(pickle.dumps(WireBytes(b"x", is_cut=True))) == WireBytes(b"x", is_cut=True)


def test_what_is_quoted_does_not_show_in_a_traceback() -> None:
    assert repr(WireText("U1234567")) == "<WireText, 8 characters>"
    assert repr(WireBytes(b"U1234567")) == "<WireBytes, 8 bytes>"


def test_what_was_cut_off_hides_the_beginning_of_an_account() -> None:
    assert (
        resolved(f"They say {WireText('account U1234', is_cut=True):quoted}", AccountMasker())
        == "They say account U**34"
    )
    assert (
        resolved(f"{WireBytes(b'GET /U1234567').beginning(9):quoted} ...", AccountMasker())
        == "47 45 54 20 2f 55 2a 2a 2a ..."
    )


def test_wire_text_can_be_asked_without_being_shown() -> None:
    assert WireText("API is in READ-ONLY mode").mentions("read-only")
    assert not WireText("").mentions("read-only")
    assert (bool(WireText("")), bool(WireBytes(b"x")), len(WireText("abc"))) == (False, True, 3)
    assert len({WireText("a"), WireText("a"), WireText("a", is_cut=True)}) == 2
