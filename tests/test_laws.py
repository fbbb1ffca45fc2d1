"""The laws of the package, held over its source: who may import whom, no clock, no print, nothing undocumented.

Each law is a function from modules to the sentences it has to say; each is also shown to bite.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import pytest

from ibsniff.model import InputFacts

ROOT = Path(__file__).parents[1]
PACKAGE = "ibsniff"

PIPELINE = ("api_traffic", "other_traffic", "tracking", "snapshot", "judgement", "remembered", "columns")
"""The parts that the pipeline puts in order."""

MAY_IMPORT = {
    "": {"api", "model"},
    "api": {
        "model",
        "analysis.api_traffic",
        "analysis.judgement",
        "analysis.pipeline",
        "analysis.reading",
        "analysis.watched_until",
        "capture.input_record",
        "render.document",
        "render.markdown",
    },
    "clock": set(),
    "masking": {"clock"},
    "model": {"masking.wire_text", "masking.sentence"},
    "formatting": {"model", "masking.times"},
    "capture": {"model", "clock", "masking.sentence", "formatting", "ib.names"},
    "net": {"model", "ib.names"},
    "tcp": {"model", "ib.names"},
    "ib": {"model"},
    "facts": {"model", "formatting.seconds", "formatting.seconds_between", "ib.names", "ib.errors"},
    "timeline": {"model", "formatting", "ib.names", "ib.errors"},
    "rules": {
        "model",
        "masking.sentence",
        "formatting",
        "facts",
        "timeline",
        "ib.names",
        "ib.errors",
        "ib.error_table",
    },
    "diagnosis": {"model", "masking.sentence", "facts", "formatting", "ib.errors", "ib.error_table"},
    "render": {
        "model",
        "clock",
        "masking",
        "formatting",
        "timeline",
        "ib.names",
        "ib.errors",
        "ib.error_table",
        "lookup.words",
        "facts.network_path",
        "facts.recovery",
        "facts.relay_legs",
        "facts.server_clock",
    },
    "lookup": {"model", "ib.error_table", "ib.names", "rules", "tcp.state"},
    "standin": {"model.UserError", "model.ExitCode", "ib.names", "ib.errors"},
    "analysis.api_traffic": {"model", "ib.names"},
    "analysis.other_traffic": {"model"},
    "analysis.tracking": {"model", "ib", "diagnosis", "analysis.api_traffic"},
    "analysis.snapshot": {"model"},
    "analysis.judgement": {
        "model",
        "diagnosis",
        "facts",
        "rules",
        "analysis.narrowing",
        "analysis.snapshot",
        "analysis.spool",
        "analysis.remembered",
    },
    "analysis.narrowing": {"model", "facts", "rules"},
    "analysis.pieces": {"model", "analysis.snapshot"},
    "analysis.noted_index": {"model", "facts", "analysis.snapshot"},
    "analysis.remembered": {"model", "diagnosis", "rules", "analysis.noted_index", "analysis.snapshot"},
    "analysis.spool": {"model"},
    "analysis.pipeline": {
        "model",
        "net",
        "tcp",
        "ib.dialogue",
        "diagnosis",
        *(f"analysis.{name}" for name in PIPELINE),
    },
    "analysis.columns": {"model", "net", "tcp", "ib"},
    "analysis.watched_until": {"model", "clock", "capture.input_record"},
    "analysis.reading_progress": {"model", "capture", "analysis.pipeline"},
    "analysis.reading": {
        "model",
        "capture",
        "analysis.api_traffic",
        "analysis.judgement",
        "analysis.narrowing",
        "analysis.pipeline",
        "analysis.reading_progress",
        "analysis.snapshot",
        "analysis.spool",
        "analysis.watched_until",
    },
    "analysis.streams": {"model", "net", "tcp", "ib"},
    "analysis.contents": {"model", "net", "tcp"},
    "analysis.workers": {"model"},
    "analysis.changes": {"model", "analysis.pipeline"},
    "analysis.following": {"model", "analysis.changes", "analysis.pipeline"},
    "recording.recorder": {"model", "formatting", "capture", "recording.evidence"},
    "recording.evidence": {"model", "capture.blocks", "net"},
    "screens": {"model", "clock", "formatting", "ib.names", "render", "timeline", "analysis.changes"},
    "regression": {
        "model",
        "capture",
        "ib.accounts",
        "masking",
        "analysis.api_traffic",
        "analysis.reading",
        "analysis.contents",
        "render",
    },
    "__main__": {"cli"},
}
"""Room, or module of a room whose modules differ, -> what it may import besides its own room and the package's version.

``cli`` may import everything. A room that is not here may import nothing: a new one begins with a row.
"""

MEET_THE_WORLD = {"capture", "standin", "cli"}
NOT_ON_WINDOWS = {"fcntl", "termios", "resource", "pwd", "grp"}
LAZY_HOMES = {
    "scapy": ("capture.scapy_backend",),
    "dpkt": ("capture", "net"),
    "psutil": ("capture.processes", "capture.host_network"),
}
"""Slow to import, so only inside functions, and only there."""

COLUMN_LANE = (
    "model.arrays",
    "analysis.columns",
    "capture.ring_columns",
    "capture.columns",
    "net.columns",
    "net.checksums",
    "tcp.columns",
    "ib.column_messages",
    "ib.columns",
    "ib.known_words",
    "ib.request_columns",
    "ib.request_words",
)
"""What alone may import numpy at its top, and is itself imported inside functions: a small capture must not pay for it."""

INPUT_WRITERS = {"capture.input_record", "model.inputs"}
INPUT_FACTS = {field.name for field in fields(InputFacts)}

TOP_LEVEL = {"pyproject.toml", PACKAGE, "captures", "tests", "README.md", "LICENSE", "CHANGELOG.md"}


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name, as seen from the package: ``model.Frame``, or ``scapy.config`` from outside it."""

    target: str
    ours: bool
    line: int
    in_function: bool
    for_types: bool


@dataclass(frozen=True, slots=True)
class Module:
    """A parsed source file; ``name`` is without the package: ``net.link``, or empty for the package itself."""

    name: str
    where: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The part of the package it belongs to."""
        return self.name.partition(".")[0]

    def imports(self) -> Iterator[Import]:
        """Give every import in the file."""
        yield from _imports(self.tree, in_function=False, for_types=False)


def _imports(node: ast.AST, *, in_function: bool, for_types: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            names = [alias.name for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            base = "." * child.level + (child.module or "")
            names = [f"{base}.{alias.name}" for alias in child.names]
        else:
            inside = in_function or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            types = for_types or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
            yield from _imports(child, in_function=inside, for_types=types)
            continue
        for name in names:
            ours = name == PACKAGE or name.startswith((PACKAGE + ".", "."))
            target = name.removeprefix(PACKAGE).removeprefix(".") if ours else name
            yield Import(target, ours, child.lineno, in_function, for_types)


def parse(name: str, source: str, where: str = "example.py") -> Module:
    return Module(name, where, ast.parse(source))


@cache
def package() -> tuple[Module, ...]:
    """Parse every module there is."""
    modules = []
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        modules.append(parse(name, path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))))
    return tuple(modules)


def is_within(name: str, places: Iterable[str]) -> bool:
    return any(name == place or name.startswith(place + ".") for place in places)


# ---------------------------------------------------------------------------------------------------------------
# The laws


def import_law(modules: Iterable[Module]) -> Iterator[str]:
    """A room imports the model, itself and the names of IB; the pipeline knows the order; the cli knows everything."""
    for module in modules:
        if module.room == "cli":
            continue
        row = module.name if module.name in MAY_IMPORT else module.room
        own = {module.room} if module.room and row == module.room else set()
        allowed = MAY_IMPORT.get(row, set()) | own
        for found in module.imports():
            if found.ours and found.target != "__version__" and not is_within(found.target, allowed):
                yield f"{module.where}:{found.line} {module.room or PACKAGE} may not import {found.target}"


def blame_law(modules: Iterable[Module]) -> Iterator[str]:
    """A fact is a value: what is said of it, and other causes that fit, are up to the rules."""
    for module in modules:
        for found in module.imports():
            if module.room == "facts" and found.target.rpartition(".")[2] in {"Statement", "Alternative", "Finding"}:
                yield f"{module.where}:{found.line} facts hold no {found.target}"


def lonely_rule_law(modules: Iterable[Module]) -> Iterator[str]:
    """No rule imports a rule, so that each can be read, changed and removed by itself."""
    for module in modules:
        for found in module.imports():
            if is_rule(module.name) and found.ours and is_rule(found.target):
                yield f"{module.where}:{found.line} imports another rule: {found.target}"


def is_rule(name: str) -> bool:
    return re.match(r"rules\.ibs\d", name) is not None


def memory_law(modules: Iterable[Module]) -> Iterator[str]:
    """No function among facts and rules remembers what it was asked: a capture would live on behind everybody's back."""
    for module in modules:
        for node in ast.walk(module.tree):
            if module.room in LOW_ROOMS and isinstance(node, ast.FunctionDef) and node.args.args:
                caches = [
                    ast.unparse(one)
                    for one in node.decorator_list
                    if re.search(r"\bcache\b|lru_cache", ast.unparse(one))
                ]
                if caches:
                    yield f"{module.where}:{node.lineno} {node.name} keeps its arguments alive: {caches[0]}"


FLOORS = 3
"""How deep the modules of these rooms may stand on each other: what is built higher is hard to read."""
LOW_ROOMS = ("facts", "rules")


def floors_law(modules: Iterable[Module]) -> Iterator[str]:
    """In the rooms of judgement no module stands on more than two others of its room, and none on itself, even lazily."""
    by_name = {module.name: module for module in modules if module.room in LOW_ROOMS and not is_rule(module.name)}
    below = {name: _own_room(module, by_name) for name, module in by_name.items() if name not in LOW_ROOMS}
    for name, module in by_name.items():
        floors = _floors(name, below, ())
        if floors > FLOORS:
            yield f"{module.where}:1 stands {floors} floors high in its room, or on itself"


def _own_room(module: Module, by_name: dict[str, Module]) -> set[str]:
    """The modules of its own room that it imports."""
    targets = {found.target for found in module.imports() if found.ours and is_within(found.target, (module.room,))}
    return {name for name in by_name if name != module.room and any(is_within(target, (name,)) for target in targets)}


def _floors(name: str, below: dict[str, set[str]], above: tuple[str, ...]) -> int:
    if name in above:
        return FLOORS + 1
    return 1 + max((_floors(lower, below, (*above, name)) for lower in below.get(name, ())), default=0)


def cycle_law(modules: Iterable[Module]) -> Iterator[str]:
    """No module imports itself by way of others, not even inside functions: what stands below knows nothing of what is above.

    The package itself is left out: it is loaded before each of its modules, and imports none of them by itself.
    """
    by_name = {module.name: module for module in modules}
    below = {
        name: {_module_of(found.target, by_name) for found in module.imports() if found.ours and not found.for_types}
        - {""}
        for name, module in by_name.items()
    }
    for name in below:
        path = _way_back(name, below)
        if path and name == min(path):
            yield f"{by_name[name].where}:1 imports itself: {' -> '.join([name, *path])}"
    for found in by_name[""].imports() if "" in by_name else ():
        if found.ours and not found.for_types:
            yield f"{by_name[''].where}:{found.line} the package imports {found.target} when it is loaded"


def _module_of(target: str, names: Iterable[str]) -> str:
    """The module that an imported name is in; empty for what the package itself holds."""
    return max((name for name in names if is_within(target, (name,))), key=len, default="")


def _way_back(start: str, below: dict[str, set[str]]) -> list[str]:
    """The shortest way from a module to itself; empty when there is none."""
    waiting, seen = [[lower] for lower in sorted(below[start])], set[str]()
    for path in waiting:
        if path[-1] == start:
            return path
        if path[-1] not in seen:
            seen.add(path[-1])
            waiting += [[*path, lower] for lower in sorted(below[path[-1]])]
    return []


def lazy_law(modules: Iterable[Module]) -> Iterator[str]:
    """What is slow to import is imported where it is used, and nowhere else."""
    for module in modules:
        for found in module.imports():
            library = found.target.partition(".")[0]
            if found.ours or library not in LAZY_HOMES or found.for_types:
                continue
            if not found.in_function:
                yield f"{module.where}:{found.line} imports {library} at module level: every start would pay for it"
            if not is_within(module.name, LAZY_HOMES[library]):
                yield f"{module.where}:{found.line} imports {library}, whose place is {LAZY_HOMES[library]}"


def numpy_law(modules: Iterable[Module]) -> Iterator[str]:
    """numpy takes a tenth of a second to import: only the column lane does, and it is loaded when it has work."""
    for module in modules:
        if module.name in COLUMN_LANE:
            continue
        for found in module.imports():
            is_lane = found.ours and is_within(found.target, COLUMN_LANE)
            is_numpy = not found.ours and found.target.partition(".")[0] == "numpy"
            if (is_lane or is_numpy) and not (found.in_function or found.for_types):
                yield f"{module.where}:{found.line} imports {found.target} at module level: every start would pay for it"


def one_writer_law(modules: Iterable[Module]) -> Iterator[str]:
    """What an input says of itself is written in one place: elsewhere nobody makes or alters `InputFacts`, or its record."""
    for module in modules:
        if module.name in INPUT_WRITERS:
            continue
        for node in ast.walk(module.tree):
            targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else []
            targets = [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else targets
            for target in (part for each in targets for part in ast.walk(each)):
                if isinstance(target, ast.Attribute) and is_input(target.value):
                    yield f"{module.where}:{node.lineno} writes {ast.unparse(target)}"
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                alters = called.rpartition(".")[2] in {"replace", "__replace__", "__setattr__"} and any(
                    keyword.arg in INPUT_FACTS for keyword in node.keywords
                )
                if called.rpartition(".")[2] == "InputFacts" or alters:
                    yield f"{module.where}:{node.lineno} makes or alters input facts: {ast.unparse(node)[:60]}"
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and is_input(node.value):
                yield f"{module.where}:{node.lineno} reaches into {ast.unparse(node)}"


def is_input(owner: ast.expr) -> bool:
    """Whether an expression is called like the facts or the record of an input."""
    name = ast.unparse(owner).rpartition(".")[2].lstrip("_")
    return name in {"facts", "record"}


WIRE_FIELDS = {"raw", "options", "connection_time", "redirect", "error.text", "one.text", "self.name"}
"""Fields of `WireText` and `WireBytes`, and how they are usually called where they are put into sentences."""
SENTENCES = {"summary", "remedy", "how_to_tell", "truncated", "other.cause"}
"""Fields whose sentences may quote the wire."""
UNMASKED = (
    "masking",
    "render.text",
    "render.transcript",
    "capture.processes",
    "capture.machine_reports",
    "regression.accounts",
    "cli.streams",
)
"""Where the content of wire text is looked at: to mask it, to search it, or because the user asked for it."""


def wire_law(modules: Iterable[Module]) -> Iterator[str]:
    """Nothing of the wire becomes part of our own text: it is quoted, and masked by whoever shows the sentence."""
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and node.attr == "unmasked" and not is_within(module.name, UNMASKED):
                yield f"{module.where}:{node.lineno} looks at what the wire says: {ast.unparse(node)}"
            if isinstance(node, ast.FormattedValue) and module.room != "masking":
                named = ast.unparse(node.value)
                spec = ast.unparse(node.format_spec) if node.format_spec else ""
                if ends_in(named, WIRE_FIELDS) and "quoted" not in spec:
                    yield f"{module.where}:{node.lineno} {{{named}}} is masked too early: {{{named}:quoted}}"
                if ends_in(named, SENTENCES) and named != "statement.summary":
                    yield f"{module.where}:{node.lineno} {{{named}}} is masked too early: {{marked({named})}}"


def ends_in(name: str, fields: set[str]) -> bool:
    """Whether an expression is one of these fields of something, or, with a dot, of something of that name."""
    return any(name.endswith(f".{field}") or ("." in field and name == field) for field in fields)


def windows_law(
    modules: Iterable[Module], starts: Iterable[str] = ("cli", "analysis.pipeline", "capture.files")
) -> Iterator[str]:
    """What `read` loads imports nothing that Windows lacks. Rules are loaded by their folder, so all of them count."""
    by_name = {module.name: module for module in modules}
    waiting = [*starts, *(name for name in by_name if is_within(name, ("rules",)))]
    loaded: set[str] = set()
    while waiting:
        name = waiting.pop()
        module = by_name.get(name)
        if name in loaded:
            continue
        loaded.add(name)
        waiting += [name.rpartition(".")[0]] if name else []
        for found in module.imports() if module else ():
            if found.in_function or found.for_types:
                continue
            if found.ours:
                waiting.append(found.target)
            elif module and found.target.partition(".")[0] in NOT_ON_WINDOWS:
                yield f"{module.where}:{found.line} imports {found.target}, which Windows lacks, and `read` loads it"


def clock_law(modules: Iterable[Module]) -> Iterator[str]:
    """Below `capture`, `standin` and `cli` there is no clock and no socket: time comes from packets and ticks."""
    for module in modules:
        if module.room in MEET_THE_WORLD:
            continue
        for found in module.imports():
            if not found.ours and found.target.partition(".")[0] in {"time", "socket"}:
                yield f"{module.where}:{found.line} imports {found.target}"
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}:
                yield f"{module.where}:{node.lineno} asks this machine's clock: {ast.unparse(node)}"


def print_law(modules: Iterable[Module]) -> Iterator[str]:
    """Only the command line prints."""
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Name) and node.id == "print" and module.room not in MEET_THE_WORLD:
                yield f"{module.where}:{node.lineno} prints"


def docstring_law(modules: Iterable[Module]) -> Iterator[str]:
    """Every public module, class and function says what it is."""
    for module in modules:
        if not ast.get_docstring(module.tree):
            yield f"{module.where}:1 the module has no docstring"
        yield from _undocumented(module, module.tree)


def _undocumented(module: Module, parent: ast.Module | ast.ClassDef) -> Iterator[str]:
    for node in parent.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            yield f"{module.where}:{node.lineno} {node.name} has no docstring"
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(module, node)


Law = Callable[[Iterable[Module]], Iterator[str]]
LAWS: tuple[Law, ...] = (
    import_law,
    blame_law,
    lonely_rule_law,
    floors_law,
    cycle_law,
    lazy_law,
    numpy_law,
    one_writer_law,
    wire_law,
    windows_law,
    clock_law,
    print_law,
    docstring_law,
)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law(law: Law) -> None:
    broken = list(law(package()))
    assert not broken, "\n" + "\n".join(broken)


@pytest.mark.parametrize(
    ("law", "name", "source"),
    [
        (import_law, "net.link", "from ibsniff.tcp import table"),
        (import_law, "net.link", "def late():\n    import ibsniff.ib.messages"),
        (import_law, "model", "from ibsniff.ib.names import DEFAULT_PORTS"),
        (import_law, "standin.server", "from ibsniff.model import Frame"),
        (import_law, "analysis.pipeline", "from ibsniff import capture"),
        (import_law, "render.text", "from ..rules import registry"),
        (import_law, "newroom", "from ibsniff.model import Frame"),
        (import_law, "facts.session", "from ibsniff.rules.registry import Statement"),
        (import_law, "facts.session", "from ibsniff.formatting import elapsed"),
        (blame_law, "facts.session", "from ibsniff.model import Alternative, Conversation"),
        (lonely_rule_law, "rules.ibs101_refused", "from ibsniff.rules.ibs102_too import OTHER"),
        (floors_law, "facts.session", "def late():\n    from ibsniff.facts.session import itself"),
        (memory_law, "facts.session", "@lru_cache(maxsize=1)\ndef sessions(capture): ..."),
        (memory_law, "rules.ibs101_refused", "@functools.cache\ndef served(capture): ..."),
        (cycle_law, "tcp.table", "def late():\n    from ibsniff.tcp.table import ConnectionTable"),
        (cycle_law, "", "from ibsniff.model import Report"),
        (lazy_law, "capture.scapy_backend", "import scapy.all"),
        (lazy_law, "net.ip", "def late():\n    from scapy.layers.inet import IP"),
        (lazy_law, "net.ip", "import dpkt"),
        (numpy_law, "net.dissector", "import numpy as np"),
        (numpy_law, "analysis.pipeline", "from ibsniff.analysis.columns import ColumnLane"),
        (numpy_law, "model", "from numpy.typing import NDArray"),
        (one_writer_law, "capture.live", "self.record.packets += 1"),
        (one_writer_law, "capture.live", "def take(record, packets):\n    record._packets = packets"),
        (one_writer_law, "capture.live", "print(self.record._packets)"),
        (one_writer_law, "analysis.pipeline", "facts.notes, other = ['now'], 1"),
        (one_writer_law, "analysis.pipeline", "del facts.dropped"),
        (one_writer_law, "analysis.pipeline", "facts = replace(facts, dropped=3)"),
        (one_writer_law, "analysis.reading", "facts = model.InputFacts('x')"),
        (windows_law, "cli", "import fcntl"),
        (windows_law, "rules.ibs101_refused", "if True:\n    from resource import getrusage"),
        (clock_law, "tcp.table", "import time"),
        (clock_law, "tcp.table", "def late():\n    from time import monotonic"),
        (clock_law, "diagnose", "from datetime import datetime\nx = datetime.now()"),
        (clock_law, "regress", "import socket"),
        (wire_law, "rules.ibs309_redirected", "summary = f'to {reply.redirect}'"),
        (wire_law, "rules.wording.what_was_sent", "shown = raw.unmasked.hex()"),
        (wire_law, "render.terminal", "line = f'{found.code} {found.summary}'"),
        (wire_law, "screens.messages", "line = f'{code}: {error.text}'"),
        (print_law, "regress", "print('hello')"),
        (docstring_law, "ib.hello", "x = 1"),
        (docstring_law, "ib.hello", "'''Doc.'''\nclass Hello:\n    '''Doc.'''\n    def read(self): ..."),
    ],
)
def test_each_law_bites(law: Law, name: str, source: str) -> None:
    assert list(law([parse(name, source)]))


def test_the_floors_of_a_room_are_counted_through_others() -> None:
    modules = [parse(f"facts.floor{n}", f"from ibsniff.facts.floor{n + 1} import below") for n in range(1, 4)]
    top = parse("facts.floor0", "def late():\n    import ibsniff.facts.floor1")
    assert not list(floors_law([*modules[1:], parse("facts.floor4", "x = 1")]))
    assert list(floors_law([top, *modules, parse("facts.floor4", "x = 1")]))


def test_a_cycle_is_found_however_long_and_lazy() -> None:
    table = parse("tcp.table", "def late():\n    import ibsniff.tcp.state")
    state = parse("tcp.state", "from ibsniff.tcp import Tracker")
    package_itself = parse("tcp", "from ibsniff.tcp.table import ConnectionTable")
    assert list(cycle_law([table, state, package_itself]))
    assert not list(cycle_law([table, parse("tcp.state", "from ibsniff import __version__"), package_itself]))


def test_a_law_follows_imports_to_what_read_loads() -> None:
    needs_it = parse("capture.socket_backend", "import fcntl")
    assert not list(windows_law([parse("cli", "def live():\n    import ibsniff.capture.socket_backend"), needs_it]))
    assert list(windows_law([parse("cli", "from ibsniff.capture.socket_backend import open_it"), needs_it]))


# ---------------------------------------------------------------------------------------------------------------
# The repository, and the running program


def git(*arguments: str) -> str | None:
    """Ask git about this checkout; None outside of one (an unpacked archive, or a copy inside another repository)."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        return None
    answer = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return answer.stdout if answer.returncode == 0 else None


@pytest.fixture
def tracked() -> list[str]:
    listing = git("ls-files", "-z")
    if listing is None:
        pytest.skip("not a git checkout")
    return [name for name in listing.split("\0") if name]


def test_the_top_level_stays_small(tracked: list[str]) -> None:
    tops = {name.partition("/")[0] for name in tracked}
    assert tops, "git tracks nothing"
    assert {top for top in tops if not top.startswith(".")} <= TOP_LEVEL


def test_the_map_names_every_part() -> None:
    the_map = (ROOT / PACKAGE / "README.md").read_text(encoding="utf-8")
    tops = {path for path in (ROOT / PACKAGE).iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    names = {f"{path.name}/" if path.is_dir() else path.name for path in tops} - {"__init__.py", "__main__.py"}
    assert "model/" in names
    assert {name for name in names if f"`{name}`" not in the_map} == set()


SOMEONES_MACHINE = re.compile(rb"/(work|root)/|/tmp/[v]env")


def test_no_file_names_the_machine_it_was_written_on(tracked: list[str]) -> None:
    assert SOMEONES_MACHINE.search(b"see /" + b"work/notes")
    broken = []
    for name in tracked:
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b""
        found = SOMEONES_MACHINE.search(content)
        if found:
            line = content.count(b"\n", 0, found.start()) + 1
            broken.append(f"{name}:{line} names {found.group().decode()}")
    assert not broken, "\n" + "\n".join(broken)


def test_the_program_starts_without_what_is_slow_to_import() -> None:
    program = "import ibsniff.cli, sys; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "ibsniff.cli" in loaded
    assert not loaded & {"scapy", "dpkt", "numpy", "zstandard", "asyncio", "multiprocessing", "hypothesis"}
