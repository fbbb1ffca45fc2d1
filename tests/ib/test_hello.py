"""Every opening is recognised, and only what TWS understands is called valid."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ib_bytes import BROKEN_HELLOS, GOOD_HELLOS, TRAILING_HELLOS, frame, hello

from ibsniff.ib.hello import read_hello
from ibsniff.ib.names import CLIENT_LIBRARIES, LEGACY_CLIENTS
from ibsniff.model import Dialect

DIALECTS = {
    "1 no prefix": Dialect.UNFRAMED,
    "2 no length": Dialect.BAD_LENGTH,
    "3 little-endian length": Dialect.BAD_LENGTH,
    "4 length counts itself": Dialect.BAD_LENGTH,
    "4 length counts prefix and itself": Dialect.BAD_LENGTH,
    "5 prefix framed too": Dialect.BAD_PREFIX,
    "6 only the prefix": Dialect.INCOMPLETE,
    "7 prefix escaped wrong": Dialect.BAD_PREFIX,
    "7 a zero for the NUL": Dialect.BAD_PREFIX,
    "7 no NUL": Dialect.BAD_PREFIX,
    "7 all of it in UTF-16": Dialect.BAD_PREFIX,
    "7 all of it in UTF-16, big-endian": Dialect.BAD_PREFIX,
    "7 all of it in UTF-16 with its mark": Dialect.BAD_PREFIX,
    "8 trailing NUL": Dialect.TRAILING,
    "8 trailing newline": Dialect.TRAILING,
    "9 a dash": Dialect.BAD_VERSION,
    "9 in UTF-16": Dialect.BAD_VERSION,
    "9 one dot": Dialect.BAD_VERSION,
    "27 HTTP GET": Dialect.HTTP,
    "27 HTTP POST": Dialect.HTTP,
    "27 HTTP/2": Dialect.HTTP,
    "28 TLS 1.0 record": Dialect.TLS,
    "28 TLS 1.2 record": Dialect.TLS,
    "29 FIX": Dialect.FIX,
    "30 WebSocket": Dialect.HTTP,
}


@pytest.mark.parametrize("name", BROKEN_HELLOS | TRAILING_HELLOS)
def test_what_is_wrong_is_named(name: str) -> None:
    found = read_hello((BROKEN_HELLOS | TRAILING_HELLOS)[name])
    assert found.dialect is DIALECTS[name]
    assert found.consumed == 0
    assert found.detail


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("1 no prefix", "missing in front"),
        ("2 no length", "stands where its 4-byte length belongs"),
        ("3 little-endian length", "9 with its bytes in the wrong order (little-endian)"),
        ("4 length counts itself", "counts itself"),
        ("4 length counts prefix and itself", "counts the prefix and itself"),
        ("5 prefix framed too", "very first bytes"),
        ("6 only the prefix", "ends after the prefix"),
        ("7 no NUL", "00"),
        ("7 all of it in UTF-16", "UTF-16"),
        ("7 all of it in UTF-16, big-endian", "UTF-16"),
        ("7 all of it in UTF-16 with its mark", "UTF-16"),
        ("8 trailing NUL", "00 follows"),
        ("8 trailing newline", "0a follows"),
        ("9 in UTF-16", "UTF-16"),
        ("30 WebSocket", "WebSocket"),
    ],
)
def test_the_detail_says_what_a_reader_needs(name: str, words: str) -> None:
    assert words in read_hello((BROKEN_HELLOS | TRAILING_HELLOS)[name]).detail


@pytest.mark.parametrize("name", GOOD_HELLOS)
def test_real_clients_are_understood(name: str) -> None:
    raw = GOOD_HELLOS[name]
    found = read_hello(raw)
    legacy = "legacy" in name
    assert found.dialect is (Dialect.LEGACY if legacy else Dialect.V100PLUS)
    assert found.consumed == len(raw)
    assert not found.detail
    if legacy:
        assert found.min_version in LEGACY_CLIENTS


@pytest.mark.parametrize("versions", CLIENT_LIBRARIES)
def test_the_versions_of_known_clients_are_read(versions: tuple[int, int]) -> None:
    found = read_hello(hello(*versions))
    assert (found.min_version, found.max_version) == versions


def test_options_are_read() -> None:
    found = read_hello(hello(100, 225, "+PACEAPI"))
    assert (found.options, found.declared_length) == ("+PACEAPI", 18)


@pytest.mark.parametrize(
    ("raw", "dialect"),
    [
        (b"\r\n", Dialect.TEXT),
        (b"hello?", Dialect.TEXT),
        (b"SSH-2.0-OpenSSH_9.6\r\n", Dialect.SSH),
        (b"SSH-2.0", Dialect.SSH),
        (b"\x80\x81\x82\x83", Dialect.UNKNOWN),
        (b"v100..187", Dialect.UNFRAMED),
        (frame(b"API0v100..187"), Dialect.BAD_PREFIX),
        (b"API\0" + frame(b"100..187"), Dialect.BAD_VERSION),
        (b"API\0" + frame(b"v100..187..200"), Dialect.BAD_VERSION),
        (b"API\0" + frame(b""), Dialect.BAD_VERSION),
        (b"API\0\xff\xff\xff\xff", Dialect.BAD_LENGTH),
        (b"API\0\0\0\0\x0d" + b"v100..187" + frame(b"71\x002\x007\0\0"), Dialect.BAD_LENGTH),
    ],
)
def test_other_openings(raw: bytes, dialect: Dialect) -> None:
    assert read_hello(raw).dialect is dialect


@given(st.one_of(st.binary(max_size=80), st.binary(max_size=40).map(lambda raw: b"API\0" + raw)))
def test_every_byte_string_has_an_answer(raw: bytes) -> None:
    found = read_hello(raw)
    valid = found.dialect in (Dialect.V100PLUS, Dialect.LEGACY)
    assert bool(found.consumed) == valid
    assert bool(found.detail) != valid
    assert found.consumed <= len(raw)


@pytest.mark.parametrize("rest", [b"", b" +PACEAPI", b"\0\0\0\x09" + b"71\0002\0007\0\0"])
@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize(("width", "words"), [(1, "1 byte"), (2, "2 bytes"), (8, "8 bytes")])
def test_a_length_of_another_width_is_named(
    width: int, words: str, order: Literal["big", "little"], rest: bytes
) -> None:
    found = read_hello(b"API\0" + (9).to_bytes(width, order) + b"v100..187" + rest)
    assert found.dialect is Dialect.BAD_LENGTH
    assert found.detail == f"its length field has {words} instead of 4"


@pytest.mark.parametrize(
    "raw", [b"API\0" + frame(b"v100..187"), b"API\0\0\x09x100..187", b"API\0\x7f\xffv100..187", b"API\0\0\x09"]
)
def test_a_length_of_four_bytes_or_no_version_behind_it_is_not_mistaken_for_another_width(raw: bytes) -> None:
    assert "instead of 4" not in read_hello(raw).detail
