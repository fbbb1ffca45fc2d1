"""The commands for the user without permission, and the privileges that remain when the sockets are open."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from live_namespace import in_namespace, needs_namespace

from ibsniff.capture import privilege
from ibsniff.capture.packet_filter import filter_expression
from ibsniff.capture.privilege import held_capabilities, permission_help, this_command

PORTS = frozenset({7497, 4001})
ARGV = ["live", "-i", "lo", "-w", "my capture.pcapng"]

posix = pytest.mark.skipif(sys.platform == "win32", reason="sudo is of Unix")


def pasted(text: str) -> list[list[str]]:
    return [shlex.split(line) for line in text.splitlines() if line.startswith("  ")]


def test_linux_commands_can_be_pasted_and_sudo_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/my venv/bin/python")
    at_once, better = permission_help("linux", "/venv/bin/ibsniff", ARGV, ["lo"], PORTS)
    assert shlex.split(at_once) == ["sudo", "/venv/bin/ibsniff", *ARGV]
    make, permit, with_it, through_tcpdump = pasted(better)
    copy = "/my venv/bin/python-that-captures"
    assert make == ["sudo", "install", "-o", "root", "-g", "$(id -gn)", "-m", "750", "/my venv/bin/python", copy]
    assert permit == ["sudo", "setcap", "cap_net_raw+ep", copy]
    assert with_it == [copy, "-I", "-m", "ibsniff", *ARGV]
    assert through_tcpdump == shlex.split(
        f"sudo timeout 30 tcpdump -i lo -U -w - '{filter_expression(PORTS)}' | /venv/bin/ibsniff read -"
    )


def test_a_command_that_sudo_finds_needs_no_folder() -> None:
    assert (
        permission_help("linux", "/usr/local/bin/ibsniff", ["live", "lo"], ["lo"], PORTS)[0] == "sudo ibsniff live lo"
    )


def test_tcpdump_listens_on_one_interface_or_on_all() -> None:
    assert "tcpdump -i any " in permission_help("linux", "ibsniff", ARGV, ["lo", "eth0"], PORTS)[1]


def test_macos_names_the_group() -> None:
    at_once, better = permission_help("darwin", "/venv/bin/ibsniff", ARGV, ["lo0"], None)
    assert at_once.startswith("sudo /venv/bin/ibsniff live")
    assert "  sudo tcpdump -i lo0 -U -w - 'tcp or arp" in better
    assert "| /venv/bin/ibsniff read -" in better
    assert better.index("access_bpf") < better.index("tcpdump")


def test_windows_names_npcap_and_its_option() -> None:
    at_once, text = permission_help("win32", r"C:\venv\ibsniff.exe", ARGV, [r"\Device\NPF_Loopback"], PORTS)
    assert "Run as administrator" in at_once
    assert "Npcap" in text
    assert "Administrators only" in text
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
    assert shlex.split(this_command()) == [sys.executable, "-I", "-m", "ibsniff"]


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
def test_the_sudo_user(
    monkeypatch: pytest.MonkeyPatch, effective: int, environment: dict[str, str], caller: tuple[int, int] | None
) -> None:
    for name in ("SUDO_UID", "SUDO_GID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "geteuid", lambda: effective)
    assert privilege.caller() == caller


DROPS = """
import os, sys
from ibsniff.capture.live import open_live
from ibsniff.capture.privilege import drop_privileges
from ibsniff.model import Tick
with open_live(["lo"], frozenset({7497})) as source:
    print(drop_privileges())
    print(*os.getresuid(), *os.getresgid(), sorted(os.getgroups()))
    wanted = ("CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs")
    print(*(line for line in open("/proc/self/status").read().splitlines() if line.startswith(wanted)), sep="\\n")
    import socket
    with socket.socket() as caller:
        caller.connect_ex(("127.0.0.1", 7497))
    ticks = 0
    for event in source.events():  # until both packets have come, or nothing more for some seconds
        ticks += isinstance(event, Tick)
        if source.facts.packets >= 2 or ticks > 40:
            source.stop()
    print("captured", source.facts.packets, "counted", source.statistics().received)
    try:
        open_live(["lo"], None)
    except Exception as error:
        print(str(error).partition(":")[0])
    print(os.popen("grep CapEff /proc/self/status").read())
"""


def dropped(environment: dict[str, str]) -> list[str]:
    """Run the script as root in a network namespace, and return its output."""

    def inside() -> list[str]:
        command = [sys.executable, "-c", DROPS]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SUDO_")}
        done = subprocess.run(command, capture_output=True, text=True, env={**kept, **environment}, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return in_namespace(inside)


NO_CAPABILITIES = [f"Cap{name}:\t0000000000000000" for name in ("Inh", "Prm", "Eff", "Amb")] + ["NoNewPrivs:\t1"]
NOTHING_MORE = ["captured 2 counted 2", "no permission to capture on lo", "CapEff:\t0000000000000000"]
"""It continues to capture, but can neither open another socket nor regain capabilities by executing a program."""


@needs_namespace
def test_root_keeps_no_capability_and_goes_on_capturing() -> None:
    gave_up, ids, *rest = dropped({})
    assert gave_up.startswith("dropped the privileges ")
    assert gave_up.endswith(" capabilities)")
    assert ids.startswith("0 0 0 0 0 0")
    assert rest[:8] == NO_CAPABILITIES + NOTHING_MORE


def folder_for(tmp_path: Path, owner: int, mode: int) -> dict[str, str]:
    """Return an environment with another folder of modules."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "module.py").touch()
    os.chown(folder, owner, owner)
    folder.chmod(mode)
    return {"PYTHONPATH": str(folder)}


SUDO = {"SUDO_UID": "12345", "SUDO_GID": "23456"}
ONLY_READS = [line.replace("0000000000000000", "0000000000000004") for line in NO_CAPABILITIES[1:3]]


@needs_namespace
def test_under_sudo_it_becomes_the_sudo_user() -> None:
    gave_up, ids, *rest = dropped(SUDO)
    assert gave_up.startswith("became user 12345, who ran sudo; dropped the privileges ")
    assert ids == "12345 12345 12345 23456 23456 23456 [23456]"
    keeps = "kept the capability to read any file" in gave_up  # when this Python is in root's home
    assert rest[1:3] == (ONLY_READS if keeps else NO_CAPABILITIES[1:3])
    assert rest[4:7] == ["NoNewPrivs:\t1", *NOTHING_MORE[:2]]


@needs_namespace
@pytest.mark.parametrize(("owner", "environment"), [(12345, {}), (0, SUDO)], ids=["root", "sudo"])
def test_unreadable_modules_keep_one_capability(tmp_path: Path, owner: int, environment: dict[str, str]) -> None:
    gave_up, _, *rest = dropped(environment | folder_for(tmp_path, owner, 0o700))
    assert gave_up.endswith("; kept the capability to read any file, which ibsniff needs to load its own modules")
    assert rest[:5] == [NO_CAPABILITIES[0], *ONLY_READS, *NO_CAPABILITIES[3:]]


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are of Linux")
def test_the_capabilities_of_a_thread(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tx\nCapInh:\t0\nCapPrm:\t2000\nCapEff:\t0\nCapBnd:\tffff\nCapAmb:\t1000\n")
    assert held_capabilities(status) == 0x3000
    assert held_capabilities(tmp_path / "none") == 0
