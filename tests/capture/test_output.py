"""Opening output files: their owner under sudo, and that no link is followed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ibsniff.capture.output import may_write_later, open_output
from ibsniff.model import ExitCode, UserError

as_root = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="needs root, to give files away")


def test_output_replaces_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    path.write_bytes(b"much longer than what follows")
    with open_output(path) as stream:
        stream.write(b"new")
    assert path.read_bytes() == b"new"


def test_output_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot write .*: No such file") as raised:
        open_output(tmp_path / "nowhere" / "out.pcapng")
    assert raised.value.exit_code is ExitCode.USAGE
    with pytest.raises(UserError, match="cannot write"):
        open_output(tmp_path)


CALLER = 12_345, 23_456


@pytest.fixture
def under_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", str(CALLER[0]))
    monkeypatch.setenv("SUDO_GID", str(CALLER[1]))


def owner(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_uid, facts.st_gid


@as_root
@pytest.mark.usefixtures("under_sudo")
class TestUnderSudo:
    def test_a_new_file_belongs_to_the_sudo_user(self, tmp_path: Path) -> None:
        path = tmp_path / "out.pcapng"
        with open_output(path) as stream:
            assert owner(path) == CALLER
            stream.write(b"new")
        assert path.read_bytes() == b"new"
        assert path.stat().st_mode & 0o111 == 0

    def test_an_existing_file_keeps_its_owner(self, tmp_path: Path) -> None:
        path = tmp_path / "out.pcapng"
        path.write_bytes(b"much longer than what follows")
        with open_output(path) as stream:
            stream.write(b"new")
        assert owner(path) == (0, 0)
        assert path.read_bytes() == b"new"

    @pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
    def test_it_does_not_write_through_links(self, tmp_path: Path, link: object) -> None:
        precious, path = tmp_path / "precious", tmp_path / "out.pcapng"
        precious.write_bytes(b"keep me")
        link(path, precious)  # type: ignore[operator]
        with pytest.raises(UserError, match="cannot write"):
            open_output(path)
        assert precious.read_bytes() == b"keep me"
        assert owner(precious) == (0, 0)

    def test_a_dangling_link_is_not_followed(self, tmp_path: Path) -> None:
        path = tmp_path / "out.pcapng"
        path.symlink_to(tmp_path / "not yet there")
        with pytest.raises(UserError, match="cannot write"):
            open_output(path)
        assert not (tmp_path / "not yet there").exists()

    def test_a_device_is_written_and_keeps_its_owner(self) -> None:
        before = owner(Path("/dev/null"))
        with open_output("/dev/null") as stream:
            stream.write(b"gone")
        assert owner(Path("/dev/null")) == before

    @pytest.mark.parametrize(
        ("owned_by", "mode", "may"),
        [
            (CALLER, 0o755, True),
            ((0, 0), 0o755, False),
            ((0, CALLER[1]), 0o775, True),
            ((0, CALLER[1]), 0o707, False),
            ((0, 0), 0o777, True),
            (CALLER, 0o077, False),
        ],
    )
    def test_where_files_can_be_created_later(
        self, tmp_path: Path, owned_by: tuple[int, int], mode: int, may: bool
    ) -> None:
        folder = tmp_path / "folder"
        folder.mkdir()
        os.chown(folder, *owned_by)
        folder.chmod(mode)
        assert may_write_later(folder) is may


@as_root
def test_root_without_its_capabilities_writes_in_its_own_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUDO_UID", raising=False)
    assert may_write_later(tmp_path)
    os.chown(tmp_path, *CALLER)
    assert not may_write_later(tmp_path)
