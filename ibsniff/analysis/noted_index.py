"""A capture's index that notes what a rule reads and asks while it looks at one conversation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

from ibsniff.analysis.snapshot import WATCHED_UNTIL
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.reliability import Reliability
from ibsniff.model import Capture, Conversation, InputFacts

Fact = tuple[str, object]
"""A fact about the input, by its name."""

AFTER = WATCHED_UNTIL + 1

ALWAYS_CHANGING = frozenset({"packets", "last_time_ns", "watched_until_ns", "skipped"})
"""Facts about the input that are different in each report."""
COMPARED = (bool, int, float, str, bytes, type(None))
"""Types whose values say all when they are equal."""


class Question(NamedTuple):
    """Something that was asked about other conversations."""

    part: str
    """The part of the index that was asked."""
    name: str
    arguments: tuple[object, ...]
    """``SELF`` stands for the conversation that the rule looks at."""
    answer: object


SELF = object()


class Notes:
    """What is read while one rule looks at one conversation."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin with another rule."""
        self.is_lasting = True
        """Nothing was read that changes all the time, or in a way that is not noted."""
        self.facts: dict[str, object] = {}
        self.questions: list[Question] = []


class Watched(Conversation):
    """A conversation that notes when somebody reads until when it was watched."""

    __slots__ = ()
    notes = Notes()
    """Of the rule that is being asked; there is one at a time."""

    @property
    def watched_until_ns(self) -> int:
        """Until when packets were captured."""
        Watched.notes.is_lasting = False
        return cast(int, self[WATCHED_UNTIL])


def is_same(before: object, now: object) -> bool:
    """Whether two values are the same for a rule that does not read until when was watched.

    What was copied from a connection and from the messages in it is the same only if it is the same copy, since a new one is
    made as soon as anything in it changes.
    """
    if before is now:
        return True
    if isinstance(before, Conversation) and isinstance(now, Conversation):
        if before.connection is not now.connection or before.dialogue is not now.dialogue:
            return False
        return before[:WATCHED_UNTIL] == now[:WATCHED_UNTIL] and before[AFTER:] == now[AFTER:]
    if type(before) is tuple and type(now) is tuple:
        return len(before) == len(now) and all(map(is_same, before, now))
    return type(before) is type(now) and type(before) in COMPARED and before == now


class NotedIndex(CaptureIndex):
    """The index of conversations that are `Watched`."""

    def __init__(self, capture: Capture, known: dict[tuple[Fact, ...], tuple[Fact, ...]]) -> None:
        """``known`` holds each set of facts that was noted once."""
        super().__init__(capture)
        self._known = known
        real = CaptureIndex(capture)
        self._real = real
        self._one: Conversation | None = None
        self._facts: Any = NotedFacts(capture.facts)
        self._reliability = NotedReliability(self._facts, real.reliability)
        self._are_true: dict[int, bool] = {}
        """Whether facts are still the same, by ``id`` of the tuple of them, which many conversations may share."""

    def look_at(self, one: Conversation) -> None:
        """The rules are now asked about this conversation."""
        self._one = one

    def shared(self, facts: dict[str, object]) -> tuple[Fact, ...]:
        """These facts, as one value for all conversations that rest on the same."""
        values = tuple(facts.items())
        return self._known.setdefault(values, values)

    def still_tells(self, facts: tuple[Fact, ...], questions: tuple[Question, ...]) -> bool:
        """Whether these facts are the same, and the answers to these questions about the present conversation."""
        if facts and not self._still_true(facts):
            return False
        return not questions or all(is_same(question.answer, self._answer(question)) for question in questions)

    def _still_true(self, facts: tuple[Fact, ...]) -> bool:
        known = self._are_true.get(id(facts))
        if known is None:
            known = all(value == self._fact(name) for name, value in facts)
            self._are_true[id(facts)] = known
        return known

    def _fact(self, name: str) -> object:
        owner, _, attribute = name.rpartition(".")
        return getattr(self._real.reliability if owner else self._real.capture.facts, attribute)

    def _answer(self, question: Question) -> object:
        arguments = (self._one if each is SELF else each for each in question.arguments)
        return getattr(getattr(self._real, question.part), question.name)(*arguments)

    # -- what rules read -------------------------------------------------------------------------------------------

    @property
    def conversations(self) -> Any:
        """All conversations: which of them matter to the rule cannot be noted."""
        Watched.notes.is_lasting = False
        return self._real.conversations

    @property
    def outages(self) -> Any:
        """The same for the outages."""
        Watched.notes.is_lasting = False
        return self._real.outages

    @property
    def capture(self) -> Any:
        """The capture, with noted facts about the input."""
        return NotedCapture(self._real.capture, self._facts)

    @capture.setter
    def capture(self, _capture: Capture) -> None:
        """The real index has it."""

    @property
    def reliability(self) -> Any:
        """How far conclusions can be trusted; the facts that this rests on are noted."""
        return self._reliability

    @property
    def by_id(self) -> Any:
        """The conversations by their ids; only ``get`` is noted."""
        return NotedPart("by_id", self._real.by_id, self._one)

    @property
    def server_history(self) -> Any:
        """What the servers did at other times."""
        return NotedPart("server_history", self._real.server_history, self._one)

    @property
    def related(self) -> Any:
        """The conversations, grouped."""
        return NotedPart("related", self._real.related, self._one)

    @property
    def answered_hellos(self) -> Any:
        """The hellos that were answered."""
        return NotedPart("answered_hellos", self._real.answered_hellos, self._one)

    @property
    def over_relays(self) -> Any:
        """The sessions that a relay passed on."""
        return NotedPart("over_relays", self._real.over_relays, self._one)


class NotedPart:
    """A part of an index that answers questions about the other conversations."""

    def __init__(self, name: str, real: object, one: Conversation | None) -> None:
        self._name = name
        self._real = real
        self._one = one

    def __getattr__(self, name: str) -> object:
        value = getattr(self._real, name)
        if callable(value):
            return self._noted(name, value)
        Watched.notes.is_lasting = False
        return value

    def __getitem__(self, key: object) -> object:
        Watched.notes.is_lasting = False
        return self._real[key]  # type: ignore[index]

    def __contains__(self, key: object) -> bool:
        Watched.notes.is_lasting = False
        return key in self._real  # type: ignore[operator]

    def _noted(self, name: str, method: Callable[..., object]) -> Callable[..., object]:
        def ask(*arguments: object) -> object:
            answer = method(*arguments)
            named = tuple(SELF if each is self._one else each for each in arguments)
            if any(isinstance(each, Conversation) for each in named):
                Watched.notes.is_lasting = False
            Watched.notes.questions.append(Question(self._name, name, named, answer))
            return answer

        return ask


class NotedCapture:
    """A capture whose facts are noted; anything else in it may change."""

    def __init__(self, real: Capture, facts: Any) -> None:
        self._real = real
        self.facts = facts

    def __getattr__(self, name: str) -> object:
        Watched.notes.is_lasting = False
        return getattr(self._real, name)


class NotedFacts:
    """The facts about an input; which of them are read is noted."""

    def __init__(self, real: InputFacts) -> None:
        self._real = real

    def __getattr__(self, name: str) -> object:
        value: object = getattr(self._real, name)
        if name in ALWAYS_CHANGING:
            Watched.notes.is_lasting = False
        else:
            Watched.notes.facts[name] = value
        return value


class NotedReliability(Reliability):
    """How far conclusions can be trusted. What it makes of facts that change all the time is itself a fact."""

    def __init__(self, facts: Any, real: Reliability) -> None:
        super().__init__(facts)
        self._real = real

    @property
    def without_time(self) -> bool:
        """Whether packets lack timestamps."""
        Watched.notes.facts["reliability.without_time"] = self._real.without_time
        return self._real.without_time

    @property
    def packets_not_read(self) -> int:
        """How many packets have a link type that is not read."""
        Watched.notes.facts["reliability.packets_not_read"] = self._real.packets_not_read
        return self._real.packets_not_read
