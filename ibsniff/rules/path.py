"""Where in the path the answer came from: what TTL, MSS and addresses say, and what that does to the causes.

A TCP relay answers for itself: its packets have lost no hop. What forwards packets (a router, a container's port map)
takes one from the TTL (RFC 1812, 5.3.1). Systems start at 64 (Linux, macOS) or 128 (Windows) unless someone changed it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from ibsniff.formatting import seconds_between
from ibsniff.model import Alternative, Connection
from ibsniff.rules.words import address_to_trust, single_entry

LINUX_MACOS_TTL, WINDOWS_TTL = 64, 128
NEARER = 2
"""How many times as long the way to one end must be to say that the capture was made at the other."""
FARTHEST = 30
"""Hops; what would be farther away began with another TTL than the usual ones."""

CONTAINER_NETWORKS = [ipaddress.ip_network(f"172.{second}.0.0/24") for second in range(17, 31)]
"""Where Docker's bridges begin (172.17.0.0/16 and the ones after it); their first addresses are given out first. Not
172.31.0.0/16, which is many a cloud's own network."""
PRIVATE_172 = ipaddress.ip_network("172.16.0.0/12")
WSL_PREFIX = 20
"""WSL's own network is a /20 of these, with Windows at its first address (172.20.176.1 in lbilli/Jib.jl 43)."""


class System(StrEnum):
    """What answered, as far as its first packet tells: its tools have different names."""

    LINUX = "Linux"
    MACOS = "macOS"
    WINDOWS = "Windows"


LINUX_LISTENERS = "`ss -ltnp`"
"""Names what listens on Linux."""
STAYS = "a Recv-Q that stays above 0"
LOOPBACK_MSS = {65_495: System.LINUX, 65_476: System.LINUX, 16_344: System.MACOS, 16_324: System.MACOS}
"""Offered over ``lo`` (measured, IPv4 and IPv6) and ``lo0`` (its MTU of 16384 without the headers)."""


class Path(NamedTuple):
    """Who answered, beyond its address."""

    who: str
    meaning: str
    through_container: bool = False
    """Relays are usual there, and the address TWS sees is the bridge's or a container's."""


def system(connection: Connection) -> System | None:
    """What runs on the machine that answered, or was called on itself; None when Linux and macOS look alike."""
    there = connection.from_server
    if connection.same_host and not there.segments:
        there = connection.from_client
    offered, ttl = there.mss, there.ttl
    if offered in LOOPBACK_MSS:
        return LOOPBACK_MSS[offered]
    return System.WINDOWS if ttl is not None and WINDOWS_TTL - FARTHEST <= ttl <= WINDOWS_TTL else None


def hops(connection: Connection) -> int | None:
    """How many machines forwarded the answer; None when the TTL is not a usual one."""
    ttl = connection.from_server.ttl
    starts = (start for start in (LINUX_MACOS_TTL, WINDOWS_TTL) if ttl and start - FARTHEST <= ttl <= start)
    return next((start - ttl for start in starts if ttl), None)


def there_and_back(connection: Connection) -> float:
    """Seconds from where the capture was made to the server and back; 0 when the handshake is not in it.

    On one machine a SYN that is sent again was ignored, not slow; elsewhere it is not known which one was answered, and
    the longest time counts.
    """
    called = [syn for syn in connection.syns if connection.syn_ack and syn.packet < connection.syn_ack.packet]
    if not called or connection.syn_ack is None:
        return 0.0
    return max(0.0, seconds_between(called[-1 if connection.same_host else 0], connection.syn_ack))


def called_from_here(connection: Connection) -> bool:
    """The capture was made near the client: the answer took its time to come, and the client's ACK took none."""
    if not connection.syns or connection.syn_ack is None or connection.established is None:
        return False
    called = [syn for syn in connection.syns if syn.packet < connection.syn_ack.packet] or connection.syns
    there = connection.syn_ack.time_ns - called[-1].time_ns
    return there > NEARER * (connection.established.time_ns - connection.syn_ack.time_ns)


def called_from_outside(connection: Connection) -> bool:
    """The capture was made near the server: it answered at once, and the client's ACK took its time to come."""
    if not connection.syns or connection.syn_ack is None or connection.established is None:
        return False
    there = connection.syn_ack.time_ns - connection.syns[-1].time_ns
    return connection.established.time_ns - connection.syn_ack.time_ns > NEARER * max(there, 0)


def path(connection: Connection) -> Path | None:
    """Say who answered, if that is more than its address says; nothing about one's own machine."""
    if connection.same_host:
        return None
    return _over_a_bridge(connection) or _from_wsl_to_windows(connection) or _forwarded(connection)


def entry(connection: Connection) -> str:
    """Name the address to enter in Trusted IPs: the client's, unless machines in between may have put theirs in its place."""
    address, single = address_to_trust(connection), single_entry(connection)
    return (
        f"the address TWS sees, {address} unless it is changed on the way ({single})"
        if hops(connection)
        else f"{address} ({single})"
    )


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


def takes_no_calls(connection: Connection) -> str:
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
    """Name the command, and what in it shows that no further call is taken."""
    return takes_no_calls(connection).replace(STAYS, "Recv-Q above Send-Q")


def _over_a_bridge(connection: Connection) -> Path | None:
    if connection.from_server.ttl != LINUX_MACOS_TTL:
        return None
    ends = _addresses(connection)
    network = next((one for one in CONTAINER_NETWORKS if all(end in one for end in ends)), None)
    if network is None:
        return None
    client, server, bridge = connection.client.ip, connection.server.ip, str(network[1])
    ground = f"(both ends in {network}, TTL {LINUX_MACOS_TTL})"
    if client == bridge:
        return Path(
            f"{server} is probably a container, called over its bridge {ground}",
            f"A TWS in there sees {bridge}, the bridge's address, whoever called the published port. It must be trusted "
            "as it is, or a relay inside must make the call from its own loopback.",
            through_container=True,
        )
    if server == bridge:
        return Path(
            f"{server} is probably the machine of the client's container {ground}",
            f"A TWS there sees {client}, the container's address, which another container may have next time.",
            through_container=True,
        )
    return Path(
        f"{server} is probably another container of the client's network {ground}",
        f"A TWS in there sees {client}; if a relay in there makes the call, it sees its own loopback.",
        through_container=True,
    )


def _from_wsl_to_windows(connection: Connection) -> Path | None:
    server = ipaddress.ip_address(connection.server.address)
    if connection.from_server.ttl != WINDOWS_TTL or server.version != 4 or server not in PRIVATE_172:
        return None
    network = ipaddress.ip_network((server, WSL_PREFIX), strict=False)
    if server != network[1] or not all(end in network for end in _addresses(connection)):
        return None
    return Path(
        f"{server} is probably the Windows host of this WSL (TTL {WINDOWS_TTL}, first address of {network})",
        f"TWS there sees {connection.client.ip}, WSL's own address, not one of Windows; it changes with a restart. A "
        "netsh portproxy to 127.0.0.1 makes TWS see its own loopback instead.",
    )


def _forwarded(connection: Connection) -> Path | None:
    away = hops(connection)
    if not away:
        return None
    passed = "1 machine" if away == 1 else f"{away} machines"
    return Path(
        f"{connection.server.ip} lies behind {passed} (TTL {connection.from_server.ttl}): a router, or the port map of a "
        "container",
        f"On the way the client's address may have been changed from {connection.client.ip}: the one to trust is the one "
        "TWS sees, which a capture on its machine shows.",
    )


def _addresses(connection: Connection) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    return [ipaddress.ip_address(end.address) for end in (connection.client, connection.server)]
