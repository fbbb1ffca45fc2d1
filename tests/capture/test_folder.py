"""Which files in a folder are captures, by their content and by their names."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from pathlib import Path

import pytest
from rights import not_as_root
from wire import Wire

from ibsniff.capture.folder import find_captures, looks_like_capture


@pytest.fixture
def capture(tmp_path: Path) -> bytes:
    path = tmp_path / "made.pcap"
    Wire().connect().write(path)
    data = path.read_bytes()
    path.unlink()
    return data


def test_captures_in_subfolders_are_found_in_order(tmp_path: Path, capture: bytes) -> None:
    for name in ("b/2.pcap", "b/1.log", "a.pcap", "b/c/deep", "z.txt", "b/empty"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"" if name.endswith("empty") else b"words" if name == "z.txt" else capture)
    found = find_captures(str(tmp_path))
    assert [str(Path(path).relative_to(tmp_path)) for path in found.captures] == [
        "a.pcap",
        str(Path("b/1.log")),
        str(Path("b/2.pcap")),
        str(Path("b/c/deep")),
    ]
    assert found.others == 2
    assert found.unreadable == []


def test_files_named_as_captures_are_included(tmp_path: Path) -> None:
    called = ["a.pcap", "b.PCAPNG", "c.pcap12", "d.cap.gz"]
    for name in (*called, "pcap", "notes.pcap.txt", "capture"):
        (tmp_path / name).touch()
    found = find_captures(str(tmp_path))
    assert [Path(path).name for path in found.captures] == called
    assert found.others == 3


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_captures_count_and_other_compressed_files_do_not(tmp_path: Path, capture: bytes, pack) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "x").write_bytes(pack(capture))
    (tmp_path / "y").write_bytes(pack(b"a log"))
    (tmp_path / "z").write_bytes(pack(b"a log")[:12])
    assert looks_like_capture(tmp_path / "x")
    assert not looks_like_capture(tmp_path / "y")
    assert not looks_like_capture(tmp_path / "z")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX's")
def test_a_named_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert find_captures(str(tmp_path)).others == 1


def test_a_link_to_a_parent_folder_is_not_followed(tmp_path: Path, capture: bytes) -> None:
    (tmp_path / "x.pcap").write_bytes(capture)
    try:
        (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        pytest.skip("links cannot be made here")
    assert len(find_captures(str(tmp_path)).captures) == 1


@not_as_root
def test_unreadable_files_and_folders_are_reported(tmp_path: Path, capture: bytes) -> None:
    (tmp_path / "secret.pcap").write_bytes(capture)
    (tmp_path / "secret.pcap").chmod(0)
    (tmp_path / "closed").mkdir(mode=0)
    found = find_captures(str(tmp_path))
    assert [Path(path).name for path in found.captures] == ["secret.pcap"]
    assert len(found.unreadable) == 1
