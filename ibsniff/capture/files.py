"""A capture file, whatever it is: opened, recognised, read to its end or to its first damage."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from ibsniff.capture import foreign
from ibsniff.capture.compression import decompressed, recognise
from ibsniff.capture.feed import Cut, Damage, Feed, chunks_of
from ibsniff.capture.pcap import MAGICS as PCAP_MAGICS
from ibsniff.capture.pcap import PcapReader
from ibsniff.capture.pcapng import PcapngReader
from ibsniff.capture.timing import LEAP_NS, note_leap
from ibsniff.model import NANOSECONDS, Frame, InputFacts, UserError, WatchedBy

STDIN = "-"
PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
LONGEST_MAGIC = 6
"""Bytes that tell what a file is: four of a capture, six of xz."""
BACKWARDS_NS = NANOSECONDS
"""Stamped this much earlier than the latest so far, a packet was not merely overtaken: the clock was set back."""


GROWS = "it is still being written: it grew while it was read"


class Reader(Protocol):
    """A file format: it takes packets out of the feed's buffer, as many as are whole."""

    format: str
    position: int
    """Where in the buffer the first byte stands that was not used."""
    needed: int
    """Bytes from there on without which there is no going on."""

    def parse(self, feed: Feed, batch: list[Frame]) -> None:
        """Append the whole packets in the buffer to ``batch``, also those before the Damage it may raise."""

    def missing(self, rest: int) -> str:
        """What is not there when the input ends ``rest`` bytes after the last whole packet."""


class CaptureFile:
    """An open capture. ``facts`` grow with each read of the input, which runs ahead of the frames by a read at most."""

    def __init__(self, stream: BinaryIO, reader: Reader, feed: Feed, facts: InputFacts) -> None:
        self._stream = stream
        self._size = _size(stream)
        self._reader = reader
        self._feed = feed
        self.facts = facts
        facts.format = reader.format

    def frames(self) -> Iterator[Frame]:
        """Every packet up to the end or the first damage, which ``facts.truncated`` tells.

        Raises UserError when there is damage before any packet, so that nothing can be said of this file.
        """
        feed, reader = self._feed, self._reader
        try:
            while feed.advance(reader.position, reader.needed):
                batch: list[Frame] = []
                damage = _damage_in_parsing(reader, feed, batch)
                self._account(batch)
                yield from batch
                if damage:
                    raise damage
            if feed.buffer:
                raise Cut(reader.missing(len(feed.buffer)))
        except Damage as damage:
            if self.facts.packets == 0 and not isinstance(damage, Cut):
                raise _unreadable(self.facts.path, damage) from damage
            self.facts.truncated = str(damage)
        if self._size is not None and (_size(self._stream) or 0) > self._size:
            self.facts.truncated = "; ".join(filter(None, (self.facts.truncated, GROWS)))

    def _account(self, batch: list[Frame]) -> None:
        facts = self.facts
        facts.packets += len(batch)
        if batch:
            if facts.first_time_ns is None:
                facts.first_time_ns = batch[0].time_ns
            latest = facts.first_time_ns if facts.last_time_ns is None else facts.last_time_ns
            for frame in batch:
                time_ns = frame.time_ns
                if time_ns >= latest:
                    if time_ns - latest >= LEAP_NS:
                        note_leap(facts, frame.number, latest, time_ns)
                    latest = time_ns
                elif latest - time_ns > BACKWARDS_NS:
                    facts.times_backwards += 1
            facts.last_time_ns = latest
        self._account_watch()

    def _account_watch(self) -> None:
        facts = self.facts
        end, last = facts.statistics_end_ns, facts.last_time_ns
        if end is not None and (last is None or end >= last):
            facts.watched_until_ns, facts.watched_by = end, WatchedBy.STATISTICS
        else:
            facts.watched_until_ns, facts.watched_by = last, WatchedBy.LAST_PACKET

    def close(self) -> None:
        """Close the file (standard input too: nothing else of it can be used)."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_capture(path: str, stdin: BinaryIO | None = None) -> CaptureFile:
    """Open a capture; ``-`` is standard input, which may be a pipe that is still written to.

    Raises UserError when there is no such file, when it may not be read, or when it is no capture.
    """
    stream = _standard_input(stdin) if path == STDIN else _opened(path)
    facts = InputFacts(path=path)
    try:
        feed, name = _unpacked(Feed(chunks_of(stream)), _shown(path))
        reader = _reader(feed, facts, name)
    except Damage as damage:
        stream.close()
        raise _unreadable(path, damage) from damage
    except BaseException:
        stream.close()
        raise
    return CaptureFile(stream, reader, feed, facts)


def _standard_input(given: BinaryIO | None) -> BinaryIO:
    stream = given or (sys.stdin.buffer if sys.stdin is not None else None)
    if stream is None or stream.closed:
        raise UserError("standard input is closed, or was read already", "name - once: ibsniff read - < FILE")
    return stream


def _size(stream: BinaryIO) -> int | None:
    """Of a regular file, bytes; None of a pipe and of what is no file."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _opened(path: str) -> BinaryIO:
    try:
        if Path(path).is_dir():  # Windows says "permission denied" when one is opened
            raise UserError(f"{path} is a directory", "name the capture file in it")
        return Path(path).open("rb", buffering=0)  # we read big pieces ourselves
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file", "check the name and the folder you are in") from error
    except PermissionError as error:
        what_to_do = 'captures written under sudo belong to root: sudo chown "$USER" FILE'
        raise UserError(f"{path}: you have no permission to read it", what_to_do) from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be opened: {error}", "check the name") from error


def _unpacked(feed: Feed, name: str) -> tuple[Feed, str]:
    """The bytes of the capture itself, and in words where they are."""
    feed.advance(0, LONGEST_MAGIC)
    if not feed.buffer:
        what_to_do = "capture again, and stop tcpdump with Ctrl-C, so that it writes what it holds"
        raise UserError(f"{name} is empty (0 bytes)", what_to_do)
    try:
        compression = recognise(feed.buffer)
    except UserError as error:
        raise UserError(f"{name}: {error.what}", error.what_to_do) from error
    if compression is None:
        return feed, name
    inner = Feed(decompressed(feed.rest(), compression))
    inner.advance(0, LONGEST_MAGIC)
    return inner, f"what {name} holds in {compression.name}"


def _reader(feed: Feed, facts: InputFacts, name: str) -> Reader:
    magic = feed.buffer[:4]
    if magic in PCAP_MAGICS:
        return PcapReader(feed, facts)
    if magic == PCAPNG_MAGIC:
        return PcapngReader(feed, facts)
    feed.advance(0, foreign.LOOKS_AT)
    what, what_to_do = foreign.describe(feed.buffer, facts.path)
    raise UserError(f"{name} is no capture: it is {what}", what_to_do)


def _damage_in_parsing(reader: Reader, feed: Feed, batch: list[Frame]) -> Damage | None:
    """Parse; a Damage waits until the packets before it are out."""
    try:
        reader.parse(feed, batch)
    except Damage as damage:
        return damage
    return None


def _unreadable(path: str, damage: Damage) -> UserError:
    what_to_do = f"take the capture again, or check the copy; if Wireshark opens it, {foreign.CONVERT}"
    return UserError(f"{_shown(path)} cannot be read: {damage}", what_to_do)


def _shown(path: str) -> str:
    return "standard input" if path == STDIN else path
