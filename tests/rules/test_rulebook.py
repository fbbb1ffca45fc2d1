"""The SET of rules: documented, reachable, each with a case it must see and one it must not."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

import pytest
from ib_bytes import HELLO, READY, REPLY, START
from judging import codes, findings, judge
from rule_wires import CASES, FOLDED
from wire import Wire

from ibsniff import rules as rules_room
from ibsniff.analysis import tracking
from ibsniff.model import Confidence, Fault, Outcome, Report, Severity
from ibsniff.rules import Rule, all_rules, registry
from ibsniff.rules.registry import capture_rule, conversation_rule

SECTIONS = ("Seen:", "Meaning:", "How sure:", "What to do:")
RULES = pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)


def judged(name: str) -> Report:
    return judge(CASES[name].wire, watch=CASES[name].watch)


def source(rule: Rule) -> str:
    check = rule.on_conversation or rule.on_capture
    assert check is not None
    return inspect.getsource(sys.modules[check.__module__])


def section(rule: Rule, title: str) -> str:
    """The text behind a section's title, up to the next one."""
    _, _, after = rule.text.partition(f"\n{title}")
    return re.split(r"\n[A-Z][A-Za-z ]+:", after, maxsplit=1)[0].strip()


@pytest.mark.parametrize("name", CASES)
def test_a_capture_has_exactly_its_codes(name: str) -> None:
    assert codes(judged(name)) == {f"IBS{code}" for code in CASES[name].codes.split()}


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.nearly])
def test_near_misses_are_kept_apart_on_purpose(name: str) -> None:
    assert not set(CASES[name].nearly.split()) & set(CASES[name].codes.split())


def test_the_catalogue_in_the_repository_is_the_rulebooks_own() -> None:
    stored = Path(registry.__file__).with_name("README.md").read_text("utf-8")
    assert stored == registry.catalogue(), "ibsniff rules --markdown > ibsniff/rules/README.md"


def test_every_rule_is_reached_and_has_a_near_miss() -> None:
    known = {rule.code.removeprefix("IBS") for rule in all_rules()} - {FOLDED}
    assert {code for case in CASES.values() for code in case.codes.split()} == known
    nearly = {code for case in CASES.values() for code in case.nearly.split()} - {FOLDED}
    assert known - nearly == set()


def test_conversations_beyond_the_bound_are_reported_as_evicted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "ALWAYS_KEPT", 2)
    monkeypatch.setattr(tracking, "MAX_CONVERSATIONS", 4)
    wires = [Wire(client=f"127.0.0.1:{50_000 + n}", start_ns=n * 10**11).connect().close() for n in range(1, 6)]
    assert "IBS011" in codes(judge(*wires))
    assert "IBS011" not in codes(judge(*wires[:4]))


# -- the documentation ------------------------------------------------------------------------------------------------


@RULES
def test_every_rule_says_what_explain_prints(rule: Rule) -> None:
    for title in SECTIONS:
        assert section(rule, title), f"{rule.code} lacks '{title}'"
    assert rule.text.split("\n", 1)[0].endswith(".")
    assert rule.title
    assert [rule.text.index(f"\n{title}") for title in SECTIONS] == sorted(
        rule.text.index(f"\n{title}") for title in SECTIONS
    )


@RULES
def test_a_rule_that_may_be_sure_says_why(rule: Rule) -> None:
    if "Confidence.HIGH" not in source(rule) and "blame_broken_hello" not in source(rule):
        return
    grounds = section(rule, "How sure:") + ("Sources" if section(rule, "Sources:") else "")
    assert re.search(r"RFC \d|certain|says so|states|prove|counted|own|as sure as you|measured|Sources", grounds), (
        grounds
    )


def test_codes_and_names_are_unique() -> None:
    rules = all_rules()
    files = Path(rules_room.__file__).parent.glob("ibs*.py")
    assert {rule.code for rule in rules} == {path.name[:6].upper() for path in files}
    assert len({rule.code for rule in rules}) == len({rule.name for rule in rules}) == len(rules)
    assert [rule.code for rule in rules] == sorted(rule.code for rule in rules)


@RULES
def test_a_rule_is_about_a_conversation_or_a_capture(rule: Rule) -> None:
    assert (rule.on_conversation is None) != (rule.on_capture is None)


@pytest.mark.parametrize("register", [conversation_rule, capture_rule])
@pytest.mark.parametrize("module", ["ibsniff.rules.judge", "ibsniff.rules.ibs301_another_name"])
def test_a_rule_in_a_wrong_file_or_with_a_taken_code_is_refused(register: object, module: str) -> None:
    all_rules()

    def check(*_: object) -> None:
        """Nothing."""

    check.__module__ = module
    with pytest.raises(ImportError, match=re.escape(module)):
        register(Severity.NOTE)(check)  # type: ignore[operator]


# -- what every finding owes its reader -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_a_finding_is_complete(name: str) -> None:
    frames = len(CASES[name].wire.frames())
    for finding in findings(judged(name)):
        assert finding.summary.endswith((".", "?")) or finding.summary.rsplit("The bytes: ")[-1].strip(" .")
        assert finding.remedy or finding.severity is Severity.NOTE
        assert all(1 <= packet <= frames for packet in finding.packets)
        assert list(finding.packets) == list(dict.fromkeys(finding.packets))
        assert "None" not in finding.summary + finding.remedy
        for alternative in finding.alternatives:
            assert alternative.cause
            assert alternative.how_to_tell
            assert alternative.fault is not Fault.NONE


@pytest.mark.parametrize("name", CASES)
def test_a_finding_about_packets_names_them(name: str) -> None:
    for conversation in judged(name).conversations:
        for finding in conversation.findings:
            assert finding.packets or finding.code == "IBS003", finding.code


@pytest.mark.parametrize("name", CASES)
def test_a_conversation_that_failed_has_a_cause(name: str) -> None:
    for conversation in judged(name).conversations:
        if conversation.outcome in (Outcome.UNPROVEN, Outcome.REPLIED, Outcome.JOINED):
            continue
        assert conversation.cause is not None, conversation.summary


# -- loopback clients are never told about Trusted IPs ------------------------------------------------------------------


@pytest.mark.parametrize("ends", [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("192.168.1.5", "192.168.1.5")])
@pytest.mark.parametrize("name", CASES)
def test_a_client_on_tws_machine_is_never_pointed_to_trusted_addresses(name: str, ends: tuple[str, str]) -> None:
    wire = CASES[name].wire
    report = judge(wire.between(*ends), watch=CASES[name].watch)
    said = [conversation.summary for conversation in report.conversations]
    for finding in findings(report):
        said += [finding.summary, finding.remedy]
        said += [part for one in finding.alternatives for part in (one.cause, one.how_to_tell)]
    for sentence in said:
        assert not re.search(r"trusted|localhost only", sentence, re.IGNORECASE), sentence


def test_a_remote_client_learns_which_address_to_trust() -> None:
    (conversation,) = judged("silent from afar").conversations
    assert conversation.cause is not None
    assert "172.24.46.63" in conversation.cause.remedy
    assert "Trusted IPs" in conversation.cause.remedy


# -- who is blamed ----------------------------------------------------------------------------------------------------

FAULTS = {
    "refused": (Fault.UNDETERMINED, Confidence.HIGH),
    "rejected": (Fault.NETWORK, Confidence.HIGH),
    "dropped": (Fault.NETWORK, Confidence.MEDIUM),
    "a full queue": (Fault.TWS_STATE, Confidence.MEDIUM),
    "silent": (Fault.TWS_STATE, Confidence.MEDIUM),
    "hung up from afar": (Fault.TWS_CONFIG, Confidence.MEDIUM),
    "no relay, far away": (Fault.TWS_CONFIG, Confidence.LOW),
    "hung up": (Fault.UNDETERMINED, Confidence.LOW),
    "a relay hangs up": (Fault.NETWORK, Confidence.MEDIUM),
    "never heard": (Fault.NETWORK, Confidence.MEDIUM),
    "no START_API": (Fault.CLIENT, Confidence.HIGH),
    "id in use": (Fault.CLIENT, Confidence.HIGH),
    "too old": (Fault.UNDETERMINED, Confidence.HIGH),
    "HTTP answers": (Fault.NETWORK, Confidence.HIGH),
    "unknown bytes answer": (Fault.UNDETERMINED, Confidence.LOW),
    "read-only": (Fault.TWS_CONFIG, Confidence.HIGH),
    "lost IB": (Fault.IB, Confidence.MEDIUM),
    "lost and found": (Fault.NONE, Confidence.HIGH),
    "START_API not captured": (Fault.NONE, Confidence.MEDIUM),  # idle for the last six seconds
    "stopped too early": (Fault.UNDETERMINED, Confidence.HIGH),
    "joined": (Fault.NONE, Confidence.HIGH),
}


@pytest.mark.parametrize("name", FAULTS)
def test_who_must_act(name: str) -> None:
    (conversation,) = judged(name).conversations
    assert (conversation.fault, conversation.confidence) == FAULTS[name]


def test_an_answer_is_worth_more_than_a_note() -> None:
    """A note never becomes the cause of a session that works."""
    wire = Wire().connect().client(HELLO).wait(3).server(REPLY).client(START).server(READY)
    (conversation,) = judge(wire).conversations
    assert [finding.severity for finding in conversation.findings] == [Severity.NOTE]
    assert (conversation.cause, conversation.fault) == (None, Fault.NONE)
