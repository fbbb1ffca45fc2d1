"""Scenarios against their promises: the regression over recorded captures.

A scenario is a folder with one capture and a ``scenario.toml``: a title, how it was made, and what a true report must
say of it. It promises the *exact set* of codes, so it is a negative test for every other rule. Unknown keys are
errors: a typo must not make a promise empty.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from ibsniff.analysis.reading import Ports, parse_ports, read_files
from ibsniff.model import ExitCode, Report, UserError
from ibsniff.render.text import prose

SCENARIO = "scenario.toml"
CAPTURES = ("capture.pcapng", "capture.pcap")
KEYS: dict[str, type] = {"title": str, "made": str, "command": str, "expect": dict}
EXPECT_KEYS: dict[str, type] = {"outcome": str, "fault": str, "rung": str, "codes": list}
DIGEST = "sha256"
"""Optional key of ``expect``: the capture's own digest, so that not one byte of it can change unnoticed."""
NOTHING = "none"
"""What is promised as outcome, fault and rung of a capture without any conversation."""


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


class Result(NamedTuple):
    """A scenario, and what the report says of it."""

    scenario: Scenario
    found: Promise

    @property
    def kept(self) -> bool:
        """The promise holds."""
        return not self.difference()

    def difference(self) -> list[str]:
        """Lines that differ, promised ones with ``-``, found ones with ``+``; what is not promised is not compared."""
        rows = zip(self.scenario.promise.lines(), self.found.lines(), strict=False)
        return [line for old, new in rows if old != new for line in (f"- {old}", f"+ {new}")]


def find_scenarios(root: Path) -> list[Scenario]:
    """Return every scenario below a folder, by path.

    Raises UserError for a folder without one, and for a scenario that is not as it should be.
    """
    if not root.is_dir():
        raise UserError(
            f"{root}: no such folder", "Name the folder that holds the scenarios: ibsniff regress DIR", ExitCode.USAGE
        )
    found = [load_scenario(file.parent) for file in sorted(root.rglob(SCENARIO))]
    if not found:
        raise UserError(
            f"{root}: no scenario in it",
            f"A scenario is a folder with capture.pcapng (or .pcap) and {SCENARIO}",
            ExitCode.USAGE,
        )
    return found


def load_scenario(folder: Path) -> Scenario:
    """Read one scenario; every key must be known and of its type.

    Raises UserError that names file and key.
    """
    file = folder / SCENARIO
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{file}: {error}", "Mend the file; it is TOML", ExitCode.USAGE) from None
    _check(file, "", content, KEYS)
    expect = content["expect"]
    _check(file, "expect.", {DIGEST: "", **expect}, {**EXPECT_KEYS, DIGEST: str})
    captures = [folder / name for name in CAPTURES if (folder / name).exists()]
    if len(captures) != 1:
        raise UserError(f"{folder}: one capture is needed", "Put one capture.pcapng or capture.pcap beside it")
    promise = Promise(expect["outcome"], expect["fault"], expect["rung"], tuple(expect["codes"]), expect.get(DIGEST))
    return Scenario(folder, content["title"], content["made"], content["command"], promise, captures[0])


def _check(file: Path, where: str, found: dict[str, Any], known: dict[str, type]) -> None:
    for key in found.keys() - known.keys():
        hint = f"Known keys here: {', '.join(known)}"
        raise UserError(f"{file}: unknown key '{where}{key}'", hint, ExitCode.USAGE)
    for key, kind in known.items():
        if not isinstance(found.get(key), kind):
            raise UserError(f"{file}: '{where}{key}' is missing or no {kind.__name__}", "Add it", ExitCode.USAGE)


def run(scenario: Scenario) -> Result:
    """Read a scenario's capture as its ``command`` says.

    Raises UserError when the capture cannot be read or the command holds anything but read options.
    """
    ports, watched = options_of(scenario)
    reading = read_files([str(scenario.capture)], ports, watched)
    for error in reading.unreadable:
        raise error
    digest = hashlib.sha256(scenario.capture.read_bytes()).hexdigest()
    return Result(scenario, promise_of(reading.report)._replace(sha256=digest))


def options_of(scenario: Scenario) -> tuple[Ports, str | None]:
    """Understand a scenario's ``command``: ports, and until when was watched.

    Raises UserError when it holds anything else.
    """
    options = shlex.split(scenario.command)
    ports, watched = [], None
    for name, value in zip(options[::2], [*options[1::2], ""], strict=False):
        if name == "--port":
            ports.append(value)
        elif name == "--watched-until":
            watched = value
        else:
            raise UserError(
                f"{scenario.folder}: command: '{name}' is no option of a scenario",
                "Only --port and --watched-until may stand there",
                ExitCode.USAGE,
            )
    return parse_ports(ports), watched


def promise_of(report: Report) -> Promise:
    """What a report says, in the terms of a promise."""
    codes = {finding.code for finding in report.findings}
    codes |= {finding.code for conversation in report.conversations for finding in conversation.findings}
    verdict = report.verdict
    speaker = next((one for one in report.conversations if verdict and one.id == verdict.conversation), None)
    if verdict is None or speaker is None:
        return Promise(NOTHING, NOTHING, NOTHING, tuple(sorted(codes)))
    return Promise(verdict.outcome, verdict.fault, speaker.rung, tuple(sorted(codes)))


def update(result: Result) -> None:
    """Write what was found into the scenario as its promise, for review.

    Raises UserError when the file cannot be written.
    """
    file = result.scenario.folder / SCENARIO
    text = file.read_text("utf-8")
    head = re.split(r"^\[expect\]", text, maxsplit=1, flags=re.MULTILINE)[0]
    try:
        file.write_text(head + "\n".join(["[expect]", *result.found.lines(), ""]), "utf-8")
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror or error}", "Work on a copy of your own") from None


def junit(results: list[Result]) -> str:
    """The results as JUnit XML: one test case a scenario."""
    broken = sum(not result.kept for result in results)
    suite = ElementTree.Element("testsuite", name="ibsniff regress", tests=str(len(results)), failures=str(broken))
    for result in results:
        case = ElementTree.SubElement(suite, "testcase", classname="regress", name=prose(str(result.scenario.folder)))
        if not result.kept:
            failure = ElementTree.SubElement(case, "failure", message="the promise is broken")
            failure.text = "\n".join(map(prose, result.difference()))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
