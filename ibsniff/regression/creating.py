"""A new scenario: its first ``scenario.toml``, written from what the report finds, for somebody to review."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ibsniff.analysis.api_traffic import Ports
from ibsniff.capture.files import PCAPNG_MAGIC
from ibsniff.capture.input_file import file_exists, open_regular
from ibsniff.capture.pcap import MAGICS as PCAP_MAGICS
from ibsniff.masking.masker import mask_account
from ibsniff.model import ExitCode, Report, UserError
from ibsniff.regression.accounts import accounts_in
from ibsniff.regression.running import promise_of, report_on
from ibsniff.regression.scenario import CAPTURES, MADE_TO_WRITE, SCENARIO, TITLE_TO_WRITE, Promise, capture_of

LARGEST = 64 * 1024
"""Bytes of a capture that is published: a case is a few packets, and nobody reviews ten thousand."""
SHOWN = 5
"""Accounts or addresses listed: more would not be read."""


class Created(NamedTuple):
    """A scenario that was just written."""

    folder: Path
    capture: Path
    promise: Promise
    report: Report

    def to_review(self) -> list[str]:
        """What its author has to look at before anybody else sees it, a line each."""
        ends = (
            end for one in self.report.conversations for end in (one.connection.client.ip, one.connection.server.ip)
        )
        addresses = _few(list(dict.fromkeys(ends))) or "none in a conversation"
        lines = [
            f"{self.folder / SCENARIO}: write the title, and in 'made' the versions of the client and of TWS or Gateway.",
            f"The promise: ibsniff read {self.capture} -v shows why. If the report is wrong, promise what it should say.",
            'If the capture needs --port or --watched-until, add command = "--port 5555" and run ibsniff regress --update.',
            f"The capture shows orders, positions and addresses to everybody; its addresses: {addresses}.",
        ]
        if self.capture.stat().st_size > LARGEST:
            lines.append(
                f"It is larger than the {LARGEST // 1024} KB that the ibsniff project accepts: keep one conversation."
            )
        return [*lines, f"Then: ibsniff regress {self.folder}"]


def create(folder: Path, capture: Path | None = None, *, private: bool = False) -> Created:
    """Make a folder a scenario; ``capture`` is copied into it, without it the folder's own one is used.

    Nothing is overwritten. Raises UserError when something of that name exists, when the capture cannot be read or is
    compressed, and when it holds accounts that are not stand-ins, unless the scenario stays ``private``.
    """
    if file_exists(folder / SCENARIO):
        raise UserError(
            f"{folder / SCENARIO} exists already",
            f"Edit it, or let 'ibsniff regress --update {folder}' rewrite its promise",
            ExitCode.USAGE,
        )
    source = capture_of(folder) if capture is None else capture
    name = _name_for(source)
    if capture is not None:
        _refuse_second(folder)
    report = report_on(source, Ports())
    if not private:
        _refuse_accounts(source, accounts_in(source, report))
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if capture is not None:
            with open_regular(source) as original, (folder / name).open("xb") as copy:
                shutil.copyfileobj(original, copy)
        promise = promise_of(report, folder / name)
        with (folder / SCENARIO).open("x", encoding="utf-8", newline="\n") as file:
            file.write(_text(promise))
    return Created(folder, folder / name, promise, report)


def _text(promise: Promise) -> str:
    lines = [f'title = "{TITLE_TO_WRITE}"', f'made = "{MADE_TO_WRITE}"', "", "[expect]", *promise.lines(), ""]
    return "\n".join(lines)


def _name_for(capture: Path) -> str:
    """``capture.pcapng`` or ``capture.pcap``, by content."""
    try:
        with open_regular(capture) as file:
            magic = file.read(4)
    except OSError as error:
        raise UserError(f"{capture}: {error.strerror or error}", "Name a capture that you may read") from None
    if magic == PCAPNG_MAGIC:
        return CAPTURES[0]
    if magic in PCAP_MAGICS:
        return CAPTURES[1]
    raise UserError(
        f"{capture}: neither a pcapng nor a pcap file",
        "A scenario holds its capture uncompressed: decompress it first, for example with gunzip",
        ExitCode.USAGE,
    )


def _refuse_second(folder: Path) -> None:
    for there in (folder / name for name in CAPTURES):
        if file_exists(there):
            raise UserError(
                f"{there} exists already",
                f"Name a new folder, or use that capture: ibsniff regress --new {folder}",
                ExitCode.USAGE,
            )


def _refuse_accounts(capture: Path, accounts: Sequence[str]) -> None:
    if not accounts:
        return
    raise UserError(
        f"{capture} holds account numbers: {_few(list(map(mask_account, accounts)))}",
        "Replace each by a stand-in of the same length, as DU0000001; .github/CONTRIBUTING.md in ibsniff's repository\n"
        "names a script that does it. For a folder that will never be published, add --private.",
        ExitCode.USAGE,
    )


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"cannot write {folder}: {error.strerror or error}", "Name a folder that you may write to", ExitCode.USAGE
        ) from None
