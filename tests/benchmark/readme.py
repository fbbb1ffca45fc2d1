"""The benchmark's table in the README, between two markers."""

from __future__ import annotations

import os
import platform
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from making import Capture
    from measure import Run

README = Path(__file__).parents[2] / "README.md"
BETWEEN = re.compile(r"(?<=<!-- benchmark -->\n).*?(?=<!-- end benchmark -->)", re.DOTALL)

TOLD = {
    "bulk": "all of it TWS traffic, {size:,} messages",
    "haystack": "{size:,} packets, one in a hundred of them TWS's",
    "ticket": "a ticket's: 20 packets",
}


def machine() -> str:
    """What kind of machine this is, and when."""
    kind = f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()}"
    today = datetime.now(UTC).date().isoformat()
    return f"{kind}, Python {sys.version_info.major}.{sys.version_info.minor}, {today}"


def readme_table(measured: dict[Capture, dict[str, list[Run]]], folder: Path) -> str:
    """Markdown: the median seconds and the peak of each tool on each file."""
    tools = list(next(iter(measured.values())))
    lines = [f"| file | {' | '.join(f'`{name}`' for name in tools)} |", f"|---|{'---|' * len(tools)}"]
    for capture, runs in measured.items():
        megabytes = (folder / capture.name).stat().st_size / 1e6
        size = f"{megabytes:,.0f} MB" if megabytes >= 1 else f"{megabytes * 1000:,.0f} kB"
        cells = (
            f"{median(one.wall for one in each):.2f} s, {max(one.peak for one in each):.0f} MB"
            for each in runs.values()
        )
        lines.append(f"| {size}: {TOLD[capture.kind].format(size=capture.size)} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"Whole processes, medians; {machine()}.", ""])


def write_readme(table: str, path: Path = README) -> None:
    """Put the table between the markers. Raises SystemExit when they are not there."""
    text = path.read_text("utf-8")
    if not BETWEEN.search(text):
        raise SystemExit(f"{path.name} has no <!-- benchmark --> ... <!-- end benchmark -->")
    path.write_text(BETWEEN.sub(lambda _: table, text), "utf-8")
