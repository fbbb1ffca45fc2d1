"""A client and the scripted TWS play a plan; what they sent becomes a capture, and the client's log the truth about it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from real_clients.plans import Call
from real_clients.script import LARGEST_ID
from real_clients.server import ScriptedTws
from real_clients.truth import METHODS, Row, Truth
from recording.libraries import INSTALLED, python_of
from wire import Wire

from ibsniff.model import Side

DRIVER = Path(__file__).with_name("driver.py")
LIBRARIES = {"nautilus-ibapi": "ibapi", "ibapi": "ibapi", "ib_async": "ib_async", "ib_insync": "ib_insync"}
PACKETS_OF_HANDSHAKE = 3
UNANSWERED_UNTIL = {"replaceFA": 157}
"""No TWS below this version ever answers it, so that it is no request to the ledger."""
NO_UNSET_ID_SINCE = 205
"""To the libraries 2^31-1 means "not set". In protobuf the official one leaves such an id out, others always do."""


def python_with(client: str) -> Path | None:
    """A Python that has this library; None if it is not installed."""
    if client == "ib_async" and find_spec("ib_async"):
        return Path(sys.executable)
    python = python_of(INSTALLED, client)
    return python if python.exists() else None


class Played(NamedTuple):
    """One session."""

    wire: Wire
    truth: list[dict[str, Any]]
    """What ``ibsniff requests --json`` must say of each request."""


def play(python: Path, client: str, server_version: int, plan: list[Call], seed: int = 0) -> Played:
    """Let the client do what the plan says."""
    tws = ScriptedTws(server_version, seed)
    done = subprocess.run(
        [python, DRIVER, LIBRARIES[client], str(tws.port)],
        input=json.dumps(plan), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    tws.finish()
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    packets = Packets(tws.log)
    sent = {side: len(places) for side, places in packets.places.items()}
    assert (told["sent"], told["received"]) == (sent[Side.CLIENT], sent[Side.SERVER]), "the library lost count"
    unknown = [packets.frames[number - 1] for number in told["not_heard"]]
    assert not unknown, f"the library could not decode {unknown}"
    rows = [
        row
        for row in Truth(told["entries"], server_version).rows
        if server_version >= UNANSWERED_UNTIL.get(row.method, 0)
    ]
    truth = [packets.row(row) for row in rows]
    if LIBRARIES[client] != "ibapi" or server_version >= NO_UNSET_ID_SINCE:
        truth = [row | {"request": None} if row["request"] == LARGEST_ID else row for row in truth]
    return Played(packets.wire, truth)


class Packets:
    """The capture of a session, and the packets of its messages: the n-th after the handshake of each side."""

    def __init__(self, log: list[tuple[Side, list[bytes]]]) -> None:
        self.wire = Wire().connect()
        self.places: dict[Side, list[int]] = {Side.CLIENT: [], Side.SERVER: []}
        self.frames: list[bytes] = []
        for number, (side, frames) in enumerate(log, PACKETS_OF_HANDSHAKE + 1):
            add = self.wire.client if side is Side.CLIENT else self.wire.server
            add(b"".join(frames), ack=False, after=0.001)
            self.places[side] += [number] * len(frames)
            self.frames += frames if side is Side.SERVER else []
        del self.frames[0]
        for places in self.places.values():
            del places[0]  # hello and reply
        self.wire.close()

    def packet(self, side: str, message: int) -> int:
        return self.places[Side(side)][message - 1]

    def row(self, row: Row) -> dict[str, Any]:
        """What the ledger should say, with packets for messages."""
        answers = [self.packet("server", message) for message in row.answers]
        return {
            "name": METHODS[row.method].message,
            "request": row.number,
            "asked": self.packet("client", row.asked),
            "state": row.state,
            "answers": len(answers),
            "first_answer": answers[0] if answers else None,
            "last_answer": answers[-1] if answers else None,
            "ended": self.packet(*row.ended) if row.ended else None,
            "error": (row.error[0], self.packet("server", row.error[1])) if row.error else None,
            "modified": row.modified,
        }


def comparable(row: dict[str, Any]) -> dict[str, Any]:
    """A row of ``ibsniff requests --json``, as far as a client can know it."""
    found = {key: row[key] for key in ("name", "request", "state", "answers", "modified")}
    for key in ("asked", "first_answer", "last_answer", "ended"):
        found[key] = row[key] and row[key]["packet"]
    found["error"] = row["error"] and (row["error"]["code"], row["error"]["packet"])
    return found


def differences(told: list[dict[str, Any]], truth: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each request that the ledger has otherwise than the client."""
    if len(told) != len(truth):
        yield f"{len(told)} requests, the client made {len(truth)}"
    for row, true in zip(map(comparable, told), truth, strict=False):
        if row != true:
            unlike = {key: (row[key], true[key]) for key in true if row[key] != true[key]}
            yield f"{true['name']} {true['request']} asked in #{true['asked']}: {unlike}"
