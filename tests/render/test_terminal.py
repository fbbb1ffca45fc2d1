from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace
from textwrap import dedent

import pytest
from render.build import (
    ACCOUNT,
    at,
    closed_by_relay,
    facts,
    finding,
    many,
    read_only,
    ready,
    refused,
    report,
    shown,
    silent,
    unproven,
)
from rich.console import Console

from ibsniff.masking.sentence import sentence
from ibsniff.model import (
    NANOSECONDS,
    Alternative,
    Confidence,
    Conversation,
    Fault,
    Finding,
    Report,
    Rung,
    Severity,
    WireText,
)
from ibsniff.render import terminal
from ibsniff.render.headline import WHERE
from ibsniff.render.report_view import FIX_LABELS, MAX_NOTES, input_line, verdict_line
from ibsniff.render.screen import COLOURS


def screen(each: Report, width: int = 80, encoding: str = "utf-8", **how: bool) -> str:
    return shown(terminal.renderable(each, **how), width, encoding)


def lines(text: str) -> str:
    return dedent(text).lstrip("\n")


def test_a_silence() -> None:
    assert screen(report(silent())) == lines("""
        ▌ It does not work: the program gets no API session with 127.0.0.1:7497. You
        ▌ probably must act: look after TWS or Gateway, on the machine where both run.
        ▌ TWS took the connection and the hello, and never answered.
        ▌ IBS301 silent-on-this-host · you: TWS or Gateway · likely, not proved

        c1  127.0.0.1:50123 → 127.0.0.1:7497  2026-01-05 09:30:00 UTC
          ✓ called ── ✓ connected ── ✓ greeted ──── ✗ answered    · started    · ready
            #1 0 s      #2 50 µs       #4 0.4 ms      no reply in 4 s

        What to do
          Restart TWS or IB Gateway. Stop health checks that open the API port and send
          nothing.

        Proof   times since packet 1; → to the server, ← from it
          #1    0 s → SYN: the client asks for a connection
          #2  50 µs ← SYN-ACK: the server accepts
          #4 0.4 ms → hello, versions 100 to 187 (official client 10.30, or a fork?)
          #5 0.5 ms ← ACK of the hello: it has arrived
          #6    4 s → FIN: the client closes the connection

        It could also be
          • TWS is frozen: its window does not react; jstack shows where it hangs
          • TWS has just started: try again after 90 seconds

        Who is who
          your program  127.0.0.1:50123; official client 10.30, or a fork?
          server        127.0.0.1:7497; usually TWS, paper trading
          machines      one: the program and the server run on it

        bot.pcapng: 6 packets, Ethernet · from 2026-01-05 09:30:00 to 09:30:06 UTC (end:
        stated by the file)
        Wireshark: (ip.addr eq 127.0.0.1 and tcp.port eq 50123 and tcp.port eq 7497)
        """)


def test_two_problems_have_a_table_and_then_each_its_proof() -> None:
    text = screen(report(silent(), refused(id="c2")), width=100)
    assert text.split("\n\nc2  ")[0] + "\n" == lines("""
        ▌ It does not work: the program gets no API session with 127.0.0.1:7497. You must act: change a
        ▌ setting of TWS, on the machine where both run.
        ▌ There are 2 problems; the worst is told first.

           what                 where           how often (2026-01-05, UTC)  who must act
        1  silent on this host  127.0.0.1:7497  once, 09:30:00               you: a TWS setting
        2  silent on this host  127.0.0.1:7497  once, 09:30:00               you: TWS or Gateway

        Problem 1 of 2: silent on this host
        Nothing listens on 127.0.0.1:7497.
        IBS101 silent-on-this-host · you: a TWS setting · the packets prove it
        You must act: change a setting of TWS, on the machine where both run.
        """)
    headings = [
        line.split("   ")[0] for line in text.splitlines() if line[:1].isalpha() and not line.startswith(("c1", "c2"))
    ]
    each = ["What to do", "Proof"]
    assert [one for one in headings if one in each] == each * 2
    assert headings[-4:-1] == [
        "Who is who",
        "What happened when",
        "bot.pcapng: 6 packets, Ethernet · from 2026-01-05 09:30:00 to 09:30:06 UTC (end: stated by the file)",
    ]


def test_a_narrow_console_lists_the_problems_so_that_no_address_is_broken() -> None:
    text = screen(report(silent(), refused(id="c2")), width=60)
    assert "1. silent on this host; 127.0.0.1:7497; once, 09:30:00; you:\n   a TWS setting\n" in text


def test_the_fourth_problem_has_a_line_that_says_how_to_open_it() -> None:
    four = [refused(id=f"c{n}")._replace(cause=named(n), findings=(named(n),)) for n in range(1, 5)]
    text = screen(report(*four), width=120)
    assert "Problem 3 of 4" in text
    assert "Problem 4 of 4" not in text
    assert "4. Failed for reason 4. [IBS104 " in text
    assert "--problem 4]" in text
    opened = shown(terminal.renderable(report(*four), problem=4), 100)
    assert "Problem 4 of 4" in opened
    assert "Problem 1 of 4" not in opened
    assert "1. Failed for reason 1. [IBS101 " in opened


def named(number: int) -> Finding:
    return finding(f"IBS10{number}", summary=f"Failed for reason {number}.", remedy=f"Fix reason {'i' * number}.")


def test_without_a_conversation_a_finding_about_the_capture_comes_first() -> None:
    nothing = finding(
        "IBS006",
        severity=Severity.WARNING,
        fault=Fault.UNDETERMINED,
        confidence=Confidence.HIGH,
        summary="12 packets, and none of them is API traffic.",
        packets=(),
        alternatives=(),
        remedy="Capture on the interface that carries it.",
    )
    seen = facts(packets=12, link_types=(113,), skipped=Counter({"UDP": 9, "other ports": 3}))
    assert screen(report(findings=(nothing,), inputs=(seen,))) == lines("""
        ▌ 12 packets, and none of them is API traffic.
        ▌ IBS006 silent-on-this-host

        What to do
          Capture on the interface that carries it.

        bot.pcapng: 12 packets, Linux cooked · from 2026-01-05 09:30:00 to 09:30:06 UTC
        (end: stated by the file) · skipped: 9 UDP, 3 other ports
        """)


def test_an_empty_capture() -> None:
    empty = facts(packets=0, link_types=(), first_time_ns=None, watched_until_ns=None)
    assert screen(report(inputs=(empty,))) == lines("""
        ▌ The capture contains no conversation with TWS or IB Gateway.

        bot.pcapng: 0 packets
        """)


def test_three_hundred_silences_and_a_reply() -> None:
    text = screen(many())
    assert text.startswith("▌ It works again: 127.0.0.1:7497 had a problem, and serves its clients now.")
    assert (
        lines("""
        What happened when
          2026-01-05 (UTC)
          09:30:00 to 14:29:00  300 connections, every 60 s: accepted, but what the
                                client sent was never answered
          14:30:00              c301: the session became ready; still open at the end of
                                the capture
        """)
        in text
    )
    assert lines("""
        Conversations (UTC)
          300x  silent   127.0.0.1 → 127.0.0.1:7497  09:30:00 to 14:29:00  every 60 s
            1x  replied  127.0.0.1 → 127.0.0.1:7497  14:30:00
        """) in screen(many(), verbose=True)


def test_conversations_of_several_days_show_the_dates() -> None:
    assert "01-05 09:30:00 to 01-08 08:30:00  every 1 h 00 min" in screen(
        many(72, seconds=3600), width=100, verbose=True
    )


def test_the_last_row_of_the_evidence_is_the_state_at_the_end() -> None:
    assert "6 s   still open until the capture's end (stated by the file)" in screen(report(ready()))
    assert "300 ms   nothing more until the capture's end (time of the last packet)" in screen(report(unproven()))


def test_a_reason_without_room_has_a_line_of_its_own() -> None:
    talk = ready()._replace(rung=Rung.STARTED)
    talk = talk._replace(watched_until_ns=talk.connection.first.time_ns + 187 * NANOSECONDS)
    talk.dialogue.errors.clear()
    ladder = screen(report(talk)).split("\n\n")[1].splitlines()
    assert ladder[1].endswith("✗ ready")
    assert ladder[3].strip().startswith("not seen in 3 min")
    assert max(map(len, ladder)) <= 80


def test_the_ladder_is_a_column_on_a_narrow_console() -> None:
    assert "  ✓ connected #2 50 µs\n  ✓ greeted   #4 0.4 ms\n  ✗ answered  no reply in 4 s\n" in screen(
        report(silent()), width=60
    )


def test_an_ascii_console_gets_ascii() -> None:
    text = screen(many(), encoding="ascii")
    assert "| It works again" in text
    assert "127.0.0.1:50123 -> 127.0.0.1:7497" in text
    assert "ok called" in text
    assert "x answered" in text.replace("  ", " ")


def overfull() -> Report:
    """Everything at once, and all texts long."""
    long = "word " * 300
    alternatives = tuple(Alternative(long, Fault.NETWORK, long) for _ in range(12))
    cause = finding(summary=long, remedy=long, alternatives=alternatives, packets=tuple(range(1, 400)))
    extra = tuple(finding(f"IBS00{number}", severity=Severity.NOTE, summary=long) for number in range(9))
    worst = silent(id="worst")._replace(summary=long, cause=cause, findings=(cause, *extra))
    base = many(30)
    inputs = tuple(facts(path=f"/captures/{number}/{long}.pcap") for number in range(30))
    return report(worst, *base.conversations, findings=extra, omitted=4711, inputs=inputs)


@pytest.mark.parametrize("width", [20, 37, 60, 80, 120, 300])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_wider_than_the_console(width: int, encoding: str) -> None:
    for each in (report(silent()), many(), report(read_only()), overfull()):
        assert max(map(len, screen(each, width, encoding).splitlines())) <= width


def on_a_terminal(each: Report, height: int) -> list[str]:
    file = io.StringIO()
    console = Console(file=file, width=80, height=height, force_terminal=True, color_system=None, legacy_windows=False)
    console.print(terminal.renderable(each))
    return file.getvalue().splitlines()


def test_a_report_higher_than_the_terminal_ends_with_the_line_that_it_began_with() -> None:
    whole = screen(report(silent())).splitlines()
    assert on_a_terminal(report(silent()), len(whole) + 1) == whole
    again = on_a_terminal(report(silent()), len(whole))
    assert again == [
        *whole,
        "",
        *whole[:2],
        f"  (the report begins {len(whole)} lines above; more about it: ibsniff explain IBS301)",
    ]


def test_no_remedy_is_cut_and_verbose_adds_packets() -> None:
    short, verbose = screen(overfull()), screen(overfull(), verbose=True)
    assert short.count("word ") > 2 * 300
    assert "alternatives" not in short
    assert "… 9 more causes with -v" in short
    assert "more causes" not in verbose
    assert len(verbose) > len(short)


@pytest.mark.parametrize("talk", [ready(), read_only(), silent(), closed_by_relay()])
@pytest.mark.parametrize("verbose", [True, False])
def test_accounts_are_masked_unless_asked_for(talk: Conversation, verbose: bool) -> None:
    talk.dialogue.accounts.append(WireText(ACCOUNT))
    told = sentence(f"for {WireText(ACCOUNT.lower()):quoted}")
    cause = talk.cause._replace(summary=told) if talk.cause else None
    each = report(talk._replace(summary=told, cause=cause, findings=(cause,) if cause else ()))
    masked = screen(each, verbose=verbose) + verdict_line(each)
    assert ACCOUNT.lower() not in masked.lower()
    assert ACCOUNT.lower() in screen(each, verbose=verbose, show_accounts=True)


def test_conversations_that_were_only_counted_are_said() -> None:
    flood = report(refused(), silent())._replace(omitted=48_000)
    assert "… and 48,000 older conversations, only counted" in screen(flood, verbose=True)
    assert verdict_line(flood).endswith(" [1 more problem] [48,000 older conversations only counted]")
    assert "only counted" not in screen(report(refused(), silent())) + verdict_line(report(refused(), silent()))


def test_the_verdict_line_is_one_line_of_ascii() -> None:
    assert verdict_line(report(refused())) == (
        "refused, fix: TWS (its settings), IBS101: Nothing listens on 127.0.0.1:7497."
    )
    assert verdict_line(report()) == (
        "no conversation, cause not determined: The capture contains no conversation with TWS or IB Gateway."
    )
    long = verdict_line(overfull())
    assert long.isascii()
    assert "\n" not in long


def test_of_many_notes_some_are_shown_and_the_rest_is_counted() -> None:
    noted = replace(facts(), notes=tuple(f"note {number}" for number in range(MAX_NOTES + 3)))
    assert input_line(noted).endswith(f" · note {MAX_NOTES - 1} · 3 more notes")


def test_standard_input_has_a_name() -> None:
    assert input_line(replace(facts(), path="-")).startswith("standard input: 6 packets")


def test_every_fault_has_a_label_and_a_colour() -> None:
    assert set(FIX_LABELS) == set(WHERE) == set(COLOURS) == set(Fault)


def test_the_report_itself_is_not_changed() -> None:
    each = overfull()
    before = json.dumps(repr(each))
    screen(each)
    assert json.dumps(repr(each)) == before


def test_large_packet_numbers_put_packets_and_times_on_two_lines() -> None:
    talk = ready()
    talk.connection.syns = [at(123_456_788, 0)]
    talk.connection.syn_ack = at(123_456_789, 0.05)
    assert screen(report(talk)).split("\n\n")[1].splitlines()[1:] == [
        "  ✓ called ───── ✓ connected ── ✓ greeted ─ ✓ answered ─ ✓ started ─ ✓ ready",
        "    #123456788     #123456789     #4          #6           #7          #8",
        "    0 s            50 µs          0.4 ms      3 ms         3.5 ms      9 ms",
    ]
