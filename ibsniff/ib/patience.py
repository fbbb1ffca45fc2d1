"""How long a client waits for the server's first words before its silence is said to be one.

A library that gives up of its own accord is no more patient than its default: a TWS that has not answered by then is
as good as silent to its user. Never is it less: who is still waiting may still be answered.
"""

from __future__ import annotations

from ibsniff.ib import names
from ibsniff.model import PATIENCE, Dialect, Hello

LIBRARY_PATIENCE: dict[str, float] = {
    "ib_async": 4.0,
    "ib_insync": 4.0,
    "IBrokers": 5.0,
}
"""Library, as its name in ``names`` begins -> seconds it waits by default until the session is ready. Read in their
source: ``IB.connect(timeout=4)`` of ib_async 2.1.0 and ib_insync 0.9.86, ``twsConnect(timeout=5)`` of IBrokers.
IB's own clients and @stoqey/ib 1.6 wait for ever; of the others nothing is known: PATIENCE."""


def patience_for(hello: Hello | None, given: float | None = None) -> float:
    """Seconds: what the user asked for, else what the library that says this hello would wait, else PATIENCE."""
    if given is not None:
        return given
    library = _library(hello) if hello is not None else None
    known = (seconds for name, seconds in LIBRARY_PATIENCE.items() if library is not None and library.startswith(name))
    return next(known, PATIENCE)


def _library(hello: Hello) -> str | None:
    """Guess who says it; a hello for several libraries, or for none, is nobody's."""
    if not hello.is_valid or hello.max_version is None:
        return None
    if hello.dialect is Dialect.LEGACY:
        return names.LEGACY_CLIENTS.get(hello.max_version)
    return names.CLIENT_LIBRARIES.get((hello.min_version or hello.max_version, hello.max_version))
