"""Captures inside gzip, bzip2, xz or zstd: unpacked as they are read, never trusted about their size."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, Protocol

from ibsniff.capture.feed import Cut, Damage
from ibsniff.model import UserError

STEP = 1024
"""Compressed bytes unpacked at once, and by it the memory one step may take.

The worst is zstd: four bytes may stand for 128 KiB (RFC 8878, 3.1.1.2.2), so a step gives 32 MiB at most.
"""

MAX_DICTIONARY = 256 << 20
"""Bytes of history a stream may ask us to keep; ``xz -9`` takes 64 MiB and ``zstd --long`` 128."""

MAX_RATIO = 1000
RATIO_COUNTS_FROM = 256 << 20
"""Bytes out for each byte in, once so many are out. A day of the same small packets shrinks to a hundredth at best."""

MAX_DECOMPRESSED = 1 << 40
"""Bytes out of one file: 1 TiB would be some ten thousand million packets."""

EXTRA = "pip install 'ibsniff[zstd]'"


class Member(Protocol):
    """One compressed stream of the several a file may hold one after the other."""

    @property
    def eof(self) -> bool:
        """Its end has been read."""

    @property
    def unused_data(self) -> bytes:
        """What was given to it after its end."""

    def decompress(self, data: bytes, /) -> bytes:
        """The bytes that can be said now."""


class Compression(NamedTuple):
    """A way to compress: its name, what opens a member, and the errors that unpacking raises."""

    name: str
    member: Callable[[], Member]
    errors: tuple[type[Exception], ...]


def _zstd() -> Compression:
    try:
        import zstandard  # noqa: PLC0415  (optional, and 30 ms)
    except ImportError as error:
        raise UserError("it is compressed with zstd, and reading that needs a package more", EXTRA) from error
    unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_DICTIONARY)
    return Compression("zstd", unpacker.decompressobj, (zstandard.ZstdError,))


_XZ = Compression("xz", partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, MAX_DICTIONARY), (lzma.LZMAError,))
_BZIP2 = Compression("bzip2", bz2.BZ2Decompressor, (OSError,))
_GZIP = Compression("gzip", partial(zlib.decompressobj, wbits=31), (zlib.error,))  # 31: with gzip's header (zlib.h)

_BY_MAGIC: dict[bytes, Callable[[], Compression]] = {
    b"\x1f\x8b": lambda: _GZIP,
    b"BZh": lambda: _BZIP2,
    b"\xfd7zXZ\x00": lambda: _XZ,
    b"\x28\xb5\x2f\xfd": _zstd,
}


def recognise(start: bytes) -> Compression | None:
    """The compression of a file that starts with these bytes. Raises UserError when it needs a missing package."""
    return next((make() for magic, make in _BY_MAGIC.items() if start.startswith(magic)), None)


def decompressed(chunks: Iterator[bytes], compression: Compression) -> Iterator[bytes]:
    """The bytes inside, every one that can be had.

    Raises Damage at the place where the stream is broken, where it ends early, or where it passes a bound.
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
                data = member.decompress(piece)
            except compression.errors as error:
                raise Damage(f"the {compression.name} stream is damaged near its byte {read}") from error
            if data:
                yield data
            written += len(data)
            _check_bounds(read, written)
            piece = member.unused_data if member.eof else b""  # noqa: PLW2901
            member = None if member.eof else member
    if member is not None:
        raise Cut(f"the {compression.name} stream ends early: its end should come after byte {read}")


def _steps(chunks: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), STEP):
            yield chunk[start : start + STEP]


def _check_bounds(read: int, written: int) -> None:
    if written > MAX_DECOMPRESSED or (written > RATIO_COUNTS_FROM and written > read * MAX_RATIO):
        raise Damage(f"{read} compressed bytes became {written}, more than is believed; the rest was not read")
