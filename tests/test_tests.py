"""What holds for the tests themselves: they know what they test by its public names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
NOT_PRIVATE = {"_replace", "_asdict", "_fields", "_make"}
"""Methods of named tuples begin with an underscore so that they cannot be taken for fields."""
NO_OTHER_WAY = {("os", "_exit")}
"""Python's own: ends a process without asking anybody, which is what is played there."""


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in NOT_PRIVATE


def own_names(tree: ast.Module) -> set[str]:
    """Private names that the file itself gives: to functions, fields, and what it sets on ``self``."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node.value):
            names.add(node.attr)
    return names


def is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def foreign_privates(source: str) -> Iterator[tuple[int, str]]:
    """Lines where a private name of another file is read, set, imported or replaced, and that name."""
    tree = ast.parse(source)
    own = own_names(tree)
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Attribute):
            names = [node.attr] if (ast.unparse(node.value), node.attr) not in NO_OTHER_WAY else []
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("setattr", "getattr"):
            words = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            names = [word.rpartition(".")[2] for word in words]
        yield from ((node.lineno, name) for name in names if is_private(name) and name not in own)


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_no_test_knows_private_names_of_what_it_tests(path: Path) -> None:
    found = [f"line {line}: {name}" for line, name in foreign_privates(path.read_text(encoding="utf-8"))]
    assert not found, "\n".join(["test it by what it does, or give it a public name:", *found])


@pytest.mark.parametrize(
    "source",
    [
        "assert table._rows == 5",
        "wire._sent = []",
        "assert room._LIMIT == 4",
        "from ibsniff.net.segment import _parse",
        "def test(monkeypatch):\n    monkeypatch.setattr(room, '_LIMIT', 4)",
        "def test(monkeypatch):\n    monkeypatch.setattr('ibsniff.net.segment._LIMIT', 4)",
    ],
)
def test_private_names_are_found(source: str) -> None:
    assert len(list(foreign_privates(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "one._replace(number=3)",
        "class Fake:\n    def __init__(self, other):\n        self._rows = other._rows",
        "def _help(): ...\n_help()",
        "import os\nos._exit(9)",
        "def test(monkeypatch):\n    monkeypatch.setattr(Path, '__init__', None)",
    ],
)
def test_what_is_not_private_or_ones_own_is_not(source: str) -> None:
    assert not list(foreign_privates(source))
