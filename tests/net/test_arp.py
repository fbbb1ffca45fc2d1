"""ARP requests and replies for IPv4, from Ethernet and cooked captures."""

from __future__ import annotations

import pytest
from net_frames import MAC, look, reason
from scapy.layers.l2 import ARP

from ibsniff.model import Arp
from ibsniff.net import SkipReason

ASKED = ARP(op=1, psrc="10.0.0.1", pdst="10.0.0.2", hwsrc="02:00:00:00:00:01")


@pytest.mark.parametrize(("link_type", "header"), [(1, MAC + b"\x08\x06"), (113, bytes(14) + b"\x08\x06")])
@pytest.mark.parametrize("operation", [1, 2])
def test_request_and_reply(link_type: int, header: bytes, operation: int) -> None:
    message = ASKED.copy()
    message.op = operation
    found, skipped = look(header + bytes(message) + bytes(18), link_type)
    assert found == Arp(1, 5, operation == 2, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
    assert not skipped


@pytest.mark.parametrize("changed", [{"op": 8}, {"ptype": 0x86DD}, {"plen": 16}])
def test_other_arp(changed: dict[str, int]) -> None:
    message = ARP(**({"op": 1, "psrc": "10.0.0.1", "pdst": "10.0.0.2"} | changed))
    assert reason(MAC + b"\x08\x06" + bytes(message)) == SkipReason.OTHER_ARP


def test_hardware_addresses_of_another_length() -> None:
    header = b"\0\x20\x08\0\x14\x04\0\x01"  # InfiniBand: 20 bytes (RFC 4391, 9.1.1)
    message = header + b"h" * 20 + bytes([10, 0, 0, 1]) + b"h" * 20 + bytes([10, 0, 0, 2])
    found, _ = look(bytes(14) + b"\x08\x06" + message, 113)
    assert found == Arp(1, 5, False, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))


def test_cut() -> None:
    data = MAC + b"\x08\x06" + bytes(ASKED)
    for length in range(14, len(data)):
        assert reason(data[:length], wire_length=len(data)) == SkipReason.CUT
