"""The tables of ``ibsniff/tcp/README.md``: every row is a script that does what the row says."""

from __future__ import annotations

from pathlib import Path

import pytest
from tcp_oracle import REASONS
from tcp_replay import Replay
from wire import Wire

import ibsniff.tcp
from ibsniff.model import ACK, FIN, RST, SYN, Half, Side
from ibsniff.tcp import conn_state
from ibsniff.tcp.state import MEANINGS

README = (Path(ibsniff.tcp.__file__).parent / "README.md").read_text("utf-8")

WORDS = {
    "ack": lambda wire, side: wire.ack(side or Side.CLIENT),
    "again": lambda wire, back: wire.again(int(back), after=0.2),
    "client": lambda wire, text: wire.client(text.encode()),
    "server": lambda wire, text: wire.server(text.encode()),
    "zero_window": lambda wire, _: wire.ack(window=0),
    "fin_and_rst": lambda wire, _: wire.segment(Side.CLIENT, FIN | RST | ACK),
    "syn_and_fin": lambda wire, _: wire.segment(Side.CLIENT, SYN | FIN),
}
"""What a script says that is no method of ``Wire`` without arguments."""


def table(name: str) -> list[list[str]]:
    lines = README.partition(f"<!-- {name} -->\n")[2].partition("<!-- end -->")[0].splitlines()[2:]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]


def play(script: str) -> Replay:
    wire = Wire()
    for word in script.split():
        name, _, argument = word.partition(":")
        if name in WORDS:
            WORDS[name](wire, argument)
        else:
            getattr(wire, name)()
    return Replay(wire.segments())


@pytest.mark.parametrize(("state", "meaning", "history", "script"), table("states"))
def test_a_state_and_its_script(state: str, meaning: str, history: str, script: str) -> None:
    connection = play(script).connection
    assert (conn_state(connection), connection.history) == (state, history)
    assert MEANINGS[state] == meaning


def test_all_thirteen_states_are_there() -> None:
    assert [row[0] for row in table("states")] == list(MEANINGS)
    assert len(MEANINGS) == 13


@pytest.mark.parametrize(("letter", "script"), [(row[0], row[2]) for row in table("letters")])
def test_a_letter_is_written_for_what_its_script_ends_with(letter: str, script: str) -> None:
    assert letter in play(script).connection.history
    shorter = script.rpartition(" ")[0]
    assert letter == "^" or not shorter or letter not in play(shorter).connection.history


def test_the_letters_of_all_scripts_are_explained() -> None:
    letters = {row[0].upper() for row in table("letters")}
    assert {letter.upper() for row in table("states") for letter in row[2]} <= letters
    assert len(letters) == 12


def test_the_counters_are_there() -> None:
    rows = README.partition("| counter of a `Half`")[2].partition("\n\n")[0].splitlines()[2:]
    names = [name.strip(" `,") for row in rows for name in row.split("|")[1].split("`") if name.strip(" ,")]
    assert set(names) <= set(Half.__dataclass_fields__)
    assert len(names) == 10


def test_every_reason_for_a_difference_is_given() -> None:
    rows = {row[0]: row[3] for row in table("differences") if not row[0].startswith("same: ")}
    assert rows == REASONS
