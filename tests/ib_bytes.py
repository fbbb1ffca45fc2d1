"""The bytes that both sides of an API connection send: written a second time, from the references alone.

``tests/ib/test_bytes.py`` holds these against the byte examples of the official clients; everything else builds on them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

ACCOUNTS = "DU1234567"
"""Invented."""
TIME = "20260105 09:30:00 EST"


def frame(payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + payload


def fields(*values: object) -> bytes:
    return b"".join(str(value).encode() + b"\0" for value in values)


def varint(value: int) -> bytes:
    value %= 1 << 64
    groups = [value >> shift & 0x7F for shift in range(0, max(value.bit_length(), 1), 7)]
    return bytes(group | 0x80 for group in groups[:-1]) + bytes(groups[-1:])


def protobuf(number: int, values: Mapping[int, int | str | bytes]) -> bytes:
    """A frame with a raw id of ``number + 200`` and these fields."""
    return frame(struct.pack(">I", number + 200) + protobuf_body(values))


def protobuf_body(values: Mapping[int, int | str | bytes]) -> bytes:
    """These fields; bytes are those of a message inside."""
    body = b""
    for key, value in values.items():
        if isinstance(value, int):
            body += varint(key << 3) + varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            body += varint(key << 3 | 2) + varint(len(data)) + data
    return body


def text(version: int, number: int, *values: object) -> bytes:
    """A text message as this server version frames it: unframed as legacy, with a raw id from 201 on."""
    if version < 100:
        return fields(number, *values)
    return frame(struct.pack(">I", number) + fields(*values)) if version >= 201 else frame(fields(number, *values))


# -- the client ---------------------------------------------------------------------------------------------------


def hello(low: int = 100, high: int = 187, options: str = "") -> bytes:
    versions = (f"v{low}..{high}" + (f" {options}" if options else "")).encode()
    return b"API\0" + frame(versions)


def legacy_hello(version: int = 63) -> bytes:
    return fields(version)


def start_api(version: int, client_id: int = 7) -> bytes:
    """In the form that this server version requires."""
    if version >= 213:
        return protobuf(71, {1: client_id})
    if version < 70:
        return fields(client_id)
    return text(version, 71, 2, client_id, "") if version >= 72 else text(version, 71, 1, client_id)


# -- the server ---------------------------------------------------------------------------------------------------


def reply(version: int = 178, time: str = TIME) -> bytes:
    return fields(version, time) if version in range(100) else frame(fields(version, time))


def next_valid_id(version: int, order: int = 1) -> bytes:
    return protobuf(9, {1: order}) if version >= 213 else text(version, 9, 1, order)


def managed_accounts(version: int, accounts: str = ACCOUNTS) -> bytes:
    return protobuf(15, {1: accounts}) if version >= 207 else text(version, 15, 1, accounts)


def error(version: int, code: int, message: str, request: int = -1) -> bytes:
    if version >= 203:
        return protobuf(4, {1: request, 2: 1_767_605_400_000, 3: code, 4: message})
    if version >= 194:
        return text(version, 4, request, code, message, "", 1_767_605_400_000)
    return text(version, 4, 2, request, code, message, *([""] if version >= 166 else []))


def ready(version: int) -> bytes:
    """The messages that a session begins with."""
    notice = error(version, 2104, "Market data farm connection is OK:usfarm")
    return managed_accounts(version) + next_valid_id(version) + notice


HELLO, REPLY, START, READY = hello(), reply(), start_api(178), ready(178)
"""A session of server version 178, whole."""

BROKEN_HELLOS: dict[str, bytes] = {
    "1 no prefix": bytes.fromhex("00000009") + b"v100..187",
    "2 no length": b"API\0v100..187",
    "3 little-endian length": b"API\0\x09\0\0\0v100..187",
    "4 length counts itself": b"API\0\0\0\0\x0dv100..187",
    "4 length counts prefix and itself": b"API\0\0\0\0\x11v100..187",
    "5 prefix framed too": frame(b"API\0v100..187"),
    "6 only the prefix": b"API\0",
    "7 prefix escaped wrong": b"API\\0" + frame(b"v100..187"),
    "7 a zero for the NUL": b"API0" + frame(b"v100..187"),
    "7 no NUL": b"API" + frame(b"v100..187"),
    "7 all of it in UTF-16": "API\0".encode("utf-16-le") + frame("v100..187".encode("utf-16-le")),
    "7 all of it in UTF-16, big-endian": "API\0".encode("utf-16-be") + frame("v100..187".encode("utf-16-be")),
    "7 all of it in UTF-16 with its mark": "API\0".encode("utf-16") + frame("v100..187".encode("utf-16")),
    "9 a dash": b"API\0" + frame(b"v100-187"),
    "9 in UTF-16": b"API\0" + frame("v100..187".encode("utf-16-le")),
    "9 one dot": b"API\0" + frame(b"v100.187"),
    "27 HTTP GET": b"GET / HTTP/1.1\r\nHost: localhost:7497\r\n\r\n",
    "27 HTTP POST": b"POST /v1/api/iserver HTTP/1.1\r\n\r\n",
    "27 HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "28 TLS 1.0 record": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(range(40)),
    "28 TLS 1.2 record": b"\x16\x03\x03\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(range(40)),
    "29 FIX": b"8=FIX.4.2\x019=65\x0135=A\x01",
    "30 WebSocket": b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
}
"""The known wrong hellos, by the numbers in the list of client mistakes."""

PROXY_HEADERS: dict[str, bytes] = {
    "version 1, IPv4": b"PROXY TCP4 192.168.1.5 192.168.1.9 51000 7497\r\n",
    "version 1, IPv6": b"PROXY TCP6 2001:db8::1 2001:db8::2 51000 7497\r\n",
    "version 1, unknown": b"PROXY UNKNOWN\r\n",
    "version 2": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\xa8\1\5\xc0\xa8\1\x09\xc7\x38\x1d\x49",
    "version 2, of the relay itself": b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
}
"""What relays put in front of a client's bytes (haproxy.org, doc/proxy-protocol.txt)."""

TRAILING_HELLOS: dict[str, bytes] = {
    "8 trailing NUL": b"API\0" + frame(b"v100..187\0"),
    "8 trailing newline": b"API\0" + frame(b"v100..187\n"),
}
"""How TWS treats these is not known."""

GOOD_HELLOS: dict[str, bytes] = {
    "ibapi 9.81": hello(100, 157),
    "official 10.19": hello(100, 176),
    "official 10.30": hello(100, 187),
    "official 10.37": hello(100, 203),
    "official 10.43": hello(100, 219),
    "official 10.44": hello(100, 222),
    "official 10.45": hello(100, 223),
    "official 10.46, Go": hello(100, 225),
    "newer Java": hello(100, 226),
    "ib_insync": hello(157, 176),
    "ib_async": hello(157, 178),
    "stoqey": hello(100, 193),
    "rust": hello(213, 225),
    "with options": hello(100, 225, "+PACEAPI"),
    "one version": b"API\0" + frame(b"v151"),
    "11 below 100": hello(38, 76),
    "32 legacy 66": legacy_hello(66),
    "legacy 9.70": legacy_hello(63),
    "legacy IBrokers": legacy_hello(47),
}
"""What real clients send."""
