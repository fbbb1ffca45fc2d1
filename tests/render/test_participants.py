from __future__ import annotations

import pytest
from render.build import ACCOUNT, ready, reply, report, shown
from render.scenarios import conversation_of, report_of, scenario_names

from ibsniff.model import Endpoint, Report, WireText
from ibsniff.render.participant_rows import Row, markdown_items, rows
from ibsniff.render.participants import (
    MAX_HOLDERS,
    MAX_PROGRAMS,
    MAX_RELAYS,
    MAX_SERVERS,
    participants,
    participants_of,
)
from ibsniff.render.screen import ConsoleWriter
from ibsniff.render.sections import who_is_who_rows
from ibsniff.render.text import Masker


def told(report: Report) -> dict[str, str]:
    masker = Masker.for_report(report, show_accounts=False)
    return {row.label: masker.visible_line(row.text) for row in rows(participants(report))}


def test_a_program_and_tws_on_one_machine() -> None:
    assert told(report_of("ok-ib-async-loopback")) == {
        "your program": "127.0.0.1:40322; ib_async 2.x, or a fork?; client id 7",
        "TWS": "127.0.0.1:7497; usually TWS, paper trading; server version 178",
        "machines": "one: the program and the server run on it (Linux)",
    }


def test_from_wsl_to_windows() -> None:
    said = told(report_of("ok-ib-async-wsl"))
    assert said["TWS"].endswith("; Windows; the Windows host of the client's WSL")
    assert "machines" not in said, "the sentence about the host says it"


def test_a_server_that_never_answered_is_not_called_tws() -> None:
    said = told(report_of("refused-loopback"))
    assert said["server"] == "127.0.0.1:7497; usually TWS, paper trading"


def test_a_server_that_is_something_else() -> None:
    assert told(report_of("http-server-ib-async"))["not TWS"].startswith("127.0.0.1:7497; it speaks HTTP")


def test_a_program_that_speaks_something_else() -> None:
    assert told(report_of("http-client-silent"))["your program"].endswith("; it sent HTTP")


def test_a_relay_is_neither_program_nor_server() -> None:
    said = told(report_of("ok-behind-relay-socat"))
    assert said["relay"] == "127.0.0.1:4004; passes connections on to 127.0.0.1:4002 (as c1 to c2)"
    assert said["your program"].startswith("127.0.0.1:53588; ")
    assert said["Gateway"].startswith("127.0.0.1:4002; ")


def test_who_held_the_client_id() -> None:
    said = told(report_of("client-id-twice"))
    assert said["client id"] == "7 was refused to c2 because c1 from 127.0.0.1:37184 (ib_async 2.x, or a fork?) held it"
    assert "perhaps two programs" in said["your program"]
    alone = told(report_of("client-id-in-use-ib-async"))
    assert alone["client id"] == "7 was refused to c1; no connection in this capture is known to have held it"


def test_who_held_it_is_known_of_one_conversation_as_well() -> None:
    report = report_of("client-id-twice")
    who = participants_of([report.conversations[1]], report)
    assert [holder.held_by for holder in who.holders] == ["c1"]
    assert not participants_of([report.conversations[0]], report).holders


def test_a_bot_that_reconnects_is_one_program() -> None:
    (program,) = participants(report_of("week-of-restarts")).programs
    assert program.conversation_count == 36
    assert not program.may_be_several


def test_localhost_over_both_ip_versions_is_one_program() -> None:
    assert len(participants(report_of("ok-ib-async-localhost")).programs) == 1


def test_attempts_without_an_id_belong_to_one_of_the_programs_that_sent_one() -> None:
    said = told(report_of("restart-of-two"))
    assert said["program 1"].endswith("client id 7; c1, c12")
    assert said["program 2"].endswith("client id 8; c2, c11")
    assert said["one of these"] == "127.0.0.1; attempts that sent no client id; c3, c4, c5, c6 and 4 more"
    assert "program 3" not in said


def test_another_program_beside_it_is_numbered() -> None:
    said = told(report_of("http-check-beside-a-hung-gateway"))
    assert said["program 1"].endswith("; c1")
    assert said["program 2"].endswith("; it sent HTTP; c2")


def test_the_clock_of_tws_is_told_when_it_differs() -> None:
    said = told(report_of("delayed-market-data"))
    assert said[""].startswith("TWS's clock: '20260105 09:30:00 EST', 259 d 00 h behind this capture's (2026-09-21 ")
    assert "" not in told(report_of("ok-ib-async-loopback"))


def test_more_programs_than_are_told() -> None:
    one = conversation_of("ok-ib-async-loopback")
    assert one.dialogue.start is not None
    many = []
    for number in range(3 * MAX_PROGRAMS):
        dialogue = one.dialogue.copy()
        dialogue.start = one.dialogue.start._replace(client_id=number)
        many.append(one._replace(id=f"c{number + 1}", dialogue=dialogue))
    (program,) = participants(report_of("ok-ib-async-loopback")._replace(conversations=tuple(many))).programs
    assert len(program.client_ids) == 3 * MAX_PROGRAMS


def test_what_the_wire_says_is_masked_and_escaped() -> None:
    hostile = WireText(f"20260105 09:30:00 {ACCOUNT} \x1b[2J")
    answer = reply()._replace(connection_time=hostile, redirect=hostile)
    one = ready()
    one.dialogue.reply = answer
    of = report(one)
    who, masker = participants(of), Masker.for_report(of, show_accounts=False)
    writer = ConsoleWriter(masker, ascii_only=False)
    for made in (
        "".join(shown(row) for row in who_is_who_rows(who, writer)),
        *markdown_items(who, masker.visible_line),
    ):
        assert ACCOUNT not in made
        assert "\x1b" not in made


def test_thousands_of_programs_take_no_longer_each() -> None:
    one = conversation_of("ok-ib-async-loopback")
    assert one.dialogue.start is not None
    many = []
    for number in range(5000):
        connection, dialogue = one.connection.copy(), one.dialogue.copy()
        connection.client = Endpoint((0x0A000000 + number).to_bytes(4, "big"), 50_000)
        dialogue.start = one.dialogue.start._replace(client_id=number)
        many.append(one._replace(id=f"c{number + 1}", connection=connection, dialogue=dialogue))
    who = participants(report_of("ok-ib-async-loopback")._replace(conversations=tuple(many)))
    assert len(who.programs) == MAX_PROGRAMS
    assert who.omitted == 5000 - MAX_PROGRAMS


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_is_told_within_bounds(name: str) -> None:
    report = report_of(name)
    who = participants(report)
    listed: list[Row] = list(rows(who))
    assert len(listed) <= MAX_PROGRAMS + 2 * MAX_SERVERS + MAX_RELAYS + MAX_HOLDERS + 2
    assert bool(listed) is bool(report.conversations)
    writer = ConsoleWriter(Masker.for_report(report, show_accounts=False), ascii_only=True)
    assert all(shown(row, width=80).isascii() for row in who_is_who_rows(who, writer))
    assert len(list(markdown_items(who, str))) == len(listed)
