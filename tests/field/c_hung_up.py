"""C: accepted, and closed without a byte."""

from __future__ import annotations

from field.thread import IB_INSYNC, Family, Meets, Thread, Unplayable, call, session
from ib_bytes import HELLO
from judging import Watch
from wire import START_NS, Wire

from ibsniff.model import Fault

LAN = ("192.168.1.30:50001", "192.168.1.5:4001")
REGARDLESS = r"Restart TWS"


def hung_up(wire: Wire, hello: bytes = HELLO) -> Wire:
    """Closed 4 ms after the connection, the hello read or not."""
    return wire.connect().client(hello).fin_server(after=0.004).fin_client()


def through_docker_proxy() -> tuple[Wire, Wire]:
    """The host calls its published port; what is in the container hangs up, and so does the proxy."""
    outer = Wire("127.0.0.1:50001", "127.0.0.1:4002").connect().client(IB_INSYNC)
    inner = Wire("172.17.0.1:60001", "172.17.0.2:4002", start_ns=START_NS + 500_000).connect().client(IB_INSYNC)
    return outer.fin_server(after=0.005), inner.fin_server(after=0.004)


HUNG_UP: Family = {
    "C1": Thread(
        "sparkstartconsulting/IBKR-API-Rust 28",
        "localhost only; unticked and whitelisted",
        (hung_up(call("192.168.1.30:50001", "192.168.1.5:7497")),),
        "305",
        Fault.TWS_CONFIG,
        Meets.CAUSE,
        says=("localhost only", "add 192.168.1.30 .* to Trusted IPs"),
        never=(REGARDLESS, "Enable ActiveX"),
    ),
    "C2": Thread(
        "lbilli/Jib.jl 43",
        "connections from WSL not allowed",
        (hung_up(call("172.20.190.2:50001", "172.20.176.1:7496", server_ttl=128)),),
        "110 305",
        Fault.TWS_CONFIG,
        Meets.CAUSE,
        says=("add 172.20.190.2 .* to Trusted IPs", "probably the Windows host of this WSL", "changes with a restart"),
        never=(REGARDLESS, "Enable ActiveX"),
    ),
    "C3": Thread(
        "lbilli/Jib.jl 42",
        "likely the same",
        (hung_up(call("192.168.1.30:50001", "192.168.1.5:7496")),),
        "305",
        Fault.TWS_CONFIG,
        Meets.CAUSE,
        says=("localhost only",),
        never=(REGARDLESS,),
    ),
    "C4": Thread(
        "erdewit/ib_insync 386 (KIC)",
        "the container's bridge is no loopback to Gateway (localhost only), or a relay with nobody behind it",
        through_docker_proxy(),
        "110 304 305 501",
        Fault.UNDETERMINED,
        Meets.NAMED,
        says=(
            "ib_insync, which sends a hello like this, reports TimeoutError after 4 s, its default; the server had ",
            "127.0.0.1:4002 is a relay",
            "does not accept connections from 172.17.0.1, or it is a relay",
            "Capture inside the container",
        ),
        never=(REGARDLESS, "Enable ActiveX"),
    ),
    "C5": Thread(
        "IbcAlpha/IBC 195, erdewit/ib_insync 540",
        "likely localhost only, or the trusted list has not the address TWS sees",
        (hung_up(call("192.168.1.30:50001", "198.51.100.7:4001", server_ttl=52), IB_INSYNC),),
        "110 305",
        Fault.TWS_CONFIG,
        Meets.CAUSE,
        says=("localhost only", "is behind 12 machines", "Trust the address that TWS sees"),
        never=(REGARDLESS,),
    ),
    "C6": Thread(
        "ib-controller/ib-controller 197",
        "likely untrusted address; Gateway shows no dialog",
        (hung_up(call(*LAN)),),
        "305",
        Fault.TWS_CONFIG,
        Meets.CAUSE,
        says=("add 192.168.1.30 .* to Trusted IPs", "Gateway, Configure > Settings"),
        never=(REGARDLESS, "click Yes"),
    ),
    "C7": Thread(
        "ib-controller/ib-controller 22",
        "likely the wrong port: 7462 is the controller's command port, through a tunnel",
        (hung_up(call("127.0.0.1:50001", "127.0.0.1:7462")),),
        "304",
        Fault.UNDETERMINED,
        Meets.NAMED,
        says=("another program listens on this port",),
        never=(REGARDLESS, "Trusted IPs", "localhost only"),
        watch=Watch(ports=frozenset({7462})),
    ),
    "C8": Thread(
        "erdewit/ib_insync 599",
        "never established (reset by peer, docker)",
        (call("172.17.0.1:50001", "172.17.0.2:4002").connect().client(IB_INSYNC).rst_server(after=0.01),),
        "110 305",
        Fault.UNDETERMINED,
        Meets.OPEN,
        says=("does not accept connections from 172.17.0.1, or it is a relay", "Capture inside the container"),
        never=(REGARDLESS,),
    ),
    "C9": Thread(
        "ib-controller/ib-controller 212",
        "never established: the address was trusted, and telnet connected",
        (
            call(*LAN).connect().fin_client(after=10.0).fin_server(),
            hung_up(call("192.168.1.30:50002", "192.168.1.5:4001", 60)),
        ),
        "201 305",
        Fault.UNDETERMINED,
        Meets.OPEN,
        says=(
            "probably not because of the address, as it accepted 192.168.1.30 before",
            "capture on its machine too",
            "TWS's log",
        ),
        never=(REGARDLESS, "Trusted IPs", "localhost only"),
    ),
    "C10": Thread(
        "clifton/docker-ib-gateway 1",
        "localhost only in the container; mended by a relay that calls from loopback",
        (hung_up(call("172.17.0.1:50001", "172.17.0.2:4001")), session(call("127.0.0.1:50002", "127.0.0.1:4001", 60))),
        "110 305 505",
        Fault.TWS_CONFIG,
        Meets.CAUSE,
        says=("localhost only", "a relay inside the container connect to TWS from its own loopback"),
        never=(REGARDLESS,),
    ),
    "C11": Unplayable(
        "IbcAlpha/IBC 173", "a wish, not a fault: TWS binds all addresses, and rejects after accepting (as C1)"
    ),
}
