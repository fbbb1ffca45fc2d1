"""What other programs import: the examples of the README, the types, the errors, and that it is all there is."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from ib_bytes import HELLO, READY, REPLY, START
from renew import ROOT
from wire import START_NS, Wire

import ibsniff
from ibsniff.capture.files import open_capture
from ibsniff.model import NANOSECONDS

CAPTURES = sorted((ROOT / "captures").glob("*/capture.pcap*"))
README = (ROOT / "README.md").read_text("utf-8")


def blocks() -> list[str]:
    section = README.partition("\n## From Python\n")[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


CHECK, TEST, FEED = blocks()


@pytest.fixture
def silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A capture of a bot that was not answered, in the current folder, under the name the README uses."""
    monkeypatch.chdir(tmp_path)
    Wire().connect().client(HELLO).fin_client(after=8.0).write(tmp_path / "bot.pcapng")
    return tmp_path / "bot.pcapng"


def ready(path: Path) -> None:
    Wire().connect().client(HELLO).server(REPLY).client(START).server(READY).close().write(path)


# -- the README's examples --------------------------------------------------------------------------------------------


def test_a_bot_checks_its_own_capture(silent: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(CHECK, "README.md", "exec"), {})
    first, *findings = capsys.readouterr().out.splitlines()
    assert first.startswith("c1 silent greeted ")
    assert any(line.startswith("IBS301 ") for line in findings)
    silent.unlink()
    with pytest.raises(SystemExit, match=r"there is no such file\. Check the name"):
        exec(compile(CHECK, "README.md", "exec"), {})


def test_a_test_asserts_on_a_capture(silent: Path) -> None:
    (silent.parent / "test_bot.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_bot.py"]
    failed = subprocess.run(command, cwd=silent.parent, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "**What to do:**" in failed.stdout
    ready(silent)
    subprocess.run(command, cwd=silent.parent, capture_output=True, check=True)


def test_a_program_feeds_packets_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    frames = Wire(server="127.0.0.1:5555").connect().client(HELLO).fin_client(after=8.0).frames()
    variables = {"my_packets": lambda: [(frame.time_ns, frame.data) for frame in frames]}
    exec(compile(FEED.replace("link_type=1", f"link_type={frames[0].link_type}"), "README.md", "exec"), variables)
    assert "'outcome': 'silent'" in capsys.readouterr().out


def test_a_type_checker_sees_the_interface(tmp_path: Path) -> None:
    packets = (
        "from collections.abc import Iterator\ndef my_packets() -> Iterator[tuple[int, bytes]]:\n    yield 1, b''\n"
    )
    good = tmp_path / "good.py"
    good.write_text(packets + "".join(f"def example_{n}() -> None:\n{_indented(b)}" for n, b in enumerate(blocks())))
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import ibsniff\nibsniff.analyse('x')\nibsniff.analyze(3)\nibsniff.analyze('x').verdict.code\n")
    options = ["--strict", "--no-error-summary", "--cache-dir", str(tmp_path / "cache")]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", *options, str(good), str(wrong)], capture_output=True, text=True, check=False
    )
    lines = [line for line in checked.stdout.splitlines() if ": error: " in line]
    assert [line.split("[")[-1] for line in lines] == ["attr-defined]", "arg-type]", "union-attr]"], checked.stdout
    assert all("wrong.py" in line for line in lines)


def _indented(block: str) -> str:
    return "".join(f"    {line}\n" for line in block.splitlines())


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CAPTURES[::16], ids=lambda path: path.parent.name)
def test_the_document_is_that_of_the_command(path: Path) -> None:
    command = [sys.executable, "-m", "ibsniff", "read", "--json", str(path)]
    printed = subprocess.run(command, capture_output=True, check=True).stdout
    assert json.loads(printed) == ibsniff.to_dict(ibsniff.analyze(path))


def test_several_files_are_independent_unless_they_are_joined(tmp_path: Path) -> None:
    wire = Wire().connect().client(HELLO).wait(1.0).server(REPLY)
    frames = wire.frames()
    names = []
    for number, part in enumerate((frames[:4], frames[4:])):
        names.append(tmp_path / f"{number}.pcap")
        write_pcap(part, names[-1])
    apart = ibsniff.analyze(names)
    assert [(one.id, one.input) for one in apart.conversations] == [("c1", 0), ("c2", 1)]
    (together,) = ibsniff.analyze(reversed(names), join=True).conversations
    assert together.outcome is ibsniff.Outcome.REPLIED


def write_pcap(frames: list[ibsniff.Frame], path: Path) -> None:
    header = bytes.fromhex("4d3cb2a1020004000000000000000000ffff0000") + frames[0].link_type.to_bytes(4, "little")
    records = b"".join(
        b"".join(
            number.to_bytes(4, "little") for number in (*divmod(one.time_ns, NANOSECONDS), len(one.data), len(one.data))
        )
        + one.data
        for one in frames
    )
    path.write_bytes(header + records)


def test_other_ports_are_looked_at_when_asked(tmp_path: Path) -> None:
    Wire(server="127.0.0.1:5555").connect().client(HELLO).server(REPLY).write(tmp_path / "x.pcap")
    assert ibsniff.analyze(tmp_path / "x.pcap").verdict is None
    for options in ({"ports": [5555]}, {"any_port": True}):
        assert len(ibsniff.analyze(str(tmp_path / "x.pcap"), **options).conversations) == 1


@pytest.mark.parametrize(
    ("watched_until", "outcome"),
    [
        (None, "unproven"),
        (timedelta(0), "unproven"),
        (timedelta(seconds=10), "silent"),
        (datetime.fromtimestamp(START_NS // NANOSECONDS + 20, UTC), "silent"),
    ],
)
def test_who_watched_longer_may_say_so(
    watched_until: datetime | timedelta | None, outcome: str, tmp_path: Path
) -> None:
    Wire().connect().client(HELLO).write(tmp_path / "x.pcap")
    (conversation,) = ibsniff.analyze(tmp_path / "x.pcap", watched_until=watched_until).conversations
    assert conversation.outcome == outcome


def test_patience_is_the_users_to_choose(tmp_path: Path) -> None:
    Wire().connect().client(HELLO).ack(after=2.0).write(tmp_path / "x.pcap")
    for patience, outcome in ((1.0, "silent"), (3.0, "unproven")):
        (conversation,) = ibsniff.analyze(tmp_path / "x.pcap", patience=patience).conversations
        assert conversation.outcome == outcome


@pytest.mark.parametrize(
    "arguments",
    [
        {"paths": "no such file"},
        {"paths": []},
        {"paths": [], "join": True},
        {"paths": ROOT},
        {"paths": ["README.md"]},
        {"paths": "x", "ports": [0]},
        {"paths": "x", "ports": ["7497"]},
        {"paths": "x", "patience": 0},
        {"paths": "x", "patience": float("nan")},
        {"paths": "x", "watched_until": datetime(2026, 1, 5)},
    ],
    ids=str,
)
def test_what_a_user_can_fix_is_a_user_error(arguments: dict[str, typing.Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(ibsniff.UserError) as caught:
        ibsniff.analyze(**arguments)
    assert caught.value.what_to_do
    assert str(caught.value) == caught.value.what


# -- packets of one's own ---------------------------------------------------------------------------------------------


UNVOUCHED = ("IBS009", "command =")
"""In these it is not stated how long was watched; the sentence about it differs between a file and packets of one's own."""
ENDED = [
    path for path in CAPTURES if not any(word in path.with_name("scenario.toml").read_text() for word in UNVOUCHED)
]


@pytest.mark.parametrize("path", ENDED[::8], ids=lambda path: path.parent.name)
def test_packets_one_by_one_are_judged_as_in_a_file(path: Path) -> None:
    analysis = ibsniff.Analysis()
    with open_capture(str(path)) as source:
        for frame in source.frames():
            analysis.feed(frame)
        end_ns, dropped = source.facts.watched_until_ns, source.facts.dropped
    if end_ns is not None:
        analysis.tick(end_ns)
    if dropped is not None:
        analysis.set_dropped(dropped)
    report = ibsniff.analyze(path)
    mine = analysis.finish()
    for one, other in zip(mine.conversations, report.conversations, strict=True):
        one = one._replace(watched_by=other.watched_by)  # noqa: PLW2901
        if other.watched_by is ibsniff.WatchedBy.LAST_PACKET:  # a sentence that is not said of packets of one's own
            one, other = (_without_sentences(each) for each in (one, other))  # noqa: PLW2901
        assert one == other
    facts = dataclasses.asdict(mine.inputs[0])
    others = dataclasses.asdict(report.inputs[0])
    same = {name for name in facts if facts[name] == others[name]}
    assert set(facts) - same <= {"path", "format", "watched_by", "truncated", "losses"}


def _without_sentences(one: ibsniff.Conversation) -> ibsniff.Conversation:
    findings = tuple(each._replace(summary="") for each in one.findings)
    return one._replace(findings=findings, cause=one.cause and one.cause._replace(summary=""), summary="")


def test_a_report_can_be_had_at_any_time_and_stays_what_it_was() -> None:
    analysis = ibsniff.Analysis("eth0")
    reports = []
    for frame in Wire().connect().client(HELLO).server(REPLY).fin_server().frames():
        analysis.feed(frame)
        reports.append((analysis.report(), ibsniff.to_dict(analysis.report())))
    assert reports[0][0].inputs[0].path == "eth0"
    assert [ibsniff.to_dict(report) for report, _ in reports] == [before for _, before in reports]
    assert reports[5][0].conversations[0].outcome is ibsniff.Outcome.REPLIED
    assert reports[5][0].conversations[0].connection.ended is None


def test_silence_is_concluded_from_time_that_passed() -> None:
    analysis = ibsniff.Analysis(patience=2.0)
    frames = Wire().connect().client(HELLO).frames()
    for frame in frames:
        analysis.feed(frame)
    for seconds, outcome in ((1, "unproven"), (3, "silent")):
        analysis.tick(frames[-1].time_ns + seconds * NANOSECONDS)
        assert analysis.report().conversations[0].outcome == outcome


def test_a_cut_packet_is_counted_and_nothing_is_taken_after_the_end() -> None:
    analysis = ibsniff.Analysis()
    (frame,) = Wire().syn().frames()
    analysis.feed(frame._replace(wire_length=frame.wire_length + 10))
    assert analysis.finish().inputs[0].cut_by_snaplen == 1
    assert analysis.finish() == analysis.report()
    with pytest.raises(RuntimeError):
        analysis.feed(frame)
    with pytest.raises(RuntimeError):
        analysis.tick(frame.time_ns)


# -- the interface as a whole -----------------------------------------------------------------------------------------


def reachable(start: type) -> Iterator[type]:
    """The types of a report: what its fields hold, and what their fields hold."""
    seen: set[type] = set()
    waiting: list[typing.Any] = [start]
    while waiting:
        one = waiting.pop()
        waiting += typing.get_args(one)
        if isinstance(one, type) and one.__module__.startswith("ibsniff.") and one not in seen:
            seen.add(one)
            yield one
            waiting += typing.get_type_hints(one).values()


def test_every_type_of_a_report_can_be_imported() -> None:
    names = {one.__name__ for one in reachable(ibsniff.Report)}
    assert {"Half", "Hello", "Unreachable"} < names
    others = {"Analysis", "Frame", "UserError", "__version__", "analyze", "to_dict", "to_markdown"}
    assert set(ibsniff.__all__) == names | others | {"WireBytes", "WireText"}


def test_all_public_names_are_there_and_explained() -> None:
    for name in ibsniff.__all__:
        value = getattr(ibsniff, name)
        assert not isinstance(value, ModuleType)
        assert name == "__version__" or value.__doc__
    assert set(ibsniff.__all__) <= set(dir(ibsniff))
    with pytest.raises(AttributeError):
        _ = ibsniff.analyse  # type: ignore[attr-defined]


def test_importing_it_costs_nothing_until_it_is_used() -> None:
    program = (
        "import sys, ibsniff; before = {name for name in sys.modules if name.startswith('ibsniff')}; "
        f"ibsniff.to_dict(ibsniff.analyze({str(CAPTURES[0])!r})); print(before, *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    before, *loaded = done.stdout.split()
    assert before == "{'ibsniff'}"
    assert "ibsniff.api" in loaded
    assert not set(loaded) & {"numpy", "rich", "typer", "ibsniff.cli"}
