"""Commands are found, built and suggested although none is imported before it is called."""

from __future__ import annotations

from importlib import import_module

import pytest
from typer.testing import CliRunner, Result

from ibsniff.cli.app import app
from ibsniff.cli.group import MODULES


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_every_command_of_every_module_is_listed() -> None:
    defined = {
        info.name or (info.callback.__name__ if info.callback else "")
        for module in set(MODULES.values())
        for info in import_module(f"ibsniff.cli.{module}").app.registered_commands
    }
    assert defined == set(MODULES)


def test_help_names_all_in_order() -> None:
    shown = run("--help").stdout
    places = [shown.index(f"│ {name} ") for name in MODULES]
    assert places == sorted(places)


def test_help_omits_types_that_say_nothing() -> None:
    for name in MODULES:
        shown = run(name, "--help").stdout
        assert "<bool>" not in shown
        assert "<list" not in shown


def test_for_a_mistyped_command_a_similar_one_is_suggested() -> None:
    result = run("raed", "x.pcap")
    assert result.exit_code == 2
    assert "Did you mean read?" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["read", "x", "--fail-on", "rubbish"], "--fail-on"),
        (["read", "x", "--jobs", "many"], "--jobs"),
        (["read", "x", "--jobs", "0"], "--jobs"),
        (["simulate", "ok", "--port", "high"], "--port"),
        (["streams"], "FILE"),
    ],
)
def test_values_that_do_need_conversion_are_still_checked(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output
