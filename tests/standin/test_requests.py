from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibsniff.standin.requests import NO_REQUEST, Hello, Request, is_start, parse_legacy, parse_range, parse_request

START_API = {
    71: b"71\0001\0007\0",
    76: b"71\0002\0007\0\0",
    200: b"71\0002\0007\0\0",
    201: b"\0\0\0\x472\0007\0\0",
    212: b"\0\0\0\x472\0007\0\0",
    213: b"\0\0\x01\x0f\x08\x07",
    225: b"\0\0\x01\x0f\x08\x07",
}


@pytest.mark.parametrize("version", START_API)
@pytest.mark.parametrize("sent_for", START_API)
def test_start_counts_only_in_the_form_of_the_version(version: int, sent_for: int) -> None:
    request = parse_request(START_API[sent_for], version)
    accepted = request is not None and is_start(request, version)
    assert accepted == (START_API[sent_for] == START_API[version])
    if request is not None and accepted:
        assert (request.name, request.number) == ("START_API", 7)


@pytest.mark.parametrize(
    "payload",
    [b"71\0002\0007", b"71\0002\0007\0", b"", b"71", b"\0", b"x\0", b"9" * 5000 + b"\0", b"49\0001\0"],
)
def test_other_text_is_no_start(payload: bytes) -> None:
    request = parse_request(payload, 178)
    assert request is None or not is_start(request, 178)


@given(st.binary(), st.sampled_from([38, 76, 178, 201, 213, 225]))
def test_no_payload_raises(payload: bytes, version: int) -> None:
    request = parse_request(payload, version)
    assert request is None or isinstance(request.name, str)


def test_a_request_has_its_id() -> None:
    assert parse_request(b"7\0003\00042\0\0", 178) == Request(7, False, 3, 42)
    assert parse_request(b"5\0001\0", 178) == Request(5, False, 1, NO_REQUEST)
    assert parse_request(b"\0\0\0\xcf\x08\x2a", 201) == Request(7, True, 1, 42)
    assert parse_request(b"\0\0\0\xcf\x0a\x01A", 201) == Request(7, True, 1, NO_REQUEST)
    assert parse_request(b"\0\0\0\xcf\x0a", 201) is None
    assert parse_request(b"999\0", 178) == Request(999, False, 0, NO_REQUEST)


@pytest.mark.parametrize(
    ("text", "hello"),
    [
        (b"v157..178", Hello(157, 178)),
        (b"v178", Hello(178, 178)),
        (b"v100..225 +PACEAPI", Hello(100, 225)),
        (b"v100.225", None),
        (b"v100-187", None),
        (b"v100..187\0", None),
        (b"100..187", None),
    ],
)
def test_ranges(text: bytes, hello: Hello | None) -> None:
    assert parse_range(text) == hello


def test_legacy_versions() -> None:
    assert parse_legacy(b"62") == Hello(62, 62, legacy=True)
    assert parse_legacy(b"8=FIX.4.2") is None
