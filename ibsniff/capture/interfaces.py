"""The interfaces of this machine, and which of them carries the traffic between a program and TWS.

They come from the operating system's own library (``getifaddrs``), so that no tool is needed; on Windows, which lacks
that function, they come from scapy. Nothing here needs a privilege or sends a packet.
"""

from __future__ import annotations

import ctypes
import ipaddress
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from ibsniff.capture.procfs import MIRRORED_LOOPBACK, Wsl, default_gateway, detect_wsl
from ibsniff.capture.scapy_backend import load_scapy

if sys.platform == "linux":
    from ibsniff.capture.socket_backend import link_type_of

IFF_UP, IFF_LOOPBACK = 0x1, 0x8
"""Interface flags (net/if.h); the same numbers on Linux and macOS."""
LINKTYPE_NULL, LINKTYPE_ETHERNET = 0, 1
SAME_MACHINE = "program and TWS both on this machine"


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface that can be captured."""

    name: str
    index: int
    addresses: tuple[str, ...]
    up: bool
    loopback: bool
    link_type: int
    """LINKTYPE_ value of the packets of a live capture on it."""
    hint: str
    """Which TWS traffic it carries, in words; empty when that is not known."""


def list_interfaces() -> list[Interface]:
    """Return all interfaces in the order of the system. Raises UserError on Windows without scapy."""
    if sys.platform == "win32":
        return _windows_interfaces()
    subsystem, gateway = detect_wsl(), default_gateway()
    addresses: dict[str, list[str]] = {}
    flags: dict[str, int] = {}
    for name, flag_bits, address in _system_addresses():
        flags[name] = flag_bits
        addresses.setdefault(name, [])
        if address and address not in addresses[name]:
            addresses[name].append(address)
    return [
        Interface(
            name=name,
            index=index,
            addresses=tuple(addresses.get(name, ())),
            up=bool(flags.get(name, 0) & IFF_UP),
            loopback=bool(flags.get(name, 0) & IFF_LOOPBACK),
            link_type=_link_type(name),
            hint=hint_for(name, subsystem, gateway),
        )
        for index, name in socket.if_nameindex()
    ]


def hint_for(name: str, subsystem: Wsl | None, gateway: tuple[str, str] | None) -> str:
    """Say which TWS traffic an interface carries, by its name and how this machine is connected."""
    if name in ("lo", "lo0"):
        if subsystem is Wsl.WSL2_NAT:
            return "only a TWS inside this WSL; a TWS on Windows is reached through the interface of the default route"
        return SAME_MACHINE
    if name == MIRRORED_LOOPBACK:
        return "TWS on Windows at 127.0.0.1 (mirrored networking)"
    if subsystem is Wsl.WSL2_NAT and gateway and gateway[0] == name:
        return f"TWS on Windows at {gateway[1]} (NAT networking)"
    for prefixes, hint in _NAMED:
        if name.startswith(prefixes):
            return hint
    return "TWS on another machine" if gateway and gateway[0] == name else ""


_NAMED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("docker", "br-", "podman", "cni"), "a Gateway in a container, used from this machine or from another container"),
    (("veth",), "the traffic of one container; the bridge carries that of all containers"),
    (("tun", "tap", "wg", "utun", "tailscale", "ppp"), "a TWS at the other end of a VPN"),
)


class _IfAddrs(ctypes.Structure):
    """``struct ifaddrs`` (getifaddrs(3)): the same layout in glibc, musl and macOS."""


_IfAddrs._fields_ = [
    ("next", ctypes.POINTER(_IfAddrs)),
    ("name", ctypes.c_char_p),
    ("flags", ctypes.c_uint),
    ("address", ctypes.c_void_p),
    ("netmask", ctypes.c_void_p),
    ("destination", ctypes.c_void_p),
    ("data", ctypes.c_void_p),
]


def _system_addresses() -> Iterator[tuple[str, int, str]]:
    """Yield name, flags and address (empty for a link-layer entry) of everything ``getifaddrs`` lists."""
    library = ctypes.CDLL(None, use_errno=True)
    first = ctypes.POINTER(_IfAddrs)()
    if library.getifaddrs(ctypes.byref(first)) != 0:
        return
    try:
        entry = first
        while entry:
            yield entry.contents.name.decode(), entry.contents.flags, _address(entry.contents.address)
            entry = entry.contents.next
    finally:
        library.freeifaddrs(first)


def _address(pointer: int | None) -> str:
    if not pointer:
        return ""
    head = ctypes.string_at(pointer, 2)
    # On BSD, sockaddr begins with its length, and the family is the second byte.
    family = head[1] if sys.platform == "darwin" else int.from_bytes(head, sys.byteorder)
    if family == socket.AF_INET:
        return str(ipaddress.ip_address(ctypes.string_at(pointer + 4, 4)))
    if family == socket.AF_INET6:
        return str(ipaddress.ip_address(ctypes.string_at(pointer + 8, 16)))
    return ""


def _link_type(name: str) -> int:
    if sys.platform == "linux":
        return link_type_of(name)
    return LINKTYPE_NULL if name.startswith(("lo", "utun")) else LINKTYPE_ETHERNET


def _windows_interfaces() -> list[Interface]:
    scapy = load_scapy()
    return [
        Interface(
            name=entry.name,
            index=entry.index,
            addresses=(*entry.ips[4], *entry.ips[6]),
            up=entry.is_valid(),
            loopback=entry.network_name == scapy.loopback_name,
            link_type=LINKTYPE_NULL if entry.network_name == scapy.loopback_name else LINKTYPE_ETHERNET,
            hint=SAME_MACHINE if entry.network_name == scapy.loopback_name else "",
        )
        for entry in scapy.ifaces.values()
    ]
