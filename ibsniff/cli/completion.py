"""Shell completion for modes, codes, interfaces and scenarios. It runs at every TAB, so it imports little."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

Offer = tuple[str, str]
"""The text to insert, and the description that the shell shows next to it."""

MAX_FOLDERS = 2000
"""Folders searched for scenarios: completion in a large tree must be fast."""


def modes(incomplete: str) -> list[Offer]:
    """The modes of ``simulate``."""
    from ibsniff.standin import MODES

    offers = {"list": "Lists all modes.", **MODES}
    return [(name, meaning) for name, meaning in offers.items() if name.startswith(incomplete)]


def codes(incomplete: str) -> list[Offer]:
    """The codes of the rules with their names. Both are parts of the file names, so no rule is imported."""
    files = sorted((Path(__file__).parents[1] / "rules").glob("ibs[0-9]*_*.py"))
    parts = (file.stem.removeprefix("ibs").split("_", 1) for file in files)
    offers = [(f"IBS{number}", name.replace("_", "-")) for number, name in parts]
    return [offer for offer in offers if offer[0].startswith(incomplete)]


def interfaces(incomplete: str) -> list[Offer]:
    """Interfaces to capture on; none on Windows, where only scapy knows them, which is slow to import."""
    if sys.platform == "win32":
        return []
    from ibsniff.capture.interfaces import list_interfaces

    offers = [(one.name, one.hint or ", ".join(one.addresses)) for one in list_interfaces()]
    if sys.platform == "linux":
        offers.append(("any", "all interfaces"))
    return [offer for offer in offers if offer[0].startswith(incomplete)]


def scenarios(incomplete: str) -> list[str]:
    """Folders that are scenarios or contain some."""
    typed = Path(incomplete)
    base = typed if incomplete.endswith(("/", "\\")) else typed.parent
    written = Path.as_posix if "/" in incomplete else str  # as the user began to write it, on Windows too
    try:
        found = [written(folder) for folder in _scenario_folders(base, depth=2)]
    except OSError:
        return []
    return [folder for folder in found if folder.startswith(incomplete)]


def _scenario_folders(base: Path, depth: int) -> Iterator[Path]:
    """The scenarios below a folder, each after the folder that contains it."""
    folders = sorted(path for path in islice(base.iterdir(), MAX_FOLDERS) if path.is_dir())
    for folder in folders:
        if (folder / "scenario.toml").is_file():
            yield folder
        elif depth > 1 and not folder.name.startswith("."):
            below = list(_scenario_folders(folder, depth - 1))
            yield from [folder, *below] if below else []
