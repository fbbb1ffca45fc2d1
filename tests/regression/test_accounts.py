"""The form of stand-ins, and the search for accounts that are none."""

from __future__ import annotations

import random
from pathlib import Path

import capture_bytes as made
import pytest
from ib_bytes import HELLO, REPLY, START, error, text
from wire import Wire

from ibsniff.analysis.reading import Ports, read_files
from ibsniff.ib.accounts import LONGEST_ACCOUNT, LOOKS_LIKE_ACCOUNT, STAND_IN, is_stand_in, stand_in
from ibsniff.regression.accounts import KEPT, Search, accounts_in
from ibsniff.standin.messages import ACCOUNTS


def accounts(path: Path) -> list[str]:
    return accounts_in(path, read_files([str(path)], Ports()).report)


@pytest.mark.parametrize("account", ["DU0000001", "U0000012", "F00003", "DUK000042", "I000099999", "DF0000001A"])
def test_stand_ins_look_like_accounts(account: str) -> None:
    assert is_stand_in(account)
    assert LOOKS_LIKE_ACCOUNT.fullmatch(account.encode())


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


def test_nothing_longer_than_the_bound_looks_like_an_account() -> None:
    longest = b"DUK123456789A"
    assert LOOKS_LIKE_ACCOUNT.fullmatch(longest)
    assert len(longest) == LONGEST_ACCOUNT < KEPT


@pytest.mark.parametrize(
    "word", [b"FI0009000681", b"v157..178", b"XDU1234567", b"U1234", b"DU1234567XY", b"0DU1234567"]
)
def test_other_words_are_no_accounts(word: bytes) -> None:
    assert not LOOKS_LIKE_ACCOUNT.search(b" " + word + b" ")


@pytest.mark.parametrize("size", [1, 2, 7, 15, 16, 17, 64])
def test_an_account_is_found_wherever_the_pieces_are_cut(size: int) -> None:
    data = b"\0".join([b"DU1234567", b"x" * 40, b"XU7654321", b"U7654321", b"account F24680.", b"DUK181965"])
    search = Search()
    for at in range(0, len(data), size):
        search.feed(data[at : at + size])
    assert search.finish() == {"DU1234567", "U7654321", "F24680", "DUK181965"}


def test_random_bytes_hold_no_accounts() -> None:
    search = Search()
    search.feed(random.Random(1).randbytes(1 << 20))
    assert search.finish() == set()


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
