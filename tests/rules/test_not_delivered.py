"""Bytes that nobody acknowledges: whether the receiver's machine still runs, as far as other connections show it."""

from __future__ import annotations

from typing import Any

import pytest
from field.thread import session
from judging import Watch, findings, judge
from rule_wires import asked, remote, resent, ticks
from wire import START_NS, Wire

from ibsniff.model import NANOSECONDS, Confidence, Fault, Finding

RUNS, GONE = "Its machine runs", "suspended or gone"


def stalled(*others: Wire) -> Finding:
    """What the client sends from the second 10 on is never acknowledged."""
    wire = resent(session(remote(start_ns=START_NS + 10 * NANOSECONDS)).client(asked("PLACE_ORDER", 3), ack=False))
    (found,) = (one for one in findings(judge(wire, *others, watch=Watch(ended=5.0))) if one.code == "IBS416")
    assert (found.fault, found.confidence) == (Fault.NETWORK, Confidence.MEDIUM)
    return found


def beside(client: str = "172.24.46.63", port: int = 7497, seconds: int = 40) -> Wire:
    """Another session that gets data for so long."""
    wire = session(Wire(f"{client}:40001", f"172.24.32.1:{port}"))
    for _ in range(seconds):
        wire.server(ticks(), after=1.0)
    return wire


def test_alone_the_machine_may_be_gone() -> None:
    found = stalled()
    assert GONE in found.summary
    assert RUNS not in found.summary


def test_data_on_another_connection_shows_that_the_machine_runs() -> None:
    found = stalled(beside())
    assert GONE not in found.summary
    assert RUNS in found.summary
    assert found.remedy.startswith("Ping 172.24.32.1 with 20 and with 1,300 bytes")
    assert found.evidence[-1].what == "the server still sends data on another connection"


@pytest.mark.parametrize("other", [{"client": "172.24.46.99"}, {"port": 7496}, {"seconds": 10}])
def test_another_client_or_port_or_time_shows_nothing(other: dict[str, Any]) -> None:
    assert GONE in stalled(beside(**other)).summary
