"""How long a client waits for the server's reply before TWS is called silent.

A client library with a timeout of its own waits no longer than that: for its user, a TWS that has not answered by then is
silent. It is never called silent earlier: while the client waits, TWS may still answer.
"""

from __future__ import annotations

from functools import cache

from ibsniff.ib import names
from ibsniff.model import PATIENCE, Dialect, Hello

LIBRARY_PATIENCE: dict[str, float] = {
    "ib_async": 4.0,
    "ib_insync": 4.0,
    "IBrokers": 5.0,
}
"""Beginning of a library's name in ``names`` -> seconds it waits by default until the session is ready. From their source:
``IB.connect(timeout=4)`` of ib_async 2.1.0 and ib_insync 0.9.86, ``twsConnect(timeout=5)`` of IBrokers. IB's own clients and
@stoqey/ib 1.6 wait forever; of the others nothing is known, so PATIENCE is used."""


def patience_for(hello: Hello | None, given: float | None = None) -> float:
    """Seconds to wait: as the user asked, else the timeout of the library that sends this hello, else PATIENCE."""
    if given is not None:
        return given
    library = _library(hello) if hello is not None else None
    return PATIENCE if library is None else _of_library(library)


@cache
def _of_library(library: str) -> float:
    """The default of a library of ``names``, which are few."""
    return next((seconds for name, seconds in LIBRARY_PATIENCE.items() if library.startswith(name)), PATIENCE)


def _library(hello: Hello) -> str | None:
    """Guess the library from the version range of its hello; None when no library is known to send it."""
    if not hello.is_valid or hello.max_version is None:
        return None
    if hello.dialect is Dialect.LEGACY:
        return names.LEGACY_CLIENTS.get(hello.max_version)
    return names.CLIENT_LIBRARIES.get((hello.min_version or hello.max_version, hello.max_version))
