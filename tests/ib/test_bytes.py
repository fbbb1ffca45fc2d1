"""The bytes the tests are made of are those of the official clients (measured, or computed from their source)."""

from __future__ import annotations

import ib_bytes
import pytest

EXAMPLES = {
    "ibapi 9.81": (ib_bytes.hello(100, 157), "41 50 49 00 00 00 00 09 76 31 30 30 2e 2e 31 35 37"),
    "ib_async": (ib_bytes.hello(157, 178), "41 50 49 00 00 00 00 09 76 31 35 37 2e 2e 31 37 38"),
    "rust": (ib_bytes.hello(213, 225), "41 50 49 00 00 00 00 09 76 32 31 33 2e 2e 32 32 35"),
    "options": (
        ib_bytes.hello(100, 225, "+PACEAPI"),
        "41 50 49 00 00 00 00 12 76 31 30 30 2e 2e 32 32 35 20 2b 50 41 43 45 41 50 49",
    ),
    "legacy hello": (ib_bytes.legacy_hello(66), "36 36 00"),
    "reply": (
        ib_bytes.reply(178),
        "00 00 00 1a 31 37 38 00 32 30 32 36 30 31 30 35 20 30 39 3a 33 30 3a 30 30 20 45 53 54 00",
    ),
    "redirect": (
        ib_bytes.reply(-1, "10.0.0.5:7497"),
        "00 00 00 11 2d 31 00 31 30 2e 30 2e 30 2e 35 3a 37 34 39 37 00",
    ),
    "legacy reply": (
        ib_bytes.reply(76),
        "37 36 00 32 30 32 36 30 31 30 35 20 30 39 3a 33 30 3a 30 30 20 45 53 54 00",
    ),
    "start, legacy 76": (ib_bytes.start_api(76), "37 31 00 32 00 37 00 00"),
    "start 72..200": (ib_bytes.start_api(178), "00 00 00 08 37 31 00 32 00 37 00 00"),
    "start 201..212": (ib_bytes.start_api(203), "00 00 00 09 00 00 00 47 32 00 37 00 00"),
    "start from 213": (ib_bytes.start_api(213), "00 00 00 06 00 00 01 0f 08 07"),
    "start from 213, id 0": (ib_bytes.start_api(225, 0), "00 00 00 06 00 00 01 0f 08 00"),
    "start from 213, id 999": (ib_bytes.start_api(225, 999), "00 00 00 07 00 00 01 0f 08 e7 07"),
    "nextValidId text": (ib_bytes.next_valid_id(178), "00 00 00 06 39 00 31 00 31 00"),
    "nextValidId raw id": (ib_bytes.next_valid_id(203), "00 00 00 08 00 00 00 09 31 00 31 00"),
    "nextValidId protobuf": (ib_bytes.next_valid_id(213), "00 00 00 06 00 00 00 d1 08 01"),
    "managedAccounts text": (
        ib_bytes.managed_accounts(178),
        "00 00 00 0f 31 35 00 31 00 44 55 31 32 33 34 35 36 37 00",
    ),
    "managedAccounts protobuf": (
        ib_bytes.managed_accounts(207),
        "00 00 00 0f 00 00 00 d7 0a 09 44 55 31 32 33 34 35 36 37",
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_builders_agree_with_the_references(name: str) -> None:
    built, expected = EXAMPLES[name]
    assert built.hex(" ") == expected


def test_a_negative_number_is_sent_as_ten_bytes() -> None:
    assert ib_bytes.varint(-1).hex(" ") == "ff ff ff ff ff ff ff ff ff 01"
