"""Wrong usage in our own form: what is wrong, and what to write instead, on two lines; exit code 2.

What typer raises is told by its name: since 0.29 its classes are its own, before that they were click's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from enum import Enum
from typing import Any, get_args

import typer

from ibsniff.cli.errors import print_error
from ibsniff.model import ExitCode, UserError

USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]
"""The base of everything that is raised about a command line."""

MAX_SUGGESTIONS = 3


@contextmanager
def usage_errors(ctx: Any = None, *, is_completion: bool = False) -> Iterator[None]:
    """Report wrong usage, and end with exit code 2; typer would draw a box around it."""
    try:
        yield
    except USAGE_ERROR as error:
        if is_completion or type(error).__name__ == "NoArgsIsHelpError":  # the latter prints the help
            raise
        _end(_explained(error, getattr(error, "ctx", None) or ctx))
    except UserError as error:
        _end(error)


def _end(error: UserError) -> None:
    print_error(error)
    raise typer.Exit(error.exit_code) from None


def usage(what: str, what_to_do: str) -> UserError:
    """An error in what the user typed."""
    return UserError(what, what_to_do, ExitCode.USAGE)


def _explained(error: Any, ctx: Any) -> UserError:
    match type(error).__name__:
        case "NoSuchOption":
            return _no_such_option(str(error.option_name), ctx)
        case "BadOptionUsage":
            return _bad_option(str(error.option_name), str(error.message), ctx)
        case "MissingParameter":
            return usage(f"{_name(error.param) if error.param else 'an argument'} is missing", how_to_use(ctx))
    extra = re.fullmatch(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", str(error.message), re.DOTALL)
    if extra:
        return usage(f"'{ctx.info_name}' does not take '{extra[1]}'", how_to_use(ctx))
    return usage(str(error.format_message()).rstrip("."), how_to_use(ctx))


def _no_such_option(option: str, ctx: Any) -> UserError:
    if ctx.parent is None:
        return usage(
            f"there is no option {option} before a command",
            f"Options stand behind a command: ibsniff read FILE {option}. 'ibsniff help' lists all commands",
        )
    known = [name for parameter in ctx.command.get_params(ctx) for name in parameter.opts if name.startswith("--")]
    what = f"'{ctx.info_name}' has no option {option}"
    return usage(what, " ".join([*did_you_mean(option, known), f"'{ctx.command_path} --help' lists all options"]))


def _bad_option(option: str, message: str, ctx: Any) -> UserError:
    parameter = next((one for one in ctx.command.get_params(ctx) if option in one.opts), None)
    if parameter is None or "requires" not in message:
        return usage(f"{option} does not take a value", f"Write it alone: {ctx.command_path} {option}")
    return usage(f"{option} needs a value", f"Write it behind the option: {option} {_values(parameter) or 'VALUE'}")


def bad_value(parameter: Any, value: object) -> UserError:
    """An option or argument cannot have this value."""
    first = value[0] if isinstance(value, Sequence) and not isinstance(value, str) and value else value
    name, choices = _name(parameter), _choices(parameter)
    if choices:
        near = did_you_mean(str(first), choices)
        return usage(f"{name} {first}: no such value", " ".join([*near, f"It can be {_listed(choices)}"]))
    return usage(f"{name} {first}: not a value that it can have", f"Give {_range(parameter)}")


def did_you_mean(typed: str, known: Sequence[str]) -> list[str]:
    """A question that names what is nearest; nothing if nothing is near."""
    names = {name.lstrip("-"): name for name in known}
    near = [names[name] for name in get_close_matches(typed.lstrip("-"), names, MAX_SUGGESTIONS)]
    return [f"Did you mean {_listed(near)}?"] if near else []


def how_to_use(ctx: Any) -> str:
    """How the command is used."""
    pieces = " ".join(ctx.command.collect_usage_pieces(ctx))
    pieces = re.sub(r"[{}]", "", pieces).replace("]...", "...]").replace("......", "...")
    return f"Use: {ctx.command_path} {pieces} ('{ctx.command_path} --help' explains more)"


def _listed(names: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _name(parameter: Any) -> str:
    """As the user knows it: the long form of an option, the name of an argument in the help."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper()).strip("[].")
    return str(max(parameter.opts, key=len))


def _values(parameter: Any) -> str:
    return str(parameter.metavar or "|".join(_choices(parameter)))


def _annotation(parameter: Any) -> Any:
    annotation = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    return next(iter(get_args(annotation)), annotation)


def _choices(parameter: Any) -> list[str]:
    annotation = _annotation(parameter)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [str(member.value) for member in annotation]
    return [str(choice) for choice in getattr(getattr(parameter, "type", None), "choices", None) or ()]


def _range(parameter: Any) -> str:
    """``a whole number from 1 to 65535``."""
    kind = getattr(parameter, "type", None)
    is_whole = _annotation(parameter) is int or "int" in str(getattr(kind, "name", ""))
    low, high = (getattr(parameter, side, None) for side in ("min", "max"))
    low, high = getattr(kind, "min", None) if low is None else low, getattr(kind, "max", None) if high is None else high
    number = "a whole number" if is_whole else "a number"
    if low is not None and high is not None:
        return f"{number} from {low} to {high}"
    return f"{number}, {low} or more" if low is not None else number


def is_path(argument: str) -> bool:
    """Whether an argument in the place of a command looks like a file, or is one."""
    return "." in argument or os.sep in argument or os.path.lexists(argument)
