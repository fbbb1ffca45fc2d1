"""Commands that show what listens on a port, or what filters packets, for the system that answered.

Where the packets show the system, its own command stands alone; where they do not, there is one for each that it may be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ibsniff.facts.network_path import System, possible_systems
from ibsniff.model import Alternative, Connection

LINUX_LISTENERS = "`ss -ltnp`"
"""Shows what listens, on Linux."""
RECV_Q_STAYS = "a Recv-Q that stays above 0"


def who_listens(connection: Connection) -> str:
    """The command that shows which program listens, on the machine that answered."""
    port = connection.server.port
    listener = f"Get-NetTCPConnection -LocalPort {port} -State Listen"
    return _on_each_system(
        connection,
        {
            System.LINUX: LINUX_LISTENERS,
            System.MACOS: f"`lsof -nP -iTCP:{port} -sTCP:LISTEN`",
            System.WINDOWS: f"`Get-Process -Id ({listener}).OwningProcess` (PowerShell)",
        },
    )


def lists_listeners(connection: Connection) -> str:
    """The command that lists the listening ports without connecting to any."""
    commands = {System.LINUX: "`ss -ltn`", System.MACOS: "`netstat -an -p tcp`", System.WINDOWS: "`netstat -an`"}
    return _on_each_system(connection, commands)


def lists_packet_filter(connection: Connection) -> str:
    """The command that shows what the machine's own firewall does."""
    return _on_each_system(
        connection,
        {
            System.LINUX: "`iptables -S` and `nft list ruleset`",
            System.MACOS: "`sudo pfctl -sr`",
            System.WINDOWS: "`netsh advfirewall show allprofiles`",
        },
    )


def on_its_system(causes: Iterable[Alternative], connection: Connection) -> tuple[Alternative, ...]:
    """The same causes, with the command that exists on the machine that answered."""
    return tuple(
        one._replace(how_to_tell=one.how_to_tell.replace(LINUX_LISTENERS, who_listens(connection))) for one in causes
    )


def accepts_no_more(connection: Connection) -> str:
    """The command, and what in its output shows that a listening program no longer accepts connections."""
    port = connection.server.port
    return _on_each_system(
        connection,
        {
            System.LINUX: f"`ss -ltn 'sport = :{port}'`: {RECV_Q_STAYS}",
            System.MACOS: f"`netstat -Lan` for port {port}: a first number that stays above 0",
            System.WINDOWS: f"`netstat -ano | findstr :{port}`: rows that stay in CLOSE_WAIT",
        },
        within_sentence=False,
    )


def queue_is_full(connection: Connection) -> str:
    """The command, and what in its output shows that the accept queue is full."""
    return accepts_no_more(connection).replace(RECV_Q_STAYS, "Recv-Q above Send-Q")


def _on_each_system(connection: Connection, commands: Mapping[System, str], within_sentence: bool = True) -> str:
    """``A``, or ``A on Linux or B on macOS``; for what is no single part of a sentence ``A (on macOS B)``."""
    systems = possible_systems(connection)
    if len(systems) == 1:
        return commands[systems[0]]
    if not within_sentence:
        others = "; ".join(f"on {system} {commands[system]}" for system in systems[1:])
        return f"{commands[systems[0]]} ({others})"
    *first, last = (f"{commands[system]} on {system}" for system in systems)
    return f"{', '.join(first)} or {last}"
