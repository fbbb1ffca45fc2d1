"""What ``explain`` says about each kind of thing that can be looked up."""

from __future__ import annotations

import re
from functools import singledispatch
from typing import NamedTuple

from ibsniff.ib.error_table import ErrorNumber
from ibsniff.lookup.client_messages import CLIENT_MESSAGES, ClientMessage
from ibsniff.lookup.search import Answer, History, MessageName, StreamState
from ibsniff.lookup.words import FAULT, HISTORY_LETTERS, WORDS, Word
from ibsniff.model import Fault
from ibsniff.rules import all_rules
from ibsniff.rules import explained as documentation
from ibsniff.rules.registry import Rule

PARAGRAPH = re.compile(r"\n\n|\n(?=(?:Seen|Meaning|How sure|Sources|What else|What to do|Example):)")
"""Between the paragraphs of a rule's documentation."""

WHICH_CAPTURE = (
    "Which capture tells: start `ibsniff live` on the program's machine or on TWS's, then the program, and wait until it "
    "gives up. The report names one of these codes, with the packets that prove it; `ibsniff explain {code}` says what to "
    "do. Or record it: `sudo tcpdump -i any -s 0 -U -w case.pcap 'tcp port 7497'`, and afterwards `ibsniff read case.pcap`."
)

Rows = tuple[tuple[str, str], ...]
"""A list: what stands at the left of each row, and what at the right."""


class Explanation(NamedTuple):
    """A title, and paragraphs and lists in their order; commands stand between backticks."""

    title: str
    parts: tuple[str | Rows, ...]


@singledispatch
def explain(answer: Answer) -> Explanation:
    """Explain anything that ``find`` finds."""
    raise TypeError(f"{type(answer).__name__} cannot be explained")


@explain.register
def _(rule: Rule) -> Explanation:
    text = (" ".join(part.replace("``", "`").split()) for part in PARAGRAPH.split(documentation(rule)))
    printed = [
        message.texts[0] for message in CLIENT_MESSAGES if any(rule.code in cause.codes for cause in message.causes)
    ]
    known = [f"Programs may print then: {'; '.join(printed)}"] if printed else []
    return Explanation(f"{rule.code} {rule.name} ({rule.severity})", (*text, *known))


@explain.register
def _(error: ErrorNumber) -> Explanation:
    mentioned = re.compile(rf"\berrors?\b[^.]*\b{error.code}\b")
    rules = [f"{rule.code} {rule.name}" for rule in all_rules() if mentioned.search(rule.text)]
    parts: list[str | Rows] = [error.meaning]
    if not error.is_sent_by_tws:
        parts.append(f"The {error.error_class} reports this number itself; TWS never sends it.")
    parts.append(_who_must_act(error.fault))
    printed = next((message for message in CLIENT_MESSAGES if error.code in message.numbers), None)
    parts += _what_is_behind(printed) if printed else []
    parts += [f"Rules that mention it: {', '.join(rules)}"] if rules else []
    return Explanation(f"IB error {error.code} ({error.error_class})", (*parts, f"Source: {error.source}"))


def _who_must_act(fault: Fault) -> str:
    if fault is Fault.NONE:
        return "It reports no problem: nothing needs to be fixed."
    if fault is Fault.UNDETERMINED:
        return "The number alone does not say what must be fixed; read the text of the message."
    meaning = next(word.meaning for word in WORDS if word.kind == FAULT and word.names == (fault.value,))
    return (
        f"What must be fixed: {meaning[0].lower()}{meaning[1:]}" if fault is not Fault.IB else f"It lies with {meaning}"
    )


@explain.register
def _(word: Word) -> Explanation:
    return Explanation(f"{', '.join(word.names)} ({word.kind})", (word.meaning,))


@explain.register
def _(state: StreamState) -> Explanation:
    source = "The states are Zeek's (conn_state). `ibsniff streams` prints one for each TCP conversation."
    return Explanation(f"{state.name} (state of a TCP conversation)", (f"{state.meaning.capitalize()}.", source))


@explain.register
def _(message: MessageName) -> Explanation:
    sender = "an API client sends to TWS" if message.is_of_client else "TWS sends to an API client"
    text = (
        f"Message {message.number} of those that {sender}. `ibsniff requests FILE` lists requests with their answers."
    )
    return Explanation(f"{message.name} (message of IB's API)", (text,))


@explain.register
def _(history: History) -> Explanation:
    rows = tuple((letter, event(letter)) for letter in history.letters)
    source = (
        "The letters are Zeek's history, in the order of the events: capital letters for the client, small ones for the "
        "server. Each is written once for each side; T, G and W again at the 10th, 100th and so on."
    )
    return Explanation(f"{history.letters} (history of a TCP conversation)", (rows, source))


def event(letter: str) -> str:
    """What a letter of a history says."""
    meaning = HISTORY_LETTERS[letter.lower()]
    return meaning if letter == "^" else f"{'client' if letter.isupper() else 'server'}: {meaning}"


@explain.register
def _(message: ClientMessage) -> Explanation:
    others = "; ".join(message.texts[1:])
    also = [f"The same in other words: {others}"] if others else []
    parts = (message.meaning, *_what_is_behind(message), *also, f"Source: {message.source}")
    return Explanation(f"{message.texts[0]} (printed by {message.printed_by})", parts)


def _what_is_behind(message: ClientMessage) -> list[str | Rows]:
    if not message.causes:
        return []
    rows = tuple((", ".join(cause.codes), cause.text) for cause in message.causes)
    return ["What can be behind it:", rows, WHICH_CAPTURE.format(code=message.causes[0].codes[0])]
