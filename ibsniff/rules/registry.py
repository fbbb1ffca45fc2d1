"""How a rule is written and found.

A rule is one module of this package with one decorated function. Its file name gives code and name:
``ibs301_silent_on_this_host.py`` is ``IBS301 silent-on-this-host``. Its docstring is what ``ibsniff explain`` prints.
The function looks at one conversation (or one capture) and returns a statement about it, or None. Its ``CaptureIndex``
holds what the whole capture shows.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Alternative, Confidence, Conversation, Evidence, Fault, Moment, Rung, Severity

FILE_NAME = re.compile(r"ibs(\d{3})_(\w+)")
HEADING = re.compile(r"^(Seen|Meaning|How sure|Sources|What else|What to do):", re.MULTILINE)
"""The beginnings of the paragraphs in a rule's documentation."""


Citation = int | Moment | Evidence
"""A packet that a rule cites; `Evidence` if it belongs to another conversation, or if the rule knows better words."""


def cited(conversation: Conversation, packet: Moment | int | None, what: str = "") -> Evidence | None:
    """Cite a packet of this conversation; without words of its own, the timeline of the conversation has them."""
    if packet is None:
        return None
    number, time_ns = packet if isinstance(packet, Moment) else (packet, None)
    return Evidence(number, time_ns, None, what, conversation.id)


class Statement(NamedTuple):
    """What a rule found in the conversation or capture that it looked at."""

    summary: str
    fault: Fault
    confidence: Confidence
    packets: Iterable[Citation | None] = ()
    """Those that prove it. Of a number or a moment, the timeline of the conversation knows the words."""
    remedy: str = ""
    alternatives: tuple[Alternative, ...] = ()
    explains: Rung | None = None
    """The rung that was not reached because of this."""
    severity: Severity | None = None
    """None for the rule's usual one."""
    conversations: tuple[str, ...] = ()


ConversationCheck = Callable[[Conversation, CaptureIndex], Statement | None]
CaptureCheck = Callable[[CaptureIndex], Statement | Iterable[Statement] | None]
"""A rule about a capture states what it found once, or for each server that it found it at."""


class Rule(NamedTuple):
    """A registered rule."""

    code: str
    name: str
    severity: Severity
    on_conversation: ConversationCheck | None
    on_capture: CaptureCheck | None
    rests_on_absence: bool
    """It concludes from what did not come after the reply: it says nothing where the capture may have lost that."""
    text: str
    """Its documentation: what is seen, what it means, how sure that is and why, what else it could be, what to do."""

    @property
    def title(self) -> str:
        """The first sentence of its documentation, as plain text."""
        return self.text.split("\n", 1)[0].rstrip(".").replace("``", "")


_RULES: dict[str, Rule] = {}


def conversation_rule(
    severity: Severity, *, rests_on_absence: bool = False
) -> Callable[[ConversationCheck], ConversationCheck]:
    """Register a function that judges one conversation.

    ``rests_on_absence``: it concludes from what did not come after the reply. A silence before the reply is no outcome
    where packets were lost within it, so that rules on silent servers need not be marked.
    """

    def register(check: ConversationCheck) -> ConversationCheck:
        _register(check.__module__, severity, check, None, rests_on_absence)
        return check

    return register


def capture_rule(severity: Severity) -> Callable[[CaptureCheck], CaptureCheck]:
    """Register a function that judges a whole capture, or several conversations together."""

    def register(check: CaptureCheck) -> CaptureCheck:
        _register(check.__module__, severity, None, check, rests_on_absence=False)
        return check

    return register


def _register(
    module: str,
    severity: Severity,
    on_conversation: ConversationCheck | None,
    on_capture: CaptureCheck | None,
    rests_on_absence: bool,
) -> None:
    match = FILE_NAME.fullmatch(module.rpartition(".")[2])
    if match is None:
        raise ImportError(f"{module}: a rule's file is named ibsNNN_what_it_finds.py")
    code = f"IBS{match[1]}"
    if code in _RULES:
        raise ImportError(f"{module}: {code} is taken by {_RULES[code].name}")
    text = (sys.modules[module].__doc__ or "").strip()
    _RULES[code] = Rule(code, match[2].replace("_", "-"), severity, on_conversation, on_capture, rests_on_absence, text)


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of this package, by code."""
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules(sys.modules[package].__path__):
        if FILE_NAME.fullmatch(module.name):
            importlib.import_module(f"{package}.{module.name}")
    return tuple(rule for _, rule in sorted(_RULES.items()))


@cache
def examples() -> dict[str, dict[str, str]]:
    """For each code one of the project's scenarios: code -> ``scenario``, and ``summary`` of the finding there."""
    import json  # noqa: PLC0415  (rules judge without their examples)

    found: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("examples.json").read_text("utf-8"))
    return found


def explained(rule: Rule) -> str:
    """A rule's documentation with an example, as ``explain`` prints it."""
    example = examples().get(rule.code)
    if example is None:
        return rule.text
    where = f"captures/{example['scenario']} in the project's repository"
    return f"{rule.text}\nExample: {where}, with the finding:\n  {example['summary']}"


def catalogue() -> str:
    """The whole rulebook as Markdown: what ``explain`` prints for each code, one after the other."""
    head = "# The rulebook\n\nWritten by `ibsniff rules --markdown` from the rules themselves; do not edit it.\n"
    return "\n".join([head, *map(_entry, all_rules())])


def _entry(rule: Rule) -> str:
    title, _, body = rule.text.partition("\n")
    paragraphs = HEADING.sub(r"\n**\1:**", body.strip()).strip()
    return f"## {rule.code} {rule.name}\n\n*{rule.severity}* · {title}\n\n{paragraphs}\n".replace("``", "`")
