"""Captures compressed with gzip, bzip2, xz or zstd: decompressed while they are read, within bounds on their size."""

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
"""Compressed bytes in one step. It bounds the memory of a step where the output of a call cannot be limited.

That is the case with zstd: four bytes may expand to 128 KiB (RFC 8878, 3.1.1.2.2), so a step gives 32 MiB at most.
"""

MAX_OUTPUT_BYTES = 1 << 20
"""Decompressed bytes that one call returns: 40 bytes of bzip2 may expand to 46 MB."""

MAX_DICTIONARY = 128 << 20
"""Bytes of history that a stream may require in memory; ``xz -9`` takes 64 MiB and ``zstd --long`` 128 MiB."""

MAX_RATIO = 1000
RATIO_COUNTS_FROM = 256 << 20
"""The ratio is checked once this many bytes were decompressed. A day of equal small packets compresses a hundredfold."""

MAX_DECOMPRESSED = 1 << 40
"""Decompressed bytes of one file: 1 TiB holds about ten billion packets."""

INSTALL_ZSTD = f"{sys.executable} -m pip install 'ibsniff[zstd]'"


class Member(Protocol):
    """A decompressor for one of the compressed streams that a file may hold one after the other (RFC 1952, 2.2)."""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream has been read."""

    @property
    def unused_data(self) -> bytes:
        """The bytes that were passed in after the end of the stream."""

    def decompress(self, data: bytes) -> Iterator[bytes]:
        """Yield, in pieces, all that can be decompressed with this data."""


class _BoundedDecompressor:
    """bzip2 and xz: the output of each call can be limited."""

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
    """gzip, where a step gives a megabyte at most (zlib's best ratio is 1032), and zstd, whose output cannot be limited."""

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
    """A compression format: its name, what makes a decompressor, and the errors that decompressing raises."""

    name: str
    member: Callable[[], Member]
    errors: tuple[type[Exception], ...]


def _zstd() -> Compression:
    try:
        import zstandard  # noqa: PLC0415  (optional, and 30 ms)
    except ImportError as error:
        raise UserError("it is compressed with zstd, which needs another package", INSTALL_ZSTD) from error
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
    """Return the compression of a file that starts with these bytes. Raises UserError when it needs a missing package."""
    return next((make() for magic, make in _BY_MAGIC.items() if start.startswith(magic)), None)


def decompress(chunks: Iterator[bytes], compression: Compression) -> Iterator[bytes]:
    """Yield the decompressed bytes, as far as they can be recovered.

    Raises DamagedCapture where the stream is damaged, ends early, or exceeds a bound.
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
        raise TruncatedCapture(f"the {compression.name} stream ends early, at byte {read}")


def _steps(chunks: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), STEP_BYTES):
            yield chunk[start : start + STEP_BYTES]


def _sliced(data: bytes) -> Iterator[bytes]:
    """Yield pieces no longer than those of an uncompressed file: all packets of a piece become objects at once."""
    for start in range(0, len(data), READ_SIZE):
        yield data[start : start + READ_SIZE]


def _check_bounds(read: int, written: int) -> None:
    if written > MAX_DECOMPRESSED or (written > RATIO_COUNTS_FROM and written > read * MAX_RATIO):
        raise DamagedCapture(f"{read} compressed bytes expanded to {written}, above the limit; the rest was not read")
