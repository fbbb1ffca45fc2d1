"""What the states and the letters in a list of TCP conversations mean."""

from __future__ import annotations

from collections.abc import Iterable

from ibsniff.lookup.words import HISTORY_LETTERS
from ibsniff.tcp.state import MEANINGS

SHORT = {letter: meaning.partition(":")[0] for letter, meaning in HISTORY_LETTERS.items()}


def legend(states: Iterable[str], histories: Iterable[str]) -> list[tuple[str, str]]:
    """Rows for those that occur: a state and its meaning; and in one row the letters of the histories."""
    occurring, letters = set(states), {letter.lower() for history in histories for letter in history}
    rows = [(state, MEANINGS[state]) for state in MEANINGS if state in occurring]
    events = ", ".join(f"{letter} {SHORT[letter]}" for letter in SHORT if letter in letters)
    return [*rows, ("letters", f"{events}; capital letters are the client's")] if events else rows
