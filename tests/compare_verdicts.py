"""Compare the verdicts of two versions of ibsniff over every capture there is.

    python tests/compare_verdicts.py --before OLD/.venv/bin/python --after .venv/bin/python --exported DIR

The captures are the scenarios in ``captures/``, those that the tests build in memory (``pytest --export-captures DIR``
writes them to files), and the foreign ones in the folder that the environment variable ``IBSNIFF_CORPUS`` names.

Each version reads them with ``ibsniff read --ndjson``. The documents must be the same but for wording: a sentence may
change, but it may not appear or disappear; everything else must be equal. Every difference is printed, and the exit
status is 1 when there is one. ``--wording`` also lists the sentences that changed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ANY_PORT = ("--port=any",)
AT_ONCE = 400
"""Captures one process reads: its start is paid once for all of them, and the command line has room for their names."""

SENTENCES = {
    "summary", "remedy", "cause", "how_to_tell", "detail", "truncated_detail", "notes", "what", "what_to_do",
}  # fmt: skip
"""Keys whose texts are for people."""
REASONS = "skipped"
"""Its keys are sentences, its values are counts."""

Json = Any
Options = tuple[str, ...]


@dataclass
class Comparison:
    """What was found so far."""

    ignored: set[str] = field(default_factory=lambda: {"tool"})
    """Keys that are not compared."""
    captures: int = 0
    differing: int = 0
    places: Counter[str] = field(default_factory=Counter)
    """How often each place of a document differs; positions in lists do not count."""
    sentences: dict[tuple[str, str, str], tuple[str, str]] = field(default_factory=dict)
    """Changed sentences as they read: by their place and by both texts without their figures, the first of each kind."""

    def compare(self, capture: str, before: Json, after: Json) -> Iterator[str]:
        """Compare two documents; give a line for each difference."""
        self.captures += 1
        found = list(self.unlike("$", "", before, after))
        self.differing += bool(found)
        for place, old, new in found:
            self.places[re.sub(r"\[\d+\]", "[]", place)] += 1
            yield f"{capture}: {place}: {short(old)} -> {short(new)}"

    def unlike(self, place: str, key: str, old: Json, new: Json) -> Iterator[tuple[str, Json, Json]]:
        """Where two values differ."""
        if isinstance(old, dict) and isinstance(new, dict):
            if key == REASONS:
                yield from self.reasons(place, old, new)
                return
            for name in [*old, *(name for name in new if name not in old)]:
                if name not in self.ignored:
                    inner = old.get(name, "(absent)"), new.get(name, "(absent)")
                    yield from self.unlike(f"{place}.{name}", name, *inner)
        elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            for number, (one, other) in enumerate(zip(old, new, strict=True)):
                yield from self.unlike(f"{place}[{number}]", key, one, other)
        elif isinstance(old, str) and isinstance(new, str) and old and new and key in SENTENCES:
            self.note(place, old, new)
        elif old != new or type(old) is not type(new):
            yield place, old, new

    def reasons(self, place: str, old: dict[str, int], new: dict[str, int]) -> Iterator[tuple[str, Json, Json]]:
        """The same packets were skipped, whatever the reasons are called now."""
        if list(old.values()) != list(new.values()):
            yield place, old, new
            return
        for one, other in zip(old, new, strict=True):
            self.note(place, one, other)

    def note(self, place: str, old: str, new: str) -> None:
        """Remember a sentence that changed."""
        if old != new:
            kind = re.sub(r"\[\d+\]", "[]", place), without_figures(old), without_figures(new)
            self.sentences.setdefault(kind, (old, new))


def without_figures(text: str) -> str:
    return re.sub(r"\d[\d.,:]*", "#", text)


def short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else f"{text[:157]}..."


def captures(exported: Path | None, corpus: Path | None) -> dict[Options, list[Path]]:
    """All captures, by the options they are read with."""
    found: dict[Options, list[Path]] = {(): sorted((ROOT / "captures").glob("*/capture.pcap*"))}
    for folder in sorted(exported.iterdir()) if exported else ():
        options = () if folder.name == "default" else tuple(shlex.split(folder.name))
        found.setdefault(options, []).extend(sorted(folder.glob("*.pcapng")))
    if corpus:
        foreign = sorted(path for path in corpus.rglob("*") if path.is_file())
        for options in ((), ANY_PORT):
            found.setdefault(options, []).extend(foreign)
    return found


def chunks(paths: list[Path]) -> Iterator[list[Path]]:
    return (paths[start : start + AT_ONCE] for start in range(0, len(paths), AT_ONCE))


def documents(python: Path, options: Options, paths: Iterable[Path]) -> list[Json]:
    """What one version says of each capture."""
    command = [str(python), "-m", "ibsniff", "read", "--ndjson", "--jobs=1", *options, *map(str, paths)]
    with tempfile.TemporaryDirectory() as elsewhere:
        done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, check=False)
    if "Traceback" in done.stderr:
        raise SystemExit(f"{shlex.join(command[:8])} ...\n{done.stderr}")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if len(lines) != len(list(paths)):
        raise SystemExit(f"{python}: {len(lines)} documents of {len(list(paths))} captures\n{done.stderr}")
    return lines


def main() -> int:
    """Compare, print, and say whether all are the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, metavar="PYTHON", help="the interpreter of one version")
    parser.add_argument("--after", type=Path, required=True, metavar="PYTHON", help="and of the other")
    parser.add_argument("--exported", type=Path, metavar="DIR", help="what pytest --export-captures DIR wrote")
    parser.add_argument("--wording", action="store_true", help="also list the sentences that changed")
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="KEY", help="do not compare this key, as a new one"
    )
    parser.add_argument("--most", type=int, default=200, metavar="N", help="differences to print")
    given = parser.parse_args()
    corpus = Path(os.environ["IBSNIFF_CORPUS"]) if os.environ.get("IBSNIFF_CORPUS") else None
    comparison, printed = Comparison({"tool", *given.ignore}), 0
    interpreters = given.before.absolute(), given.after.absolute()
    with ThreadPoolExecutor(2) as pool:
        for options, paths in captures(given.exported, corpus).items():
            for some in chunks(paths):
                before, after = pool.map(lambda python, some=some: documents(python, options, some), interpreters)  # noqa: B023
                for path, old, new in zip(some, before, after, strict=True):
                    for line in comparison.compare(" ".join([*options, str(path)]), old, new):
                        printed += 1
                        if printed <= given.most:
                            print(line, flush=True)
    tell(comparison, given.wording)
    return 1 if comparison.differing else 0


def tell(comparison: Comparison, wording: bool) -> None:
    """Print what it comes to."""
    if wording:
        for (place, _, _), (old, new) in sorted(comparison.sentences.items()):
            print(f"\n{place}\n- {old}\n+ {new}")
        print()
    for place, count in comparison.places.most_common():
        print(f"{count:>8} x {place}")
    kinds = len(comparison.sentences)
    print(f"{comparison.captures} captures, {comparison.differing} differ; {kinds} kinds of sentences changed")


if __name__ == "__main__":
    sys.exit(main())
