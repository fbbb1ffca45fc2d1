"""The server's first bytes: a reply, part of one, or another service."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ib_bytes import TIME, frame, reply

from ibsniff.ib.reply import SERVICES, read_reply
from ibsniff.model import ReplyKind


def test_the_second_field_is_time_or_host() -> None:
    assert read_reply(reply(178)).connection_time == TIME
    assert read_reply(reply(-1, "10.0.0.5:7497")).redirect == "10.0.0.5:7497"
    latin = frame(b"187\x0020260105 09:30:00 Mitteleurop\xe4ische Zeit\0")
    assert "ä" in (read_reply(latin).connection_time or "")
    utf8 = frame("187\x0020260105 09:30:00 Mitteleuropäische Zeit\0".encode())
    assert read_reply(utf8).connection_time == "20260105 09:30:00 Mitteleuropäische Zeit"
    both = frame("187\0U8\u200d3".encode() + b"\xe4\xff" + "\uff15 ä\0".encode())
    assert read_reply(both).connection_time == "U8\u200d3\xe4\xff\uff15 ä"


@pytest.mark.parametrize(("magic", "service"), SERVICES)
def test_other_services_are_known_by_their_greeting(magic: bytes, service: str) -> None:
    found = read_reply(magic + b" something")
    assert (found.kind, found.service) == (ReplyKind.FOREIGN, service)


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xfb\x01",
        b"hello",
        frame(b"9\x001\x001\0"),
        frame(b"4\x002\0"),
        frame(b"178"),
        b"\xff\xff\xff\xff",
        b"\0\0\0\0\0\0",
        b"1\0garbage from a binary protocol",
        b"1\0",
        b"123456789",
        b"19\x0020260105 09:30:00 EST\0",
    ],
)
def test_anything_else_is_foreign(raw: bytes) -> None:
    found = read_reply(raw)
    assert (found.kind, found.consumed) == (ReplyKind.FOREIGN, 0)


@given(st.one_of(st.binary(max_size=80), st.binary(max_size=40).map(frame)))
def test_every_byte_string_has_an_answer(raw: bytes) -> None:
    found = read_reply(raw)
    assert bool(found.consumed) == (found.kind in (ReplyKind.FRAMED, ReplyKind.LEGACY, ReplyKind.REDIRECT))
    assert found.consumed <= len(raw)
