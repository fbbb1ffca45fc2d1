"""Captures inside gzip, bzip2, xz or zstd: decompress as they are read, never trusted about their size."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from ibsniff.capture.input_buffer import READ_SIZE, DamagedCapture, TruncatedCapture
from ibsniff.model import UserError

STEP_BYTES = 1024
"""Compressed bytes decompress at once, and by it the memory one step may take where unpacking cannot be told to pause.

That is zstd alone: four bytes may stand for 128 KiB (RFC 8878, 3.1.1.2.2), so a step gives 32 MiB at most.
"""

MAX_OUTPUT_BYTES = 1 << 20
"""Bytes decompress before the next are asked for: 40 bytes of bzip2 may stand for 46 MB."""

MAX_DICTIONARY = 128 << 20
"""Bytes of history a stream may ask us to keep; ``xz -9`` takes 64 MiB and ``zstd --long`` 128."""

MAX_RATIO = 1000
RATIO_COUNTS_FROM = 256 << 20
"""Bytes out for each byte in, once so many are out. A day of the same small packets shrinks to a hundredth at best."""

MAX_DECOMPRESSED = 1 << 40
"""Bytes out of one file: 1 TiB would be some ten thousand million packets."""

INSTALL_ZSTD = f"{sys.executable} -m pip install 'ibsniff[zstd]'"


class Member(Protocol):
    """One compressed stream of the several a file may hold one after the other."""

    @property
    def eof(self) -> bool:
        """Its end has been read."""

    @property
    def unused_data(self) -> bytes:
        """What was given to it after its end."""

    def decompress(self, data: bytes) -> Iterator[bytes]:
        """The bytes that can be said now, some at a time."""


class _BoundedDecompressor:
    """bzip2 and xz: they keep what they were given and say it when asked again."""

    def __init__(self, decompressor: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._decompressor = decompressor

    @property
    def eof(self) -> bool:
        return self._decompressor.eof

    @property
    def unused_data(self) -> bytes:
        return self._decompressor.unused_data

    def decompress(self, data: bytes) -> Iterator[bytes]:
        yield self._decompressor.decompress(data, MAX_OUTPUT_BYTES)
        while not (self._decompressor.eof or self._decompressor.needs_input):
            yield self._decompressor.decompress(b"", MAX_OUTPUT_BYTES)


class _UnboundedDecompressor:
    """gzip, where a step of input makes a megabyte at most (zlib's best is 1 to 1032), and zstd, which cannot pause."""

    def __init__(self, decompressor: Any) -> None:
        self._decompressor = decompressor

    @property
    def eof(self) -> bool:
        return bool(self._decompressor.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._decompressor.unused_data)

    def decompress(self, data: bytes) -> Iterator[bytes]:
        yield self._decompressor.decompress(data)


class Compression(NamedTuple):
    """A way to compress: its name, what opens a member, and the errors that unpacking raises."""

    name: str
    member: Callable[[], Member]
    errors: tuple[type[Exception], ...]


def _zstd() -> Compression:
    try:
        import zstandard  # noqa: PLC0415  (optional, and 30 ms)
    except ImportError as error:
        raise UserError("it is compressed with zstd, and reading that needs one more package", INSTALL_ZSTD) from error
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_DICTIONARY)
    return Compression("zstd", lambda: _UnboundedDecompressor(decompressor.decompressobj()), (zstandard.ZstdError,))


def _xz_member() -> Member:
    return _BoundedDecompressor(lzma.LZMADecompressor(lzma.FORMAT_XZ, MAX_DICTIONARY))


_XZ = Compression("xz", _xz_member, (lzma.LZMAError,))
_BZIP2 = Compression("bzip2", lambda: _BoundedDecompressor(bz2.BZ2Decompressor()), (OSError,))
_GZIP = Compression(
    "gzip", lambda: _UnboundedDecompressor(zlib.decompressobj(wbits=31)), (zlib.error,)
)  # 31: with gzip's header

_BY_MAGIC: dict[bytes, Callable[[], Compression]] = {
    b"\x1f\x8b": lambda: _GZIP,
    b"BZh": lambda: _BZIP2,
    b"\xfd7zXZ\x00": lambda: _XZ,
    b"\x28\xb5\x2f\xfd": _zstd,
}


def detect_compression(start: bytes) -> Compression | None:
    """The compression of a file that starts with these bytes. Raises UserError when it needs a missing package."""
    return next((make() for magic, make in _BY_MAGIC.items() if start.startswith(magic)), None)


def decompress(chunks: Iterator[bytes], compression: Compression) -> Iterator[bytes]:
    """The bytes inside, every one that can be had.

    Raises DamagedCapture at the place where the stream is broken, where it ends early, or where it passes a bound.
    """
    member: Member | None = None  # None between two members
    read = written = 0
    for piece in _steps(chunks):
        read += len(piece)
        while piece:
            if member is None:
                piece = piece.lstrip(b"\0")  # noqa: PLW2901  padding is allowed there (xz-file-format 2.2; tapes)
                if not piece:
                    break
                member = compression.member()
            try:
                for data in member.decompress(piece):
                    written += len(data)
                    yield from _sliced(data)
                    _check_bounds(read, written)
            except compression.errors as error:
                raise DamagedCapture(f"the {compression.name} stream is damaged near its byte {read}") from error
            piece = member.unused_data if member.eof else b""  # noqa: PLW2901
            member = None if member.eof else member
    if member is not None:
        raise TruncatedCapture(f"the {compression.name} stream ends early: its end should come after byte {read}")


def _steps(chunks: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), STEP_BYTES):
            yield chunk[start : start + STEP_BYTES]


def _sliced(data: bytes) -> Iterator[bytes]:
    """No more at once than of a plain file, for all packets in it become objects together."""
    for start in range(0, len(data), READ_SIZE):
        yield data[start : start + READ_SIZE]


def _check_bounds(read: int, written: int) -> None:
    if written > MAX_DECOMPRESSED or (written > RATIO_COUNTS_FROM and written > read * MAX_RATIO):
        raise DamagedCapture(f"{read} compressed bytes became {written}, more than is believed; the rest was not read")
