"""What ``ibsniff requests`` says of each request, against what real client libraries say of their own.

Every library is driven through the same plans at several server versions, by both lanes: requests of every kind are
answered, rejected, cancelled, left alone, and asked again with the same id; then bursts of them are answered out of order.
``python tests/record.py`` installs the libraries that are missing.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from lanes.both import Scale, scaled
from real_clients.plans import WAIT, crowded, everything
from real_clients.play import Played, differences, play, python_with

from ibsniff.analysis.judgement import judge
from ibsniff.analysis.reading import InputReader
from ibsniff.model import Lane
from ibsniff.render.requests import ListedRequest, document
from ibsniff.render.text import Masker

SESSIONS = [
    ("nautilus-ibapi", 100), ("nautilus-ibapi", 151), ("nautilus-ibapi", 178), ("nautilus-ibapi", 201),
    ("nautilus-ibapi", 203), ("nautilus-ibapi", 213), ("nautilus-ibapi", 225),
    ("ibapi", 100), ("ibapi", 124), ("ibapi", 157),
    ("ib_async", 157), ("ib_async", 178),
    ("ib_insync", 157), ("ib_insync", 176),
]  # fmt: skip
"""Client, server version: the three forms of messages, and the ends of what each client speaks."""
FEWEST_KINDS, FEWEST_KINDS_AT_100 = 43, 24
"""Kinds of requests that a session has at least; the oldest server version knows fewer."""


def played(client: str, server_version: int, plan: list[Any]) -> Played:
    python = python_with(client)
    if python is None:
        pytest.skip(f"the client {client} is not installed: python tests/record.py installs it")
    return play(python, client, server_version, plan, seed=server_version)


def told(path: Path, lane: Lane) -> list[dict[str, Any]]:
    """The rows of ``ibsniff requests --json``."""
    report = judge([InputReader(lane=lane, keep_requests=10_000).read(str(path))])
    (conversation,) = report.conversations
    listed = [ListedRequest(conversation, request) for request in conversation.dialogue.requests.listed()]
    rows: list[dict[str, Any]] = document(listed, 0, "1", Masker.for_report(report, True))["requests"]
    return rows


@pytest.mark.parametrize(("client", "server_version"), SESSIONS)
def test_the_ledger_agrees_with_the_client(client: str, server_version: int, tmp_path: Path) -> None:
    session = played(client, server_version, everything())
    path = session.wire.write(tmp_path / "session.pcap")
    for lane in (Lane.PLAIN, Lane.COLUMNS):
        with scaled(Scale()):
            assert list(differences(told(path, lane), session.truth)) == []
    states = Counter(row["state"] for row in session.truth)
    assert min(states[state] for state in ("open", "answered", "rejected", "cancelled")) > 10
    assert len({row["name"] for row in session.truth}) >= (
        FEWEST_KINDS if server_version >= 151 else FEWEST_KINDS_AT_100
    )


@pytest.mark.parametrize(("client", "server_version"), SESSIONS)
def test_the_ledger_agrees_when_answers_come_late_and_mixed(client: str, server_version: int, tmp_path: Path) -> None:
    session = played(client, server_version, crowded(server_version))
    path = session.wire.write(tmp_path / "session.pcap")
    for lane in (Lane.PLAIN, Lane.COLUMNS):
        with scaled(Scale()) as work:
            assert list(differences(told(path, lane), session.truth)) == []
    assert work.messages > 100


def test_a_difference_is_found(tmp_path: Path) -> None:
    """A truth that is wrong in one place is seen to differ there."""
    session = played("ib_async", 178, [*everything()[:40], WAIT])
    session.truth[7]["state"] = "rejected"
    path = session.wire.write(tmp_path / "session.pcap")
    (line,) = differences(told(path, Lane.PLAIN), session.truth)
    assert session.truth[7]["name"] in line
