"""Where on the network the answer came from: what TTL, MSS and addresses show.

A TCP relay answers for itself: its packets have passed no router. A machine that forwards packets (a router, the port
mapping of a container) reduces the TTL by one (RFC 1812, 5.3.1). Systems start at 64 (Linux, macOS) or 128 (Windows)
unless someone changed it.
"""

from __future__ import annotations

import ipaddress
from enum import StrEnum
from typing import NamedTuple

from ibsniff.model import Connection, Half, How, Side

LINUX_MACOS_TTL, WINDOWS_TTL = 64, 128
NEARER = 2
"""How many times longer the way to one end must be before the capture is taken to be made at the other end."""
FARTHEST = 30
"""Hops; a packet from farther away probably began with another TTL than the usual ones."""

CONTAINER_NETWORKS = [ipaddress.ip_network(f"172.{second}.0.0/24") for second in range(17, 31)]
"""The first addresses of Docker's bridges (172.17.0.0/16 and the networks after it), which are assigned first. Without
172.31.0.0/16, which many clouds use for their own network."""
PRIVATE_172 = ipaddress.ip_network("172.16.0.0/12")
WSL_PREFIX = 20
"""WSL's network is a /20 in that range, with Windows at its first address (172.20.176.1 in lbilli/Jib.jl 43)."""


class System(StrEnum):
    """The operating system that answered, as far as its first packet shows: each system has other tools."""

    LINUX = "Linux"
    MACOS = "macOS"
    WINDOWS = "Windows"


LOOPBACK_MSS = {65_495: System.LINUX, 65_476: System.LINUX, 16_344: System.MACOS, 16_324: System.MACOS}
"""Maximum segment sizes over ``lo`` (measured, IPv4 and IPv6) and ``lo0`` (its MTU of 16384 minus the headers)."""


class Answerer(StrEnum):
    """What kind of machine answered, where more is known than the server's address."""

    CONTAINER = "a container, reached over its bridge"
    CONTAINER_HOST = "the machine on which the client's container runs"
    OTHER_CONTAINER = "another container of the client's network"
    WSL_HOST = "the Windows host of the client's WSL"
    BEHIND_ROUTERS = "a machine behind routers, or behind a container's port map"


class NetworkPath(NamedTuple):
    """What kind of machine probably answered, and on what evidence."""

    answerer: Answerer
    network: str = ""
    """The network that both ends are in; empty for a machine behind routers."""
    hops: int = 0
    """How many machines forwarded the answer."""

    @property
    def through_container(self) -> bool:
        """Tell whether a container is on the way: relays are usual there, and TWS sees its or its bridge's address."""
        return self.answerer in (Answerer.CONTAINER, Answerer.CONTAINER_HOST, Answerer.OTHER_CONTAINER)


def system(connection: Connection) -> System | None:
    """The system of the machine that answered, or that connected to itself; None when Linux and macOS look alike."""
    half = connection.from_server
    if connection.same_host and not half.segments:
        half = connection.from_client
    return _system_of(half)


def client_system(connection: Connection) -> System | None:
    """The system of the client's machine, known in the same way."""
    return _system_of(connection.from_client) or (system(connection) if connection.same_host else None)


def _system_of(half: Half) -> System | None:
    if half.mss in LOOPBACK_MSS:
        return LOOPBACK_MSS[half.mss]
    return System.WINDOWS if half.ttl is not None and WINDOWS_TTL - FARTHEST <= half.ttl <= WINDOWS_TTL else None


def possible_systems(connection: Connection) -> tuple[System, ...]:
    """The systems that the machine that answered may have: one where its packets show it, otherwise the likeliest first."""
    known, path = system(connection), network_path(connection)
    if known is not None:
        return (known,)
    if path is not None and path.through_container:
        return (System.LINUX,)
    ttl = connection.from_server.ttl
    is_unix = ttl is not None and LINUX_MACOS_TTL - FARTHEST <= ttl <= LINUX_MACOS_TTL
    return (System.LINUX, System.MACOS) if is_unix else tuple(System)


def hops(connection: Connection) -> int | None:
    """How many machines forwarded the answer; None when the TTL is not a usual one."""
    ttl = connection.from_server.ttl
    starts = (start for start in (LINUX_MACOS_TTL, WINDOWS_TTL) if ttl and start - FARTHEST <= ttl <= start)
    return next((start - ttl for start in starts if ttl), None)


def reset_with_other_ttl(connection: Connection) -> bool:
    """Tell whether the server's RST came with another TTL than its first packet: perhaps it is another machine's.

    A firewall on the way, or the host of a container that has stopped; a route that changed meanwhile looks the same.
    """
    ended, server = connection.ended, connection.from_server
    if (
        ended is None
        or ended.by is not Side.SERVER
        or ended.how is not How.RST
        or not (server.ttl and server.reset_ttl)
    ):
        return False
    return server.ttl != server.reset_ttl


def captured_near_client(connection: Connection) -> bool:
    """Tell whether the SYN-ACK took much longer to come than the client's ACK after it."""
    if not connection.syns or connection.syn_ack is None or connection.established is None:
        return False
    syns = [syn for syn in connection.syns if syn.packet < connection.syn_ack.packet] or connection.syns
    syn_ack_took_ns = connection.syn_ack.time_ns - syns[-1].time_ns
    return syn_ack_took_ns > NEARER * (connection.established.time_ns - connection.syn_ack.time_ns)


def captured_near_server(connection: Connection) -> bool:
    """Tell whether the client's ACK took much longer to come than the SYN-ACK before it."""
    if not connection.syns or connection.syn_ack is None or connection.established is None:
        return False
    syn_ack_took_ns = connection.syn_ack.time_ns - connection.syns[-1].time_ns
    return connection.established.time_ns - connection.syn_ack.time_ns > NEARER * max(syn_ack_took_ns, 0)


def network_path(connection: Connection) -> NetworkPath | None:
    """What is known about who answered beyond its address; None when that is the client's own machine."""
    if connection.same_host:
        return None
    return _over_a_bridge(connection) or _from_wsl_to_windows(connection) or _forwarded(connection)


def may_be_from_wsl(connection: Connection) -> bool:
    """Tell whether the addresses are those of a WSL and its Windows host, and nothing contradicts that."""
    client, server = _addresses(connection)
    if connection.from_server.ttl not in (None, WINDOWS_TTL) or server.version != 4 or server not in PRIVATE_172:
        return False
    if any(server in one for one in CONTAINER_NETWORKS):
        return False
    network = ipaddress.ip_network((server, WSL_PREFIX), strict=False)
    return server == network[1] and client in network


def _over_a_bridge(connection: Connection) -> NetworkPath | None:
    if connection.from_server.ttl != LINUX_MACOS_TTL:
        return None
    client, server = _addresses(connection)
    network = next((one for one in CONTAINER_NETWORKS if client in one and server in one), None)
    if network is None:
        return None
    bridge = network[1]
    answerer = Answerer.CONTAINER_HOST if server == bridge else Answerer.OTHER_CONTAINER
    return NetworkPath(Answerer.CONTAINER if client == bridge else answerer, str(network))


def _from_wsl_to_windows(connection: Connection) -> NetworkPath | None:
    client, server = _addresses(connection)
    if connection.from_server.ttl != WINDOWS_TTL or server.version != 4 or server not in PRIVATE_172:
        return None
    network = ipaddress.ip_network((server, WSL_PREFIX), strict=False)
    if server != network[1] or client not in network:
        return None
    return NetworkPath(Answerer.WSL_HOST, str(network))


def _forwarded(connection: Connection) -> NetworkPath | None:
    away = hops(connection)
    return NetworkPath(Answerer.BEHIND_ROUTERS, hops=away) if away else None


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _addresses(connection: Connection) -> tuple[Address, Address]:
    """The addresses of client and server."""
    return ipaddress.ip_address(connection.client.address), ipaddress.ip_address(connection.server.address)
