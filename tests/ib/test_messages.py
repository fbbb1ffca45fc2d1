"""Message ids in three forms, and the few messages whose contents decide."""

from __future__ import annotations

import ib_bytes
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibsniff.ib import messages, names
from ibsniff.ib.frames import looks_like_frame
from ibsniff.model import Moment, Side, StartForm, WireError, WireText

HERE = Moment(1, 0)
VERSIONS = (100, 151, 165, 166, 178, 193, 194, 200, 201, 202, 203, 206, 207, 212, 213, 225)
"""The last version of every form and the first of the next."""


def payload(framed: bytes) -> messages.Payload:
    return messages.split_payload(framed[4:])


@pytest.mark.parametrize("version", VERSIONS)
def test_the_id_is_found_in_every_form(version: int) -> None:
    assert payload(ib_bytes.start_api(version)).id == names.START_API
    assert payload(ib_bytes.next_valid_id(version)).id == names.NEXT_VALID_ID
    assert payload(ib_bytes.managed_accounts(version)).id == names.MANAGED_ACCTS
    assert payload(ib_bytes.error(version, 326, "in use")).id == names.ERR_MSG


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("known", [True, False], ids=["version known", "version unknown"])
def test_an_error_is_read_in_every_form(version: int, known: bool) -> None:
    framed = ib_bytes.error(version, 326, "Unable to connect as the client id is already in use.", 12)
    error = messages.decode_error(payload(framed), version if known else None, HERE)
    assert error == WireError(12, 326, WireText("Unable to connect as the client id is already in use."), HERE)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_error_of_no_request_has_minus_one(version: int) -> None:
    error = messages.decode_error(payload(ib_bytes.error(version, 2104, "fine")), version, HERE)
    assert error is not None
    assert error.request == -1


@pytest.mark.parametrize(
    "raw",
    [
        ib_bytes.fields(4, 2),
        ib_bytes.fields(4, 2, "x", 326, "text"),
        ib_bytes.fields(4, 2, 1, "", "text"),
        ib_bytes.fields(4, 2, 1, "-", "text"),
        ib_bytes.fields(4, 2, 1, "٣٢٦", "text"),
        b"4\0",
        b"\0\0\0\xcc",
        b"\0\0\0\xcc\x08\x01",
        b"\0\0\0\xcc\x1a\x03abc",
        b"\0\0\0\xcc\xff\xff",
    ],
)
def test_an_error_that_holds_no_code_is_none(raw: bytes) -> None:
    assert messages.decode_error(messages.split_payload(raw), 178, HERE) is None


def test_a_long_error_text_is_cut() -> None:
    error = messages.decode_error(payload(ib_bytes.error(225, 321, "x" * 5000)), 225, HERE)
    assert error is not None
    assert (len(error.text), error.text.is_cut) == (messages.MAX_ERROR_TEXT, True)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_accounts_are_listed(version: int) -> None:
    framed = ib_bytes.managed_accounts(version, "DU1234567,DU7654321,")
    assert messages.decode_accounts(payload(framed)) == [WireText("DU1234567"), WireText("DU7654321")]


@pytest.mark.parametrize(
    ("version", "form"),
    [
        (69, StartForm.CLIENT_ID_ONLY),
        (70, StartForm.TEXT),
        (71, StartForm.TEXT),
        (72, StartForm.TEXT_CAPABILITIES),
        (200, StartForm.TEXT_CAPABILITIES),
        (201, StartForm.RAW_ID),
        (212, StartForm.RAW_ID),
        (213, StartForm.PROTOBUF),
        (225, StartForm.PROTOBUF),
    ],
)
def test_each_version_asks_for_its_form(version: int, form: StartForm) -> None:
    assert messages.expected_start(version) is form


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client_id", [0, 7, 999, 2**31 - 1])
def test_start_api_is_read_in_the_form_its_version_asks_for(version: int, client_id: int) -> None:
    form, found = messages.decode_start(payload(ib_bytes.start_api(version, client_id)))
    assert (form, found) == (messages.expected_start(version), client_id)


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        (ib_bytes.fields(71, 2, 7), StartForm.TEXT),
        (ib_bytes.fields(71, 2, 7)[:-1], StartForm.MALFORMED),
        (ib_bytes.fields(71), StartForm.MALFORMED),
        (ib_bytes.fields(71, 2, "seven", ""), StartForm.MALFORMED),
        (ib_bytes.fields(71, 2, 7, "", ""), StartForm.MALFORMED),
        (b"\0\0\0\x47" + ib_bytes.fields(2, 7), StartForm.MALFORMED),
        (b"\0\0\x01\x0f", StartForm.MALFORMED),
        (b"\0\0\x01\x0f\x0a\x01x", StartForm.MALFORMED),
    ],
)
def test_other_forms_of_start_api(raw: bytes, form: StartForm) -> None:
    split = messages.split_payload(raw)
    assert split.id == names.START_API
    assert messages.decode_start(split)[0] is form


@pytest.mark.parametrize(
    "raw", [b"", b"\0", b"\0\0\0", b"\0\0\0\0", b"\0\0\x02\0", b"0\x00", b"401\0", b"12345\0", b"x\0", b"71", b"-1\0"]
)
def test_bytes_without_an_id_have_none(raw: bytes) -> None:
    assert messages.split_payload(raw).id is None
    assert messages.name_of(Side.CLIENT, None) == "UNKNOWN"


@given(st.binary(max_size=60), st.sampled_from([None, 76, 178, 194, 203, 225]))
def test_any_payload_is_read(raw: bytes, version: int | None) -> None:
    split = messages.split_payload(raw)
    messages.decode_start(split)
    messages.decode_accounts(split)
    messages.decode_error(split, version, HERE)
    for side in Side:
        messages.name_of(side, split.id)
        looks_like_frame(side, raw)
