"""The name of a program as its user knows it: ``python bot.py`` and not ``python3.11``.

Only the script, module or class that an interpreter runs is taken from a command line. The arguments after it may hold
passwords and are never looked at; what has not the form of a name is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

MAX_SCRIPT = 40
"""Characters of a script's name."""

PYTHON = re.compile(r"python[\d.]*(\.exe)?|pythonw(\.exe)?|pypy[\d.]*(\.exe)?", re.IGNORECASE)
JAVA = re.compile(r"javaw?(\.exe)?", re.IGNORECASE)
NODE = re.compile(r"node(js)?(\.exe)?|deno(\.exe)?|bun(\.exe)?", re.IGNORECASE)

PYTHON_VALUES = ("-W", "-X")
"""Options of Python whose value is an argument of its own."""
JAVA_VALUES = (
    "-cp",
    "-classpath",
    "--class-path",
    "-p",
    "--module-path",
    "--add-modules",
    "--add-opens",
    "--add-exports",
)
NODE_VALUES = ("-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions")

FILE_NAME = re.compile(r"[\w.+-]+")
CLASS_NAME = re.compile(r"[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*")


def script_name(command: Sequence[str]) -> str | None:
    """The script, module or class that this command line runs; None if it is no interpreter, or that is not certain."""
    program, arguments = _last_part(command[0]) if command else "", iter(command[1:])
    if PYTHON.fullmatch(program):
        return _script_of_python(arguments)
    if JAVA.fullmatch(program):
        return _class_of_java(arguments)
    return _script_of_node(arguments) if NODE.fullmatch(program) else None


def _script_of_python(arguments: Iterator[str]) -> str | None:
    """``bot.py``, or ``-m package.module``; nothing of ``-c``, whose code may hold anything."""
    for argument in arguments:
        if argument in PYTHON_VALUES:
            next(arguments, None)
        elif not argument.startswith("-"):
            return _file(argument)
        elif argument.startswith(PYTHON_VALUES):
            continue
        elif re.fullmatch("-[a-zA-Z]*m", argument):
            module = next(arguments, "")
            return f"-m {module}"[:MAX_SCRIPT] if CLASS_NAME.fullmatch(module) else None
        elif argument == "-" or "c" in argument or argument.startswith("--"):
            return None
    return None


def _class_of_java(arguments: Iterator[str]) -> str | None:
    """The main class, or the jar."""
    for argument in arguments:
        if argument in JAVA_VALUES:
            next(arguments, None)
        elif argument == "-jar":
            return _file(next(arguments, ""))
        elif not argument.startswith("-"):
            return argument[-MAX_SCRIPT:] if CLASS_NAME.fullmatch(argument) else None
    return None


def _script_of_node(arguments: Iterator[str]) -> str | None:
    for argument in arguments:
        if argument in NODE_VALUES:
            next(arguments, None)
        elif not argument.startswith("-"):
            return _file(argument) if argument.endswith(("js", "ts")) else None
    return None


def _file(path: str) -> str | None:
    name = _last_part(path)
    return name[:MAX_SCRIPT] if FILE_NAME.fullmatch(name) else None


def _last_part(path: str) -> str:
    return re.split(r"[/\\]", path)[-1]
