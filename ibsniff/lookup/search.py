"""Find what a user asks ``explain`` about: tolerant of case, quotes, numbers, and the rest of a pasted log line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import NamedTuple

from ibsniff.ib.error_table import ErrorNumber, find_error
from ibsniff.ib.names import CLIENT_MESSAGES as CLIENT_MESSAGES_OF_API
from ibsniff.ib.names import SERVER_MESSAGES as SERVER_MESSAGES_OF_API
from ibsniff.lookup.client_messages import CLIENT_MESSAGES, TWS_TEXTS, ClientMessage
from ibsniff.lookup.words import HISTORY_LETTERS, WORDS, Word
from ibsniff.rules import all_rules
from ibsniff.rules.registry import Rule
from ibsniff.tcp.state import MEANINGS

MAX_QUERY_CHARACTERS = 20_000
"""Of what a user pastes: a long traceback."""
MAX_COMPARED_CHARACTERS = 200
"""Of a text that is like nothing known: comparing takes the square of its length."""
MAX_FOUND = 4
"""Answers to one question; a traceback may name more errors than that."""
MAX_SUGGESTIONS = 5

GAP = "..."
"""In a text of the table: what differs from case to case."""

ERROR_NUMBERS = re.compile(
    r"(?i)\b(?:error ?code|error|code)\b[\s:=.(]*(-?[0-9]{1,9})\b(?:[\s,:]+(?:code[\s:=]*)?([0-9]{1,9})\b)?"
)
"""``Error 326``, ``ERROR -1 2104``, ``code: 502``, ``errorCode=502``: the forms in which client libraries print numbers."""
CODE = re.compile(r"(?i)\bIBS[ -]?([0-9]{3})\b")
HISTORY = re.compile(r"\^?[shadfrtgwiqSHADFRTGWIQ]{1,60}")
TOKEN = re.compile(r"[^\W_]+")


class StreamState(NamedTuple):
    """A state of a TCP conversation, as ``streams`` prints it."""

    name: str
    meaning: str


class MessageName(NamedTuple):
    """A message of the API, as reports name it."""

    name: str
    number: int
    is_of_client: bool


class History(NamedTuple):
    """The history of a TCP conversation, as ``streams`` prints it."""

    letters: str


Answer = Rule | ErrorNumber | Word | MessageName | StreamState | History | ClientMessage


def find(query: str) -> tuple[Answer, ...]:
    """Everything known about this, the best match first; empty if nothing is."""
    query = " ".join(query[:MAX_QUERY_CHARACTERS].split())
    exact: list[Answer] = [*_same_text(query), *_numbers(query), *_rules(query), *_words(query), *_messages(query)]
    if exact:
        return tuple(exact)
    stream = [*_states(query)]
    if stream:
        return tuple(stream)
    mentioned = [*_mentioned_rules(query), *_printed(query)]
    return tuple(dict.fromkeys(mentioned))[:MAX_FOUND]


def suggestions(query: str) -> list[str]:
    """What is nearest to something that is not known."""
    known = {" ".join(tokens(name)): name for name in names()}
    asked = " ".join(tokens(query[:MAX_COMPARED_CHARACTERS]))
    close = get_close_matches(asked, known, MAX_SUGGESTIONS, cutoff=0.6)
    return [known[name] for name in close] or _sharing_words(asked, known)


def _sharing_words(asked: str, known: dict[str, str]) -> list[str]:
    """Names that share long words with what was asked."""
    words = {word for word in asked.split() if len(word) > 3}
    shared = {name: sum(map(len, words & set(spelled.split()))) for spelled, name in known.items()}
    return sorted((name for name, count in shared.items() if count), key=lambda name: -shared[name])[:MAX_SUGGESTIONS]


@cache
def names() -> tuple[str, ...]:
    """Everything that can be looked up by name: words, rules, and what programs print."""
    rules = [name for rule in all_rules() for name in (rule.code, rule.name)]
    printed = [text for message in CLIENT_MESSAGES for text in message.texts]
    of_tws = [text for texts in TWS_TEXTS.values() for text in texts]
    return (*(name for word in WORDS for name in word.names), *MEANINGS, *rules, *printed, *of_tws)


def tokens(text: str) -> tuple[str, ...]:
    """The words and numbers of a text, without quotes and other signs, in small letters."""
    return tuple(TOKEN.findall(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("'", "").casefold()))


# ---------------------------------------------------------------------------------------------------------------
# Names, exactly


def _rules(query: str) -> Iterator[Rule]:
    asked = query.strip("'\"`.,;: ")
    number = re.sub(r"(?i)^IBS[ -]?", "", asked)
    name = "-".join(tokens(re.sub(r"(?i)^ibs\d{3}\W*_?", "", asked).removesuffix(".py").replace("_", "-")))
    return (rule for rule in all_rules() if rule.code == f"IBS{number}" or rule.name == name)


def _numbers(query: str) -> Iterator[ErrorNumber]:
    number = re.fullmatch(r"(?i)(?:ib )?(?:error |code )?(-?[0-9]{1,9})", query.strip("'\"`.,;: "))
    error = find_error(int(number[1])) if number else None
    return iter([error] if error else [])


def _same_text(query: str) -> Iterator[ClientMessage]:
    """A text that is also the name of a rule or a word, as "No route to host" is."""
    asked = tokens(query)
    return (message for message in CLIENT_MESSAGES if asked and asked in map(tokens, message.texts))


def _words(query: str) -> Iterator[Word]:
    asked = tokens(query)
    return (word for word in WORDS if asked and asked in map(tokens, word.names))


def _messages(query: str) -> Iterator[MessageName]:
    """Messages by their name here, or by that of the function in IB's libraries: REQ_MKT_DATA, reqMktData."""
    asked = "".join(tokens(query))
    for messages, is_of_client in ((CLIENT_MESSAGES_OF_API, True), (SERVER_MESSAGES_OF_API, False)):
        same = (number for number, name in messages.items() if "".join(tokens(name)) == asked)
        yield from (MessageName(messages[number], number, is_of_client) for number in same)


def _states(query: str) -> Iterator[StreamState | History]:
    """States and histories, if the query is made of nothing else."""
    found: list[StreamState | History] = []
    for part in query.strip("'\"` ").split():
        if part in MEANINGS or (part.islower() and part.upper() in MEANINGS):
            found.append(StreamState(part.upper(), MEANINGS[part.upper()]))
        elif _is_history(part):
            found.append(History(part))
        else:
            return
    yield from found


def _is_history(part: str) -> bool:
    """Each letter is written once for each side, but for those that are counted."""
    once = [letter for letter in part if letter.lower() not in "tgw"]
    return bool(HISTORY.fullmatch(part) or part in HISTORY_LETTERS) and len(once) == len(set(once))


# ---------------------------------------------------------------------------------------------------------------
# Texts, tolerantly


def _mentioned_rules(query: str) -> Iterator[Rule]:
    codes = {f"IBS{number}" for number in CODE.findall(query)}
    return (rule for rule in all_rules() if rule.code in codes)


def _printed(query: str) -> Iterator[Answer]:
    """What a program printed, the longest match first; a match inside a longer one is not told."""
    asked = tokens(query)
    matches = sorted(_matches(asked), key=lambda match: (-len(match.found), match.start))
    told: set[int] = set()
    for match in matches:
        if not match.found <= told:
            told |= match.found
            yield match.answer
    yield from _numbers_within(query)


def _numbers_within(query: str) -> Iterator[ErrorNumber]:
    for first, second in ERROR_NUMBERS.findall(query):
        errors = (find_error(int(number)) for number in (second, first) if number)
        yield from (error for error in list(errors)[:1] if error)


class Match(NamedTuple):
    """Where the words of an answer stand in what was asked."""

    start: int
    found: frozenset[int]
    answer: Answer


def _matches(asked: tuple[str, ...]) -> Iterator[Match]:
    for answer, text in _texts():
        parts = [tokens(part) for part in text.split(GAP)]
        positions = _positions(asked, parts)
        if not positions and len(asked) >= 2 and len(parts) == 1 and _positions(parts[0], [asked]):
            positions = list(range(len(asked)))  # the beginning or a part of the text was given
        if positions:
            yield Match(positions[0], frozenset(positions), answer)


def _texts() -> Iterable[tuple[Answer, str]]:
    yield from ((message, text) for message in CLIENT_MESSAGES for text in message.texts)
    for code, texts in TWS_TEXTS.items():
        error = find_error(code)
        if error is not None:
            yield from ((error, text) for text in texts)


def _positions(words: tuple[str, ...], parts: list[tuple[str, ...]]) -> list[int]:
    """Where the parts stand in these words, one after the other; empty if one of them does not."""
    found: list[int] = []
    at = 0
    for part in filter(None, parts):
        starts = (i for i in range(at, len(words) - len(part) + 1) if words[i : i + len(part)] == part)
        start = next(starts, None)
        if start is None:
            return []
        at = start + len(part)
        found += range(start, at)
    return found
