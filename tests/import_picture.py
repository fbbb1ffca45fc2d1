"""Print how the modules of the package depend on each other: ``python tests/import_picture.py [CHECKOUT]``.

It names the cycles (imports inside functions count, imports for type checkers do not), what stands loose at the top of
the package, and for each room its modules, its lines and its floors: the longest chain of modules of the room in which
each imports the next one. A room with one floor has no helpers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from test_laws import PACKAGE, ROOT, Module, parse

Graph = dict[str, set[str]]


@dataclass
class Picture:
    """The modules of one checkout, by name without the package."""

    modules: dict[str, Module]
    lines: dict[str, int]

    @cached_property
    def graph(self) -> Graph:
        """Which module imports which, wherever in the file."""
        return {name: set(self._imported(module)) - {name} for name, module in self.modules.items()}

    def _imported(self, module: Module) -> Iterator[str]:
        for found in module.imports():
            if found.ours and not found.for_types:
                target = found.target
                while target and target not in self.modules:
                    target = target.rpartition(".")[0]
                if target or found.target in self.modules:
                    yield target

    @cached_property
    def cycles(self) -> list[list[str]]:
        """Modules that lead back to themselves, together with those on the way."""
        reached = {name: reachable(self.graph, name) for name in self.graph}
        found = {frozenset(other for other in reached[name] if name in reached[other]) for name in self.graph}
        return sorted(sorted(those) for those in found if len(those) > 1)

    @property
    def rooms(self) -> list[str]:
        """Packages at the top."""
        return sorted({name.partition(".")[0] for name in self.modules if "." in name})

    @property
    def loose(self) -> list[str]:
        """Modules at the top that are no room."""
        return sorted(name for name in self.modules if name and "." not in name and name not in self.rooms)

    def of_room(self, room: str) -> list[str]:
        """Its modules, without the file that makes it a package."""
        return sorted(name for name in self.modules if name.startswith(room + "."))

    def longest_chain(self, room: str) -> list[str]:
        """The longest row of modules of a room in which each imports the next one; a cycle counts as its first module."""
        first = {name: cycle[0] for cycle in self.cycles for name in cycle}
        inside = self.of_room(room)
        graph: Graph = {first.get(name, name): set() for name in inside}
        for name in inside:
            mine = first.get(name, name)
            graph[mine] |= {first.get(other, other) for other in self.graph[name]} & graph.keys() - {mine}
        return longest_path(graph)


def picture(root: Path) -> Picture:
    """Parse all modules below a checkout."""
    modules, lines = {}, {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root / PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        source = path.read_text(encoding="utf-8")
        modules[name], lines[name] = parse(name, source, str(path.relative_to(root))), source.count("\n")
    return Picture(modules, lines)


def reachable(graph: Graph, start: str) -> set[str]:
    """What can be reached from a module in one step or more."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for name in graph[waiting.pop()] - seen:
            seen.add(name)
            waiting.append(name)
    return seen


def longest_path(graph: Graph) -> list[str]:
    """The longest path in a graph without cycles, the first of several."""

    @cache
    def path_from(name: str) -> list[str]:
        return [name, *max(map(path_from, sorted(graph[name])), key=len, default=[])]

    return max(map(path_from, sorted(graph)), key=len, default=[])


def described(shown: Picture) -> Iterable[str]:
    """The picture in lines of text."""
    yield f"{len(shown.modules)} modules, {sum(shown.lines.values()):,} lines"
    yield f"at the top: {len(shown.rooms)} rooms, and {len(shown.loose)} loose modules: {', '.join(shown.loose)}"
    yield f"cycles: {len(shown.cycles)}"
    yield from (f"  {' <-> '.join(cycle)}" for cycle in shown.cycles)
    yield f"{'room':<12} {'modules':>7} {'lines':>7} {'floors':>6}  the longest chain"
    for room in shown.rooms:
        names, chain = shown.of_room(room), shown.longest_chain(room)
        lines = sum(shown.lines.get(name, 0) for name in (*names, room))
        yield f"{room:<12} {len(names):>7} {lines:>7,} {len(chain):>6}  " + " > ".join(
            name.removeprefix(room + ".") for name in chain
        )


def main() -> None:
    """Print the picture of this checkout, or of the one that is named."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    print(*described(picture(root)), sep="\n")


if __name__ == "__main__":
    main()
