"""Values that wait in a temporary file: what comes out, and what happens when there is no room."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from ibsniff.analysis import spool
from ibsniff.analysis.spool import Spool
from ibsniff.model import UserError

VALUES = [("a", 1), ("b" * 100, 2), ("", 3)]


@pytest.mark.parametrize("in_memory", [spool.MOST_IN_MEMORY, 50])
def test_values_come_out_in_order_as_often_as_asked(in_memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MOST_IN_MEMORY", in_memory)
    with Spool[tuple[str, int]]() as kept:
        assert list(kept) == []
        for number, value in enumerate(VALUES, 1):
            kept.append(value)
            assert list(kept) == VALUES[:number]
        assert len(kept) == len(VALUES)
        assert (kept[0], kept[-1], kept[1:]) == (VALUES[0], VALUES[-1], VALUES[1:])
        assert [pair for pair in zip(kept, kept, strict=True) if pair[0] != pair[1]] == []
        with pytest.raises(IndexError):
            kept[len(VALUES)]


def test_a_value_is_kept_as_it_was() -> None:
    with Spool[list[int]]() as kept:
        changing = [1]
        kept.append(changing)
        changing.append(2)
        assert list(kept) == [[1]]


def test_without_a_folder_for_temporary_files_the_error_tells_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(spool, "MOST_IN_MEMORY", 50)
    monkeypatch.setattr("tempfile.TemporaryFile", nowhere)
    with Spool[str]() as kept, pytest.raises(UserError, match="temporary file") as caught:
        kept.append("x" * 100)
    assert "TMPDIR" in caught.value.what_to_do


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_is_an_error_that_tells_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MOST_IN_MEMORY", 50)
    monkeypatch.setattr("tempfile.TemporaryFile", lambda *_, **__: open("/dev/full", "r+b", buffering=0))  # noqa: SIM115, PTH123
    with Spool[str]() as kept, pytest.raises(UserError, match="No space left"):
        kept.append("x" * 100)
