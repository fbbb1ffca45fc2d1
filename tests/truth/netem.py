"""Transfers over a bad network, and whether we read from the captures what the programs read: the table of it.

    python tests/truth/netem.py [TRANSFERS [FIRST]]

Needs root, /dev/net/tun and ip; uses tcpdump and tshark where they are. A transfer follows from its number. It is
captured on both hosts, hence before and behind the trouble, so that each gives four streams to compare. Then packets
are taken out of the captures at random: what is missing must be stated as gaps, to the byte, and the rest be right.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tcp_oracle import compare
from truth import opinion
from truth.judging import is_equal, look, replay, streams, thinned
from truth.lab import Host, bad_network, offloading_network
from truth.transfer import Done, Transfer, carry_out, draw
from truth.trouble import Trouble

from ibsniff.model import Frame, Gap, Side

WORKERS = 6
"""Labs at a time: they mostly wait."""
SHARES = (0.02, 0.2)
"""Of the packets that a thinned capture lacks."""
OTHERS_EVERY = 10
"""For each so many transfers tcpdump and tshark are asked too."""

FEATURES = {
    "loss": lambda transfer: any(trouble.loss for trouble in transfer.trouble),
    "reordering": lambda transfer: any(trouble.reorder or trouble.jitter for trouble in transfer.trouble),
    "duplication": lambda transfer: any(trouble.duplicate for trouble in transfer.trouble),
    "corruption": lambda transfer: any(trouble.corrupt for trouble in transfer.trouble),
    "fragments": lambda transfer: any(trouble.fragment for trouble in transfer.trouble),
    "offload": lambda transfer: transfer.offload,
    "small MSS": lambda transfer: 0 < transfer.mss < 1000,
    "small or closed window": lambda transfer: transfer.window or transfer.slow,
    "start near 2^32": lambda transfer: transfer.start is not None,
    "both at once": lambda transfer: transfer.shape == "both at once",
    "half-close": lambda transfer: transfer.shape == "half-close",
    "simultaneous open": lambda transfer: transfer.shape == "simultaneous open",
    "IPv4": lambda transfer: transfer.version == 4,
    "IPv6": lambda transfer: transfer.version == 6,
}


@dataclass
class Outcome:
    """What one transfer has shown."""

    number: int
    features: list[str]
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def features(transfer: Transfer) -> list[str]:
    return [name for name, holds in FEATURES.items() if holds(transfer)]


def examine(numbers: Iterable[int]) -> Iterator[Outcome]:
    """Carry out these transfers one after the other, and compare."""
    trouble = [Trouble(), Trouble()]
    with ExitStack() as undo:
        bad = undo.enter_context(bad_network(trouble, seed=0))
        offloading = undo.enter_context(offloading_network())
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory()))
        for number in numbers:
            transfer = draw(number)
            trouble[:] = transfer.trouble
            yield _examine_one(transfer, offloading if transfer.offload else bad, folder)


def _examine_one(transfer: Transfer, hosts: tuple[Host, Host], folder: Path) -> Outcome:
    outcome = Outcome(transfer.seed, features(transfer))
    others = transfer.seed % OTHERS_EVERY == 0
    any_capture = folder / "any.pcap"
    with ExitStack() as undo:
        if others and shutil.which("tcpdump"):
            undo.enter_context(opinion.tcpdump_on_any(hosts[1], any_capture))
        done = carry_out(transfer, *hosts)
    assert all(done.read[side] == transfer.data(side) for side in Side), "TCP itself has failed"
    captures = {name: host.captured() for name, host in zip(("client", "server"), hosts, strict=True)}
    if any_capture.exists():
        captures["any"] = opinion.read(any_capture)
        any_capture.unlink()
    for name, frames in captures.items():
        _compare_whole(done, name, frames, outcome)
    if not any(trouble.corrupt or trouble.fragment for trouble in transfer.trouble):
        for name in ("client", "server"):
            for share in SHARES:
                _compare_thinned(done, f"{name} -{share:.0%}", thinned(captures[name], share, Random(share)), outcome)
    if others and shutil.which("tshark"):
        _compare_with_tshark(done, captures["server"], folder / "server.pcap", outcome)
    return outcome


def _compare_whole(done: Done, name: str, frames: list[Frame], outcome: Outcome) -> None:
    for side, events in streams(done, replay(frames)).items():
        outcome.counts["streams"] += 1
        if is_equal(events, done.read[side]):
            outcome.counts["equal"] += 1
        else:
            outcome.wrong.append(f"capture {name}, what the {side} sent")


def _compare_thinned(done: Done, name: str, frames: list[Frame], outcome: Outcome) -> None:
    sights = look(done, frames)
    for side, events in streams(done, replay(frames)).items():
        faults = sights[side].faults(events, done.read[side])
        outcome.counts["thinned"] += 1
        outcome.counts["gaps"] += sum(isinstance(event, Gap) for event in events)
        outcome.counts["exact"] += not faults
        outcome.wrong += [f"capture {name}, what the {side} sent: {fault}" for fault in faults]


def _compare_with_tshark(done: Done, frames: list[Frame], path: Path, outcome: Outcome) -> None:
    opinion.write(path, frames)
    for side, theirs in opinion.follow(path, done).items():
        if theirs == done.read[side]:
            outcome.counts["streams tshark has too"] += 1
        elif "corruption" in outcome.features and len(theirs) == len(done.read[side]):
            outcome.counts["streams in which tshark keeps damaged bytes"] += 1
        else:
            outcome.counts["streams tshark has otherwise"] += 1
    agreed, explained, unexplained = compare(path)
    outcome.counts.update({f"{name}: tshark agrees": count for name, count in agreed.items()})
    outcome.counts.update({f"tshark differs: {reason}": count for reason, count in explained.items()})
    outcome.wrong += [f"tshark differs about packet {number}" for number, _, _ in unexplained]


def table(outcomes: list[Outcome]) -> str:
    columns = ["streams", "equal", "thinned", "gaps", "exact"]
    lines = [f"{'':24}{'transfers':>10}" + "".join(f"{column:>10}" for column in columns) + f"{'wrong':>10}"]
    for name in [*FEATURES, "all"]:
        chosen = [outcome for outcome in outcomes if name == "all" or name in outcome.features]
        counts = sum((outcome.counts for outcome in chosen), Counter[str]())
        figures = [len(chosen), *(counts[column] for column in columns), sum(len(outcome.wrong) for outcome in chosen)]
        lines.append(f"{name:24}" + "".join(f"{figure:>10}" for figure in figures))
    counts = sum((outcome.counts for outcome in outcomes), Counter[str]())
    lines += [f"{counts[key]:6} {key}" for key in sorted(counts) if "tshark" in key]
    return "\n".join([*lines, *(f"{outcome.number}: {fault}" for outcome in outcomes for fault in outcome.wrong)])


def _examine_all(numbers: list[int]) -> list[Outcome]:
    return list(examine(numbers))


def main(count: int = 240, first: int = 0) -> int:
    numbers = range(first, first + count)
    with ProcessPoolExecutor(WORKERS) as pool:
        shares = pool.map(_examine_all, [list(numbers[start::WORKERS]) for start in range(WORKERS)])
        outcomes = sorted((outcome for share in shares for outcome in share), key=lambda outcome: outcome.number)
    print(table(outcomes))
    return int(any(outcome.wrong for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
