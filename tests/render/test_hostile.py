"""Hostile bytes may be meant to control the reader's screen: they do so in no renderer and from no field."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from render.build import at, error, facts, finding, hello, ready, reply, report, shown
from rich.console import Console
from rich.segment import Segment

from ibsniff.masking.sentence import sentence
from ibsniff.model import (
    Alternative,
    Dialect,
    ErrorTally,
    Fault,
    Outcome,
    ReplyKind,
    Report,
    Rung,
    Severity,
    Side,
    Start,
    StartForm,
    WireBytes,
    WireText,
)
from ibsniff.render import terminal
from ibsniff.render.document import document
from ibsniff.render.markdown import markdown
from ibsniff.render.report_view import verdict_line

HOSTILE = [
    "\x1b]8;;file:///etc/passwd\x07x\x1b]8;;\x07\x1b[2J",
    "[link=file:///etc/passwd]x[/link]",
    "[/foo] [bold] [red]",
    "\u202etxt.exe\u2066\u200b\ufeff\u2028\u2029\x85",
    "\x00" * 1000,
    "x" * 1_000_000,
    "\n| --- |\r\n* item\n# head\n```\n<script>alert(1)</script><img src=x onerror=1>",
    "a|b`c``d",
    "@everyone https://evil.example ![i](//evil.example/i.png) [l](javascript:1)",
    "\ud800\udcff \U000e0041 a" + "\u0336" * 500,
    "\\x1b \\",
    "{0} %s %d \t",
    "",
]


def with_text_everywhere(text: str, valid: bool, ours: str | None = None) -> Report:
    """A report with this text in every field that may quote the wire, and in every other one, too, or ``ours`` there."""
    ours = text if ours is None else ours
    raw = text[:5000].encode("utf-8", "surrogatepass")
    quoted = sentence(f"{ours[:50]}{WireText(text):quoted}")
    alternatives = (Alternative(quoted, Fault.NETWORK, quoted),)
    cause = finding(summary=quoted, remedy=quoted or "x", alternatives=alternatives)
    note = finding("IBS001", severity=Severity.NOTE, summary=quoted, remedy=quoted, conversations=("c1", "c9"))
    talk = ready()
    dialogue = talk.dialogue
    dialogue.accounts.append(WireText(text[:64]))
    dialogue.start = Start(StartForm.TEXT, 7, WireBytes(raw), at(7, 3.5), False)
    dialogue.unframed[Side.SERVER] = at(11, 40)
    dialogue.unframed_detail[Side.SERVER] = ours
    dialogue.messages[Side.SERVER][ours[:200]] = 1
    dialogue.errors[321] = ErrorTally(1, [error(321, text, at(10, 30))])
    if valid:
        dialogue.hello = hello(options=text, raw=raw)
        dialogue.reply = reply(connection_time=text, raw=raw)
    else:
        dialogue.hello = hello(dialect=Dialect.UNKNOWN, detail=ours, options=text, raw=raw)
        dialogue.reply = reply(kind=ReplyKind.FOREIGN, service=ours, redirect=text, raw=raw)
    talk = talk._replace(
        outcome=Outcome.REPLIED if valid else Outcome.FOREIGN,
        rung=Rung.STARTED if valid else Rung.GREETED,
        summary=quoted,
        cause=cause,
        findings=(cause, note._replace(conversations=())),
    )
    inputs = (facts(path=text[:300] or "x", truncated=quoted, notes=(quoted,), skipped=Counter({ours[:100]: 3})),)
    return report(talk, ready(id="c2"), findings=(note,), inputs=inputs)


def every_rendering(each: Report) -> dict[str, str]:
    return {
        "short": shown(terminal.renderable(each)),
        "verbose": shown(terminal.renderable(each, verbose=True)),
        "ascii": shown(terminal.renderable(each, verbose=True), encoding="ascii"),
        "narrow": shown(terminal.renderable(each), width=40),
        "one line": verdict_line(each),
        "markdown": markdown(each, tool_version="1"),
    }


LONGEST = {
    "short": 33_000,
    "verbose": 70_000,
    "ascii": 70_000,
    "narrow": 40_000,
    "one line": 2_400,
    "markdown": 60_000,
}
"""Characters: half as many again as the worst of these texts takes, a million letters long or each of them escaped."""


@pytest.mark.parametrize("valid", [True, False])
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_shown_and_does_nothing(text: str, valid: bool) -> None:
    each = with_text_everywhere(text, valid)
    for name, rendering in every_rendering(each).items():
        assert rendering.replace("\n", "").isprintable(), name
        assert len(rendering) < LONGEST[name], (name, len(rendering))
    ticket = markdown(each)
    assert "<" not in ticket
    assert "://" not in ticket
    assert "@" not in ticket
    assert len(ticket.splitlines()) < 110


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_makes_no_style_and_no_link(text: str) -> None:
    console = Console(width=80, color_system="truecolor", force_terminal=True, legacy_windows=False)
    drawn = console.render(terminal.renderable(with_text_everywhere(text, True), verbose=True))
    for segment in Segment.filter_control(drawn, is_control=False):
        assert segment.style is None or (segment.style.link is None and segment.style.meta == {})
    assert not any(segment.control for segment in console.render(terminal.renderable(report(ready()))))


@pytest.mark.parametrize("valid", [True, False])
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_makes_valid_bounded_json(text: str, valid: bool) -> None:
    made = document(with_text_everywhere(text, valid), "1")
    written = json.dumps(made, ensure_ascii=False, allow_nan=False).encode("utf-8")
    assert json.loads(written) == made
    assert len(written) < 110_000


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(), max_size=300), st.booleans())
def test_no_text_at_all_raises_or_comes_out_raw(text: str, valid: bool) -> None:
    each = with_text_everywhere(text, valid)
    for rendering in every_rendering(each).values():
        assert rendering.replace("\n", "").isprintable()
    json.dumps(document(each, "1"), ensure_ascii=False).encode("utf-8")


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=50), st.from_regex(r"\A(D?[UFI])[0-9]{6,8}\Z"), st.text(max_size=50), st.booleans())
def test_no_account_leaks_from_any_field(before: str, account: str, after: str, valid: bool) -> None:
    each = with_text_everywhere(before + account + after, valid, ours="ours")
    lowered = account.lower()
    for name, rendering in every_rendering(each).items():
        joined = "".join(rendering.split())
        assert lowered not in rendering.lower(), name
        assert lowered not in joined.lower(), name
        assert account.encode().hex(" ") not in rendering, name
    assert lowered not in json.dumps(document(each, "1")).lower()


@pytest.mark.parametrize("table_breaker", ["a | b", "a\n| b", "`|`", "\\|"])
def test_no_text_breaks_out_of_the_evidence_table(table_breaker: str) -> None:
    rows = [row for row in markdown(with_text_everywhere(table_breaker, True)).splitlines() if row.startswith("| ")]
    assert len(rows) > 5
    for row in rows:
        assert row.replace("\\\\", "").replace("\\|", "").count("|") == 5
