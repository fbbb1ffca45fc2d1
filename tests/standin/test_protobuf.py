from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibsniff.standin import protobuf


@pytest.mark.parametrize(
    ("values", "data"),
    [
        ((7,), "08 07"),
        ((0,), "08 00"),
        ((999,), "08 e7 07"),
        ((-1,), "08 ff ff ff ff ff ff ff ff ff 01"),
        (("DU1234567",), "0a 09 44 55 31 32 33 34 35 36 37"),
        ((1, 1.0), "08 01 11 00 00 00 00 00 00 f0 3f"),
    ],
)
def test_encodes_as_the_official_client_does(values: tuple[protobuf.Value, ...], data: str) -> None:
    assert protobuf.encode(values) == bytes.fromhex(data)


@given(st.lists(st.integers(0, 2**63 - 1) | st.text()))
def test_decodes_what_it_encodes(values: list[int | str]) -> None:
    expected = [value.encode() if isinstance(value, str) else value for value in values]
    assert list(protobuf.decode(protobuf.encode(values)).values()) == expected


def test_skips_fields_of_any_wire_type() -> None:
    assert protobuf.decode(bytes.fromhex("0d 01020304 11 0102030405060708 18 05"))[3] == 5


@given(st.binary())
def test_nothing_but_value_error_is_raised(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(protobuf.decode(data), dict)


@pytest.mark.parametrize("data", ["08", "0a 05 41", "0b", "08 ff ff ff ff ff ff ff ff ff ff 01"])
def test_refuses_what_is_cut_off_or_of_no_known_type(data: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        protobuf.decode(bytes.fromhex(data))
