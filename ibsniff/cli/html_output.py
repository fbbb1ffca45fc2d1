"""``--html``: the page is written whole or not at all, and never over something that is no page."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ibsniff import __version__
from ibsniff.model import ExitCode, UserError, WireText

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ibsniff.model import Report

STDOUT = "-"

BEGINNINGS = (b"<!doctype html", b"<html")
"""How a page begins, in small letters. ``--html`` without a name takes the capture that follows it for the page."""


def check_page_name(name: str) -> None:
    """Make sure that a page can be written there, before a long capture is read. Raises UserError if it cannot."""
    path = Path(name)
    if name == STDOUT or not path.is_file():
        _check_folder(name, path)
        return
    with _failures_of(name), path.open("rb") as existing:
        begin = existing.read(64).lstrip().lower()
    if begin and not begin.startswith(BEGINNINGS):
        what = f"--html {WireText(name):quoted}: this file exists and is no HTML page"
        raise UserError(what, "Name the page to write: ibsniff read FILE --html report.html", ExitCode.USAGE)


def _check_folder(name: str, path: Path) -> None:
    if name != STDOUT and (not name or path.is_dir() or not path.parent.is_dir()):
        what = f"--html {WireText(name):quoted}: " + (
            "this is a folder" if path.is_dir() else "there is no such folder"
        )
        raise UserError(what, "Name the page to write: ibsniff read FILE --html report.html", ExitCode.USAGE)


def write_page(report: Report, name: str, *, show_accounts: bool, quiet: bool) -> None:
    """Write the page, and say so on stderr. Raises UserError if it cannot be written."""
    from ibsniff.render.html import html

    page = html(report, tool_version=__version__, show_accounts=show_accounts).encode()
    if name == STDOUT:
        sys.stdout.buffer.write(page)
        sys.stdout.buffer.flush()
        return
    with _failures_of(name):
        _write(Path(name), page)
    if not quiet:
        from ibsniff.render.text import visible_line

        print(f"ibsniff: wrote {visible_line(f'{WireText(name)}')} ({len(page) / 1000:,.0f} kB)", file=sys.stderr)


def _write(path: Path, page: bytes) -> None:
    """Through a temporary file beside it, so that nobody ever sees half a page; directly into a pipe or a device."""
    if path.exists() and not path.is_file():
        path.write_bytes(page)
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("xb") as file:
            file.write(page)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


@contextmanager
def _failures_of(name: str) -> Iterator[None]:
    """Turn what the system says into an error for the user."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        what = f"--html {WireText(name):quoted} cannot be written: {error.strerror or error}"
        raise UserError(what, "Name a file in a folder that you may write to, with enough space") from error
