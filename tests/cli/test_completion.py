"""What a TAB offers in the shell, asked as the shells ask; and it must not import what is slow."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ibsniff.rules import all_rules
from ibsniff.standin import MODES

SCRIPT = """
import sys
from ibsniff.cli import main
sys.argv = ["ibsniff"]
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""
SLOW = {"numpy", "scapy", "dpkt", "psutil", "zstandard"}


def offered(line: str, folder: Path | None = None) -> list[str]:
    """What bash is given for a command line whose last word is not finished; empty when it begins a new one."""
    words = line.split(" ")
    environment = {**os.environ, "_IBSNIFF_COMPLETE": "complete_bash", "COMP_WORDS": line}
    environment["COMP_CWORD"] = str(len(words) - 1)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    loaded = set(done.stderr.split())
    assert "ibsniff.cli.completion" in loaded, done.stderr
    assert not loaded & SLOW
    return done.stdout.split()


def test_modes_of_simulate() -> None:
    assert offered("ibsniff simulate ") == ["list", *MODES]
    assert offered("ibsniff simulate close-") == [mode for mode in MODES if mode.startswith("close-")]


def test_codes_of_explain_without_importing_a_rule() -> None:
    assert offered("ibsniff explain ") == [rule.code for rule in all_rules()]
    assert offered("ibsniff explain IBS50") == [rule.code for rule in all_rules() if rule.code.startswith("IBS50")]


@pytest.mark.skipif(sys.platform == "win32", reason="only scapy knows the interfaces of Windows")
def test_interfaces_of_live() -> None:
    names = [name for _, name in socket.if_nameindex()]
    found = offered("ibsniff live -i ")
    assert set(names) <= set(found)
    assert ("any" in found) is (sys.platform == "linux")
    assert offered(f"ibsniff live -i {names[0]}")[0] == names[0]


def test_scenarios_of_regress(tmp_path: Path) -> None:
    for name in ("captures/a-case", "captures/another", "elsewhere/none"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("captures/a-case", "captures/another"):
        (tmp_path / name / "scenario.toml").touch()
    both = [str(Path("captures", name)) for name in ("a-case", "another")]
    assert offered("ibsniff regress ", tmp_path) == ["captures", *both]
    assert offered(f"ibsniff regress {both[0]}", tmp_path) == both[:1]
    assert offered("ibsniff regress captures/", tmp_path) == ["captures/a-case", "captures/another"]
    assert offered("ibsniff regress nowhere/", tmp_path) == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_show_what_an_offer_means(shell: str) -> None:
    environment = {**os.environ, "_IBSNIFF_COMPLETE": f"complete_{shell}", "COLUMNS": "200"}
    environment |= {"_TYPER_COMPLETE_ARGS": "ibsniff explain IBS301", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False)
    assert "silent-on-this-host" in done.stdout
