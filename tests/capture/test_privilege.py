"""The lines one may paste, and who owns what was written under sudo."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from ibsniff.capture import privilege
from ibsniff.capture.packet_filter import expression
from ibsniff.capture.privilege import open_output, permission_help, this_command
from ibsniff.model import ExitCode, UserError

PORTS = frozenset({7497, 4001})
ARGV = ["live", "-i", "lo", "-w", "my capture.pcapng"]

posix = pytest.mark.skipif(sys.platform == "win32", reason="sudo is of Unix")
as_root = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="needs root, to give files away")


def test_linux_narrower_way_first_and_both_can_be_pasted() -> None:
    lines = permission_help("linux", "/venv/bin/ibsniff", ARGV, "lo", PORTS).splitlines()
    commands = [shlex.split(line) for line in lines if line.startswith("  ")]
    through_tcpdump, as_root = commands
    assert through_tcpdump == shlex.split(
        f"sudo timeout 30 tcpdump -i lo -U -w - '{expression(PORTS)}' | /venv/bin/ibsniff read -"
    )
    assert as_root == ["sudo", "/venv/bin/ibsniff", *ARGV]


def test_macos_names_the_group() -> None:
    text = permission_help("darwin", "/venv/bin/ibsniff", ARGV, "lo0", None)
    assert "access_bpf" in text
    assert "  sudo tcpdump -i lo0 -U -w - 'tcp or arp" in text
    assert text.index("tcpdump") < text.index("sudo /venv/bin/ibsniff live")


def test_windows_names_npcap() -> None:
    text = permission_help("win32", r"C:\venv\ibsniff.exe", ARGV, r"\Device\NPF_Loopback", PORTS)
    assert "Npcap" in text
    assert text.endswith(r'C:\venv\ibsniff.exe live -i lo -w "my capture.pcapng"')


@posix
def test_this_command_is_the_script_with_its_full_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "my venv" / "ibsniff"
    script.parent.mkdir()
    script.touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["my venv/ibsniff", "live"])
    assert shlex.split(this_command()) == [str(script)]


@posix
@pytest.mark.parametrize("started_as", ["/somewhere/ibsniff/__main__.py", "-c", ""])
def test_this_command_of_a_module(monkeypatch: pytest.MonkeyPatch, started_as: str) -> None:
    monkeypatch.setattr(sys, "argv", [started_as])
    assert shlex.split(this_command()) == [sys.executable, "-m", "ibsniff"]


def test_output_replaces_what_was_there(tmp_path: Path) -> None:
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
    def test_a_new_file_belongs_to_the_caller_at_once(self, tmp_path: Path) -> None:
        path = tmp_path / "out.pcapng"
        with open_output(path) as stream:
            assert owner(path) == CALLER
            stream.write(b"new")
        assert path.read_bytes() == b"new"
        assert path.stat().st_mode & 0o111 == 0

    def test_a_file_that_was_there_keeps_its_owner(self, tmp_path: Path) -> None:
        path = tmp_path / "out.pcapng"
        path.write_bytes(b"much longer than what follows")
        with open_output(path) as stream:
            stream.write(b"new")
        assert owner(path) == (0, 0)
        assert path.read_bytes() == b"new"

    @pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
    def test_it_writes_through_no_link(self, tmp_path: Path, link: object) -> None:
        precious, path = tmp_path / "precious", tmp_path / "out.pcapng"
        precious.write_bytes(b"keep me")
        link(path, precious)  # type: ignore[operator]
        with pytest.raises(UserError, match="cannot write"):
            open_output(path)
        assert precious.read_bytes() == b"keep me"
        assert owner(precious) == (0, 0)

    def test_a_link_to_nowhere_is_not_filled(self, tmp_path: Path) -> None:
        path = tmp_path / "out.pcapng"
        path.symlink_to(tmp_path / "not yet there")
        with pytest.raises(UserError, match="cannot write"):
            open_output(path)
        assert not (tmp_path / "not yet there").exists()

    def test_a_device_is_written_and_not_given_away(self) -> None:
        with open_output("/dev/null") as stream:
            stream.write(b"gone")
        assert owner(Path("/dev/null")) == (0, 0)


@posix
@pytest.mark.parametrize(
    ("effective", "environment", "caller"),
    [
        (0, {"SUDO_UID": "1000", "SUDO_GID": "100"}, (1000, 100)),
        (0, {}, None),
        (0, {"SUDO_UID": "1000"}, None),
        (0, {"SUDO_UID": "me", "SUDO_GID": "100"}, None),
        (0, {"SUDO_UID": "0", "SUDO_GID": "0"}, None),
        (1000, {"SUDO_UID": "1001", "SUDO_GID": "100"}, None),
    ],
)
def test_who_called(
    monkeypatch: pytest.MonkeyPatch, effective: int, environment: dict[str, str], caller: tuple[int, int] | None
) -> None:
    for name in ("SUDO_UID", "SUDO_GID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "geteuid", lambda: effective)
    assert privilege._caller() == caller
