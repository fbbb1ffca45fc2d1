"""Reports restricted to some conversations: to all is the report itself, to one never tells what is wrong with another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest
import synthesise
from render.build import shown

from ibsniff import regression
from ibsniff.analysis.judgement import judge
from ibsniff.analysis.narrowing import Narrowing
from ibsniff.analysis.reading import InputReader
from ibsniff.analysis.snapshot import Snapshot
from ibsniff.analysis.watched_until import parse_watched_until
from ibsniff.model import Conversation, Finding, Outcome, Report
from ibsniff.regression.running import options_of
from ibsniff.render.document import document
from ibsniff.render.markdown import markdown
from ibsniff.render.report_view import verdict_line
from ibsniff.render.terminal import renderable
from ibsniff.render.text import json_text

SCENARIOS = regression.find_scenarios(synthesise.CAPTURES)
NAMES = [one.folder.name for one in SCENARIOS]


@cache
def snapshot(name: str) -> Snapshot:
    scenario = SCENARIOS[NAMES.index(name)]
    ports, watched_until = options_of(scenario)
    until = parse_watched_until(watched_until) if watched_until is not None else None
    return InputReader(ports, until).read(str(scenario.capture))


def narrowed_to(name: str, *ids: str) -> Report:
    return judge([snapshot(name)], narrowing=Narrowing(lambda one, _: one.id in ids, "--conversation"))


def everything_of(report: Report) -> Iterator[str]:
    """What each form of output says."""
    yield shown(renderable(report))
    yield shown(renderable(report, verbose=True))
    yield markdown(report)
    yield json_text(document(report, "1"))
    yield verdict_line(report)


@pytest.mark.parametrize("name", NAMES)
def test_a_report_on_all_conversations_is_the_report(name: str) -> None:
    whole = judge([snapshot(name)])
    assert narrowed_to(name, *(one.id for one in whole.conversations)) == whole


def is_about(finding: Finding, one: Conversation) -> bool:
    is_own = finding in one.findings or (not finding.code and finding.summary == one.summary)
    is_cited = any(each.conversation == one.id for each in finding.evidence)
    return is_own or one.id in finding.conversations or is_cited


@pytest.mark.parametrize("name", NAMES)
def test_a_report_on_one_conversation_tells_only_what_is_wrong_with_it(name: str) -> None:
    whole = judge([snapshot(name)])
    for one in whole.conversations:
        report = narrowed_to(name, one.id)
        assert report.conversations == (one,)
        assert report.verdict is not None
        assert report.verdict.conversation == one.id
        assert report.verdict.counts == {one.outcome: 1}
        assert all(
            (told.conversation, told.conversations, told.total) == (one.id, (one.id,), 1) for told in report.problems
        )
        assert all(is_about(told.finding, one) for told in report.problems)
        assert all(is_about(found, one) or found.code.startswith("IBS0") for found in report.findings)
        assert report.problems or one.is_fine
        if len(whole.conversations) > 1:
            assert report.narrowed == ("--conversation", len(whole.conversations) - 1)


@pytest.mark.parametrize("name", NAMES)
def test_every_form_says_how_many_conversations_are_left_out(name: str) -> None:
    conversations = snapshot(name).capture.conversations
    others = len(conversations) - 1
    left_out = re.compile(rf"{others} other conversations?\s(are\s|is\s)?left out|\"left_out\": ?{others}\b")
    for one in conversations[:: max(1, others)]:
        for said in everything_of(narrowed_to(name, one.id)):
            assert (left_out.search(said) is not None) == (others > 0)


def test_of_many_restarts_the_one_that_concerns_the_chosen_conversation_is_told() -> None:
    refused, *_ = [one for one in judge([snapshot("week-of-restarts")]).conversations if one.outcome is Outcome.REFUSED]
    (told,) = narrowed_to("week-of-restarts", refused.id).problems
    assert told.finding.code == "IBS507"
    assert "ended c1 at" in told.finding.summary
    assert "(c6)" in told.finding.summary
    assert "times before" not in told.finding.summary
    assert refused.connection.first.packet in told.finding.packets


def test_what_explains_a_failure_only_elsewhere_does_not_take_its_place() -> None:
    """A full queue explains the silence of another connection; alone, that one is silent."""
    whole = judge([snapshot("queue-full-wsl")])
    (told,) = whole.problems
    assert (told.finding.code, set(told.explained)) == ("IBS303", {"IBS302"})
    one = next(one for one in whole.conversations if one.id != told.conversation and one.cause != told.finding)
    (own,) = narrowed_to("queue-full-wsl", one.id).problems
    assert own.finding in one.findings


def test_outages_are_those_of_the_conversations_chosen() -> None:
    whole = judge([snapshot("week-of-restarts")])
    assert len(whole.outages) == 7
    refused = next(one for one in whole.conversations if one.outcome is Outcome.REFUSED)
    (outage,) = narrowed_to("week-of-restarts", refused.id).outages
    assert outage.began_ns <= refused.connection.first.time_ns <= (outage.back_ns or 0)


def test_conversations_that_are_only_counted_are_left_out_too() -> None:
    evicted = snapshot("week-of-restarts")._replace(evicted=Counter({Outcome.REFUSED: 5}))
    some = judge([evicted], narrowing=Narrowing(lambda one, _: one.id == "c1", "--conversation c1"))
    assert some.narrowed == ("--conversation c1", 40)
    assert some.omitted == 0
    every = judge([evicted], narrowing=Narrowing(lambda *_: True, "--from +0s"))
    assert every == judge([evicted])
    assert every.omitted == 5


def test_of_several_inputs_each_is_narrowed() -> None:
    both = [snapshot("silent-ib-async-wsl"), snapshot("week-of-restarts")]
    report = judge(both, narrowing=Narrowing(lambda one, _: one.input == 0, "--server 172.24.32.1"))
    assert [one.id for one in report.conversations] == ["c1"]
    assert len(report.inputs) == 2
    assert {told.finding.input for told in report.problems} == {0}


def test_a_report_on_no_conversation_says_so() -> None:
    report = narrowed_to("week-of-restarts")
    assert (report.verdict, report.problems) == (None, ())
    for said in everything_of(report):
        assert "None of its conversations is chosen by --conversation." in " ".join(said.split())
