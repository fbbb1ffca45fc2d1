"""Opening output files: their owner under sudo, and that no link is followed."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rights import as_root

from ibsniff.capture.output import may_write_later, open_output
from ibsniff.model import ExitCode, UserError

needs_modes = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes, links or pipes like these")


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


@needs_modes
def test_what_is_written_is_private(tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    with open_output(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with open_output(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@needs_modes
def test_a_link_in_place_of_the_file_is_refused_for_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    precious, path = tmp_path / "precious", tmp_path / "out.pcapng"
    precious.write_bytes(b"keep me")
    path.symlink_to(precious)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UserError, match="it is a link"):
        open_output(path)
    assert precious.read_bytes() == b"keep me"


@needs_modes
def test_a_pipe_without_a_reader_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="no program reads from this pipe"):
        open_output(tmp_path / "pipe")


@needs_modes
def test_a_pipe_with_a_reader_is_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with open_output(tmp_path / "pipe") as stream:
        assert os.get_blocking(stream.fileno())
        stream.write(b"packets")
    assert os.read(reader, 100) == b"packets"
    os.close(reader)


@as_root
class TestLinkedFolders:
    @pytest.mark.parametrize("target", [str, lambda real: "../real", lambda real: "./../real/."])
    def test_a_link_of_roots_is_followed(self, tmp_path: Path, target: Callable[[Path], str]) -> None:
        real, links = tmp_path / "real", tmp_path / "links"
        real.mkdir()
        links.mkdir()
        (links / "folder").symlink_to(target(real))
        with open_output(links / "folder" / "out.pcapng") as stream:
            stream.write(b"new")
        assert (real / "out.pcapng").read_bytes() == b"new"

    @pytest.mark.usefixtures("under_sudo")
    @pytest.mark.parametrize(("owned_by", "is_followed"), [(CALLER[0], True), (CALLER[0] + 1, False)])
    def test_a_link_of_the_callers_is_followed_and_a_strangers_is_not(
        self, tmp_path: Path, owned_by: int, is_followed: bool
    ) -> None:
        real, link = tmp_path / "real", tmp_path / "link"
        real.mkdir()
        link.symlink_to(real)
        os.chown(link, owned_by, 0, follow_symlinks=False)
        if is_followed:
            open_output(link / "out.pcapng").close()
        else:
            with pytest.raises(UserError, match="belongs to another user"):
                open_output(link / "out.pcapng")
        assert (real / "out.pcapng").exists() is is_followed

    def test_links_in_a_circle_end(self, tmp_path: Path) -> None:
        (tmp_path / "one").symlink_to("two")
        (tmp_path / "two").symlink_to("one")
        with pytest.raises(UserError, match="cannot write"):
            open_output(tmp_path / "one" / "out.pcapng")
