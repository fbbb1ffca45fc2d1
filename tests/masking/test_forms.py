"""The corpus in every form in which text reaches the masker: cut into packets, in error messages, in hex, in sentences."""

from __future__ import annotations

from itertools import pairwise

import ib_bytes
import pytest
from hypothesis import given
from hypothesis import strategies as st
from masking.corpus import Row, accounts, digits_of, lookalikes, shows

from ibsniff.ib import messages
from ibsniff.masking.masker import AccountMasker
from ibsniff.model import Moment, Side, WireBytes, WireText
from ibsniff.model.streams import Chunk
from ibsniff.render import transcript
from ibsniff.render.text import Masker

ROWS = (*accounts(), *lookalikes())
OTHER = b"\0\0\0\x0449\x001\0"


def followed(raw: bytes, cuts: list[int]) -> bytes:
    """What ``streams --follow`` shows of these bytes when they came in such packets, between those of the other side."""
    edges = sorted({0, len(raw), *(cut for cut in cuts if 0 < cut < len(raw))})
    chunks = []
    for number, (start, end) in enumerate(pairwise(edges)):
        chunks.append(Chunk(Side.SERVER, start, 2 * number, WireBytes(raw[start:end])))
        chunks.append(Chunk(Side.CLIENT, number * len(OTHER), 2 * number + 1, WireBytes(OTHER)))
    shown = list(transcript.masked(chunks, lambda: ()))
    assert [len(one.data) for one in shown] == [len(one.data) for one in chunks]
    return b"".join(one.data for one in shown if one.side is Side.SERVER)


@pytest.mark.parametrize("row", accounts(), ids=lambda row: row.what)
def test_no_account_is_missed_in_packets_of_one_byte(row: Row) -> None:
    raw = row.text.encode("utf-8", "surrogateescape")
    shown = followed(raw, list(range(len(raw)))).decode("utf-8", "surrogateescape")
    if len(shown) == len(row.text):  # else stars stand for characters of several bytes
        assert not any(shows(row, place, shown) for place in row.accounts)
    assert followed(raw, list(range(len(raw)))) == AccountMasker().bytes(raw, is_cut=True, is_tail=True)


@given(st.sampled_from(ROWS), st.lists(st.integers(1, 120), max_size=12), st.binary(max_size=20))
def test_how_the_packets_are_cut_changes_nothing(row: Row, cuts: list[int], behind: bytes) -> None:
    raw = row.text.encode("utf-8", "surrogateescape") + b"\0" + behind
    assert followed(raw, cuts) == AccountMasker().bytes(raw, is_cut=True, is_tail=True)


@pytest.mark.parametrize("window", [30_000, 33_333, 37_000])
def test_where_the_window_ends_changes_nothing(window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript, "WINDOW", window)
    raw = b"\0".join(row.text.encode("utf-8", "surrogateescape") for row in ROWS)
    shown = followed(raw, list(range(0, len(raw), 40)))
    assert len(raw) * 10 > 2 * window, "several windows"
    whole = AccountMasker().bytes(raw, is_cut=True, is_tail=True)
    differing = [
        at for at, (one, other) in enumerate(zip(shown, whole, strict=True)) if one != other and one != ord("*")
    ]
    assert differing == [], "masked in one piece, and shown in parts"


@pytest.mark.parametrize("version", [151, 178, 194, 201, 203, 225])
def test_no_account_is_missed_in_an_error(version: int) -> None:
    for row in ROWS:
        if "\0" in row.text or not row.text.isprintable():  # fields end with NUL
            continue
        payload = messages.split_payload(ib_bytes.error(version, 321, row.text)[4:])
        error = messages.decode_error(payload, version, Moment(1, 0))
        assert error is not None
        assert Masker().encodable(error.text) == AccountMasker().text(row.text)
        assert Masker().visible_line(f"error 321: {error.text:quoted}").startswith("error 321: ")


@pytest.mark.parametrize("row", accounts(), ids=lambda row: row.what)
def test_no_account_is_missed_in_hex(row: Row) -> None:
    raw = row.text.encode("utf-8", "surrogateescape")
    assert Masker().hex(WireBytes(raw), limit=len(raw)) == AccountMasker().bytes(raw).hex(" ")
    assert str(WireBytes(raw)) == AccountMasker().bytes(raw).hex(" ")


@pytest.mark.parametrize("row", accounts(), ids=lambda row: row.what)
def test_a_program_that_prints_wire_text_shows_no_account(row: Row) -> None:
    masked = AccountMasker().text(row.text)
    printed = "".join(c if c.isprintable() else repr(c)[1:-1] for c in masked)
    assert str(WireText(row.text)) == f"{WireText(row.text)}" == printed


@pytest.mark.parametrize("missing", range(1, 5))
def test_the_end_of_an_account_behind_a_gap_is_masked(missing: int) -> None:
    chunks = [
        Chunk(Side.SERVER, 0, 1, WireBytes(b"account DU8305217 is ")),
        Chunk(Side.SERVER, 21, 2, WireBytes(b""), missing=10),
        Chunk(Side.SERVER, 31, 3, WireBytes(b"DUK8305217 is closed"[missing:])),
    ]
    shown = b"".join(one.data for one in transcript.masked(chunks, lambda: ()))
    assert shown.endswith(b"*17 is closed")
    assert not any(digit in shown for digit in (b"83", b"52"))
    assert b"".join(one.data for one in transcript.masked(chunks[2:], lambda: ())) in shown


def test_the_code_of_an_answer_is_no_end_of_an_account() -> None:
    greeting = Chunk(Side.SERVER, 0, 1, WireBytes(b"220 mail.example.org ESMTP"))
    assert [one.data for one in transcript.masked([greeting], lambda: ())] == [b"220 mail.example.org ESMTP"]


@pytest.mark.parametrize("row", accounts(), ids=lambda row: row.what)
def test_an_account_cut_off_anywhere_shows_two_digits_at_most(row: Row) -> None:
    for start, end in row.accounts:
        for cut in range(start + 1, end):
            shown = AccountMasker().text(row.text[:cut], is_cut=True)
            assert len(digits_of(row, shown[start:])) <= 2, shown
