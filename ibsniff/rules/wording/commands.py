"""The commands that show what listens on a port, for the system that answered."""

from __future__ import annotations

from collections.abc import Iterable

from ibsniff.facts.network_path import System, system
from ibsniff.model import Alternative, Connection

LINUX_LISTENERS = "`ss -ltnp`"
"""Shows what listens, on Linux."""
RECV_Q_STAYS = "a Recv-Q that stays above 0"


def who_listens(connection: Connection) -> str:
    """The command that shows which program listens, on the machine that answered."""
    match system(connection):
        case System.MACOS:
            return f"`lsof -nP -iTCP:{connection.server.port} -sTCP:LISTEN`"
        case System.WINDOWS:
            listener = f"Get-NetTCPConnection -LocalPort {connection.server.port} -State Listen"
            return f"`Get-Process -Id ({listener}).OwningProcess` (PowerShell)"
        case _:
            return LINUX_LISTENERS


def on_its_system(causes: Iterable[Alternative], connection: Connection) -> tuple[Alternative, ...]:
    """The same causes, with the command that exists on the machine that answered."""
    return tuple(
        one._replace(how_to_tell=one.how_to_tell.replace(LINUX_LISTENERS, who_listens(connection))) for one in causes
    )


def accepts_no_more(connection: Connection) -> str:
    """The command, and what in its output shows that a listening program no longer accepts connections."""
    port = connection.server.port
    match system(connection):
        case System.MACOS:
            return f"`netstat -Lan` for port {port}: a first number that stays above 0"
        case System.WINDOWS:
            return f"`netstat -ano | findstr :{port}`: rows that stay in CLOSE_WAIT"
        case _:
            return f"`ss -ltn 'sport = :{port}'`: {RECV_Q_STAYS}"


def queue_is_full(connection: Connection) -> str:
    """The command, and what in its output shows that the accept queue is full."""
    return accepts_no_more(connection).replace(RECV_Q_STAYS, "Recv-Q above Send-Q")
