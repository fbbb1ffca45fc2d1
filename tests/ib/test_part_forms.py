"""The parts of answers, of which only the id is read, name the same id as when all of their fields are read."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ibsniff.ib import id_fields
from ibsniff.ib.messages import split_payload
from ibsniff.ib.part_forms import PART_NAMES, part_forms
from ibsniff.ib.request_table import ANSWERS
from ibsniff.model import Side

VERSIONS = (100, 123, 130, 144, 151, 156, 164, 178, 194, 200, 201, 213, 226, None)
TEXT_FIELDS = st.lists(st.sampled_from([b"6", b"4711", b"-1", b"", b"x", b"123456789012", b"2147483647"]), max_size=4)
PROTOBUF_FIELDS = st.lists(
    st.sampled_from(
        [b"\x08\x07", b"\x08\xe7\x24", b"\x08" + b"\xff" * 9 + b"\x01", b"\x10\x05", b"\x0a\x01x", b"\x08\x80"]
    )
)
BODIES = TEXT_FIELDS.map(b"\0".join) | TEXT_FIELDS.map(lambda fields: b"".join(field + b"\0" for field in fields))


@given(BODIES | PROTOBUF_FIELDS.map(b"".join) | st.binary(max_size=12), st.sampled_from(VERSIONS))
@example(b"6\x004711\x001\0", 178)
@example(b"\x08" + b"\xff" * 11, 226)
def test_the_id_is_the_same_as_in_all_fields(body: bytes, version: int | None) -> None:
    for head, part in part_forms(version).items():
        if part.has_id:
            whole = split_payload(head + body)
            assert part.id_in((head + body)[part.start :]) == id_fields.id_of(Side.SERVER, whole, version)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_part_has_an_id_exactly_if_it_answers_requests_that_have_one(version: int | None) -> None:
    forms = part_forms(version).values()
    assert len(forms) == 3 * len(PART_NAMES)
    for part in forms:
        assert {answer.has_id for answer in part.answers} == {part.has_id}
    assert {answers for name, answers in ANSWERS.items() if name in PART_NAMES} == {part.answers for part in forms}
