"""Print how work and memory grow with each adversarial shape: ``python tests/hostile/table.py [SHAPE ...]``.

Work is counted, not timed: lines of the program executed. Memory is the peak that Python allocated. Processor seconds
stand beside them for the reader, because copying inside C is no line; no test looks at them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1])]

from shapes import SHAPES, Found, Shape  # noqa: E402  (the path comes first)

from ibsniff.analysis import tracking  # noqa: E402

PACKAGE = str(HERE.parents[1] / "ibsniff")
GROWTH = 4
"""The second size, in sizes of the first."""


@dataclass(frozen=True)
class Measured:
    """One shape at n and at four times n."""

    shape: str
    n: int
    work: tuple[int, int]
    megabytes: tuple[float, float]
    seconds: tuple[float, float]
    said: list[str]

    @property
    def ratio(self) -> float:
        return self.work[1] / self.work[0]


def lines_executed(action: Callable[[], object]) -> int:
    """How many lines of the program an action executes."""
    count = 0

    def in_function(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return in_function

    def outside(frame: FrameType, _event: str, _argument: Any) -> Any:
        return in_function if frame.f_code.co_filename.startswith(PACKAGE) else None

    sys.settrace(outside)
    try:
        action()
    finally:
        sys.settrace(None)
    return count


def peak_megabytes(action: Callable[[], object]) -> float:
    """The most memory an action held at once."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def processor_seconds(action: Callable[[], object]) -> float:
    before = time.process_time()
    action()
    return time.process_time() - before


def measure(name: str, small: int, timed: bool) -> Measured:
    """Run a shape at both sizes, for the memory, for the lines, and (``timed``) for the clock."""
    run = SHAPES[name].run
    said: Found = run(8)  # imports and caches are nobody's work
    work, memory, seconds = [], [], []
    for size in (small, GROWTH * small):
        memory.append(peak_megabytes(lambda size=size: said.update(run(size))))
        seconds.append(processor_seconds(lambda size=size: run(size)) if timed else 0.0)
        work.append(lines_executed(lambda size=size: run(size)))
    return Measured(name, small, (work[0], work[1]), (memory[0], memory[1]), (seconds[0], seconds[1]), sorted(said))


def quickly(shape: Shape) -> int:
    """A size for the tests: a tenth; what must reach a bound a fifth, or a twentieth with the bound that is the dearest."""
    tracking.MAX_CONVERSATIONS, tracking.ALWAYS_KEPT = 100, 5
    part = 20 if shape.says == "IBS011" else 5 if shape.says else 10
    return shape.n // part if shape.n >= 100 else shape.n


def row(found: Measured) -> str:
    return (
        f"{found.shape:<48} {found.n:>6,} {GROWTH * found.n:>7,} {found.work[0]:>11,} {found.work[1]:>11,} "
        f"{found.ratio:>5.2f} {found.megabytes[0]:>7.1f} {found.megabytes[1]:>7.1f} "
        f"{found.seconds[0]:>6.2f} {found.seconds[1]:>6.2f}"
    )


HEADING = (
    f"{'shape':<48} {'n':>6} {'4n':>7} {'work at n':>11} {'work at 4n':>11} {'ratio':>5} "
    f"{'MB at n':>7} {'at 4n':>7} {'s at n':>6} {'at 4n':>6}"
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shapes", nargs="*", metavar="SHAPE", help=", ".join(SHAPES))
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, as the tests take")
    given = parser.parse_args()
    if not given.json:
        print(HEADING)
    for name in given.shapes or SHAPES:
        shape = SHAPES[name]
        found = measure(name, quickly(shape) if given.quick else shape.n, timed=not given.quick)
        print(json.dumps(asdict(found)) if given.json else row(found), flush=True)


if __name__ == "__main__":
    main()
