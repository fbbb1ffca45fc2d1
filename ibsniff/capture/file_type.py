"""Files that are given instead of a supported capture: what they are, and what to do with them."""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.formatting import counted

EXAMINED_BYTES = 512
"""Bytes at the beginning of the file that are examined: the magic of a tar archive is at byte 257."""

MIN_CAPTURE_BYTES = 4
"""A file with fewer bytes cannot hold the magic of a capture."""


class OtherFile(NamedTuple):
    """What the file is, and what to do with it."""

    what: str
    what_to_do: str


EDITCAP = "editcap -F pcapng IN OUT.pcapng"
_CONVERT = f"Convert it with Wireshark's editcap: {EDITCAP}"
_UNPACK = "Unpack it first and give ibsniff the capture inside"
_CAPTURE = "Give ibsniff a capture, made by tcpdump -i IFACE -w FILE.pcap or by Wireshark's Save As"
_WRITE = "Let tcpdump write the file itself: tcpdump -i IFACE -w FILE.pcap"
_KUZNETZOV = "a pcap with longer packet headers, from a libpcap patched by Alexey Kuznetzov"
_ETL = "a Windows event trace, as written by netsh trace and pktmon"

_BY_MAGIC: dict[bytes, OtherFile] = {
    b"\xa1\xb2\xcd\x34": OtherFile(_KUZNETZOV, _CONVERT),
    b"\x34\xcd\xb2\xa1": OtherFile(_KUZNETZOV, _CONVERT),
    b"snoop\0\0\0": OtherFile("a Solaris snoop capture", _CONVERT),
    b"GMBU": OtherFile("a Microsoft Network Monitor 2 capture", _CONVERT),
    b"RTSS": OtherFile("a Microsoft Network Monitor 1 capture", _CONVERT),
    b"TRSNIFF data": OtherFile("a Network General Sniffer capture", _CONVERT),
    b"XCP\0": OtherFile("a NetXRay or Windows Sniffer capture", _CONVERT),
    b"\x7fver": OtherFile("an OmniPeek capture", _CONVERT),
    b"ObserverPktBuffe": OtherFile("a Network Instruments Observer capture", _CONVERT),
    b"iptrace ": OtherFile("an AIX iptrace capture", _CONVERT),
    b"\x54\x52\x00\x64\x00": OtherFile("an HP-UX nettl trace", _CONVERT),
    b"btsnoop\0": OtherFile("a Bluetooth capture", _CAPTURE),
    b"PK\x03\x04": OtherFile("a zip archive", _UNPACK),
    b"7z\xbc\xaf\x27\x1c": OtherFile("a 7-Zip archive", _UNPACK),
    b"Rar!": OtherFile("a RAR archive", _UNPACK),
    b"\x04\x22\x4d\x18": OtherFile("compressed with lz4", _UNPACK),
    b"\x1f\x9d": OtherFile("compressed with compress", _UNPACK),
    b"\x1f\x8b": OtherFile("compressed with gzip", _UNPACK),
    b"BZh": OtherFile("compressed with bzip2", _UNPACK),
    b"\xfd7zXZ\0": OtherFile("compressed with xz", _UNPACK),
    b"\x28\xb5\x2f\xfd": OtherFile("compressed with zstd", _UNPACK),
    b"\x89PNG": OtherFile("a PNG picture", _CAPTURE),
    b"\xff\xd8\xff": OtherFile("a JPEG picture", _CAPTURE),
    b"GIF8": OtherFile("a GIF picture", _CAPTURE),
    b"%PDF": OtherFile("a PDF document", _CAPTURE),
    b"\x7fELF": OtherFile("a program", _CAPTURE),
    b"MZ": OtherFile("a Windows program", _CAPTURE),
    b"\xff\xfe": OtherFile("UTF-16 text: PowerShell's > operator changes the bytes of a capture", _WRITE),
    b"\xef\xbf\xbd": OtherFile("a binary file that was destroyed when it was saved as text", _WRITE),
    b"\x0d\x0a\x0d\x0d\x0d\x0a": OtherFile("a pcapng that was transferred in text mode", "Transfer it in binary mode"),
    b"\x0a\x0d\x0a": OtherFile("a pcapng that was transferred in text mode", "Transfer it in binary mode"),
}

_TAR_MAGIC = b"ustar"
_TAR_MAGIC_AT = 257
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\x1b")


def describe(start: bytes, path: str) -> OtherFile:
    """Return what a file is that is not a capture, by its first bytes or, where they do not tell, by its name."""
    for magic, foreign in _BY_MAGIC.items():
        if start.startswith(magic):
            return foreign
    if start.startswith(_TAR_MAGIC, _TAR_MAGIC_AT):
        return OtherFile("a tar archive", _UNPACK)
    if path.lower().endswith(".etl"):
        return OtherFile(_ETL, "Convert it: pktmon etl2pcap FILE.etl, or etl2pcapng FILE.etl OUT.pcapng")
    if len(start) < MIN_CAPTURE_BYTES:
        return OtherFile(f"only {counted(len(start), 'byte')} long", _CAPTURE)
    if _is_text(start):
        return _text(start)
    known = "pcap and pcapng, also compressed with gzip, bzip2, xz or zstd"
    return OtherFile(f"of an unknown type (it starts with {start[:4].hex(' ')}); ibsniff reads {known}", _CONVERT)


def _is_text(start: bytes) -> bool:
    """Whether it is UTF-8 without control characters; the last character may be incomplete."""
    if any(byte < 0x20 and byte not in _TEXT_CONTROLS for byte in start):
        return False
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return error.end == len(start) and "unexpected end" in error.reason
    return True


def _text(start: bytes) -> OtherFile:
    lowered = start.lstrip().lower()
    if lowered.startswith((b"<!doctype html", b"<html")):
        return OtherFile("a web page: the download returned a page instead of the file", "Download the file itself")
    if b" ip " in lowered or b" ip6 " in lowered:
        return OtherFile("the text that tcpdump prints, not the packets", _WRITE)
    return OtherFile("a text file", _CAPTURE)
