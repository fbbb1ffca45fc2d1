"""``ibsniff requests``: every request with what became of it, narrowed by the common filters."""

from __future__ import annotations

import json
from pathlib import Path

import ib_bytes
import pytest
from field.thread import call, request, session
from typer.testing import CliRunner, Result
from wire import Wire

from ibsniff.cli.app import app
from ibsniff.model import ExitCode

SERVER = "127.0.0.1:7497"
REQ_IDS, CURRENT_TIME, MARKET_DATA, HISTORY = 8, 49, 1, 20


def ask(number: int) -> bytes:
    """A subscription to market data."""
    return request(
        MARKET_DATA, 11, number, 0, "AAPL", "STK", "", "0.0", "", "", "SMART", "", "USD", "", "", 0, "", 0, 0, ""
    )


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Two clients: one polls the time and subscribes twice, one of which is rejected; the other gets no answer."""
    first = session(call("127.0.0.1:50001", SERVER))
    first.client(request(CURRENT_TIME, 1), after=1.0).server(request(CURRENT_TIME, 1, 1767605401), after=0.002)
    first.client(ask(9001), after=1.0).server(ib_bytes.text(178, 2, 6, 9001, 0, "100"), after=0.01)
    first.client(ask(9002), after=1.0).server(
        ib_bytes.error(178, 200, "No security for DU7654321 \x1b[31m", 9002), after=0.004
    )
    second = session(call("127.0.0.2:50002", SERVER, 10.0)).client(request(CURRENT_TIME, 1), after=1.0)
    path = tmp_path / "capture.pcap"
    Wire.merge(first.wait(60).close(), second.wait(30).close()).write(path)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["requests", *map(str, arguments)])


def test_each_request_is_told_with_what_became_of_it(capture: Path) -> None:
    lines = run(capture).output.splitlines()
    assert lines[0].endswith(" (UTC)")
    assert "REQ_CURRENT_TIME: answered after 2.1 ms" in lines[1]
    assert "REQ_MKT_DATA 9001: answered after 10 ms" in lines[2]
    assert lines[2].endswith("still open")
    assert "REQ_MKT_DATA 9002: rejected after 4.1 ms" in lines[3]
    assert lines[3].endswith("error 200: No security for DU*****21 \\x1b[31m")
    assert "c2 #" in lines[4]
    assert "REQ_CURRENT_TIME: not answered for 30 s" in lines[4]
    assert lines[-1] == "4 requests, 1 unanswered, 1 rejected"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([], [None, 9001, 9002, None]),
        (["--open"], [9001, None]),
        (["--request", "9002"], [9002]),
        (["--name", "req_mkt*"], [9001, 9002]),
        (["--conversation", "c2"], [None]),
        (["--conversation", "c1", "--conversation", "c2", "--name", "REQ_CURRENT_TIME"], [None, None]),
        (["--client", "127.0.0.2"], [None]),
        (["--client", "127.0.0.1:50001", "--open"], [9001]),
        (["--server", "127.0.0.1"], [None, 9001, 9002, None]),
        (["--server", "10.0.0.1"], []),
        (["--from", "+1500ms", "--to", "+2500ms"], [9001]),
        (["--from", "2030-01-01T00:00:00Z"], []),
    ],
    ids=str,
)
def test_filters(filters: list[str], found: list[int | None], capture: Path) -> None:
    listed = json.loads(run(capture, "--json", *filters).output)["requests"]
    assert [row["request"] for row in listed] == found


def test_the_document_has_packets_and_times(capture: Path) -> None:
    document = json.loads(run(capture, "--json", "--request", "9002").output)
    assert document["schema_version"] == 1
    (row,) = document["requests"]
    assert (row["name"], row["state"], row["answers"]) == ("REQ_MKT_DATA", "rejected", 0)
    assert row["error"]["code"] == 200
    assert row["error"]["packet"] == row["ended"]["packet"] > row["asked"]["packet"]
    assert row["asked"]["time"].endswith("Z")
    assert "DU7654321" not in json.dumps(document)


def test_a_filter_says_how_many_it_leaves(capture: Path) -> None:
    assert run(capture, "--request", "9002").output.splitlines()[-1] == "1 of 4 requests, 0 unanswered, 1 rejected"


@pytest.mark.parametrize(
    "wrong",
    [["--from", "noon"], ["--client", "localhost"], ["--conversation", "7"], ["--port", "everything"]],
    ids=" ".join,
)
def test_a_wrong_filter_is_a_usage_error(wrong: list[str], capture: Path) -> None:
    done = run(capture, *wrong)
    assert done.exit_code == ExitCode.USAGE
    assert "Traceback" not in done.output


def test_a_file_that_cannot_be_read_does_not_hide_the_others(capture: Path, tmp_path: Path) -> None:
    done = run(tmp_path / "missing.pcap", capture)
    assert done.exit_code == ExitCode.INPUT
    assert "4 requests, 1 unanswered, 1 rejected" in done.output
