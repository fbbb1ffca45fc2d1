"""A scenario: a folder with one capture and a ``scenario.toml``, which says what a true report must find in it.

It has a title, says how the capture was made, and promises the *exact set* of codes, so it is a negative test for every
other rule. Unknown keys are errors: a typo must not make a promise empty.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from ibsniff.capture.folder import find_captures
from ibsniff.capture.input_file import file_exists, is_folder
from ibsniff.model import ExitCode, UserError

SCENARIO = "scenario.toml"
CAPTURES = ("capture.pcapng", "capture.pcap")
KEYS: dict[str, type] = {"title": str, "made": str, "expect": dict}
COMMAND = "command"
"""Optional key: the options of ``ibsniff read`` that the capture needs, as ``--port 5555``."""
EXPECT_KEYS: dict[str, type] = {"outcome": str, "fault": str, "rung": str, "codes": list}
DIGEST = "sha256"
"""Optional key of ``expect``: the capture's own digest, so that not one byte of it can change unnoticed."""
NOTHING = "none"
"""What is promised as outcome, fault and rung of a capture without any conversation."""

TITLE_TO_WRITE = "ONE SENTENCE THAT SAYS WHAT HAPPENED"
MADE_TO_WRITE = "captured: CLIENT AND VERSION against TWS OR GATEWAY AND VERSION"
"""What `create` writes where only the contributor knows the answer; a scenario that still says so is not finished."""


class Promise(NamedTuple):
    """What a report must say."""

    outcome: str
    fault: str
    rung: str
    codes: tuple[str, ...]
    sha256: str | None = None
    """Digest of the capture file; None when it is not promised."""

    def lines(self) -> list[str]:
        """As it stands in ``scenario.toml``."""
        codes = ", ".join(f'"{code}"' for code in self.codes)
        judged = [
            f'outcome = "{self.outcome}"',
            f'fault = "{self.fault}"',
            f'rung = "{self.rung}"',
            f"codes = [{codes}]",
        ]
        return judged if self.sha256 is None else [*judged, f'{DIGEST} = "{self.sha256}"']


class Scenario(NamedTuple):
    """One folder."""

    folder: Path
    title: str
    made: str
    command: str
    promise: Promise
    capture: Path


def find_scenarios(root: Path) -> list[Scenario]:
    """Return every scenario below a folder, by path.

    Raises UserError for a folder that does not exist, and for a scenario that is not as it should be.
    """
    if not is_folder(root):
        raise UserError(
            f"{root}: there is no such folder, or you may not look into it",
            "Name the folder that holds the scenarios: ibsniff regress DIR",
            ExitCode.USAGE,
        )
    return [load_scenario(file.parent) for file in sorted(root.rglob(SCENARIO))]


def find_captures_without_promise(root: Path) -> list[Path]:
    """Return every capture below a folder that no ``scenario.toml`` speaks of, by path.

    Raises UserError for a folder that cannot be read.
    """
    found = find_captures(str(root))
    for error in found.unreadable:
        raise error
    paths = map(Path, found.captures)
    return [path for path in paths if path.name not in CAPTURES or not file_exists(path.parent / SCENARIO)]


def how_to_promise(capture: Path) -> str:
    """Return the command that makes a scenario of a capture without a promise."""
    has_place = capture.name in CAPTURES
    return f"ibsniff regress --new {capture.parent}" if has_place else f"ibsniff regress --new DIR {capture}"


def load_scenario(folder: Path) -> Scenario:
    """Read one scenario; every key must be known and of its type.

    Raises UserError that names file and key.
    """
    file = folder / SCENARIO
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{file}: {error}", "Fix the file; its format is TOML", ExitCode.USAGE) from None
    _check(file, "", {COMMAND: "", **content}, {**KEYS, COMMAND: str})
    _check_finished(file, content)
    expect = content["expect"]
    _check(file, "expect.", {DIGEST: "", **expect}, {**EXPECT_KEYS, DIGEST: str})
    promise = Promise(expect["outcome"], expect["fault"], expect["rung"], tuple(expect["codes"]), expect.get(DIGEST))
    command = content.get(COMMAND, "")
    return Scenario(folder, content["title"], content["made"], command, promise, capture_of(folder))


def capture_of(folder: Path) -> Path:
    """Return the one capture of a scenario's folder. Raises UserError when there is none, or another beside it."""
    captures = [folder / name for name in CAPTURES if file_exists(folder / name)]
    if len(captures) != 1:
        raise UserError(
            f"{folder}: a scenario needs exactly one capture, and this folder has {len(captures)}",
            f"Put one {' or '.join(CAPTURES)} into the folder",
        )
    return captures[0]


def _check(file: Path, where: str, found: dict[str, Any], known: dict[str, type]) -> None:
    for key in found.keys() - known.keys():
        hint = f"Known keys here: {', '.join(known)}"
        raise UserError(f"{file}: unknown key '{where}{key}'", hint, ExitCode.USAGE)
    for key, kind in known.items():
        if not isinstance(found.get(key), kind):
            raise UserError(f"{file}: '{where}{key}' is missing or no {kind.__name__}", "Add it", ExitCode.USAGE)


def _check_finished(file: Path, content: dict[str, Any]) -> None:
    for key, placeholder in (("title", TITLE_TO_WRITE), ("made", MADE_TO_WRITE)):
        if content[key] == placeholder:
            raise UserError(
                f"{file}: '{key}' still has to be written", f"Replace the placeholder '{placeholder}'", ExitCode.USAGE
            )
