"""The tables of what can be looked up agree with the program."""

from __future__ import annotations

import re

import pytest

from ibsniff.ib.error_table import all_errors
from ibsniff.lookup import causes
from ibsniff.lookup.causes import Cause
from ibsniff.lookup.client_messages import CLIENT_MESSAGES, TWS_TEXTS
from ibsniff.lookup.explanations import explain
from ibsniff.lookup.search import History, StreamState
from ibsniff.lookup.words import CONFIDENCE, FAULT, HISTORY_LETTERS, OUTCOME, RUNG, SEVERITY, WORDS
from ibsniff.model import Confidence, Fault, Outcome, Rung, Severity
from ibsniff.rules import all_rules

CODES = {rule.code for rule in all_rules()}
CAUSES = [cause for cause in vars(causes).values() if isinstance(cause, Cause)]


def test_every_code_named_as_a_cause_exists() -> None:
    assert len(CAUSES) > 20
    for cause in CAUSES:
        assert cause.codes
        assert set(cause.codes) <= CODES, cause


def test_every_cause_is_behind_some_message() -> None:
    used = {cause for message in CLIENT_MESSAGES for cause in message.causes}
    assert used == set(CAUSES)


def test_every_message_has_a_source_and_no_text_is_there_twice() -> None:
    assert all(message.source and message.meaning.endswith(".") for message in CLIENT_MESSAGES)
    texts = [text.casefold() for message in CLIENT_MESSAGES for text in message.texts]
    assert len(texts) == len(set(texts))


def test_every_number_is_a_known_error() -> None:
    numbers = [number for message in CLIENT_MESSAGES for number in message.numbers]
    assert len(numbers) == len(set(numbers))
    assert {*numbers, *TWS_TEXTS} <= set(all_errors())


@pytest.mark.parametrize(
    ("kind", "values"),
    [(OUTCOME, Outcome), (RUNG, Rung), (FAULT, Fault), (SEVERITY, Severity), (CONFIDENCE, Confidence)],
)
def test_every_value_that_a_report_shows_is_explained(kind: str, values: type[Outcome]) -> None:
    explained = [word.names[0] for word in WORDS if word.kind == kind]
    assert sorted(explained) == sorted(value.value for value in values)


def test_every_code_in_a_meaning_exists() -> None:
    assert {code for word in WORDS for code in re.findall(r"IBS\d{3}\b", word.meaning)} <= CODES


def test_meanings_are_sentences() -> None:
    assert all(word.meaning[0].isupper() and word.meaning.endswith(".") for word in WORDS)


def test_every_letter_that_zeek_has_is_explained() -> None:
    history = History("".join(HISTORY_LETTERS))
    (rows, _) = explain(history).parts
    assert [row[0] for row in rows] == list(HISTORY_LETTERS)


def test_everything_can_be_explained() -> None:
    answers = [*all_rules(), *all_errors().values(), *WORDS, *CLIENT_MESSAGES, StreamState("S0", "no reply")]
    for answer in answers:
        title, parts = explain(answer)
        assert title
        assert all(parts)
        assert all(part.count("`") % 2 == 0 for part in parts if isinstance(part, str))


def test_a_number_of_a_client_library_says_what_is_behind_it() -> None:
    shown = str(explain(all_errors()[502]))
    assert "IBS101" in shown
    assert "TWS never sends it" in shown
    assert "ibsniff live" in shown
