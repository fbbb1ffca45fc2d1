from __future__ import annotations

from ibsniff.lookup.legend import legend
from ibsniff.lookup.words import HISTORY_LETTERS
from ibsniff.tcp.state import MEANINGS


def test_only_what_occurs_is_explained() -> None:
    assert legend([], []) == []
    rows = dict(legend(["S0", "SF", "S0"], ["S", "^hR"]))
    assert list(rows) == ["S0", "SF", "letters"]
    assert (
        rows["letters"]
        == "s SYN, h SYN-ACK, r RST, ^ the first packet captured was the server's; capital letters are the client's"
    )


def test_every_state_and_letter_has_a_meaning() -> None:
    rows = dict(legend(MEANINGS, HISTORY_LETTERS))
    assert set(rows) == {*MEANINGS, "letters"}
