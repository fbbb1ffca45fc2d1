"""Child processes one can wait for, and network namespaces that stand for machines."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from recording.scenarios import WSL, Recording

PATIENCE = 60.0
"""Seconds after which a recording has failed."""


class Process:
    """A child whose lines we can wait for."""

    def __init__(self, command: list[str], **more: object) -> None:
        self.child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more
        )  # type: ignore[call-overload]
        self.lines: list[str] = []
        self._news = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.child.stdout:
            with self._news:
                self.lines.append(line.rstrip())
                self._news.notify_all()

    def wait_for(self, text: str) -> None:
        with self._news:
            if not self._news.wait_for(lambda: any(text in line for line in self.lines), PATIENCE):
                raise SystemExit(f"{self.child.args} never said {text!r}, only {self.lines}")

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.child.poll() is None:
            self.child.send_signal(how)
        self.child.wait(PATIENCE)


def start(undo: ExitStack, command: list[str], **more: object) -> Process:
    process = Process(command, **more)
    undo.callback(process.end, signal.SIGKILL)
    return process


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def namespaces(recording: Recording) -> Iterator[tuple[list[str], list[str]]]:
    """The command prefixes that put a process on the client's and on the server's machine."""
    with ExitStack() as undo:
        client, server = (_namespace(undo, role) for role in ("client", "server"))
        if recording.network != WSL:
            yield client, client
            return
        run("ip", "link", "add", "eth0", "netns", client[3], "address", "00:15:5d:46:3f:01", "type", "veth",
            "peer", "name", "vEthernet", "netns", server[3], "address", "00:15:5d:46:3f:02")  # fmt: skip
        for inside, device, address in ((client, "eth0", "172.24.46.63"), (server, "vEthernet", "172.24.32.1")):
            run(*inside, "sysctl", "-q", "net.ipv6.conf.all.disable_ipv6=1")
            run(*inside, "ip", "address", "add", f"{address}/20", "dev", device)
            run(*inside, "ip", "link", "set", device, "up")
        run(*server, "sysctl", "-q", "net.ipv4.ip_default_ttl=128")  # like Windows
        if recording.firewall:
            rule = ("-A", "INPUT", "-p", "tcp", "--dport", str(recording.port), "-j", *recording.firewall)
            run(*server, "iptables", *rule)
        yield client, server


def _namespace(undo: ExitStack, role: str) -> list[str]:
    name = f"ibsniff-{role}-{os.getpid()}"
    run("ip", "netns", "add", name)
    undo.callback(run, "ip", "netns", "delete", name)
    inside = ["ip", "netns", "exec", name]
    run(*inside, "ip", "link", "set", "lo", "up")
    return inside
