"""The TCP header: its options, and how little of it must be there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from net_frames import RAW, ethernet, look, over_ipv4, reason, segment

from ibsniff.model import Endpoint, Segment
from ibsniff.net import Skip
from ibsniff.net import segment as room


def mss_of(**fields: object) -> int | None:
    found, _ = look(over_ipv4(segment(b"", **fields)), RAW)
    assert isinstance(found, Segment)
    return found.mss


@pytest.mark.parametrize("flags", ["S", "SA"])
def test_the_maximum_segment_size_of_a_syn(flags: str) -> None:
    assert mss_of(flags=flags, options=[("MSS", 1460)]) == 1460
    assert mss_of(flags=flags, options=[("NOP", None), ("WScale", 7), ("SAckOK", b""), ("MSS", 65495)]) == 65495
    assert mss_of(flags=flags, options=[("Timestamp", (1, 2))]) is None


def test_only_a_syn_has_one() -> None:
    assert mss_of(flags="A", options=[("MSS", 1460)]) is None


def test_options_end_where_they_say() -> None:
    assert mss_of(flags="S", options=[("EOL", None), ("MSS", 1460)]) is None


def test_an_option_without_length_does_not_stop_the_reading() -> None:
    bare = bytearray(over_ipv4(segment(b"", flags="S", options=[("SAckOK", b""), ("MSS", 1460)])))
    assert bare[40:42] == b"\x04\x02"
    bare[41] = 0
    found, _ = look(bytes(bare), RAW)
    assert isinstance(found, Segment)
    assert found.mss == 1460


@pytest.mark.parametrize("length", [0, 3, 6])
def test_an_mss_of_another_length_is_none(length: int) -> None:
    bare = bytearray(over_ipv4(segment(b"", flags="S", options=[("MSS", 1460), ("NOP", None), ("NOP", None)])))
    bare[41] = length
    found, _ = look(bytes(bare) + bytes(8), RAW)
    assert isinstance(found, Segment)
    assert found.mss is None


@given(st.binary(max_size=40))
def test_any_options_at_all(options: bytes) -> None:
    options = options.ljust(-len(options) % 4 + len(options), b"\0")
    packet = bytearray(over_ipv4(segment(options, flags="S")))
    packet[32] = (20 + len(options)) // 4 << 4
    found, _ = look(bytes(packet), RAW)
    assert isinstance(found, Segment)
    assert found.length == 0


def test_cut_in_the_headers_only_if_the_capture_was_cut() -> None:
    data = ethernet(over_ipv4(segment()))
    for length in range(54):
        assert reason(data[:length], wire_length=len(data)) == Skip.CUT
        assert reason(data[:length]) == Skip.DAMAGED


def test_foreign_ports_are_foreign_as_soon_as_they_are_known() -> None:
    data = ethernet(over_ipv4(segment(to=443)))
    assert reason(data[:38], wire_length=len(data)) == Skip.OTHER_PORTS
    assert reason(data[:37], wire_length=len(data)) == Skip.CUT


def test_the_memory_of_flows_is_bounded_and_forgets_harmlessly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_MAX_FLOWS", 4)
    flows = room.Flows()
    for port in range(50):
        key = bytes([10, 0, 0, 1, 10, 0, 0, 2]) + port.to_bytes(2) + b"\x1d\x49"
        assert flows.find(key)[:2] == (Endpoint(key[:4], port), Endpoint(key[4:8], 7497))
        assert len(flows._flows) <= 4
