"""The command line as a user meets it: what it prints, where, and how it ends."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from synthesise import CAPTURES
from typer.testing import CliRunner, Result
from wire import Wire

from ibsniff import __version__
from ibsniff.capture.output import open_output
from ibsniff.cli.app import app
from ibsniff.ib.error_table import all_errors
from ibsniff.model import ExitCode, Fault
from ibsniff.rules import all_rules

HELLO = b"API\0\0\0\0\x09v157..178"


@pytest.fixture
def silent(tmp_path: Path) -> str:
    """The capture of a client that was not answered."""
    path = tmp_path / "silent.pcap"
    Wire().connect().client(HELLO).fin_client(after=4.0).write(path)
    return str(path)


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=stdin)


def process(*arguments: str, **kwargs: object) -> subprocess.CompletedProcess[str]:
    """The real process, as installed."""
    command = [sys.executable, "-m", "ibsniff", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **kwargs)  # type: ignore[call-overload, no-any-return]


def test_read_prints_the_verdict_first(silent: str) -> None:
    result = run("read", silent)
    assert result.exit_code == 0
    assert "It does not work" in result.stdout.splitlines()[0]
    assert "127.0.0.1:7497 accepted the connection" in result.stdout
    assert "IBS301" in result.stdout


def test_json_is_the_document_of_the_contract(silent: str) -> None:
    document = json.loads(run("read", silent, "--json").stdout)
    assert document["schema_version"] == 1
    assert document["tool"] == {"name": "ibsniff", "version": __version__}
    assert document["verdict"]["code"] == "IBS301"


def test_quiet_is_one_line(silent: str) -> None:
    (line,) = run("read", "-q", silent).stdout.splitlines()
    assert line.startswith("silent")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--json", "--markdown"), "--json and --markdown exclude each other"),
        (("--ndjson", "--json"), "--json and --ndjson exclude each other"),
        (("-q", "-v"), "-q and -v exclude each other"),
        (("--join", "--ndjson"), "--join and --ndjson exclude each other"),
        (("--problem", "1", "--json"), "--problem and --json exclude each other"),
        (("--problem", "1", "--ndjson"), "--problem and --ndjson exclude each other"),
        (("--problem", "1", "-q"), "--problem and -q exclude each other"),
        (("",), "the name of a capture is empty"),
    ],
)
def test_options_that_exclude_each_other_are_an_error(silent: str, options: tuple[str, ...], message: str) -> None:
    result = run("read", silent, *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not result.stdout


HTTP_BESIDE_A_HUNG_GATEWAY = str(CAPTURES / "http-check-beside-a-hung-gateway" / "capture.pcapng")
"""A capture with two problems."""


@pytest.mark.parametrize("form", [[], ["-v"], ["--markdown"]])
def test_one_problem_can_be_told_in_full_and_the_others_have_a_line(form: list[str]) -> None:
    worst, second = (run("read", HTTP_BESIDE_A_HUNG_GATEWAY, "--problem", number, *form).stdout for number in "12")
    assert "Problem 1 of 2" in worst
    assert "Problem 2 of 2" not in worst
    assert "Problem 2 of 2" in second
    assert "Problem 1 of 2" not in second
    for code in ("IBS301", "IBS207"):
        assert code in worst
        assert code in second


@pytest.mark.parametrize(
    ("capture", "known", "what_to_do"),
    [
        ("http-check-beside-a-hung-gateway", "there are 2 problems", "Give a number from 1 to 2"),
        ("silent-ib-async-wsl", "there is 1 problem", "Leave the option out"),
        ("ok-ib-async-wsl", "nothing is wrong", "Leave the option out"),
    ],
)
def test_a_problem_that_there_is_not_is_a_usage_error(capture: str, known: str, what_to_do: str) -> None:
    (path,) = (CAPTURES / capture).glob("capture.pcap*")
    result = run("read", str(path), "--problem", "3")
    assert result.exit_code == 2
    assert not result.stdout
    what, help_line = result.stderr.splitlines()
    assert what == f"ibsniff: --problem 3: {known} in this report"
    assert help_line.strip().startswith(what_to_do)


def test_markdown_can_be_pasted(silent: str) -> None:
    assert "IBS301" in run("read", "--markdown", silent).stdout


def test_standard_input_can_be_a_capture(silent: str) -> None:
    assert "IBS301" in run("read", "-", stdin=Path(silent).read_bytes()).stdout


def test_r_and_a_bare_file_name_mean_read(silent: str) -> None:
    for arguments in (["-r", silent], [silent], ["read", "-r", silent]):
        assert "IBS301" in process(*arguments).stdout


def test_only_fail_on_changes_the_exit_code_and_the_report_comes_first(silent: str) -> None:
    assert run("read", silent).exit_code == 0
    result = run("read", silent, "--json", "--fail-on", "error")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["verdict"]["outcome"] == "silent"


def test_fail_on_error_ignores_warnings(tmp_path: Path) -> None:
    Wire().connect().client(HELLO).write(tmp_path / "short.pcap")
    assert run("read", str(tmp_path / "short.pcap"), "--fail-on", "error").exit_code == 0
    assert run("read", str(tmp_path / "short.pcap"), "--fail-on", "warning").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["read"], 2),
        (["read", "x.pcap", "--port", "70000"], 2),
        (["read", "x.pcap", "--watched-until", "soon"], 2),
        (["read", "x.pcap", "--frobnicate"], 2),
        (["read", "/nowhere/x.pcap"], 3),
        (["explain", "IBS999"], 2),
        (["regress", "/nowhere"], 2),
        (["live", "-i", "nosuch0"], 4),
        (["live", "-a", "filesize:3"], 2),
        (["live", "--backend", "pigeon"], 2),
        (["simulate", "sulk"], 2),
        (["simulate", "ok", "--port", "70000"], 2),
    ],
)
def test_wrong_usage_has_an_exit_code_and_no_traceback(arguments: list[str], code: int) -> None:
    result = process(*arguments)
    assert result.returncode == code, result.stderr
    assert result.stderr.strip()
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_folder_and_an_unreadable_file_are_errors_of_two_lines(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.pcap"):
        result = process("read", str(path))
        assert result.returncode == 3
        assert len(result.stderr.splitlines()) == 2


def test_of_two_files_the_unreadable_one_is_named_and_the_other_read(silent: str, tmp_path: Path) -> None:
    result = process("read", str(tmp_path / "none.pcap"), silent)
    assert result.returncode == 3
    assert "none.pcap" in result.stderr
    assert "IBS301" in result.stdout


def test_a_closed_pipe_ends_quietly(silent: str) -> None:
    script = f"{sys.executable} -m ibsniff read --json {silent} | head -c 10"
    result = subprocess.run(["bash", "-c", f"set -o pipefail; {script}"], capture_output=True, text=True, check=False)
    assert result.stderr == ""


def test_a_terminal_escape_in_a_file_name_does_not_reach_the_terminal() -> None:
    result = process("read", "/nowhere/\x1b[31mred.pcap")
    assert "\x1b" not in result.stderr


def test_no_color_is_obeyed(silent: str) -> None:
    forced = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    coloured = process("read", silent, env=forced).stdout
    plain = process("read", silent, env={**forced, "NO_COLOR": "1"}).stdout
    assert "\x1b[3" in coloured
    assert "\x1b[31" not in plain
    assert "\x1b[33" not in plain


def test_version_and_help() -> None:
    assert run("--version").stdout == f"ibsniff {__version__}\n"
    shown = run("--help").stdout
    for command in ("read", "live", "interfaces", "regress", "explain", "rules", "simulate", "demo"):
        assert command in shown


def test_every_rule_is_listed_and_can_be_explained() -> None:
    listed = run("rules").stdout
    for rule in all_rules():
        assert rule.code in listed
        shown = run("explain", rule.code.lower()).stdout
        assert rule.text.replace("``", "`").split() == shown.split()[3:][: len(rule.text.split())]
        assert shown.startswith(f"{rule.code} {rule.name} ({rule.severity})\n\n")


@pytest.mark.parametrize("code", sorted({(e.error_class, e.fault): e.code for e in all_errors().values()}.values()))
def test_error_numbers_of_every_kind_can_be_explained(code: int) -> None:
    error, text = all_errors()[code], " ".join(run("explain", "--", str(code)).stdout.split())
    assert text.startswith(f"IB error {code} ({error.error_class}) {error.meaning} ")
    assert f"Source: {error.source}" in text
    assert ("TWS never sends it" in text) is not error.is_sent_by_tws
    assert ("The number alone does not say" in text) is (error.fault is Fault.UNDETERMINED)
    assert ("nothing needs to be fixed" in text) is (error.fault is Fault.NONE)


def test_an_error_number_says_where_to_fix_it_and_which_rules_mention_it() -> None:
    text = run("explain", "326").stdout
    assert "What must be fixed: your program, or the client library that it uses." in text
    assert "\nRules that mention it: IBS310 client-id-in-use, " in text
    assert "IBS101" not in text


def test_a_number_of_an_error_and_of_a_rule_explains_both() -> None:
    both = run("explain", "504").stdout
    assert both.startswith("IB error 504 (client library)")
    assert "\n\nIBS504 queue-of-connections-full" in both
    assert run("explain", "IBS504").stdout.startswith("IBS504 ")


@pytest.mark.parametrize("code", ["99999", "1" * 50, "\uff13\uff12\uff16", "IBS326", "-2", ""])
def test_an_unknown_code_is_a_usage_error(code: str) -> None:
    result = run("explain", "--", code)
    assert result.exit_code == ExitCode.USAGE
    assert len(result.stderr.splitlines()) == 2
    assert f"nothing is known about '{code}'" in result.stderr
    assert "'ibsniff explain' lists all that can be looked up" in result.stderr


def test_explain_takes_what_a_program_printed_with_or_without_quotes() -> None:
    quoted = run("explain", "[Errno 104] Connection reset by peer").stdout
    assert quoted == run("explain", "connection", "reset", "BY", "peer").stdout
    assert re.search(r"^  IBS107, IBS501, IBS510 +a relay ", quoted, re.MULTILINE)
    assert "`ibsniff live`" in quoted


def test_explain_suggests_what_is_nearest() -> None:
    assert "Did you mean: Connection refused, " in run("explain", "conection refused").stderr


def test_explain_alone_lists_what_it_takes() -> None:
    shown = " ".join(run("explain").stdout.split())
    for part in ("IBS001 to IBS510", "501 to 593", "not_asked", "RSTOS0", "CLOSE_WAIT", "socket hang up"):
        assert part in shown


@pytest.mark.parametrize("width", [40, 80, 200])
def test_explain_breaks_lines_between_words_and_leaves_no_spaces_at_their_ends(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = run("explain", "TimeoutError").stdout.splitlines()
    assert max(map(len, shown)) <= min(width, 100)
    assert shown == [line.rstrip() for line in shown]


def test_regress_prints_what_differs_and_fails(silent: str, tmp_path: Path) -> None:
    folder = tmp_path / "cases" / "one"
    folder.mkdir(parents=True)
    Path(silent).rename(folder / "capture.pcap")
    promise = 'outcome = "refused"\nfault = "tws_state"\nrung = "greeted"\ncodes = ["IBS301"]\n'
    (folder / "scenario.toml").write_text(f'title = "t"\nmade = "m"\ncommand = ""\n[expect]\n{promise}')
    junit = tmp_path / "junit.xml"
    result = run("regress", str(folder.parent), "--junit", str(junit))
    assert result.exit_code == 1
    assert '- outcome = "refused"' in result.stdout
    assert '+ outcome = "silent"' in result.stdout
    assert "failure" in junit.read_text()
    assert run("regress", str(folder.parent), "--update").exit_code == 0
    assert run("regress", str(folder.parent)).exit_code == 0


def test_regress_without_a_folder_looks_for_captures_and_reports_if_there_is_none(tmp_path: Path) -> None:
    result = process("regress", cwd=tmp_path)
    assert result.returncode == 2
    assert "captures: there is no such folder" in result.stderr


def test_simulate_lists_its_modes() -> None:
    listed = run("simulate", "list").stdout
    assert "silent" in listed
    assert "client-id-in-use" in listed


def test_interfaces_shows_the_loopback() -> None:
    assert "127.0.0.1" in run("interfaces").stdout


def test_read_does_not_import_what_only_live_needs(silent: str) -> None:
    script = (
        "import sys; sys.argv = ['ibsniff', 'read', '-q', sys.argv[1]]\n"
        "from ibsniff.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'scapy', 'dpkt', 'asyncio', 'ctypes', 'numpy', 'zstandard', 'rich.live'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)\n"
    )
    result = subprocess.run([sys.executable, "-c", script, silent], capture_output=True, text=True, check=True)
    assert result.stderr == "[]\n"


def test_files_written_by_live_are_readable_by_their_owner_only_if_so_asked(tmp_path: Path) -> None:
    """The umask rules, as for any other file: nothing here widens it."""
    before = os.umask(0o077)
    try:
        open_output(tmp_path / "x.pcapng").close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x.pcapng").stat().st_mode) == 0o600
