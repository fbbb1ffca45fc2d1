"""The README says what the program does: its commands, its options, its outcomes and exit codes."""

from __future__ import annotations

import re
import shlex

import pytest
from renew import ROOT, ibsniff

from ibsniff.cli.group import MODULES
from ibsniff.model import ExitCode, Outcome
from ibsniff.rules import all_rules

README = (ROOT / "README.md").read_text("utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_quick_start_has_two_commands_that_set_themselves_up() -> None:
    (block,) = re.findall(r"<!-- quick start -->\n```sh\n(.*?)```\n<!-- end -->", README, re.DOTALL)
    commands = block.splitlines()
    assert len(commands) == 2
    assert all(command.startswith("python3 -m venv .venv && .venv/bin/pip install") for command in commands)


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("ibsniff ")]


@pytest.mark.parametrize("command", commands())
def test_every_option_it_names_exists(command: str) -> None:
    words = shlex.split(command)
    help_text = ibsniff(words[1], "--help").stdout
    for option in (word for word in words[2:] if word.startswith("-") and word != "-"):
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", help_text), option


def test_its_list_of_commands_is_complete() -> None:
    table = README.partition("| command | what it does |")[2].partition("\n\n")[0]
    named = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(named) == sorted(MODULES)


def test_it_names_every_outcome_and_exit_code() -> None:
    table = README.partition("## What it says")[2].partition("\n## ")[0]
    assert {outcome for outcome in Outcome if f"`{outcome}`" not in table} == set()
    sentence = README.partition("**Exit codes**")[2].partition("\n\n")[0]
    for code in ExitCode:
        assert re.search(rf"\b{code.value}\b", sentence), code


def test_the_changelog_lists_every_code() -> None:
    listed: set[int] = set()
    for first, last in re.findall(r"IBS(\d{3}) to IBS(\d{3})", CHANGELOG):
        listed |= set(range(int(first), int(last) + 1))
    listed |= {int(code) for code in re.findall(r"IBS(\d{3})", CHANGELOG)}
    assert {rule.code for rule in all_rules()} == {f"IBS{number:03d}" for number in listed}
