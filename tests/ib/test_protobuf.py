"""A few protobuf fields are read, and bytes that are no protobuf raise nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ib_bytes import protobuf as encode

from ibsniff.ib import protobuf

INT32 = st.integers(-(2**31), 2**31 - 1)
NUMBERS = st.integers(1, 2**20)


def body(values: dict[int, int | str]) -> bytes:
    return encode(9, values)[8:]


@given(st.dictionaries(NUMBERS, st.one_of(INT32, st.text(max_size=20)), max_size=5))
def test_what_was_written_is_read(values: dict[int, int | str]) -> None:
    found = protobuf.fields(body(values))
    assert found.keys() == values.keys()
    for number, value in values.items():
        read = protobuf.signed(found[number]) if isinstance(value, int) else protobuf.text(found[number])
        assert read == value


def test_the_last_value_of_a_field_wins() -> None:
    assert protobuf.fields(body({1: 1}) + body({1: 2})) == {1: 2}


def test_fields_of_other_types_are_passed_over() -> None:
    fixed = bytes([2 << 3 | 1]) + bytes(8) + bytes([3 << 3 | 5]) + bytes(4)
    assert protobuf.fields(fixed + body({9: 5}))[9] == 5


@pytest.mark.parametrize("broken", [b"\x08", b"\x08\xff", b"\x0a\x05abc", b"\x0b\x01", b"\x09\0", b"\xff" * 12])
def test_reading_stops_at_the_first_malformed_field(broken: bytes) -> None:
    assert protobuf.fields(body({4: 7}) + broken) == {4: 7}


def test_an_absent_or_odd_field_has_a_default() -> None:
    assert protobuf.signed(None) == -1
    assert protobuf.signed(b"x", 0) == 0
    assert protobuf.text(None) == protobuf.text(5) == ""
    assert protobuf.text(b"\xff") == "\\xff"


@given(st.binary(max_size=60))
def test_any_bytes_are_read(raw: bytes) -> None:
    for value in protobuf.fields(raw).values():
        protobuf.signed(value)
        protobuf.text(value)
