"""Inputs that are not plain files: special files, folders one may not search, files that change while they are read."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from rights import is_all_powerful
from wire import Wire

from ibsniff.capture import input_file
from ibsniff.capture.files import CUT_MEANWHILE, open_capture
from ibsniff.capture.folder import find_captures
from ibsniff.model import UserError

CAPTURE = Path(__file__).parents[2] / "captures" / "refused-loopback" / "capture.pcapng"
HELLO = b"API\0\0\0\0\x09v157..178"
WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
"""Run root without the capabilities that let it read everything: file modes hold for it as for anybody."""

needs_posix = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has neither named pipes in folders nor file modes"
)


def ibsniff(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the program as somebody for whom file modes hold."""
    if is_all_powerful() and shutil.which("setpriv") is None:
        pytest.skip("this is root, whom no file mode stops, and setpriv (util-linux) is not here")
    command = [*(WITHOUT_RIGHTS if is_all_powerful() else []), sys.executable, "-m", "ibsniff", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A capture in a folder that may not be searched."""
    folder = tmp_path / "closed"
    (folder / "case").mkdir(parents=True)
    shutil.copy(CAPTURE, folder / "case" / "capture.pcapng")
    folder.chmod(0)
    yield folder / "case" / "capture.pcapng"
    folder.chmod(0o700)


@needs_posix
@pytest.mark.parametrize(
    "command",
    [
        ["read", "{capture}"],
        ["read", "-q", "{capture}"],
        ["read", "--join", "{capture}", str(CAPTURE)],
        ["read", "--ndjson", "{capture}"],
        ["streams", "{capture}"],
        ["regress", "{folder}"],
        ["regress", "{closed}"],
        ["regress", "--new", "{folder}"],
        ["regress", "--new", "{new}", "{capture}"],
    ],
    ids=" ".join,
)
def test_a_folder_that_may_not_be_searched_is_a_clear_error(command: list[str], closed: Path, tmp_path: Path) -> None:
    names = {
        "capture": str(closed),
        "folder": str(closed.parent),
        "closed": str(closed.parents[1]),
        "new": str(tmp_path / "new"),
    }
    done = ibsniff(*(part.format(**names) for part in command))
    assert done.returncode in (2, 3), done
    assert done.stderr.startswith("ibsniff: "), done
    assert len(done.stderr.splitlines()) == 2, done
    assert "Traceback" not in done.stdout + done.stderr


@needs_posix
def test_the_folder_that_stops_the_user_is_named(closed: Path) -> None:
    done = ibsniff("read", closed)
    assert f"You may not look into the folder {closed.parents[1]}" in done.stderr


@needs_posix
def test_a_link_into_a_closed_folder_costs_only_that_file(closed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    shutil.copy(CAPTURE, folder / "good.pcapng")
    (folder / "link.pcapng").symlink_to(closed)
    done = ibsniff("read", folder)
    assert done.returncode == 3, done
    assert "Connection refused" in done.stdout
    assert "link.pcapng: you have no permission to read it" in done.stderr
    assert f"You may not look into the folder {closed.parents[1]}" in done.stderr


@needs_posix
def test_special_files_are_refused(tmp_path: Path) -> None:
    for path in ("/dev/zero", "/dev/tty"):
        if Path(path).exists():
            with pytest.raises(UserError, match="is a device, not a capture file"):
                open_capture(path)


@needs_posix
def test_a_pipe_without_a_writer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "pipe.pcapng"
    os.mkfifo(pipe)
    monkeypatch.setattr(input_file, "SECONDS_FOR_WRITER", 0.05)
    with pytest.raises(UserError, match="no program opened it for writing"):
        open_capture(str(pipe))


@needs_posix
def test_a_pipe_with_a_writer_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.pcapng"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(CAPTURE.read_bytes()))
    writer.start()
    with open_capture(str(pipe)) as capture:
        assert len(list(capture.frames())) == 2
    writer.join()


@needs_posix
def test_a_pipe_in_a_folder_or_in_a_ring_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pcapng")
    assert find_captures(str(tmp_path)).others == 1
    with pytest.raises(OSError, match="not a regular file"):
        input_file.open_regular(tmp_path / "pipe.pcapng")


@needs_posix
def test_a_regular_file_is_opened_whoever_asks() -> None:
    with input_file.open_regular(CAPTURE) as file:
        assert stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        assert file.read(4) == b"\x0a\x0d\x0d\x0a"


@pytest.mark.parametrize("left", [24, 40])
def test_a_file_that_shrinks_while_it_is_read_is_reported_as_cut(left: int, tmp_path: Path) -> None:
    path = tmp_path / "shrinking.pcap"
    Wire().connect().client(b"x" * 100).write(path)
    with open_capture(str(path)) as capture:
        os.truncate(path, left)
        list(capture.frames())
    assert capture.facts.truncated == CUT_MEANWHILE


@needs_posix
@pytest.mark.parametrize("limit", ["-n 6", "-v 60000"])
def test_tight_limits_leave_a_report_or_a_clear_error(limit: str, tmp_path: Path) -> None:
    """NumPy ends the process when memory for it cannot be had, so a large file is read without it then."""
    path = tmp_path / "large.pcap"
    Wire().connect().client(HELLO).client(b"x" * 2_000_000, mss=1400).write(path)
    shell = f'ulimit {limit}; exec "$0" -m ibsniff read -q --lane auto "$1"'
    done = subprocess.run(["sh", "-c", shell, sys.executable, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    assert done.stdout.startswith("unproven, ")
