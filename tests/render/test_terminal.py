from __future__ import annotations

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

from ibsniff.masking.sentence import sentence
from ibsniff.model import NANOSECONDS, Alternative, Confidence, Conversation, Fault, Report, Rung, Severity, WireText
from ibsniff.render import terminal
from ibsniff.render.report_view import MAX_NOTES, input_line, verdict_line
from ibsniff.render.screen import MAX_LINES


def screen(each: Report, width: int = 80, encoding: str = "utf-8", **how: bool) -> str:
    return shown(terminal.renderable(each, **how), width, encoding)


def lines(text: str) -> str:
    return dedent(text).lstrip("\n")


def test_a_silence() -> None:
    assert screen(report(silent())) == lines("""
        ▌ TWS took the connection and the hello, and never answered.
        ▌ Fix: TWS (its state) · medium confidence · IBS301 · silent

        c1  127.0.0.1:50123 → 127.0.0.1:7497  2026-01-05 09:30:00 UTC
          ✓ called ── ✓ connected ── ✓ greeted ──── ✗ answered    · started    · ready
            #1 0 s      #2 50 µs       #4 0.4 ms      no reply in 4 s

        Evidence   → to the server, ← from it
          #1    0 s → SYN
          #2  50 µs ← SYN-ACK
          #3  80 µs → ACK
          #4 0.4 ms → hello, versions 100 to 187 (official client 10.30, or a fork?)
                      41 50 49 00 00 00 00 09 76 31 30 30 2e 2e 31 38 37
          #5 0.5 ms ← ACK of the hello
          #6    4 s → FIN: the client closes the connection

        What to do
          Restart TWS or IB Gateway. Stop health checks that open the API port and send
          nothing.

        It could also be
          • TWS is frozen: its window does not react; jstack shows where it hangs
          • TWS has just started: try again after 90 seconds

        bot.pcapng: 6 packets, Ethernet · from 2026-01-05 09:30:00 to 09:30:06 UTC (end:
        stated by the file)
        """)


def test_a_refusal() -> None:
    assert screen(report(refused())) == lines("""
        ▌ Nothing listens on 127.0.0.1:7497.
        ▌ Fix: TWS (its settings) · high confidence · IBS101 · refused

        c1  127.0.0.1:50123 → 127.0.0.1:7497  2026-01-05 09:30:00 UTC
          ✓ called ── ✗ connected    · greeted    · answered    · started    · ready
            #1 0 s      refused

        Evidence   → to the server, ← from it
          #1   0 s → SYN
          #2 30 µs ← RST: connection refused

        What to do
          Start TWS and log in; tick Enable ActiveX and Socket Clients; compare the
          port.

        bot.pcapng: 6 packets, Ethernet · from 2026-01-05 09:30:00 to 09:30:06 UTC (end:
        stated by the file)
        """)


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
        ▌ Cause not determined · high confidence in the finding · IBS006

        What to do
          Capture on the interface that carries it.

        bot.pcapng: 12 packets, Linux cooked · from 2026-01-05 09:30:00 to 09:30:06 UTC
        (end: stated by the file) · skipped: 9 UDP, 3 other ports
        """)


def test_an_empty_capture() -> None:
    empty = facts(packets=0, link_types=(), first_time_ns=None, watched_until_ns=None)
    assert screen(report(inputs=(empty,))) == lines("""
        ▌ The capture contains no conversation with TWS or IB Gateway.
        ▌ Cause not determined

        bot.pcapng: 0 packets
        """)


def test_three_hundred_silences_and_a_reply() -> None:
    text = screen(many())
    assert "c1 of 301: 300 silent, 1 replied" in " ".join(text.split()).replace("▌ ", "")
    assert "newest: c301  127.0.0.1:50123 → 127.0.0.1:7497  2026-01-05 14:30:00 UTC\n" in text
    assert (
        lines("""
        Conversations (UTC)
          300x  silent   127.0.0.1 → 127.0.0.1:7497  09:30:00 to 14:29:00  every 60 s
            1x  replied  127.0.0.1 → 127.0.0.1:7497  14:30:00
        """)
        in text
    )


def test_conversations_of_several_days_show_the_dates() -> None:
    assert "01-05 09:30:00 to 01-08 08:30:00  every 1 h 00 min" in screen(many(72, seconds=3600), width=100)


def test_the_last_row_of_the_evidence_is_the_state_at_the_end() -> None:
    assert "6 s   still open until the capture's end (stated by the file)" in screen(report(ready()))
    assert "300 ms   nothing more until the capture's end (time of the last packet)" in screen(report(unproven()))


def test_a_reason_without_room_has_a_line_of_its_own() -> None:
    talk = ready()._replace(rung=Rung.STARTED)
    talk = talk._replace(watched_until_ns=talk.connection.first.time_ns + 187 * NANOSECONDS)
    talk.dialogue.errors.clear()
    ladder = screen(report(talk)).splitlines()[3:7]
    assert ladder[1].endswith("✗ ready")
    assert ladder[3].strip().startswith("not seen in 3 min")
    assert max(map(len, ladder)) <= 80


def test_the_ladder_is_a_column_on_a_narrow_console() -> None:
    assert "  ✓ connected #2 50 µs\n  ✓ greeted   #4 0.4 ms\n  ✗ answered  no reply in 4 s\n" in screen(
        report(silent()), width=60
    )


def test_an_ascii_console_gets_ascii() -> None:
    text = screen(many(), encoding="ascii")
    assert "| TWS took the connection" in text
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
def test_forty_lines_at_most(width: int, encoding: str) -> None:
    for each in (report(silent()), many(), report(read_only()), overfull()):
        written = screen(each, width, encoding).splitlines()
        assert len(written) <= MAX_LINES
        assert max(map(len, written)) <= width


def test_the_status_line_is_never_cut() -> None:
    written = screen(overfull(), 40).split("\n\n")[0]
    assert "more lines with -v" in written
    assert "Fix: TWS (its state)" in written.replace("\n▌ ", " ")
    assert "IBS301" in written


def test_a_cut_section_says_so_and_verbose_shows_it() -> None:
    short, verbose = screen(overfull()), screen(overfull(), verbose=True)
    assert "more lines with -v" in short
    assert "more lines" not in verbose
    assert "Wireshark: frame.number in {1, 2, 3" in verbose
    assert len(verbose.splitlines()) > MAX_LINES


@pytest.mark.parametrize("talk", [ready(), read_only(), silent(), closed_by_relay()])
@pytest.mark.parametrize("verbose", [True, False])
def test_accounts_are_masked_unless_asked_for(talk: Conversation, verbose: bool) -> None:
    talk.dialogue.accounts.append(WireText(ACCOUNT))
    each = report(talk._replace(summary=sentence(f"for {WireText(ACCOUNT.lower()):quoted}")))
    masked = screen(each, verbose=verbose) + verdict_line(each)
    assert ACCOUNT.lower() not in masked.lower()
    assert ACCOUNT.lower() in screen(each, verbose=verbose, show_accounts=True)


def test_the_headline_says_how_many_conversations_were_only_counted() -> None:
    flood = report(refused(), silent())._replace(omitted=48_000)
    assert "c1 of 48002 (48,000 only counted): " in " ".join(screen(flood).replace("▌", "").split())
    assert verdict_line(flood).endswith(" [48,000 older conversations only counted]")
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
    assert set(terminal.FIX_LABELS) == set(terminal.COLOURS) == set(Fault)


def test_the_minimum_lines_of_all_sections_fit() -> None:
    view = terminal.view_of(overfull())
    writer = terminal.ConsoleWriter(terminal.Masker.for_report(overfull(), False), False)
    parts = list(terminal.sections(view, writer, 80, verbose=False))
    assert len(parts) == 8
    assert sum(part.min_lines for part in parts) + len(parts) - 1 <= MAX_LINES


def test_the_report_itself_is_not_changed() -> None:
    each = overfull()
    before = json.dumps(repr(each))
    screen(each)
    assert json.dumps(repr(each)) == before


def test_large_packet_numbers_put_packets_and_times_on_two_lines() -> None:
    talk = ready()
    talk.connection.syns = [at(123_456_788, 0)]
    talk.connection.syn_ack = at(123_456_789, 0.05)
    assert screen(report(talk)).splitlines()[4:7] == [
        "  ✓ called ───── ✓ connected ── ✓ greeted ─ ✓ answered ─ ✓ started ─ ✓ ready",
        "    #123456788     #123456789     #4          #6           #7          #8",
        "    0 s            50 µs          0.4 ms      3 ms         3.5 ms      9 ms",
    ]
