"""Child processes one can wait for, and network namespaces that stand for machines."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from recording.entries import DOCKER, LAN, LOOPBACK, WSL, Recording

HOSTS = "127.0.0.1 localhost\n::1 localhost\n"
"""As most machines have it: of the two, programs try ::1 first."""
PATIENCE = 60.0
"""Seconds after which a recording has failed."""


@dataclass(frozen=True)
class Network:
    """A client's ``eth0`` and a server's device with their addresses, and what else the server's machine is told."""

    client: str
    server: str
    client_mac: str
    server_mac: str
    device: str = "eth0"
    more: tuple[str, ...] = ()


NETWORKS = {
    WSL: Network(  # a user's WSL beside its Windows host
        "172.24.46.63/20", "172.24.32.1/20", "00:15:5d:46:3f:01", "00:15:5d:46:3f:02", "vEthernet",
        ("sysctl -q net.ipv4.ip_default_ttl=128",),
    ),
    LAN: Network(  # a desk's machine and its router, which knows one host to be gone and stands for one of IB's servers
        "192.168.1.20/24", "192.168.1.1/24", "00:00:5e:00:53:01", "00:00:5e:00:53:02", "eth0",
        ("sysctl -q net.ipv4.ip_forward=1", "ip route add unreachable 10.8.0.9", "ip address add 208.245.107.3 dev lo"),
    ),
    DOCKER: Network(  # a container and its host, which has its address on the bridge
        "172.17.0.2/16", "172.17.0.1/16", "02:42:ac:11:00:02", "02:42:ac:11:00:01", "veth0",
        ("ip link add docker0 type bridge", "ip link set veth0 master docker0", "ip address flush dev veth0",
         "ip address add 172.17.0.1/16 dev docker0", "ip link set docker0 up"),
    ),
}  # fmt: skip


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
        client = server = _namespace(undo, "client")
        if recording.network != LOOPBACK:
            server = _namespace(undo, "server")
            _connect(NETWORKS[recording.network], client, server)
        for inside, end, firewall in (
            (server, "--dport", recording.firewall),
            (client, "--sport", recording.own_firewall),
        ):
            if firewall:
                close_port(inside, end, recording.port, firewall)
        if recording.sysctl:
            run(*client, "sysctl", "-q", recording.sysctl)
        yield client, server


def close_port(inside: list[str], end: str, port: int, firewall: tuple[str, ...]) -> None:
    """Do as iptables' target says with what comes in to (``--dport``) or from (``--sport``) a port."""
    run(*inside, "iptables", "-A", "INPUT", "-p", "tcp", end, str(port), "-j", *firewall)


def _connect(network: Network, client: list[str], server: list[str]) -> None:
    run("ip", "link", "add", "eth0", "netns", client[3], "address", network.client_mac, "type", "veth",
        "peer", "name", network.device, "netns", server[3], "address", network.server_mac)  # fmt: skip
    for inside, device, address in ((client, "eth0", network.client), (server, network.device, network.server)):
        run(*inside, "sysctl", "-q", "net.ipv6.conf.all.disable_ipv6=1")
        run(*inside, "ip", "address", "add", address, "dev", device)
        run(*inside, "ip", "link", "set", device, "up")
    run(*client, "ip", "route", "add", "default", "via", network.server.partition("/")[0])
    for command in network.more:
        run(*server, *command.split())


def _namespace(undo: ExitStack, role: str) -> list[str]:
    name = f"ibsniff-{role}-{os.getpid()}"
    hosts = Path("/etc/netns") / name / "hosts"  # `ip netns exec` puts it in the place of /etc/hosts
    hosts.parent.mkdir(parents=True)
    undo.callback(shutil.rmtree, hosts.parent)
    hosts.write_text(HOSTS)
    run("ip", "netns", "add", name)
    undo.callback(run, "ip", "netns", "delete", name)
    inside = ["ip", "netns", "exec", name]
    run(*inside, "ip", "link", "set", "lo", "up")
    return inside
