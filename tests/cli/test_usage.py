"""Wrong usage: two lines of our own on stderr, exit code 2, and what would have been right."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from ibsniff.cli.app import app
from ibsniff.cli.group import MODULES
from ibsniff.cli.usage import is_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize(
    ("line", "what", "what_to_do"),
    [
        ("raed x.pcap", "there is no command 'raed'", "Did you mean read? 'ibsniff help' lists all commands"),
        ("xyzzy", "there is no command 'xyzzy'", "'ibsniff help' lists all commands"),
        (
            "read --jsn x",
            "'read' has no option --jsn",
            "Did you mean --json or --ndjson? 'ibsniff read --help'",
        ),
        ("live --paience 3", "'live' has no option --paience", "Did you mean --patience?"),
        ("read -x f", "'read' has no option -x", "'ibsniff read --help' lists all options"),
        ("--json x.pcap", "there is no option --json before a command", "ibsniff read FILE --json"),
        ("read x --patience", "--patience needs a value", "--patience SECONDS"),
        ("read x --fail-on", "--fail-on needs a value", "--fail-on error|warning|note"),
        ("read x --json=3", "--json does not take a value", "ibsniff read --json"),
        ("read x --patience abc", "--patience abc: not a value that it can have", "Give a number from 0.1 to 86400"),
        ("read x --patience=0", "--patience 0: not a value that it can have", "Give a number from 0.1 to 86400"),
        ("read x --jobs 0", "--jobs 0: not a value that it can have", "Give a whole number, 1 or more"),
        ("streams x --port 99999", "--port 99999: not a value that it can have", "Give a whole number from 1 to 65535"),
        ("read x --fail-on huge", "--fail-on huge: no such value", "It can be error, warning or note"),
        (
            "read x --lane colums",
            "--lane colums: no such value",
            "Did you mean columns? It can be auto, plain or columns",
        ),
        (
            "simulate",
            "MODE is missing",
            "Use: ibsniff simulate [OPTIONS] MODE ('ibsniff simulate --help' explains more)",
        ),
        ("streams", "FILE is missing", "Use: ibsniff streams [OPTIONS] FILE... ("),
        ("demo more", "'demo' does not take 'more'", "Use: ibsniff demo [OPTIONS]"),
    ],
)
def test_wrong_usage_is_told_in_two_lines(line: str, what: str, what_to_do: str) -> None:
    result = run(*line.split())
    first, second = result.stderr.splitlines()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert first == f"ibsniff: {what}"
    assert second.startswith("  ")
    assert what_to_do in second


@pytest.mark.parametrize("command", MODULES)
def test_every_command_says_what_is_wrong_with_its_options_in_our_form(command: str) -> None:
    result = run(command, "--no-such-option")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == f"ibsniff: '{command}' has no option --no-such-option"
    assert len(result.stderr.splitlines()) == 2


def test_what_the_user_typed_cannot_write_to_the_terminal() -> None:
    for arguments in (
        ["read", "--\x1b[31m"],
        ["\x1b[31m"],
        ["read", "x", "--fail-on", "\x1b[31m"],
        ["demo", "\x1b]0;x"],
    ):
        assert "\x1b" not in run(*arguments).stderr


def test_help_is_a_command_too() -> None:
    assert run("help").stdout == run("--help").stdout
    for command in MODULES:
        shown = run("help", command)
        assert shown.exit_code == 0
        assert shown.stdout == run(command, "--help").stdout
    assert run("help", "326").stdout == run("explain", "326").stdout


@pytest.mark.parametrize(("argument", "expected"), [("a.pcap", True), ("dir/a", True), ("raed", False)])
def test_a_path_in_the_place_of_a_command_is_recognised(argument: str, expected: bool) -> None:
    assert is_path(argument) is expected
