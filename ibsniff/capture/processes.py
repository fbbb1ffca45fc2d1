"""The processes at the ends of a conversation that are on this machine: ``live --process``.

They are read from the operating system's tables, so that no packet is sent: a test of the port, as health checks do it,
would take a place in the accept queue of a TWS that hangs. The output has the numbers and names of processes, and the script
that an interpreter runs (`program_names`), never further arguments, which may hold passwords.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ibsniff.capture.host_network import psutil_endpoint
from ibsniff.capture.procfs import TcpState, tcp_sockets
from ibsniff.capture.program_names import script_name
from ibsniff.model import Conversation, Endpoint, ExitCode, MachineReport, Side, UserError, WireText

REFRESH_SECONDS = 2.0
"""The interval between two readings of the tables; psutil takes 10 ms on a small machine."""

MAX_TIME_SHARE = 0.05
"""The largest share of the time that reading the tables may take, on machines with thousands of processes."""

LISTEN, CLOSE_WAIT = "LISTEN", "CLOSE_WAIT"
"""States of sockets as psutil spells them."""

Pair = tuple[Endpoint, Endpoint]


class Queues(NamedTuple):
    """What waits in the kernel, where the kernel tells."""

    unread: dict[Pair, int]
    """Bytes that were received but not read by the program, by socket: the local end, then the remote end."""
    accept: dict[int, int]
    """Connections that were not accepted yet, by the port of the listening socket."""


class LocalProcess(NamedTuple):
    """The process at one end of a conversation, when that end is on this machine."""

    side: Side
    address: Endpoint
    pid: int | None
    """None when the process belongs to another user and may not be inspected."""
    name: WireText | None
    close_wait: int
    """Sockets of that process, or on that port, that the other side has closed and the process has not."""
    accept_queue: int | None
    """Connections that wait to be accepted by the listener; None for a client, and where it is not known."""
    unread: int | None
    """Bytes of this conversation that have arrived but were not read."""
    script: WireText | None = None
    """What an interpreter runs: ``bot.py``."""

    def row(self, show_accounts: bool = False) -> dict[str, str | int | None]:
        """Return the members of its JSON object."""
        return {
            "end": self.side,
            "address": str(self.address),
            "pid": self.pid,
            "name": _text(self.name, show_accounts),
            "script": _text(self.script, show_accounts),
            "close_wait": self.close_wait,
            "accept_queue": self.accept_queue,
            "unread": self.unread,
        }

    @property
    def program(self) -> WireText | None:
        """The program as its user knows it: ``python bot.py``; None if it is not known."""
        if self.name is None or self.script is None:
            return self.name
        if self.script.unmasked.startswith(self.name.unmasked):  # a script that names its interpreter in its first line
            return self.script
        return WireText(f"{self.name.unmasked.rstrip('.0123456789')} {self.script.unmasked}")

    def report(self, conversation: Conversation, time_ns: int) -> MachineReport:
        """The same as what this machine reports of a conversation."""
        client, server = conversation.connection.client, conversation.connection.server
        process, program = self.pid, self.program
        return MachineReport(
            time_ns, client, server, self.side, process, program, self.close_wait, self.accept_queue, self.unread
        )


class SocketTables:
    """The machine's sockets at one moment, indexed once for all conversations."""

    def __init__(self, sockets: Iterable[Any], queues: Queues) -> None:
        """Index the sockets that psutil returned."""
        self.queues = queues
        self.by_pair: dict[Pair, Any] = {}
        self._listeners: dict[int, list[Any]] = {}
        """Listening sockets, by port."""
        self._close_wait_by_pid: Counter[int] = Counter()
        self._close_wait_by_port: Counter[int] = Counter()
        for each in sockets:
            if each.raddr:
                self.by_pair[psutil_endpoint(each.laddr), psutil_endpoint(each.raddr)] = each
            if each.status == LISTEN:
                self._listeners.setdefault(each.laddr.port, []).append(each)
            elif each.status == CLOSE_WAIT:
                self._close_wait_by_port[each.laddr.port] += 1
                if each.pid:
                    self._close_wait_by_pid[each.pid] += 1

    def listener(self, server: Endpoint) -> Any | None:
        """Return the socket that listens on this address, or else on all addresses."""
        on_port = self._listeners.get(server.port, [])
        exact = (each for each in on_port if psutil_endpoint(each.laddr) == server)
        every = (each for each in on_port if not any(psutil_endpoint(each.laddr).address))
        return next(exact, None) or next(every, None)

    def close_wait_of(self, pid: int | None, port: int) -> int:
        """Count the sockets in CLOSE_WAIT of a process, or on a port when the process is not known."""
        return self._close_wait_by_pid[pid] if pid else self._close_wait_by_port[port]


class ProcessWatcher:
    """Reads the tables at intervals, and remembers the processes of conversations that have ended."""

    def __init__(self) -> None:
        """Raise UserError when psutil is not installed."""
        self._psutil = load_psutil()
        self._next = 0.0
        self._names: dict[int, tuple[WireText, WireText | None]] = {}
        """The name and the script of each process."""
        self.ends: dict[str, tuple[LocalProcess, ...]] = {}
        """The processes of each conversation, by its id; evicted conversations are removed."""

    def refresh(self, conversations: Sequence[Conversation]) -> dict[str, tuple[LocalProcess, ...]]:
        """Read the tables if the interval is over; return the processes that changed, by conversation."""
        started = time.monotonic()
        open_conversations = [
            conversation
            for conversation in conversations
            if conversation.connection.ended is None or conversation.id not in self.ends
        ]
        if started < self._next or not open_conversations:
            return {}
        tables = SocketTables(self._sockets(), _queues())
        self._names = {}
        before = self.ends
        self.ends = {
            conversation.id: before[conversation.id] for conversation in conversations if conversation.id in before
        }
        for conversation in open_conversations:
            found = tuple(self._ends(conversation, tables))
            if found or conversation.id not in self.ends:
                self.ends[conversation.id] = found
        self._next = started + max(REFRESH_SECONDS, (time.monotonic() - started) / MAX_TIME_SHARE)
        return {name: ends for name, ends in self.ends.items() if ends and ends != before.get(name)}

    def _sockets(self) -> list[Any]:
        try:
            return list(self._psutil.net_connections(kind="tcp"))
        except (self._psutil.Error, OSError):  # macOS requires root
            return []

    def _ends(self, conversation: Conversation, tables: SocketTables) -> Iterator[LocalProcess]:
        client, server = conversation.connection.client, conversation.connection.server
        client_socket = tables.by_pair.get((client, server))
        if client_socket is not None:
            yield self._end(Side.CLIENT, (client, server), client_socket.pid, tables, None)
        listener = tables.listener(server)
        accepted = tables.by_pair.get((server, client))
        if listener is not None or accepted is not None:
            # A connection that was not accepted yet has no process: the listener's process will accept it.
            pid = next((each.pid for each in (listener, accepted) if each is not None and each.pid), None)
            yield self._end(Side.SERVER, (server, client), pid, tables, tables.queues.accept.get(server.port))

    def _end(self, side: Side, pair: Pair, pid: int | None, tables: SocketTables, accept: int | None) -> LocalProcess:
        address, _ = pair
        close_wait = tables.close_wait_of(pid, address.port)
        name, script = self._name(pid)
        return LocalProcess(side, address, pid, name, close_wait, accept, tables.queues.unread.get(pair), script)

    def _name(self, pid: int | None) -> tuple[WireText | None, WireText | None]:
        if pid is None:
            return None, None
        if pid not in self._names:
            try:
                process = self._psutil.Process(pid)
                script = script_name(process.cmdline())
                self._names[pid] = WireText(process.name()), None if script is None else WireText(script)
            except (self._psutil.Error, OSError):
                self._names[pid] = WireText("already gone"), None
        return self._names[pid]


def load_psutil() -> Any:
    """Import psutil. Raises UserError when it is not installed."""
    try:
        import psutil  # noqa: PLC0415 (an extra: only --process needs it)
    except ImportError as error:
        raise UserError(
            "--process needs psutil, which is not installed",
            f"{sys.executable} -m pip install 'ibsniff[process]'",
            ExitCode.USAGE,
        ) from error
    return psutil


def _text(text: WireText | None, show_accounts: bool) -> str | None:
    if text is None:
        return None
    return text.unmasked if show_accounts else str(text)


def _queues() -> Queues:
    """Return the queues that Linux reports; empty on other systems."""
    unread: dict[Pair, int] = {}
    accept: Counter[int] = Counter()
    for each in tcp_sockets():
        if each.state == TcpState.LISTEN:
            accept[each.local.port] += each.waiting
        elif each.waiting:
            unread[each.local, each.remote] = each.waiting
    return Queues(unread, dict(accept))
