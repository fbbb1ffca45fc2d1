"""Fuzz: ``python tests/fuzz/run.py --minutes 10 [harness ...]``, each for so many minutes of processor time.

It needs atheris (``pip install '.[fuzz]'``). What it finds stays outside the repository: a folder for each harness below
``--corpus`` holds the inputs that reached something new, which the next run starts from, and ``crash-...`` files. A crash
becomes a test in ``found.py``, as bytes. ``run.py --again FILE harness`` shows what an input does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1])]

MEMORY_MB = 300
"""What a run may take: the bound of the program itself, the fuzzer's own memory included."""
SLOWEST_SECONDS = 10
LONGEST = 16_384
"""Bytes of an input."""
STATISTICS = "statistics.json"
REACHED = re.compile(r"cov: (\d+) ft: (\d+)")


def fuzz(name: str, seconds: float, folder: Path) -> None:
    """Fuzz in this process, which libFuzzer ends; statistics are written where the parent looks for them."""
    import atheris  # noqa: PLC0415  (the parent does without)

    with atheris.instrument_imports(include=["ibsniff", "harnesses"]):
        from harnesses import HARNESSES  # noqa: PLC0415

    harness = HARNESSES[name]
    for seed in harness.seeds():
        (folder / f"seed-{hashlib.sha256(seed).hexdigest()[:16]}").write_bytes(seed)
    executed = 0

    def one(data: bytes) -> None:
        nonlocal executed
        executed += 1
        harness.target(data)
        if executed % 64 == 0 and time.process_time() > seconds:
            finish()

    def finish() -> None:
        import os  # noqa: PLC0415
        import resource  # noqa: PLC0415

        used = resource.getrusage(resource.RUSAGE_SELF)
        facts = {"executions": executed, "seconds": time.process_time(), "megabytes": used.ru_maxrss // 1024}
        (folder.parent / f"{name}-{STATISTICS}").write_text(json.dumps(facts))
        os._exit(0)  # libFuzzer has no way to be told that it was enough

    limits = [f"-rss_limit_mb={MEMORY_MB}", f"-timeout={SLOWEST_SECONDS}", f"-max_len={LONGEST}"]
    atheris.Setup([name, *limits, f"-artifact_prefix={folder.parent}/{name}-", str(folder)], one)
    atheris.Fuzz()


def supervise(name: str, seconds: float, corpus: Path) -> bool:
    """Fuzz one harness in a process of its own; False when it found something."""
    folder = corpus / name
    folder.mkdir(parents=True, exist_ok=True)
    statistics = corpus / f"{name}-{STATISTICS}"
    statistics.unlink(missing_ok=True)
    command = [sys.executable, __file__, "--child", name, "--seconds", str(seconds), "--corpus", str(corpus)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as run:
        assert run.stdout is not None
        last, tail = ("?", "?"), []
        for line in run.stdout:
            if found := REACHED.search(line):
                last = found[1], found[2]
            else:
                tail = [*tail[-40:], line]
    fine = run.returncode == 0 and statistics.exists()
    facts = json.loads(statistics.read_text()) if statistics.exists() else {}
    print(
        f"{name:<9} {facts.get('executions', 0):>10,} executions  {facts.get('seconds', 0):>6.0f} s  "
        f"{last[0]:>6} edges  {last[1]:>6} features  {facts.get('megabytes', 0):>4} MB  {'fine' if fine else 'CRASH'}",
        flush=True,
    )
    if not fine:
        print("".join(tail))
    return fine


def main() -> int:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("harness", nargs="*")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, help="instead of --minutes")
    parser.add_argument("--corpus", type=Path, default=Path(tempfile.gettempdir()) / "ibsniff-fuzz")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--again", type=Path, metavar="FILE", help="feed this input to the harness, once")
    given = parser.parse_args()
    seconds = given.seconds or given.minutes * 60
    if given.child:
        fuzz(given.child, seconds, given.corpus / given.child)
    from harnesses import HARNESSES  # noqa: PLC0415

    if given.again:
        HARNESSES[given.harness[0]].target(given.again.read_bytes())
        return 0
    fine = {name: supervise(name, seconds, given.corpus) for name in given.harness or HARNESSES}
    return 0 if all(fine.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
