"""The form of stand-ins, and the search for accounts that are none."""

from __future__ import annotations

import random
from pathlib import Path

import capture_bytes as made
import pytest
from ib_bytes import HELLO, REPLY, START, error, text
from wire import Wire

from ibsniff.analysis.api_traffic import Ports
from ibsniff.analysis.reading import read_files
from ibsniff.ib.accounts import STAND_IN, is_stand_in, stand_in
from ibsniff.masking.account_forms import looks_like_account
from ibsniff.regression.accounts import Search, accounts_in
from ibsniff.standin.messages import ACCOUNTS


def accounts(path: Path) -> list[str]:
    return accounts_in(path, read_files([str(path)], Ports()).report)


@pytest.mark.parametrize("account", ["DU0000001", "U0000012", "F00003", "DUK000042", "I000099999", "DF0000001A"])
def test_stand_ins_look_like_accounts(account: str) -> None:
    assert is_stand_in(account)
    assert looks_like_account(account.removesuffix("A"))


@pytest.mark.parametrize(
    "account", ["DU1234567", "DUK181965", "DUP075701", "U7654321", "U0012345", "F1000001", "DU000", "DU00000001X1", ""]
)
def test_what_could_be_an_account_is_no_stand_in(account: str) -> None:
    assert not is_stand_in(account)


def test_the_stand_in_tws_uses_stand_ins() -> None:
    assert all(map(is_stand_in, ACCOUNTS.split(",")))


@pytest.mark.parametrize("account", ["DU7654321", "U123456", "DUK181965", "F12345", "u87654321", "F7654321A"])
def test_a_stand_in_keeps_letters_and_length(account: str) -> None:
    made = stand_in(account, 7)
    assert STAND_IN.fullmatch(made)
    assert len(made) == len(account)
    assert made.rstrip("A0123456789") == account.upper().rstrip("A0123456789")


@pytest.mark.parametrize(("account", "number"), [("paper", 1), ("DU12", 1), ("F12345", 10), ("U1234567", 1000)])
def test_what_has_no_stand_in_is_refused(account: str, number: int) -> None:
    with pytest.raises(ValueError, match="no stand-in"):
        stand_in(account, number)


@pytest.mark.parametrize("word", [b"FI0009000681", b"v157..178", b"U1234", b"API\0", b"20260105 09:30:00 EST"])
def test_other_words_are_no_accounts(word: bytes) -> None:
    assert searched(b" " + word + b" ") == set()


def searched(data: bytes, size: int = 1 << 20) -> set[str]:
    search = Search()
    for at in range(0, len(data), size):
        search.feed(data[at : at + size])
    return search.finish()


@pytest.mark.parametrize("size", [1, 2, 7, 15, 16, 17, 64])
def test_an_account_is_found_wherever_the_pieces_are_cut(size: int) -> None:
    data = b"\0".join([b"DU1234567", b"x" * 80, b"U7654321", b"\xff" * 90, b"of F246801", b"DUK181965"])
    assert searched(data, size) == {"DU1234567", "U7654321", "F246801", "DUK181965"}


def test_random_bytes_hold_no_accounts() -> None:
    assert searched(random.Random(1).randbytes(1 << 20)) == set()


def test_numbers_behind_a_stand_in_do_not_make_it_an_account(tmp_path: Path) -> None:
    said = error(178, 399, "DU0000001,12 and DU0000002/7")
    Wire().connect().client(HELLO).server(REPLY).client(START).server(said).write(tmp_path / "said.pcap")
    assert accounts(tmp_path / "said.pcap") == []


def test_an_account_is_found_across_packets(tmp_path: Path) -> None:
    wire = Wire().connect().client(HELLO).server(REPLY).client(START)
    said = error(178, 321, "no account U7654321 here")
    wire.server(said[:30]).server(said[30:]).write(tmp_path / "split.pcap")
    assert b"U7654321" not in (tmp_path / "split.pcap").read_bytes()
    assert accounts(tmp_path / "split.pcap") == ["U7654321"]


def test_an_account_is_found_on_any_port_and_in_a_comment(tmp_path: Path) -> None:
    Wire(server="10.0.0.1:443").connect().client(b"login=U7654321&").write(tmp_path / "other.pcap")
    assert accounts(tmp_path / "other.pcap") == ["U7654321"]
    comment = made.option(1, b"from the desk of F1357911")
    (tmp_path / "comment.pcapng").write_bytes(made.section(options=comment) + made.interface())
    assert accounts(tmp_path / "comment.pcapng") == ["F1357911"]


def test_what_managed_accounts_names_is_an_account_whatever_it_looks_like(tmp_path: Path) -> None:
    named = text(178, 15, 1, "Anna,DU0000001")
    wire = Wire().connect().client(HELLO).server(REPLY).client(START).server(named)
    wire.write(tmp_path / "named.pcap")
    assert accounts(tmp_path / "named.pcap") == ["Anna"]
