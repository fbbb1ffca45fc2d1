"""The client's first bytes: a hello, a part of one, a wrong one, or another protocol.

A valid hello is ``API`` NUL, a big-endian length, and a version range of that length: ``v100..187``, perhaps with
connect options after a space. Clients older than version 100 send only their version number and a NUL. Everything else
that programs are known to send is recognised here, because the wrong bytes *are* the diagnosis.

Source: EClient of the official API (``startApi``/``sendConnectRequest``); the wrong hellos were collected from public
issue threads of client libraries.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ibsniff.model import Dialect

PREFIX = b"API\0"
LENGTH_END = 8
"""Where the version string begins: after the prefix and the four length bytes."""

OTHER_WIDTHS = {1: "1 byte", 2: "2 bytes", 8: "8 bytes"}
"""Bytes of an integer that a program may have written as the length: a byte, a short, and a 64-bit one."""

MAX_VERSION_STRING = 512
"""A larger length is wrong: real version strings have 9 bytes, with options about 20."""

VERSION = re.compile(rb"v(\d{1,9})(?:\.\.(\d{1,9}))?(?: (.*))?", re.DOTALL)
"""Up to as many digits as a 32-bit number has: a client that offers all future versions is understood, too."""
VERSION_THEN_FRAME = re.compile(rb"v\d{1,9}(?:\.\.\d{1,9})?\0\0")
ALMOST_VERSION = re.compile(rb"v?\d{1,4}[^\d\s]{1,3}\d{1,4}")
LEGACY = re.compile(rb"(\d{1,3})\0")
WIDE_PREFIX = re.compile(rb"(?:\xff\xfe)?A\0P\0I\0|(?:\xfe\xff)?\0A\0P\0I")
WIDE_VERSION = re.compile(rb"(?:\xff\xfe)?v\0[1-9]\0|(?:\xfe\xff)?\0v\0[1-9]")
"""UTF-16, two bytes for each character in either order: strings of Windows, Java and JavaScript as they are in memory."""
HTTP = re.compile(rb"(GET|POST|PUT|HEAD|OPTIONS|DELETE|PATCH|CONNECT|TRACE|PRI) ")
WEBSOCKET = re.compile(rb"\r\nUpgrade:\s*websocket", re.IGNORECASE)
HEALTH_CHECK = re.compile(
    rb"(?:GET|HEAD|OPTIONS) /(?:[\w.-]+/)*_*(?:health(?:[-_]?check|y|z)?|live(?:ness|z)?|ready(?:z)?|readiness|ping|metrics)[ ?/]"
    rb"|\r\nUser-Agent: ?(?:kube-probe|ELB-HealthChecker|GoogleHC|Prometheus|Consul Health|Uptime|Blackbox)",
    re.IGNORECASE,
)
"""Paths and programs that ask whether a server is alive: Kubernetes, load balancers, monitors."""
PROXY_V1 = re.compile(rb"PROXY (?:TCP[46]|UNKNOWN)[^\r\n]{0,90}\r\n")
"""A line of at most 107 bytes (haproxy.org, doc/proxy-protocol.txt, 2.1)."""
PROXY_V2 = b"\r\n\r\n\0\r\nQUIT\n"
PROXY_V2_HEADER = 16
"""The signature, version and command, family, and the length of what follows in two bytes (2.2 there)."""


class ParsedHello(NamedTuple):
    """What the client's first bytes are."""

    dialect: Dialect
    consumed: int = 0
    """Length of a valid hello; 0 when it is not one (yet)."""
    min_version: int | None = None
    max_version: int | None = None
    options: str | None = None
    declared_length: int | None = None
    detail: str = ""
    """What is wrong with it, or what it is instead; a clause for a sentence."""


def read_hello(raw: bytes) -> ParsedHello:
    """Say what a client's first bytes are; every byte string has an answer."""
    if raw.startswith(PREFIX):
        return _after_prefix(raw)
    if legacy := LEGACY.match(raw):
        number = int(legacy[1])
        return ParsedHello(Dialect.LEGACY, legacy.end(), number, number)
    return _without_prefix(raw)


def _after_prefix(raw: bytes) -> ParsedHello:
    """The prefix is right; check length and version."""
    if len(raw) == len(PREFIX):
        return ParsedHello(Dialect.INCOMPLETE, detail="it ends after the prefix: no length and no version range follow")
    if VERSION.match(raw, len(PREFIX)):
        return _bad_length(None, "the version range stands where its 4-byte length belongs")
    if VERSION.match(raw, LENGTH_END - 1):
        return ParsedHello(Dialect.BAD_PREFIX, detail="the byte 00 after API is missing: the length follows at once")
    if width := _other_width(raw):
        return _bad_length(None, f"its length field has {width} instead of 4")
    if len(raw) < LENGTH_END:
        return ParsedHello(Dialect.INCOMPLETE, detail=f"it ends after {len(raw)} bytes, inside the 4-byte length")
    declared = int.from_bytes(raw[4:8], "big")
    body = raw[LENGTH_END : LENGTH_END + declared] if declared <= MAX_VERSION_STRING else raw[LENGTH_END:]
    if declared > MAX_VERSION_STRING:
        swapped = int.from_bytes(raw[4:8], "little")
        if swapped <= MAX_VERSION_STRING:
            detail = (
                f"its length field says {declared:,} bytes: {swapped} with its bytes in the wrong order (little-endian)"
            )
        else:
            detail = f"its length field says {declared:,} bytes, which no version range has"
        return _bad_length(declared, detail)
    if len(body) < declared:
        return _short(declared, body)
    return _version(declared, body)


def _other_width(raw: bytes) -> str:
    """How many bytes its length field has, if the version range stands where that is not 4; empty otherwise.

    Nothing valid looks like that: read as 4 bytes, such a length is 0, or many thousands.
    """
    for width, words in OTHER_WIDTHS.items():
        field = raw[len(PREFIX) : len(PREFIX) + width]
        shortest = min(int.from_bytes(field, "big"), int.from_bytes(field, "little"))
        if VERSION.match(raw, len(PREFIX) + width) and 0 < shortest <= MAX_VERSION_STRING:
            return words
    return ""


def _bad_length(declared: int | None, detail: str) -> ParsedHello:
    return ParsedHello(Dialect.BAD_LENGTH, declared_length=declared, detail=detail)


def _short(declared: int, body: bytes) -> ParsedHello:
    """Fewer bytes than declared: the rest is still to come, or the length is too large."""
    overcount = {4: "itself", 8: "the prefix and itself"}.get(declared - len(body))
    if overcount and VERSION.fullmatch(body):
        return _bad_length(
            declared,
            f"its length field says {declared} but the version range has {len(body)} bytes: it counts {overcount}",
        )
    detail = f"its length field says {declared} bytes, but only {len(body)} followed"
    return ParsedHello(Dialect.INCOMPLETE, declared_length=declared, detail=detail)


def _version(declared: int, body: bytes) -> ParsedHello:
    """All declared bytes are there; check the version range."""
    if match := VERSION.fullmatch(body):
        low, high, options = int(match[1]), int(match[2] or match[1]), match[3]
        if low > high:
            detail = f"its range runs backwards, from {low} to {high}"
            return ParsedHello(Dialect.BAD_VERSION, 0, low, high, None, declared, detail)
        text = options.decode("utf-8", "backslashreplace") if options is not None else None
        if text is None or text.isprintable():
            return ParsedHello(Dialect.V100PLUS, LENGTH_END + declared, low, high, text, declared)
    stripped = body.rstrip(b"\0\r\n \t")
    if stripped != body and (match := VERSION.fullmatch(stripped)):
        extra = body[len(stripped) :].hex(" ")
        detail = f"{extra} follows the version range inside the declared length"
        low, high = int(match[1]), int(match[2] or match[1])
        return ParsedHello(Dialect.TRAILING, 0, low, high, None, declared, detail)
    if VERSION_THEN_FRAME.match(body):
        return _bad_length(declared, f"its length field says {declared} and reaches into the next message")
    detail = "the version is not v<min>..<max> with two dots"
    if WIDE_VERSION.match(body):
        detail = "its version range is UTF-16, with two bytes for each character"
    return ParsedHello(Dialect.BAD_VERSION, declared_length=declared, detail=detail)


def _without_prefix(raw: bytes) -> ParsedHello:
    """There is no ``API`` NUL at the beginning: find out what the bytes are instead."""
    if len(raw) < len(PREFIX) and PREFIX.startswith(raw):
        return ParsedHello(
            Dialect.INCOMPLETE, detail=f"it ends after {len(raw)} of the {len(PREFIX)} bytes of the prefix"
        )
    if other := _another_protocol(raw):
        return other
    if WIDE_PREFIX.match(raw):
        return ParsedHello(Dialect.BAD_PREFIX, detail="it is UTF-16, with two bytes for each character")
    if raw[:3] == b"API":
        return ParsedHello(Dialect.BAD_PREFIX, detail="API is not followed by the single byte 00")
    if VERSION.match(raw) or VERSION.match(raw, 4) or ALMOST_VERSION.fullmatch(raw[4:32].rstrip(b"\0")):
        return ParsedHello(Dialect.UNFRAMED, detail="the 4 bytes API NUL (41 50 49 00) are missing in front")
    if PREFIX in raw[:16]:
        return ParsedHello(Dialect.BAD_PREFIX, detail="API NUL must be the very first bytes, before any length")
    if len(raw) >= 8 and raw[4:7] == b"API":
        return ParsedHello(Dialect.BAD_PREFIX, detail="API must be the very first bytes, before any length")
    return _no_protocol(raw)


def _another_protocol(raw: bytes) -> ParsedHello | None:
    """A protocol that its first bytes reveal, whatever follows."""
    if HTTP.match(raw):
        return ParsedHello(Dialect.HTTP, detail=f"it is {_kind_of_http(raw)}")
    if raw[:2] == b"\x16\x03":
        return ParsedHello(Dialect.TLS, detail="it is a TLS ClientHello")
    if raw.startswith(b"8=FIX"):
        return ParsedHello(Dialect.FIX, detail="it is a FIX message")
    if raw.startswith((b"PROXY ", PROXY_V2)):
        version = 1 if raw.startswith(b"PROXY ") else 2
        return ParsedHello(Dialect.PROXY, detail=f"it is a PROXY protocol header (version {version})")
    if raw.startswith(b"SSH-"):
        return ParsedHello(Dialect.SSH, detail="it is an SSH greeting")
    return None


def _kind_of_http(raw: bytes) -> str:
    if WEBSOCKET.search(raw):
        return "a WebSocket upgrade"
    return "an HTTP health check" if HEALTH_CHECK.search(raw) else "an HTTP request"


def _no_protocol(raw: bytes) -> ParsedHello:
    """Plain text, or unknown bytes."""
    if not raw.strip(b"\r\n"):
        return ParsedHello(Dialect.TEXT, detail="it is only line ends, as a test with telnet sends")
    if len(raw) < 4 and raw.isdigit():
        return ParsedHello(Dialect.INCOMPLETE, detail="it is a legacy version number without its NUL")
    if all(0x20 <= byte < 0x7F or byte in b"\r\n\t" for byte in raw):
        return ParsedHello(Dialect.TEXT, detail="it is plain text")
    return ParsedHello(Dialect.UNKNOWN, detail="no protocol that ibsniff knows begins like this")


def opening_length(raw: bytes) -> int | None:
    """How long an opening is that a server has answered although it is no valid hello; None when it does not tell.

    That is a hello with its declared length, perhaps behind a PROXY protocol header that the server expected.
    """
    at = _proxy_header_length(raw)
    found = read_hello(raw[at:])
    if found.consumed:
        return at + found.consumed
    return None if found.declared_length is None else at + LENGTH_END + found.declared_length


def _proxy_header_length(raw: bytes) -> int:
    """The length of a PROXY protocol header; 0 when there is none."""
    if line := PROXY_V1.match(raw):
        return line.end()
    if raw.startswith(PROXY_V2) and len(raw) >= PROXY_V2_HEADER:
        return PROXY_V2_HEADER + int.from_bytes(raw[14:16])
    return 0
