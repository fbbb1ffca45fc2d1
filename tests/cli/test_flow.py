"""``ibsniff flow``: which conversations are drawn."""

from __future__ import annotations

import pytest
from renew import ROOT
from typer.testing import CliRunner, Result

from ibsniff.cli.app import app
from ibsniff.model import ExitCode

RESTART = ROOT / "captures/restart-of-two/capture.pcapng"
NO_CONVERSATION = ROOT / "captures/no-api-traffic/capture.pcapng"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["flow", *map(str, arguments)])


def drawn(output: str) -> list[str]:
    """The ids of the conversations that were drawn."""
    return [line.split()[0] for line in output.splitlines() if "→" in line and line.startswith("c")]


def test_without_options_the_conversation_of_the_verdict_is_drawn_and_the_others_are_named() -> None:
    output = run(RESTART).output
    (one,) = drawn(output)
    line = " ".join(output[output.index("Not drawn: ") :].split())
    assert one not in line.replace(",", " ").replace(".", " ").split()
    assert "replied: c1, c2, c11, c12;" in line


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--conversation", "c2", "--conversation", "c12"), ["c2", "c12"]),
        (("--client", "127.0.0.1:58948"), ["c6"]),
        (("--server", "127.0.0.1:7497", "--conversation", "c3"), ["c3"]),
    ],
)
def test_the_filters_choose(options: tuple[str, ...], expected: list[str]) -> None:
    assert drawn(run(RESTART, *options).output) == expected


def test_a_part_of_the_time() -> None:
    whole = run(RESTART, "--conversation", "c1").output
    begin = run(RESTART, "--conversation", "c1", "--to", "+1s").output
    assert "─ SYN: " in begin
    assert "━ RST: the server resets" in whole
    assert "RST" not in begin
    assert "┴" not in begin


def test_verbose_shows_packets_and_bytes() -> None:
    assert "41 50 49 00" in run(RESTART, "--conversation", "c1", "-v").output
    assert "41 50 49 00" not in run(RESTART, "--conversation", "c1").output


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((RESTART, "--conversation", "c99"), ExitCode.USAGE, "The capture has c1 to c12"),
        ((NO_CONVERSATION,), ExitCode.INPUT, "the capture contains no conversation"),
        (("/no/such/file",), ExitCode.INPUT, "no such file"),
    ],
)
def test_what_cannot_be_drawn_is_said(arguments: tuple[object, ...], code: ExitCode, says: str) -> None:
    done = run(*arguments)
    assert done.exit_code == code
    assert says.lower() in done.stderr.lower()
    assert done.stdout == ""
