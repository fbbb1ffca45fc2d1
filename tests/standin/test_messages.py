from __future__ import annotations

import re
import time

import pytest

from ibsniff.standin import messages
from ibsniff.standin.messages import Message, error, frame, version_reply
from ibsniff.standin.requests import NO_REQUEST, Request

NEXT_VALID_ID = Message(9, 1, (1,))
ONE_ACCOUNT = Message(15, 1, ("DU1234567",))


@pytest.mark.parametrize(
    ("message", "version", "wire"),
    [
        (NEXT_VALID_ID, 178, "00000006 39 00 31 00 31 00"),
        (NEXT_VALID_ID, 201, "00000008 00000009 31 00 31 00"),
        (NEXT_VALID_ID, 213, "00000006 000000d1 08 01"),
        (ONE_ACCOUNT, 178, "0000000f 31 35 00 31 00 44 55 31 32 33 34 35 36 37 00"),
        (ONE_ACCOUNT, 207, "0000000f 000000d7 0a 09 44 55 31 32 33 34 35 36 37"),
        (Message(102, None, ()), 178, "00000004 31 30 32 00"),
    ],
)
def test_the_three_forms_of_a_message(message: Message, version: int, wire: str) -> None:
    assert frame(message.encode(version)) == bytes.fromhex(wire)


@pytest.mark.parametrize(
    ("version", "payload"),
    [
        (76, b"4\0002\0-1\0002104\0fine\0"),
        (165, b"4\0002\0-1\0002104\0fine\0"),
        (166, b"4\0002\0-1\0002104\0fine\0\0"),
        (194, b"4\0-1\0002104\0fine\0\0001700000000000\0"),
        (201, b"\0\0\0\x04-1\0002104\0fine\0\0001700000000000\0"),
        (203, b"\0\0\0\xcc\x08" + b"\xff" * 9 + b"\x01\x10\x80\xd0\x95\xff\xbc\x31\x18\xb8\x10\x22\x04fine"),
    ],
)
def test_error_has_five_forms(version: int, payload: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_000_000_000)
    assert error(2104, "fine").encode(version) == payload


def test_version_reply_is_text_with_a_time() -> None:
    assert re.fullmatch(rb"178\0\d{8} \d\d:\d\d:\d\d UTC\0", version_reply(178))
    assert version_reply(-1, "192.0.2.5:7497") == b"-1\000192.0.2.5:7497\0"


def test_ready_sends_accounts_next_id_and_the_notices_of_the_farms() -> None:
    assert [message.id for message in messages.ready()] == [15, 9, 4, 4, 4]
    assert [message.values[1] for message in messages.ready()[2:]] == [2104, 2106, 2158]


@pytest.mark.parametrize(
    ("request_id", "answered"),
    [
        (1, [58, 1, 1, 1]), (5, [53]), (16, [53]), (6, [6, 8, 54]), (7, [55]), (8, [9]), (9, [4]), (17, [15]),
        (49, [49]), (61, [62]), (62, [64]), (74, [72]), (76, [74]), (99, [102]), (15, []), (999, []),
    ],
)  # fmt: skip
def test_what_clients_ask_at_the_start_is_answered(request_id: int, answered: list[int]) -> None:
    sent = messages.answers(Request(request_id, False, 2, 42))
    assert [message.id for message in sent] == answered
    assert all(isinstance(message.encode(version), bytes) for message in sent for version in (76, 178, 201, 225))


def test_answers_carry_the_id_of_their_request() -> None:
    for request_id in (1, 7, 9, 62, 74, 76):
        assert messages.answers(Request(request_id, False, 2, 42))[0].values[0] == 42
    assert error(1100, "lost").values[0] == NO_REQUEST
