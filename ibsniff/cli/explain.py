"""``ibsniff explain`` and ``rules``: what codes, error numbers, words of the report and a program's errors mean."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from ibsniff.cli import completion
from ibsniff.cli.app import app, console, handle_errors
from ibsniff.model import ExitCode, UserError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ibsniff.lookup.explanations import Explanation
    from ibsniff.render.screen import ConsoleWriter

MAX_WIDTH = 100
"""Longer lines are hard to read."""
MAX_LABEL_WIDTH = 24
"""Three codes."""


@app.command()
def explain(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WHAT",
            help="A rule's code or name, an error number of IB, a word of the report, or what your program printed. "
            "Nothing: list all that can be looked up.",
            autocompletion=completion.codes,
        ),
    ] = None,
) -> None:
    """Look something up: a code, an error number, a word of the report, or an error that your program printed."""
    with handle_errors():
        if words is None:
            _print(_overview())
            return
        from ibsniff.lookup import explanations, search

        query = " ".join(words)
        found = search.find(query)
        if not found:
            raise UserError(
                f"nothing is known about '{query}'", _what_to_ask(search.suggestions(query)), ExitCode.USAGE
            )
        _print(explanations.explain(answer) for answer in found)


def _what_to_ask(nearest: list[str]) -> str:
    everything = "'ibsniff explain' lists all that can be looked up"
    return f"Did you mean: {', '.join(nearest)}?  {everything}" if nearest else everything


def _print(explanations: Iterator[Explanation]) -> None:
    from rich.console import Group

    from ibsniff.render.screen import ConsoleWriter, print_trimmed
    from ibsniff.render.text import Masker

    screen = console()
    writer = ConsoleWriter(Masker(show_accounts=True), screen.options.ascii_only, screen.color_system is not None)
    for number, explanation in enumerate(explanations):
        if number:
            print()
        print_trimmed(screen, Group(*_laid_out(explanation, writer)), min(screen.width, MAX_WIDTH))


def _laid_out(explanation: Explanation, writer: ConsoleWriter) -> Iterator[RenderableType]:
    from rich.padding import Padding

    from ibsniff.render.screen import columns

    yield writer.text(explanation.title, "bold")
    for part in explanation.parts:
        yield writer.literal("")
        if isinstance(part, str):
            yield writer.prose(part)
            continue
        table = columns("left", "left", gap=2)
        table.columns[0].max_width = MAX_LABEL_WIDTH
        for left, right in part:
            table.add_row(writer.text(left, "bold cyan"), writer.prose(right))
        yield Padding(table, (0, 0, 0, 2))


def _overview() -> Iterator[Explanation]:
    """Everything that can be looked up."""
    from ibsniff.ib.error_table import all_errors
    from ibsniff.lookup.client_messages import CLIENT_MESSAGES
    from ibsniff.lookup.explanations import Explanation, Rows
    from ibsniff.lookup.words import HISTORY_LETTERS, WORDS
    from ibsniff.rules import all_rules
    from ibsniff.tcp.state import MEANINGS

    by_kind = groupby(WORDS, key=lambda word: word.kind)
    words: Rows = tuple((kind, ", ".join(word.names[0] for word in group)) for kind, group in by_kind)
    streams: Rows = (
        ("state in streams", ", ".join(MEANINGS)),
        ("history in streams", f"ShADaF and the like, of the letters {' '.join(HISTORY_LETTERS)}"),
    )
    rules = all_rules()
    codes: Rows = (
        ("code of a rule", f"{rules[0].code} to {rules[-1].code}; `ibsniff rules` lists all {len(rules)}"),
        ("name of a rule", f"{rules[0].name}, and the others"),
        ("error number of IB", _ranges(sorted(all_errors()))),
        ("message of IB's API", "REQ_MKT_DATA or reqMktData, and all others"),
    )
    printed: Rows = tuple((f"{message.texts[0]}", message.printed_by) for message in CLIENT_MESSAGES)
    yield Explanation("What ibsniff explain takes", (codes, words, streams))
    whole_lines = "A whole line of a log may be pasted; capital letters, quotes and numbers in it do not matter."
    yield Explanation("What your program printed", (whole_lines, printed))


def _ranges(numbers: list[int]) -> str:
    """``100 to 107, 109``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


@app.command()
def rules(
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print all rules with their explanations as Markdown.")
    ] = False,
) -> None:
    """List all rules, a line each."""
    from ibsniff.rules import all_rules, catalogue

    with handle_errors():
        if as_markdown:
            print(catalogue(), end="")
            return
        for rule in all_rules():
            print(f"{rule.code}  {rule.severity:<7}  {rule.title}")
