"""The server's first bytes: a version reply, a part of one, or another service.

TWS answers a modern hello with one frame of two text fields, ``<serverVersion>`` and ``<connectionTime>``; it is text even
when later messages are protobuf. A client older than version 100 gets the same fields without a frame. A negative version
redirects the client to the host in the second field.

Source: EClient/EDecoder of the official API (processConnectAck); public traces for unframed replies.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ibsniff.model import ReplyKind

MAX_REPLY = 512
"""A reply has about 30 bytes; a longer frame in its place is no reply."""

LOWEST_VERSION = 20
"""From server version 20 on the connection time follows; a lower number is a message id, or not from TWS."""

FRAMED = re.compile(rb"(-?\d{1,9})\0([^\0]*)\0", re.DOTALL)
LEGACY = re.compile(rb"(\d{2,3})\0([^\0]{1,64})\0")
LEGACY_PREFIX = re.compile(rb"\d|\d{2,3}(?:\0[^\0]{0,64})?")

SERVICES: tuple[tuple[bytes, str], ...] = (
    (b"HTTP/", "HTTP"),
    (b"<html", "HTTP"),
    (b"<!DOCTYPE", "HTTP"),
    (b"<?xml", "HTTP"),
    (b"\x15\x03", "TLS"),
    (b"\x16\x03", "TLS"),
    (b"SSH-", "SSH"),
    (b"RFB 0", "VNC"),
    (b"\x03\x00\x00", "RDP"),
    (b"220 ", "FTP or SMTP"),
    (b"220-", "FTP or SMTP"),
    (b"* OK", "IMAP"),
    (b"+OK", "POP3 or Redis"),
    (b"-ERR", "Redis"),
    (b"8=FIX", "FIX"),
    (b"IBController", "the IBController command port"),
    (b"OK ", "an IBC command port"),
)
"""First bytes of other services that have been found on an API port -> the service."""


class ParsedReply(NamedTuple):
    """What the server's first bytes are."""

    kind: ReplyKind
    consumed: int = 0
    """Length of a whole reply; 0 when it is not one (yet)."""
    server_version: int | None = None
    connection_time: str | None = None
    redirect: str | None = None
    service: str | None = None


def read_reply(raw: bytes) -> ParsedReply:
    """Say what a server's first bytes are; every byte string has an answer."""
    for magic, service in SERVICES:
        if raw.startswith(magic):
            return ParsedReply(ReplyKind.FOREIGN, service=service)
    if raw[:1].isdigit():
        return _legacy(raw)
    if len(raw) < 4:
        may_be_a_length = not raw.strip(b"\0") or raw[:2] == b"\0\0"
        return ParsedReply(ReplyKind.UNFINISHED if may_be_a_length else ReplyKind.FOREIGN)
    length = int.from_bytes(raw[:4], "big")
    if not 2 <= length <= MAX_REPLY:
        return ParsedReply(ReplyKind.FOREIGN)
    return _framed(raw[4 : 4 + length], length)


def _framed(body: bytes, length: int) -> ParsedReply:
    if len(body) < length:
        plausible = re.fullmatch(rb"-?\d{0,9}(?:\0[^\0]*\0?)?", body, re.DOTALL)
        return ParsedReply(ReplyKind.UNFINISHED if plausible else ReplyKind.FOREIGN)
    match = FRAMED.fullmatch(body)
    if match is None:
        return ParsedReply(ReplyKind.FOREIGN)
    version, second = int(match[1]), _decoded(match[2])
    if version < 0:
        return ParsedReply(ReplyKind.REDIRECT, 4 + length, version, redirect=second)
    if version < LOWEST_VERSION:
        return ParsedReply(ReplyKind.FOREIGN)
    return ParsedReply(ReplyKind.FRAMED, 4 + length, version, second)


def _decoded(field: bytes) -> str:
    """UTF-8, and what is none in Latin-1: TWS uses the encoding of its machine, and a time zone may have an umlaut."""
    decoded = ""
    while True:
        try:
            return decoded + field.decode("utf-8")
        except UnicodeDecodeError as error:
            decoded += field[: error.start].decode("utf-8") + field[error.start : error.end].decode("latin-1")
            field = field[error.end :]


def _legacy(raw: bytes) -> ParsedReply:
    match = LEGACY.match(raw)
    if match is None:
        unfinished = LEGACY_PREFIX.fullmatch(raw)
        return ParsedReply(ReplyKind.UNFINISHED if unfinished else ReplyKind.FOREIGN)
    if int(match[1]) < LOWEST_VERSION:
        return ParsedReply(ReplyKind.FOREIGN)
    return ParsedReply(ReplyKind.LEGACY, match.end(), int(match[1]), _decoded(match[2]))
