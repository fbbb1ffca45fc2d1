"""Commands that are imported only when they are called, so that the report about a small file appears at once.

Two things make a typer command line slow: importing and building commands that are not called, and, since typer 0.29,
importing pydantic (0.06 s: more than all of ibsniff) to convert a string to a string.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup
from typer.main import get_command_from_info

if TYPE_CHECKING:
    from typer import Typer
    from typer.models import CommandInfo

MODULES = {
    "read": "read",
    "demo": "read",
    "live": "live",
    "interfaces": "live",
    "flow": "flow",
    "requests": "requests",
    "streams": "streams",
    "regress": "regress",
    "explain": "explain",
    "rules": "explain",
    "simulate": "simulate",
}
"""Command -> the module of this package that defines it, in the order of ``--help``."""


class LazyCommand(TyperCommand):
    """A command that converts only the values that need conversion."""

    def get_params(self, ctx: Any) -> list[Any]:
        """All parameters of the command."""
        return [_without_needless_conversion(parameter) for parameter in super().get_params(ctx)]


class LazyGroup(TyperGroup):
    """The commands, each imported and built when it is called; only help and a mistyped name need all of them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": {}})

    def get_params(self, ctx: Any) -> list[Any]:
        """All options that stand before the name of the command."""
        return [_without_needless_conversion(parameter) for parameter in super().get_params(ctx)]

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands, in the order of help."""
        return [name for name in MODULES if self.get_command(ctx, name)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and build a command; for an unknown name all of them, so that a similar one can be suggested."""
        for name in [cmd_name] if cmd_name in MODULES else MODULES:
            if name not in self.commands:
                self.commands[name] = self._build(name)
        return super().get_command(ctx, cmd_name)

    def _build(self, name: str) -> Any:
        module = importlib.import_module(f"ibsniff.cli.{MODULES[name]}")
        defined: Typer = module.app
        info = next(info for info in defined.registered_commands if _name(info) == name)
        info.cls = LazyCommand
        return get_command_from_info(info, pretty_exceptions_short=False, rich_markup_mode=self.rich_markup_mode)


def _name(info: CommandInfo) -> str | None:
    return info.name or (info.callback.__name__ if info.callback else None)


def _without_needless_conversion(parameter: Any) -> Any:
    """Let a parameter convert neither its default nor a text that stays a text.

    click converts a value in ``process_value`` (documented for Parameter). Before typer 0.29 parameters have no
    ``type_descriptor``, and conversion is cheap.
    """
    if "process_value" in vars(parameter):
        return parameter
    if getattr(parameter, "is_flag", False) or parameter.param_type_name == "argument":
        parameter.display_type_rich = _no_type  # <bool> and <list[str]> say nothing, and take space in the help
    convert = parameter.process_value
    described = getattr(parameter, "type_descriptor", None)
    is_text = described is not None and described.annotation in (str, list[str])

    def process_value(ctx: Any, value: Any) -> Any:
        is_default = value is parameter.default and not parameter.required
        if not is_default and not (value and is_text):
            return convert(ctx, value)
        return value if parameter.callback is None else parameter.callback(ctx, parameter, value)

    parameter.process_value = process_value
    return parameter


def _no_type(*_: Any, **__: Any) -> None:
    """No type: a flag has none, and the name of an argument says enough."""
