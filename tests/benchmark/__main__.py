"""How fast ``ibsniff read`` is, in how much memory, and how both grow: ``python tests/benchmark``.

Files are generated (see traffic.py), each command is timed as a whole process, and the tools take turns, so that a
machine that slows down slows all of them. Quote the ratios: they hold where seconds do not.

    python tests/benchmark                     all of it, a quarter of an hour; most of that is tshark's
    python tests/benchmark --keep DIR          keeps the files for the next time (2.5 GB)
    python tests/benchmark speed --rounds 3    only what is named: speed, growth, memory
    python tests/benchmark --pipe 10           10 GB made on the fly into ``ibsniff read -``
    python tests/benchmark speed --write-readme
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from making import BULK, HAYSTACK, TICKET, Capture  # noqa: E402  (the path comes first)
from measure import Run, Spread, run  # noqa: E402
from readme import machine, readme_table, write_readme  # noqa: E402
from tools import OURS, TOOLS, Tool, environment, installed  # noqa: E402

PARTS = ("speed", "growth", "memory")
GROWTH = (Capture("haystack", 125_000), Capture("sessions", 1_000), Capture("bulk", 250_000))
MEMORY = tuple(Capture("bulk", times * BULK.size) for times in (1, 4, 10))
LEAST_CPU = 0.001
"""Seconds: what takes less cannot be told apart."""
PACKETS_IN_GIGABYTE = 1_900_000
"""Of ``haystack``."""


def speed(folder: Path, rounds: int, tools: list[Tool]) -> dict[Capture, dict[str, list[Run]]]:
    """All tools on the three files, in turn."""
    measured: dict[Capture, dict[str, list[Run]]] = {}
    for capture in (BULK, HAYSTACK, TICKET):
        file = capture.made_in(folder)
        runs: dict[str, list[Run]] = {tool.name: [] for tool in tools}
        tools[0].run(file, environment(folder))  # into the disk's cache, and modules compiled
        for number in range(rounds):
            for tool in tools:
                if number == 0 or not (tool.is_slow and capture is not TICKET):
                    runs[tool.name].append(tool.run(file, environment(folder)))
        measured[capture] = runs
        print(f"\n{capture.name}, {file.stat().st_size / 1e6:,.1f} MB")
        for line in compared(runs):
            print(f"  {line}")
    return measured


def compared(runs: dict[str, list[Run]]) -> Iterator[str]:
    """A line a tool: seconds, memory, and how many times the processor time ours took, round by round."""
    yield f"{'':24} {'wall s':>22} {'cpu s':>22} {'peak MB':>8}   ours / this: cpu"
    for name, each in runs.items():
        wall, cpu = Spread.of([one.wall for one in each]), Spread.of([one.cpu for one in each])
        ratios = Spread.of([ours.cpu / max(one.cpu, LEAST_CPU) for ours, one in zip(runs[OURS], each, strict=False)])
        peak = max(one.peak for one in each)
        yield f"{name:24} {wall!s:>22} {cpu!s:>22} {peak:8.0f}   {'' if name == OURS else ratios}".rstrip()


def growth(folder: Path, rounds: int) -> None:
    """What n, 2n, 4n and 8n of something cost: linear is a factor of two at most."""
    for smallest in GROWTH:
        print(f"\ngrowth of {smallest.kind}")
        before = None
        for times in (1, 2, 4, 8):
            capture = smallest._replace(size=times * smallest.size)
            file = capture.made_in(folder)
            each = [TOOLS[0].run(file, environment(folder)) for _ in range(rounds)]
            cpu = min(one.cpu for one in each)
            factor = "" if before is None else f"{cpu / before:5.2f} x"
            print(f"  {capture.size:10,}  {cpu:7.2f} s cpu  {max(one.peak for one in each):6.0f} MB  {factor}".rstrip())
            before = cpu


def memory(folder: Path) -> None:
    """The peak on files of very different length."""
    print("\nmemory")
    for capture in MEMORY:
        file = capture.made_in(folder)
        took = TOOLS[0].run(file, environment(folder))
        print(f"  {file.stat().st_size / 1e6:8,.0f} MB file  {took.peak:6.0f} MB peak  {took.wall:7.2f} s")


def pipe(gigabytes: float, folder: Path) -> None:
    """A capture that is never a file."""
    traffic = Capture("haystack", round(gigabytes * PACKETS_IN_GIGABYTE))
    with subprocess.Popen([*traffic.maker, "-"], stdout=subprocess.PIPE) as maker:
        took = run([sys.executable, "-m", "ibsniff", "read", "-"], environment(folder), maker.stdout)
    print(f"\n{gigabytes:g} GB through a pipe: {took.wall:.1f} s, {took.cpu:.1f} s cpu, {took.peak:.0f} MB peak")


def main() -> None:
    """Do what was asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where the generated files stay")
    parser.add_argument("--without", action="append", default=[], metavar="TOOL", help="tcpdump, tcpflow, tshark")
    parser.add_argument("--pipe", type=float, metavar="GB")
    parser.add_argument("--write-readme", action="store_true", help="put the speed table into README.md")
    asked = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  (it takes minutes: show what there is)
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}")
    parts = asked.parts or (() if asked.pipe else PARTS)
    tools = [tool for tool in installed() if tool.name.split()[0] not in asked.without]
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print(machine())
        if "speed" in parts:
            measured = speed(folder, asked.rounds, tools)
            if asked.write_readme:
                write_readme(readme_table(measured, folder))
        if "growth" in parts:
            growth(folder, asked.rounds)
        if "memory" in parts:
            memory(folder)
        if asked.pipe:
            pipe(asked.pipe, folder)


if __name__ == "__main__":
    main()
