"""Scenarios against their promises: kept, broken, and badly written."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from wire import Wire

from ibsniff import regression
from ibsniff.model import ExitCode, UserError
from ibsniff.regression.scenario import MADE_TO_WRITE, TITLE_TO_WRITE

HELLO = b"API\0\0\0\0\x09v157..178"
TOML = """title = "ib_async times out"
made = "by a script"
{command}
[expect]
outcome = "{outcome}"
fault = "tws_state"
rung = "greeted"
codes = ["IBS301"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scenario that keeps its promise."""
    folder = tmp_path / "silent"
    folder.mkdir()
    Wire().connect().client(HELLO).fin_client(after=4.0).write(folder / "capture.pcap")
    write(folder)
    return folder


def write(folder: Path, command: str = "", outcome: str = "silent") -> None:
    (folder / regression.SCENARIO).write_text(toml(command, outcome))


def toml(command: str = "", outcome: str = "silent") -> str:
    return TOML.format(command=f'command = "{command}"' if command else "", outcome=outcome)


def test_a_kept_promise_shows_no_difference(folder: Path) -> None:
    result = regression.run(regression.load_scenario(folder))
    assert result.kept
    assert result.difference() == []


def test_a_broken_promise_says_what_differs(folder: Path) -> None:
    write(folder, outcome="refused")
    result = regression.run(regression.load_scenario(folder))
    assert not result.kept
    assert result.difference() == ['- outcome = "refused"', '+ outcome = "silent"']


def test_one_changed_byte_of_the_capture_breaks_the_promise(folder: Path) -> None:
    capture = folder / "capture.pcap"
    capture.write_bytes(capture.read_bytes().replace(b"v157..178", b"v157.,178"))
    result = regression.run(regression.load_scenario(folder))
    assert '+ fault = "client"' in result.difference()


def test_a_promised_digest_notices_a_byte_that_changes_no_verdict(folder: Path) -> None:
    regression.update(regression.run(regression.load_scenario(folder)))
    assert regression.run(regression.load_scenario(folder)).kept
    capture = folder / "capture.pcap"
    content = bytearray(capture.read_bytes())
    content[24 + 16] ^= 0xFF  # a hardware address
    capture.write_bytes(content)
    (promised, found) = regression.run(regression.load_scenario(folder)).difference()
    assert promised.startswith("- sha256 = ")
    assert found.startswith("+ sha256 = ")


def test_update_rewrites_the_promise_and_nothing_else(folder: Path) -> None:
    write(folder, outcome="refused")
    regression.update(regression.run(regression.load_scenario(folder)))
    *text, digest = (folder / regression.SCENARIO).read_text().splitlines(keepends=True)
    assert "".join(text) == toml()
    assert digest.startswith("sha256 = ")


def test_a_capture_without_a_promise_is_found_whatever_its_name(folder: Path) -> None:
    capture = (folder / "capture.pcap").read_bytes()
    lonely = folder.parent / "lonely" / "capture.pcap"
    beside = folder / "another.pcap"
    lonely.parent.mkdir()
    lonely.write_bytes(capture)
    beside.write_bytes(capture)
    assert regression.find_captures_without_promise(folder.parent) == [lonely, beside]
    assert regression.how_to_promise(lonely) == f"ibsniff regress --new {lonely.parent}"
    assert regression.how_to_promise(beside) == f"ibsniff regress --new DIR {beside}"


def test_junit_counts_a_capture_without_a_promise_as_failed(folder: Path) -> None:
    suite = ElementTree.fromstring(regression.junit([], [folder / "capture.pcap"]))
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("1", "1")
    case = suite.find("testcase")
    assert case is not None
    assert case.attrib["name"] == str(folder / "capture.pcap")


def test_junit_names_every_scenario_and_what_broke(folder: Path) -> None:
    write(folder, outcome="refused")
    result = regression.run(regression.load_scenario(folder))
    suite = ElementTree.fromstring(regression.junit([result]))
    assert suite.attrib["tests"] == "1"
    assert suite.attrib["failures"] == "1"
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.text == "\n".join(result.difference())


def test_read_options_of_a_scenario_are_obeyed(folder: Path) -> None:
    capture = folder / "capture.pcap"
    capture.unlink()
    Wire(server="127.0.0.1:5555").connect().client(HELLO).write(capture)
    write(folder, command="--port 5555 --watched-until +9")
    assert "IBS301" in regression.run(regression.load_scenario(folder)).found.codes


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (toml() + "extra = 1\n", "unknown key 'expect.extra'"),
        ("titel = 'x'\n" + toml(), "unknown key 'titel'"),
        (toml().replace("rung", "# rung"), "'expect.rung' is missing"),
        ("title = ", "scenario.toml"),
        (toml("--frobnicate 1"), "'--frobnicate' is no option"),
        (toml("--port 0"), "not a port"),
        (toml().replace("by a script", MADE_TO_WRITE), "'made' still has to be written"),
        (toml().replace("ib_async times out", TITLE_TO_WRITE), "'title' still has to be written"),
    ],
)
def test_a_badly_written_scenario_is_a_usage_error(folder: Path, text: str, complaint: str) -> None:
    (folder / regression.SCENARIO).write_text(text)
    with pytest.raises(UserError, match=r".") as caught:
        regression.run(regression.load_scenario(folder))
    assert complaint in caught.value.what
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_scenario_without_a_capture_is_an_error(folder: Path) -> None:
    (folder / "capture.pcap").unlink()
    with pytest.raises(UserError, match="needs exactly one capture, and this folder has 0"):
        regression.load_scenario(folder)


def test_folders_without_scenarios_say_so(tmp_path: Path) -> None:
    assert regression.find_scenarios(tmp_path) == []
    assert regression.find_captures_without_promise(tmp_path) == []
    with pytest.raises(UserError, match="no such folder"):
        regression.find_scenarios(tmp_path / "nowhere")


def test_an_unreadable_capture_is_an_input_error(folder: Path) -> None:
    (folder / "capture.pcap").write_text("no capture")
    with pytest.raises(UserError) as caught:
        regression.run(regression.load_scenario(folder))
    assert caught.value.exit_code is ExitCode.INPUT


def test_a_capture_without_a_conversation_promises_none(tmp_path: Path) -> None:
    Wire(server="127.0.0.1:80").connect().write(tmp_path / "capture.pcap")
    write(tmp_path)
    found = regression.run(regression.load_scenario(tmp_path)).found
    assert found == regression.Promise("none", "none", "none", ("IBS006",), found.sha256)


def test_a_scenario_that_cannot_be_rewritten_is_a_users_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, outcome="refused")
    result = regression.run(regression.load_scenario(folder))

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(UserError, match=r"cannot write .*scenario\.toml: Permission denied"):
        regression.update(result)
