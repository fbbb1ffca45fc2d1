"""The table of IB error numbers is complete for this program, consistent, and written in whole sentences."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ibsniff.ib import error_table, errors
from ibsniff.ib.error_table import ErrorClass, all_errors, find_error
from ibsniff.model import Fault

ROOT = Path(__file__).parents[2]
NAMED_IN_A_TEXT = re.compile(r"\b(?:errors?|message codes?)\s+(\d{3,5}(?:(?:,| or| and| to)+ \d{3,5})*)")


def codes_named_in(text: str) -> set[int]:
    """The numbers that a text calls errors: ``error 1100 or 2110``."""
    return {int(number) for listed in NAMED_IN_A_TEXT.findall(text) for number in re.findall(r"\d+", listed)}


def test_a_code_is_in_the_table_once() -> None:
    rows = [code for _, _, _, meanings in error_table.GROUPS for code in meanings]
    rows += error_table.REQUESTS_NOT_SENT
    assert len(set(rows)) == len(rows) == len(all_errors())


def test_a_number_written_twice_in_one_group_is_found() -> None:
    """A dict would silently keep the last: the source itself is counted."""
    source = Path(error_table.__file__).read_text(encoding="utf-8")
    assert len(re.findall(r"(?<![\w.])(-?\d+): \"", source)) == len(all_errors())


@pytest.mark.parametrize("kind", ErrorClass)
def test_every_class_has_errors(kind: ErrorClass) -> None:
    assert any(error.error_class is kind for error in all_errors().values())


def test_every_row_has_a_class_a_fault_and_a_source() -> None:
    for code, error in all_errors().items():
        assert error.code == code
        assert isinstance(error.error_class, ErrorClass)
        assert isinstance(error.fault, Fault)
        assert error.source


def test_meanings_are_whole_sentences() -> None:
    for error in all_errors().values():
        assert re.fullmatch(r"[A-Z][^\n]{15,150}[.]", error.meaning), error
        assert not re.search(r"UNSURE|\bTODO\b|  | \.", error.meaning), error


def test_notices_are_the_errors_of_their_class() -> None:
    assert {error.code for error in all_errors().values() if error.error_class is ErrorClass.STATUS_NOTICE} == (
        errors.NOTICES
    )
    for code in errors.NOTICES - {errors.IB_CONNECTION_RESTORED_DATA_LOST}:
        assert all_errors()[code].fault is Fault.NONE


def test_only_remarks_and_notices_ask_nobody_to_act() -> None:
    quiet = {ErrorClass.STATUS_NOTICE, ErrorClass.ADVISORY, ErrorClass.ORDER_CANCELLED}
    for error in all_errors().values():
        assert error.fault is not Fault.NONE or error.error_class in quiet, error


@pytest.mark.parametrize("code", [501, 502, 503, 504, 505, 506, 507, 550, 10061])
def test_what_tws_never_sends_is_marked(code: int) -> None:
    found = find_error(code)
    assert found is not None
    assert not found.is_sent_by_tws


@pytest.mark.parametrize("code", [100, 326, 1100, 2104, 10197])
def test_what_tws_sends_is_not_marked(code: int) -> None:
    found = find_error(code)
    assert found is not None
    assert found.is_sent_by_tws


def test_an_unknown_number_has_no_meaning() -> None:
    assert find_error(0) is None


def test_every_named_number_is_in_the_table() -> None:
    named = {value for name, value in vars(errors).items() if name.isupper() and isinstance(value, int)}
    assert named
    assert named <= all_errors().keys()


def test_codes_are_found_in_a_text() -> None:
    assert codes_named_in("Seen: error 1100 or 2110; errors 2103, 2105 and 2157 (message code 326); 500 bytes") == {
        1100, 2110, 2103, 2105, 2157, 326,
    }  # fmt: skip


@pytest.mark.parametrize("paths", ["ibsniff/rules/*.py", "ibsniff/standin/*.py", "captures/*/scenario.toml"])
def test_every_error_that_our_texts_name_is_in_the_table(paths: str) -> None:
    named = {code for path in ROOT.glob(paths) for code in codes_named_in(path.read_text(encoding="utf-8"))}
    assert named
    assert named <= all_errors().keys()


def test_the_stand_in_names_its_errors_by_the_constants_of_the_table() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("ibsniff/standin/*.py"))
    assert re.findall(r"\berror\(errors\.[A-Z_]+", sources)
    assert not re.findall(r"\berror\(\d+", sources)


def test_the_table_is_read_only_when_a_meaning_is_wanted() -> None:
    program = "import sys, ibsniff.ib.errors; print('ibsniff.ib.error_table' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
