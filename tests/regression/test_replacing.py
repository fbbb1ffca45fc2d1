"""The script that writes stand-ins over accounts: same length, right checksums, and it says what it could not replace."""

from __future__ import annotations

from pathlib import Path

import pytest
from ib_bytes import HELLO, REPLY, START, error, text
from replace_accounts import replace
from scapy.all import IP, TCP, rdpcap
from wire import Wire

NAMED = text(178, 15, 1, "U7654321,DUK181965")


@pytest.fixture
def ticket(tmp_path: Path) -> Path:
    path = tmp_path / "ticket.pcap"
    wire = Wire().connect().client(HELLO).server(REPLY).client(START).server(NAMED)
    wire.server(error(178, 321, "no U7654321 here")).write(path)
    return path


def test_every_account_becomes_a_stand_in_of_its_kind_and_length(ticket: Path) -> None:
    before = ticket.read_bytes()
    assert replace(ticket) == (2, [])
    after = ticket.read_bytes()
    assert len(after) == len(before)
    assert after.count(b"U0000001") == before.count(b"U7654321") == 2
    assert after.count(b"DUK000002") == 1


def test_checksums_that_were_right_stay_right(ticket: Path) -> None:
    replace(ticket)
    for packet in rdpcap(str(ticket)):
        kept = packet[TCP].chksum
        del packet[TCP].chksum
        assert type(packet)(bytes(packet))[TCP].chksum == kept
    assert IP in packet


def test_an_account_that_packets_cut_in_two_is_said_to_be_still_there(tmp_path: Path) -> None:
    path, said = tmp_path / "ticket.pcap", error(178, 321, "no U7654321 here")
    cut = said.index(b"U765") + 4
    Wire().connect().client(HELLO).server(REPLY).client(START).server(said[:cut]).server(said[cut:]).write(path)
    before = path.read_bytes()
    assert replace(path) == (0, ["U7654321"])
    assert path.read_bytes() == before
