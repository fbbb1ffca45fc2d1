"""The script that records is not run by the tests; what it keeps, and its table, are looked at."""

from __future__ import annotations

import struct
import tomllib

import pytest
from recording.entries import LOOPBACK, Recording
from recording.keeping import CAPTURES, anonymous, made
from recording.libraries import CLIENTS, SERVERS
from recording.machines import NETWORKS
from recording.scenarios import RECORDINGS

from ibsniff import standin


def block(kind: int, body: bytes) -> bytes:
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def test_a_kept_capture_does_not_name_the_machine_it_was_made_on() -> None:
    section, interface = bytes(range(16)), bytes(8)
    name, system, end = option(2, b"lo"), option(12, b"Linux 6.1-mine"), option(0, b"")
    packet = block(6, b"packet..")
    made_here = block(0x0A0D0D0A, section + system + end) + block(1, interface + name + system + end) + packet
    assert b"".join(anonymous(made_here)) == block(0x0A0D0D0A, section) + block(1, interface + name + end) + packet


@pytest.mark.parametrize("recording", RECORDINGS.values(), ids=lambda recording: recording.name)
def test_every_entry_is_recorded_as_it_says(recording: Recording) -> None:
    scenario = tomllib.loads((CAPTURES / recording.name / "scenario.toml").read_text("utf-8"))
    assert scenario["title"] == recording.title
    assert scenario["made"].rpartition(", Linux")[0] == made(recording).rpartition(", Linux")[0]
    assert {recording.client[0], *(visitor.client[0] for visitor in recording.company)} <= CLIENTS.keys()
    assert [visitor.after for visitor in recording.company] == sorted(visitor.after for visitor in recording.company)
    assert recording.network in {LOOPBACK, *NETWORKS}
    assert recording.mode is None or recording.mode in standin.MODES.keys() | SERVERS.keys()
