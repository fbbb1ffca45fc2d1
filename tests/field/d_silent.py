"""D: accepted and acknowledged by the kernel, and silent."""

from __future__ import annotations

from field.thread import IB_ASYNC, IB_INSYNC, Family, Meets, Thread, call, local, session, silent
from ib_bytes import HELLO, READY, REPLY, START
from judging import Watch
from wire import START_NS, Wire

from ibsniff.model import Fault, Side

THE_BOX = r"(?<!not ')Enable ActiveX"
ADDRESSES = ("Trusted IPs", "localhost only", "click Yes")
WSL = ("172.18.250.7:50001", "172.18.240.1:7496")


def deaf(first: Wire, *after: float) -> tuple[Wire, ...]:
    """One odd connection, and then nobody is answered any more."""
    return (first, *(silent(local(seconds), IB_ASYNC) for seconds in after))


def both_legs_silent() -> tuple[Wire, Wire]:
    """The client gives up, and the relay passes its goodbye on."""
    outer = Wire("172.17.0.1:50001", "172.17.0.2:8888").connect().client(IB_INSYNC).fin_client(after=4.0)
    inner = Wire("127.0.0.1:60001", "127.0.0.1:7497", start_ns=START_NS + 400_000).connect().client(IB_INSYNC)
    return outer.ack(Side.SERVER), inner.fin_client(after=4.0).ack(Side.SERVER)


SILENT: Family = {
    "D1": Thread(
        "ib-api-reloaded/ib_async 18",
        "the dialog 'Accept incoming connection?'",
        (silent(call("192.168.50.20:50001", "192.168.50.203:7497"), IB_ASYNC),),
        "302",
        Fault.TWS_STATE,
        Meets.CAUSE,
        says=("click Yes", "add 192.168.50.20 ", "ib_async, which sends a hello like this, reports TimeoutError"),
        never=(THE_BOX,),
    ),
    "D2": Thread(
        "erdewit/ib_insync 529",
        "the trusted list held the host's address, not WSL's",
        (silent(call(*WSL, server_ttl=128), IB_INSYNC),),
        "110 302",
        Fault.TWS_STATE,
        Meets.CAUSE,
        says=("add 172.18.250.7 .this one address", "WSL's own address, not one of Windows"),
        never=(THE_BOX, "add 172.18.240.1"),
    ),
    "D3": Thread(
        "erdewit/ib_insync 381",
        "the name resolved to fe80::, which the IPv4 entry does not cover",
        (
            call("[fe80::20]:50001", "[fe80::5]:7497")
            .connect()
            .client(IB_INSYNC)
            .wait(9.0)
            .server(REPLY)
            .client(START)
            .server(READY),
            silent(call("[fe80::20]:50002", "[fe80::5]:7497", -60), IB_INSYNC),
        ),
        "302 313",
        Fault.TWS_STATE,
        Meets.CAUSE,
        says=(
            "click Yes; add fe80::20 .this IPv6 address, no range; an IPv4 entry does not cover it",
            "clicked Yes in its dialog meanwhile",
        ),
        never=(THE_BOX,),
    ),
    "D4": Thread(
        "IbcAlpha/IBC 334",
        "a range in the trusted list is ignored",
        (silent(call("172.18.250.7:50001", "172.18.240.1:4002", server_ttl=128)),),
        "110 302",
        Fault.TWS_STATE,
        Meets.CAUSE,
        says=("add 172.18.250.7 .this one address, no range", "Gateway has no such checkbox"),
        never=(THE_BOX,),
    ),
    "D5": Thread(
        "FueledByChai/SumZeroTrading 11",
        "the dialog, answered after a while",
        (
            call("192.168.1.30:50001", "192.168.1.5:7497")
            .connect()
            .client(HELLO)
            .wait(22.0)
            .server(REPLY)
            .client(START)
            .server(READY),
        ),
        "313",
        Fault.NONE,
        Meets.CAUSE,
        says=("TWS took 22 s to answer", "clicked Yes"),
    ),
    "D6": Thread(
        "gnzsnz/ib-gateway-docker 336",
        "Gateway 10.41.1d hangs; the trigger is open",
        (session(local(0)), *(silent(local(60 + 30 * number + number**2)) for number in range(4))),
        "301 503",
        Fault.TWS_STATE,
        Meets.CAUSE,
        says=("hangs: 4 clients in a row, from c2 on", "c1, from the same address, was served before", "Restart"),
        never=(*ADDRESSES, THE_BOX),
    ),
    "D7": Thread(
        "nautechsystems/nautilus_trader 4796",
        "Gateway 10.41.1c hangs since one client's aborted try; four times of four",
        deaf(local(0).connect().client(b"API\0").fin_client(after=0.2).ack(Side.SERVER), 10, 21, 33),
        "204 301 503",
        Fault.TWS_STATE,
        Meets.CAUSE,
        says=(
            "Before them 127.0.0.1:40000 .c1. connected and sent 4 bytes that are not a hello",
            "suspected, not proved",
        ),
        never=(*ADDRESSES, THE_BOX),
    ),
    "D8": Thread(
        "erdewit/ib_insync 386 (zdytch)",
        "Gateway hangs and keeps sockets in CLOSE_WAIT; its own call to ndc1.ibllc.com:4001 is none of the API",
        (
            call("192.168.1.20:50100", "208.245.107.3:4001", -5)
            .connect()
            .client(bytes.fromhex("160301020001000001fc0303"))
            .server(bytes.fromhex("160303007a020000760303")),
            session(local(0, 4001)).close(after=1.0),
            *(silent(local(20 + 10 * number + number**2, 4001), IB_INSYNC) for number in range(3)),
        ),
        "301 503",
        Fault.TWS_STATE,
        Meets.CAUSE,
        says=("127.0.0.1:4001 hangs: 3 clients in a row",),
        never=(*ADDRESSES, THE_BOX, "208.245.107.3"),
    ),
    "D9": Thread(
        "extrange/ibkr-docker 80 and 16 (2025)",
        "likely a hang behind socat: the box was ticked",
        both_legs_silent(),
        "110 301 302 510",
        Fault.TWS_STATE,
        Meets.CAUSE,
        says=("172.17.0.2:8888 is a relay and passed the hello on to 127.0.0.1:7497", "behind the relay hangs"),
        never=(THE_BOX,),
    ),
    "D10": Thread(
        "stimutak/robo_trader",
        "likely port tests with connect_ex: a check that does not connect cured it",
        deaf(local(0).connect().fin_client(after=0.001).ack(Side.SERVER), 10, 21),
        "201 301 503",
        Fault.TWS_STATE,
        Meets.CAUSE,
        says=("Before them 127.0.0.1:40000 .c1. connected and sent nothing", "suspected, not proved"),
        never=(*ADDRESSES, THE_BOX),
    ),
    "D11": Thread(
        "revred/AutoRevOption",
        "never established; a malformed API=9.72 was sent before",
        deaf(local(0).connect().client(b"API=9.72\0").fin_client(after=1.0).ack(Side.SERVER), 10, 21),
        "202 301 503",
        Fault.TWS_STATE,
        Meets.OPEN,
        says=("connected and sent 9 bytes that are not a hello", "suspected, not proved", "Starting new conversation"),
        never=(*ADDRESSES, THE_BOX),
    ),
    "D12": Thread(
        "gnzsnz/ib-gateway-docker 123",
        "curl called the API port",
        (silent(local(), b"GET / HTTP/1.1\r\nHost: localhost:4002\r\n\r\n", 30.0),),
        "207",
        Fault.CLIENT,
        Meets.CAUSE,
        says=("this port speaks IB's socket API", "Client Portal Gateway"),
        never=("Trusted IPs", "hangs"),
    ),
    "D13": Thread(
        "erdewit/ib_insync 578",
        "port 6985 was a Client Portal Gateway",
        (silent(local(0, 6985), IB_INSYNC),),
        "301",
        Fault.UNDETERMINED,
        Meets.NAMED,
        says=("or it is not TWS at all", "another program listens on this port"),
        never=ADDRESSES,
        watch=Watch(ports=frozenset({6985})),
    ),
    "D14": Thread(
        "lbilli/rib 12",
        "the Client Portal Gateway's port, which answers the hello with a TLS alert",
        (local(0, 5000).connect().client(HELLO).server(bytes.fromhex("15030300020246"), after=0.005).fin_server(),),
        "306",
        Fault.NETWORK,
        Meets.CAUSE,
        says=("speaks TLS: this is not the API port", "7497 or 7496"),
        never=ADDRESSES,
        watch=Watch(ports=frozenset({5000})),
    ),
    "D15": Thread(
        "gnzsnz/ib-gateway-docker 268",
        "likely a browser that expected the Client Portal Gateway",
        (silent(local(0, 4004), b"GET /v1/api/iserver/auth/status HTTP/1.1\r\nHost: localhost:4004\r\n\r\n", 30.0),),
        "207",
        Fault.CLIENT,
        Meets.CAUSE,
        says=("IB's web API is the Client Portal Gateway",),
        never=("Trusted IPs",),
    ),
    "D16": Thread(
        "erdewit/ib_insync 303",
        "likely still starting: the first try times out, the second works",
        (silent(local(0), IB_INSYNC), session(local(20))),
        "301",
        Fault.TWS_STATE,
        Meets.CAUSE,
        says=("still starting", "it has worked since then"),
        never=ADDRESSES,
    ),
    "D17": Thread(
        "nautechsystems/nautilus_trader 2047",
        "never established (no version reply)",
        (silent(local(), patience=10.0),),
        "301",
        Fault.TWS_STATE,
        Meets.OPEN,
        says=("hangs or is still starting", "Starting new conversation", "capture behind it"),
        never=(*ADDRESSES, THE_BOX),
    ),
    "D18": Thread(
        "nautechsystems/nautilus_trader 2841",
        "never established (docker)",
        (silent(call("172.18.0.3:50001", "172.18.0.2:4004"), patience=10.0),),
        "110 302",
        Fault.TWS_STATE,
        Meets.OPEN,
        says=(
            "A relay usually listens on this port",
            "capture on the server's machine too",
            "Starting new conversation",
        ),
        never=(THE_BOX,),
    ),
    "D19": Thread(
        "kpiteira/ktrdr",
        "likely made deaf by rapid retries",
        (
            session(local(0)).close(after=1.0),
            *(local(2 + number * 0.2).connect().fin_client(after=0.001).ack(Side.SERVER) for number in range(15)),
            silent(local(20)),
            silent(local(31)),
        ),
        "201 301 503 508 509",
        Fault.TWS_STATE,
        Meets.CAUSE,
        says=("connects to 127.0.0.1:4002 again and again", "hangs: 2 clients in a row", "suspected"),
        never=(*ADDRESSES, THE_BOX),
    ),
}
