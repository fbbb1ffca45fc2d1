"""``python tests/renew.py`` writes everything in the repository that is made from the program's own output.

That is the rulebook's catalogue, the examples of ``explain``, the gallery of captures, and the sample in the README. A
test holds each of them current.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from renewing.examples import examples
from renewing.gallery import gallery

from ibsniff.rules import catalogue

ROOT = Path(__file__).parent.parent
SAMPLE = re.compile(r"(?<=<!-- sample -->\n```\n).*?(?=```\n<!-- end sample -->)", re.DOTALL)
COMMAND = re.compile(r"^\$ ibsniff (.*)$", re.MULTILINE)


def readme() -> str:
    """The README with its sample as the program prints it now."""
    text = (ROOT / "README.md").read_text("utf-8")
    (command,) = COMMAND.findall(text)
    lines = ibsniff(*shlex.split(command)).stdout.rstrip("\n").splitlines()
    printed = "".join(f"{line.rstrip()}\n" for line in lines)
    renewed, count = SAMPLE.subn(lambda _: printed, text)
    assert count == 1, "README.md has one sample"
    return renewed


def ibsniff(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program as the README shows it: 80 columns, no colour, on a machine in UTC."""
    environment = {**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1", "TZ": "UTC"}
    command = [sys.executable, "-m", "ibsniff", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, encoding="utf-8"
    )


GENERATED: dict[str, Callable[[], str]] = {
    "ibsniff/rules/README.md": catalogue,
    "ibsniff/rules/examples.json": examples,
    "captures/README.md": gallery,
    "README.md": readme,
}
"""Path -> what makes its content."""


def renew(path: str) -> bool:
    """Write one file; True when it was not current."""
    content, file = GENERATED[path](), ROOT / path
    if file.exists() and file.read_text("utf-8") == content:
        return False
    file.write_text(content, "utf-8", newline="\n")
    return True


if __name__ == "__main__":
    for name in GENERATED:
        print(f"{name}: {'renewed' if renew(name) else 'current'}")
