"""The commands that show what listens, on the system that answered."""

from __future__ import annotations

from collections.abc import Iterable

from ibsniff.facts.network_path import System, system
from ibsniff.model import Alternative, Connection

LINUX_LISTENERS = "`ss -ltnp`"
"""Names what listens on Linux."""
STAYS = "a Recv-Q that stays above 0"


def who_listens(connection: Connection) -> str:
    """Name the command that tells which program listens, on the machine that answered."""
    match system(connection):
        case System.MACOS:
            return f"`lsof -nP -iTCP:{connection.server.port} -sTCP:LISTEN`"
        case System.WINDOWS:
            listener = f"Get-NetTCPConnection -LocalPort {connection.server.port} -State Listen"
            return f"`Get-Process -Id ({listener}).OwningProcess` (PowerShell)"
        case _:
            return LINUX_LISTENERS


def on_its_system(causes: Iterable[Alternative], connection: Connection) -> tuple[Alternative, ...]:
    """The same causes, to be told apart by the command that the machine which answered has."""
    return tuple(
        one._replace(how_to_tell=one.how_to_tell.replace(LINUX_LISTENERS, who_listens(connection))) for one in causes
    )


def accepts_no_more(connection: Connection) -> str:
    """Name the command, and what in it shows that a listening program has stopped accepting."""
    port = connection.server.port
    match system(connection):
        case System.MACOS:
            return f"`netstat -Lan` for port {port}: a first number that stays above 0"
        case System.WINDOWS:
            return f"`netstat -ano | findstr :{port}`: rows that stay in CLOSE_WAIT"
        case _:
            return f"`ss -ltn 'sport = :{port}'`: {STAYS}"


def queue_is_full(connection: Connection) -> str:
    """Name the command, and what in it shows that no further connection is accepted."""
    return accepts_no_more(connection).replace(STAYS, "Recv-Q above Send-Q")
