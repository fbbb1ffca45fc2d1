"""The HTML page: what stands on it, and that nothing on it can do anything."""

from __future__ import annotations

import base64
import hashlib
import re
import time

import pytest
import synthesise
from render.build import ACCOUNT, START_NS, finding, many, ready, refused, report, silent
from render.html_check import PageReader, read_page
from render.scenarios import report_of
from render.test_hostile import HOSTILE, with_text_everywhere

from ibsniff.model import NANOSECONDS, Report, Side
from ibsniff.render.cited_packets import MAX_EVIDENCE
from ibsniff.render.html import STYLE_SHEET, TEMPLATES, html
from ibsniff.render.html_page import MAX_DIAGRAMS, MAX_PROBLEMS_TOLD

LONGEST = 400_000
"""Characters of a page on hostile texts; a page on a single conversation has some 30,000."""


def text_of(page: PageReader) -> str:
    return " ".join("".join(page.text).split())


def section(page: str, start: str) -> str:
    """The text of one section of a page."""
    return page.partition(start)[2].partition("</section>")[0]


def test_a_silence_from_its_headline_to_its_capture() -> None:
    page = read_page(html(report(silent()), tool_version="9.9"))
    whole = text_of(page)
    told = whole.partition(" Words ")[2]  # the end of the contents
    assert whole.index("All times are UTC") < whole.index("It does not work") < whole.index(told)
    places = [
        "TWS took the connection and the hello, and never answered.",
        "Who must act",
        "What to do Restart TWS or IB Gateway.",
        "answered not reached no reply in 4 s",
        "c1 drawn",
        "nothing for 4 s",
        "The packets that prove it",
        "In Wireshark:",
        "It could also be TWS is frozen",
        "Who is who",
        "Capture bot.pcapng: 6 packets",
        "What the words on this page mean",
        "Made by ibsniff 9.9",
    ]
    at = [told.find(place) for place in places]
    assert -1 not in at, places[at.index(-1)]
    assert at == sorted(at)


@pytest.mark.parametrize("name", sorted(path.parent.name for path in synthesise.CAPTURES.glob("*/scenario.toml")))
def test_the_page_of_every_scenario_is_sound_and_has_the_whole_proof(name: str) -> None:
    each = report_of(name)
    page = html(each)
    read_page(page)
    for number, problem in enumerate(each.problems[:MAX_PROBLEMS_TOLD], 1):
        if problem.conversation is None:
            continue
        told = section(page, f'<section id="problem-{number}"').partition("<caption>The packets that prove it")[2]
        shown = set(re.findall(r"#(\d+)", told))
        cited = problem.finding.packets
        missing = {str(packet) for packet in cited} - shown
        assert not missing if len(cited) <= MAX_EVIDENCE else f"… {len(cited) - MAX_EVIDENCE} more packets" in told


@pytest.mark.parametrize("valid", [True, False])
@pytest.mark.parametrize("text", [*HOSTILE, "\"'><svg onload=x>&lt;&#60;\0" * 5000], ids=range(len(HOSTILE) + 1))
def test_hostile_text_is_shown_and_does_nothing(text: str, valid: bool) -> None:
    made = html(with_text_everywhere(text, valid))
    page = read_page(made)
    assert "".join(page.text).replace("\n", "").isprintable()
    assert made.replace("\n", "").isprintable()
    assert len(made) < LONGEST
    made.encode()


def test_no_address_is_loaded_and_no_script_runs() -> None:
    made = html(with_text_everywhere("javascript:alert(1) http://evil.example/", True))
    page, style = read_page(made), (TEMPLATES / STYLE_SHEET).read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"<style>{style}</style>" in made
    assert page.policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert not re.search(r"url\(|@import|expression", style)


def test_accounts_are_masked_unless_they_were_asked_for() -> None:
    assert ACCOUNT not in html(report(ready()))
    assert ACCOUNT in html(report(ready()), show_accounts=True)


def test_times_are_utc_wherever_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    each = report_of("restart-of-two")
    before = html(each)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert html(each) == before
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "2026-11-20 12:57:36" in before


def test_several_problems_have_a_table_and_each_its_place() -> None:
    each = report(silent(), refused(id="c2"))
    page = html(each)
    reader = read_page(page)
    assert len(each.problems) == 2
    assert {"#problem-1", "#problem-2", "#problems"} <= set(reader.links)
    assert page.count('<table class="packets">') >= 4
    assert "Problem 2:" in text_of(reader)


def test_a_night_of_attempts_draws_only_some() -> None:
    page = html(many(300))
    reader = read_page(page)
    assert page.count("<figure") == 2
    assert len(page) < 80_000
    assert "300" in text_of(reader)


def test_no_more_conversations_are_drawn_than_a_page_has_room_for() -> None:
    talks = []
    for number in range(1, MAX_DIAGRAMS + 6):
        cause = finding(f"IBS3{number:02d}", summary=f"Something else, {number}.", remedy=f"Do {number}.")
        began_ns = START_NS + number * NANOSECONDS * 100
        talks.append(silent(began_ns, id=f"c{number}", cause=cause, findings=(cause,)))
    page = html(report(*talks))
    read_page(page)
    assert page.count("<figure") == MAX_DIAGRAMS


def test_without_a_conversation_it_says_so() -> None:
    nothing = report(findings=(finding("IBS002", summary="Nothing speaks the IB API here.", conversations=()),))
    told = text_of(read_page(html(nothing)))
    assert "Nothing speaks the IB API here." in told


def test_what_works_has_its_ladder_and_its_diagram() -> None:
    page = html(report(ready()))
    told = text_of(read_page(page))
    assert "ready reached" in told
    assert page.count("<figure") == 1
    assert 'class="good"' in page


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def palettes() -> list[dict[str, str]]:
    blocks = re.findall(r":root \{(.*?)\}", (TEMPLATES / STYLE_SHEET).read_text("utf-8"), re.DOTALL)
    return [dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", block)) for block in blocks]


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark", "print"])
def test_every_colour_of_text_can_be_read(palette: dict[str, str]) -> None:
    """4.5 to 1 on every background that text stands on: WCAG 2.2, 1.4.3."""
    texts = ("ink", "dim", "link", "good", "bad", "yours", "open", "client", "server", "quiet")
    found = {(text, on): contrast(palette[text], palette[on]) for text in texts for on in ("paper", "band", "code")}
    assert {pair: ratio for pair, ratio in found.items() if ratio < 4.5} == {}


def test_both_sides_are_named_in_the_table_of_packets() -> None:
    page = html(report(silent()))
    assert [f'<td class="{side}">{side}</td>' in page for side in Side] == [True, True]


def test_bytes_are_there_on_demand() -> None:
    page = html(report(silent()))
    assert '<details class="bytes"><summary>bytes</summary><code>41 50 49 00' in page


def test_the_report_on_several_files_names_them() -> None:
    one, other = report_of("restart-of-two"), report_of("refused-loopback")
    joined = Report((*one.inputs, *other.inputs), one.verdict, (), one.conversations, problems=one.problems)
    told = text_of(read_page(html(joined)))
    assert all(facts.path in told for facts in joined.inputs)
