"""Which hellos were answered in a capture; thousands of unanswered ones may each be compared with them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence

from ibsniff.facts.intervals import RangeMinimum
from ibsniff.model import Conversation, Dialect, Hello, Outcome, WireBytes


class AnsweredHellos:
    """The hellos that a server answered, whatever happened afterwards."""

    def __init__(self, conversations: Sequence[Conversation]) -> None:
        self._conversations = conversations
        found: dict[Dialect, list[tuple[WireBytes, int]]] = defaultdict(list)
        for place, one in enumerate(conversations):
            if one.outcome is Outcome.REPLIED and one.dialogue.hello is not None:
                found[one.dialogue.hello.dialect].append((one.dialogue.hello.raw, place))
        self._by_dialect = {dialect: _Prefixes(hellos) for dialect, hellos in found.items()}

    def same_bytes(self, hello: Hello) -> Conversation | None:
        """The first conversation in which a hello that begins with these bytes was answered."""
        answered = self._by_dialect.get(hello.dialect)
        place = answered.first_that_begins_with(hello.raw) if answered else None
        return None if place is None else self._conversations[place]


class _Prefixes:
    """Byte strings and their places in the capture."""

    def __init__(self, hellos: Iterable[tuple[WireBytes, int]]) -> None:
        ordered = sorted(hellos)
        self._raw = [raw for raw, _ in ordered]
        self._places = RangeMinimum(place for _, place in ordered)

    def first_that_begins_with(self, raw: WireBytes) -> int | None:
        begins = bisect_left(self._raw, raw)
        return self._places.between(
            begins, bisect_right(self._raw, raw, begins, key=lambda one: one.beginning(len(raw)))
        )
