"""Running scenarios: what the report finds, held against what was promised."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from ibsniff.analysis.api_traffic import Ports, parse_ports
from ibsniff.analysis.reading import read_files
from ibsniff.model import ExitCode, Report, UserError
from ibsniff.regression.scenario import NOTHING, SCENARIO, Promise, Scenario
from ibsniff.render.text import visible_line

NO_PROMISE = f"no {SCENARIO} says what this capture must show"


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


def run(scenario: Scenario) -> Result:
    """Read a scenario's capture as its ``command`` says.

    Raises UserError when the capture cannot be read or the command holds anything but read options.
    """
    report = report_on(scenario.capture, *options_of(scenario))
    return Result(scenario, promise_of(report, scenario.capture))


def report_on(capture: Path, ports: Ports, watched_until: str | None = None) -> Report:
    """Read one capture. Raises UserError when it cannot be read."""
    reading = read_files([str(capture)], ports, watched_until)
    for error in reading.unreadable:
        raise error
    return reading.report


def options_of(scenario: Scenario) -> tuple[Ports, str | None]:
    """Understand a scenario's ``command``: ports, and the time until which the user watched.

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


def promise_of(report: Report, capture: Path) -> Promise:
    """What a report says of a capture, in the terms of a promise."""
    codes = {finding.code for finding in report.findings}
    codes |= {finding.code for conversation in report.conversations for finding in conversation.findings}
    digest = hashlib.sha256(capture.read_bytes()).hexdigest()
    verdict = report.verdict
    speaker = next((one for one in report.conversations if verdict and one.id == verdict.conversation), None)
    if verdict is None or speaker is None:
        return Promise(NOTHING, NOTHING, NOTHING, tuple(sorted(codes)), digest)
    return Promise(verdict.outcome, verdict.fault, speaker.rung, tuple(sorted(codes)), digest)


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


def junit(results: Sequence[Result], without_promise: Sequence[Path] = ()) -> str:
    """The results as JUnit XML: one test case for each scenario, and a failed one for each capture without one."""
    broken = sum(not result.kept for result in results) + len(without_promise)
    count = len(results) + len(without_promise)
    suite = ElementTree.Element("testsuite", name="ibsniff regress", tests=str(count), failures=str(broken))
    for result in results:
        _case(suite, result.scenario.folder, "the promise is broken", result.difference())
    for capture in without_promise:
        _case(suite, capture, NO_PROMISE, [NO_PROMISE])
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, path: Path, message: str, failures: Sequence[str]) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname="regress", name=visible_line(str(path)))
    if failures:
        failure = ElementTree.SubElement(case, "failure", message=message)
        failure.text = "\n".join(map(visible_line, failures))
