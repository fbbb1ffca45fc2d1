from __future__ import annotations

import io
import os
from pathlib import Path
from struct import pack

import pytest
from capture_bytes import enhanced, interface, opened, option, pcap_header, read, record, section, statistics

from ibsniff.capture.files import open_capture
from ibsniff.model import ExitCode, UserError, WatchedBy, WireText

SECOND = 1_000_000_000


def test_facts_of_a_capture(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap_header() + record(seconds=10) + record(seconds=12) + record(seconds=11))
    with open_capture(str(path)) as capture:
        assert sum(1 for _ in capture.frames()) == 3
    facts = capture.facts
    assert (facts.path, facts.packets, facts.dropped) == (str(path), 3, None)
    assert (facts.first_time_ns, facts.last_time_ns) == (10 * SECOND, 12 * SECOND)
    assert (facts.watched_until_ns, facts.watched_by) == (12 * SECOND, WatchedBy.LAST_PACKET)


def test_a_clock_set_back_is_counted_and_reordering_is_not():
    seconds_and_fractions = [(100, 0), (99, 0), (98, 999_999), (50, 0), (101, 0)]
    _, facts = read(pcap_header() + b"".join(record(b"", *time) for time in seconds_and_fractions))
    assert facts.times_backwards == 2
    assert facts.last_time_ns == 101 * SECOND


def test_clock_changes_are_counted_across_reads(monkeypatch):
    monkeypatch.setattr("ibsniff.capture.input_buffer.READ_SIZE", 16)
    _, facts = read(pcap_header() + record(b"", 100) + record(b"", 50) + record(b"", 99))
    assert (facts.packets, facts.times_backwards, facts.last_time_ns) == (3, 1, 100 * SECOND)


def test_a_pipe_gives_its_packets_as_they_arrive():
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb", buffering=0) as writer, open_pipe(reading, writer) as capture:
        frames = capture.frames()
        for number in (1, 2, 3):
            writer.write(record(seconds=number))  # and the pipe stays open: a full buffer would never come
            assert next(frames).number == number
            assert capture.facts.last_time_ns == number * SECOND
        writer.write(record()[:30])
        writer.close()
        assert list(frames) == []
        assert capture.facts.truncated == "the capture ends inside packet 4: 14 of 60 bytes are there"


def open_pipe(reading, writer):
    writer.write(pcap_header())
    return open_capture("-", os.fdopen(reading, "rb"))


def test_a_pcapng_pipe_gives_its_packets_as_they_arrive():
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb", buffering=0) as writer:
        writer.write(section())
        with open_capture("-", os.fdopen(reading, "rb")) as capture:
            frames = capture.frames()
            writer.write(interface() + enhanced()[:40])
            writer.write(enhanced()[40:])
            assert next(frames).number == 1
            writer.write(statistics(options=option(3, pack("<II", 0, 9_000_000))))
            writer.close()
            assert list(frames) == []
            assert capture.facts.watched_until_ns == 9 * SECOND


class Failing(io.RawIOBase):
    """A stream whose device fails after its bytes were read."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, size: int = -1) -> bytes:
        content, self._content = self._content, b""
        if not content:
            raise OSError(5, "Input/output error")
        return content


def test_a_device_that_fails_is_a_truncated_capture():
    with open_capture("-", Failing(pcap_header() + record())) as capture:
        assert [frame.number for frame in capture.frames()] == [1]
    assert capture.facts.truncated == "reading failed: Input/output error"


def test_a_device_that_fails_at_once_is_unreadable():
    with pytest.raises(UserError, match="standard input cannot be read: reading failed: Input/output error"):
        open_capture("-", Failing(b""))


def unopenable(path: str | Path) -> UserError:
    with pytest.raises(UserError) as caught:
        open_capture(str(path))
    assert caught.value.exit_code is ExitCode.INPUT
    assert "\n" not in caught.value.what + caught.value.what_to_do
    assert str(WireText(str(path))) in caught.value.what
    assert caught.value.what_to_do
    return caught.value


def test_no_such_file(tmp_path):
    assert "no such file" in unopenable(tmp_path / "no.pcap").what


def test_a_directory(tmp_path):
    assert "is a directory" in unopenable(tmp_path).what


def test_no_permission(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.pcap").write_bytes(pcap_header())
    monkeypatch.setattr(os, "open", refuse)
    assert "no permission" in unopenable(tmp_path / "a.pcap").what


@pytest.mark.parametrize("name", ["nul\0in name", "x" * 5000, "a.pcap/b"])
def test_impossible_names(name, tmp_path):
    (tmp_path / "a.pcap").write_bytes(pcap_header())
    unopenable(tmp_path / name)


NO_CAPTURES = {
    b"": ("empty (0 bytes)", "Ctrl-C"),
    b"\xd4": ("only 1 byte long", "Give ibsniff a capture"),
    b"\xd4\xc3": ("only 2 bytes long", "Give ibsniff a capture"),
    b"hello, this is no capture\n": ("a text file", "tcpdump -i IFACE -w"),
    "eine Grüße".encode()[:8]: ("a text file", "tcpdump"),
    b"09:30:01.123456 IP 127.0.0.1.50000 > 127.0.0.1.7497: Flags [S]\n": ("the text that tcpdump prints", "-w"),
    b"\xff\xfeh\0i\0": ("PowerShell", "-w"),
    b"\n<!DOCTYPE html><html>": ("a web page", "Download the file itself"),
    b"\x89PNG\r\n\x1a\n": ("a PNG picture", "Give ibsniff a capture"),
    b"\xff\xd8\xff\xe0": ("a JPEG picture", "Give ibsniff a capture"),
    b"PK\x03\x04": ("a zip archive", "Unpack it"),
    b"\0" * 257 + b"ustar": ("a tar archive", "Unpack it"),
    b"\xa1\xb2\xcd\x34": ("Alexey Kuznetzov", "editcap -F pcapng"),
    b"\x34\xcd\xb2\xa1": ("Alexey Kuznetzov", "editcap -F pcapng"),
    b"snoop\0\0\0\0\0\0\x02": ("Solaris snoop", "editcap -F pcapng"),
    b"GMBU\0\2": ("Microsoft Network Monitor", "editcap -F pcapng"),
    b"\x0a\x0d\x0a\x6c": ("transferred in text mode", "binary mode"),
    b"\xde\xad\xbe\xef\0\0\0\0": ("starts with de ad be ef", "editcap -F pcapng"),
}


@pytest.mark.parametrize("content", NO_CAPTURES)
def test_files_that_are_not_captures_are_identified(content, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    error = unopenable(path)
    what, what_to_do = NO_CAPTURES[content]
    assert what in error.what
    assert what_to_do in error.what_to_do


def test_a_windows_event_trace_is_identified_by_its_name(tmp_path):
    path = tmp_path / "NetTrace.ETL"
    path.write_bytes(bytes(600))
    assert "pktmon etl2pcap" in unopenable(path).what_to_do


def test_standard_input_is_named_in_errors():
    with pytest.raises(UserError, match="standard input is empty"):
        opened(b"")
