"""Commands that are imported only when they are called, so that the report about a small file appears at once.

Two things make a typer command line slow: importing and building commands that are not called, and, since typer 0.29,
importing pydantic (0.06 s: more than all of ibsniff) to convert a string to a string.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup
from typer.main import get_command_from_info

from ibsniff.cli.usage import USAGE_ERROR, bad_value, did_you_mean, usage, usage_errors

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


HELP = "help"
"""What people type to see how a program is used."""


class LazyCommand(TyperCommand):
    """A command that converts only the values that need conversion."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the options; what is wrong with them is said in our own form."""
        with usage_errors(ctx, is_completion=ctx.resilient_parsing):
            return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> list[Any]:
        """All parameters of the command."""
        return [_without_needless_conversion(parameter) for parameter in super().get_params(ctx)]


class LazyGroup(TyperGroup):
    """The commands, each imported and built when it is called; only help needs all of them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": {}})

    def get_params(self, ctx: Any) -> list[Any]:
        """All options that stand before the name of the command."""
        return [_without_needless_conversion(parameter) for parameter in super().get_params(ctx)]

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Parse what stands before the command."""
        with usage_errors(is_completion=extra.get("resilient_parsing", False)):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Find the command, parse its options, and run it."""
        with usage_errors(ctx):
            return super().invoke(ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """``help`` is ``--help``, and ``help read`` is ``read --help``; ``help`` for anything else is ``explain``."""
        if args[:1] == [HELP]:
            args = [*args[1:], "--help"] if not args[1:] or args[1] in MODULES else ["explain", *args[1:]]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; for an unknown name suggest a similar one."""
        if args and args[0] not in MODULES and not ctx.resilient_parsing:
            near = did_you_mean(args[0], list(MODULES))
            raise usage(f"there is no command '{args[0]}'", " ".join([*near, "'ibsniff help' lists all commands"]))
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands, in the order of help."""
        return [name for name in MODULES if self.get_command(ctx, name)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and build a command."""
        if cmd_name in MODULES and cmd_name not in self.commands:
            self.commands[cmd_name] = self._build(cmd_name)
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
            try:
                return convert(ctx, value)
            except USAGE_ERROR as error:
                if type(error).__name__ == "BadParameter":
                    raise bad_value(parameter, value) from None
                raise
        return value if parameter.callback is None else parameter.callback(ctx, parameter, value)

    parameter.process_value = process_value
    return parameter


def _no_type(*_: Any, **__: Any) -> None:
    """No type: a flag has none, and the name of an argument says enough."""
