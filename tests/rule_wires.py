"""A packet script for every rule, and for every rule one that nearly is its case and is not.

Each promises the exact set of codes, so each is a near miss for every rule it does not name; ``nearly`` names the rule it
was written for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import ib_bytes
from ib_bytes import BROKEN_HELLOS, HELLO, READY, REPLY, START, TRAILING_HELLOS
from judging import Watch
from wire import START_NS, Wire

from ibsniff.ib import names
from ibsniff.model import NANOSECONDS, PATIENCE, Side, UnreachableKind, WatchedBy

LONG, SHORT, LATER = Watch(ended=PATIENCE + 1), Watch(ended=0.3), Watch(ended=90)
NOT_MET = b"GET / HTTP/1.1\r\nHost: localhost:7497\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n"


@dataclass
class Case:
    """A capture and the codes it must have, no other."""

    wire: Wire
    codes: str = ""
    watch: Watch = field(default_factory=Watch)
    nearly: str = ""
    """The rules that must not fire, though it looks like their case."""


def local(**more: object) -> Wire:
    return Wire(**more)  # type: ignore[arg-type]


def remote(port: int = 7497, **more: object) -> Wire:
    return Wire(client="172.24.46.63:51000", server=f"172.24.32.1:{port}", **more)  # type: ignore[arg-type]


def silent(wire: Wire, hello: bytes = HELLO, pause: float = 4.0) -> Wire:
    """The client gives up after four seconds, as ib_async does."""
    return wire.connect().client(hello).fin_client(after=pause)


def resent(wire: Wire, times: int = 5) -> Wire:
    """The last packet is sent again, as a kernel does it: each time after twice as long."""
    for number in range(times):
        wire.again(after=0.2 * 2**number)
    return wire


def polled(pause: float, answered_polls: int, unanswered_polls: int) -> Wire:
    """A bot asks for the time again and again; TWS answers for some time, and then no more."""
    wire = session(local())
    for _ in range(answered_polls):
        wire.client(text("49", "1"), after=pause).server(text("49", "1", "1790000000"))
    for _ in range(unanswered_polls):
        wire.client(text("49", "1"), after=pause)
    return wire


def flooded() -> Wire:
    """A server that leaves a byte out and goes on for longer than any window."""
    wire = session(local()).segment(Side.SERVER, seq_offset=1, data=b"x" * 60_000, advance=False)
    for number in range(1, 72):
        wire.segment(Side.SERVER, seq_offset=1 + 60_000 * number, data=b"x" * 60_000, advance=False)
    return wire


def answered(wire: Wire, version: int = 178) -> Wire:
    return wire.connect().client(ib_bytes.hello(100, max(187, version))).server(ib_bytes.reply(version))


def started(wire: Wire, version: int = 178) -> Wire:
    return answered(wire, version).client(ib_bytes.start_api(version))


def session(wire: Wire, version: int = 178) -> Wire:
    return started(wire, version).server(ib_bytes.ready(version))


def said(code: int, text: str, version: int = 178, request: int = -1) -> bytes:
    return ib_bytes.error(version, code, text, request)


def asked(name: str, number: int = 7, *, transmit: bool = True) -> bytes:
    """A request or an order of the client, as server version 178 gets it."""
    if name == "PLACE_ORDER":
        contract = (265598, "AAPL", "STK", "", 0, "", "", "SMART", "", "USD", "", "", "", "")
        return ib_bytes.text(
            178, 3, number, *contract, "BUY", 100, "LMT", 187, "", "DAY", "", "", "O", 0, "", int(transmit), 0
        )
    ids = {message: id for id, message in names.CLIENT_MESSAGES.items()}
    return ib_bytes.text(178, ids[name], 1, number, 265598, "AAPL")


def ticks(number: int = 7, count: int = 1) -> bytes:
    """Prices of a subscription to market data."""
    return ib_bytes.text(178, 1, 6, number, 4, 187.32, 100, 0) * count


def status(order: int, text: str) -> bytes:
    """ORDER_STATUS."""
    return ib_bytes.text(178, 3, order, text, 0, 100, 0, 0, 0, 0, 7, "", 0)


def relay_legs(inner_after: float = 0.001, refused: bool = True) -> Wire:
    """A client calls a relay on 4004, which calls the Gateway on 4002 and is refused."""
    outer = Wire(server="127.0.0.1:4004").connect()
    outer.fin_server(after=0.004 + max(inner_after, 0))
    inner = Wire(
        client="127.0.0.1:60000", server="127.0.0.1:4002", start_ns=START_NS + round(inner_after * NANOSECONDS)
    )
    inner.syn()
    if refused:
        inner.refuse()
    else:
        inner.syn_ack().ack().client(HELLO).server(REPLY).client(START).server(READY)
    return Wire.merge(outer, inner)


def text(*fields: str) -> bytes:
    """A text message."""
    body = b"".join(value.encode() + b"\0" for value in fields)
    return len(body).to_bytes(4, "big") + body


def later(seconds: float) -> Wire:
    """A client of its own, that comes so much later."""
    return Wire(f"127.0.0.1:{40_000 + round(10 * seconds)}", start_ns=START_NS + round(seconds * NANOSECONDS))


def own_machine() -> Wire:
    """A client on TWS's own machine, which has an address of the network."""
    return Wire("172.24.32.1:50001", "172.24.32.1:7497")


def held(answered_after: float) -> Wire:
    """One that says nothing stays for 20 s; a bot that came 3 s later is answered so many seconds after its hello."""
    bot = later(3).connect().client(HELLO).server(REPLY, after=answered_after).client(START).server(READY)
    return Wire.merge(later(0).connect().wait(20.0).fin_client(), bot)


def row(odd: bytes, number: int) -> list[Wire]:
    """Perhaps an odd client, then some good ones; nobody is answered, and the server never closes."""
    hellos = [*([odd] if odd else []), *([HELLO] * number)]
    return [
        later(10 * place + place**2).connect().client(hello).fin_client(after=4).ack(Side.SERVER)
        for place, hello in enumerate(hellos)
    ]


def in_use(wire: Wire) -> Wire:
    return started(wire).server(said(326, "client id is already in use")).fin_server()


def queue_full(neighbours: int, *, served_after: bool = False, other_address: bool = False) -> Wire:
    """So many remote clients get no answer; of another one even the ACK and the hello are ignored."""
    host = "172.24.46.64" if other_address else "172.24.46.63"
    waiting = [
        silent(Wire(f"{host}:{40_000 + n}", "172.24.32.1:7497", start_ns=START_NS + 9 * n * NANOSECONDS)).ack(
            Side.SERVER
        )
        for n in range(neighbours)
    ]
    late = remote(start_ns=START_NS + 60 * NANOSECONDS).connect().client(HELLO, ack=False).again(after=0.2)
    late.again(4, after=0.8).again(2, after=0.2).again(6, after=1.8).fin_client(after=1.0)
    if not served_after:
        return Wire.merge(*waiting, late)
    served = session(Wire("172.24.46.63:45000", "172.24.32.1:7497", start_ns=START_NS + 50 * NANOSECONDS))
    return Wire.merge(*waiting, late, served)


def silent_legs(inner_after: float) -> tuple[Wire, Wire]:
    """The same hello to 4004 and, so much later, to 4002; nobody answers."""
    outer = Wire("127.0.0.1:50001", "127.0.0.1:4004").connect().client(HELLO).fin_client(after=6)
    inner = Wire("127.0.0.1:60001", "127.0.0.1:4002", start_ns=START_NS + round(inner_after * NANOSECONDS))
    return outer, inner.connect().client(HELLO).fin_client(after=4)


def ticking(wire: Wire, *numbers: int) -> Wire:
    """Each of these subscriptions ticks once a second for 20 s."""
    for _ in range(20):
        wire.server(b"".join(ticks(number) for number in numbers), after=1.0)
    return wire


def streams(*numbers: int) -> Wire:
    """A session with these subscriptions, which have ticked for 20 s."""
    wire = session(local())
    for number in numbers:
        wire.client(asked("REQ_MKT_DATA", number))
    return ticking(wire, *numbers)


def after_a_blip(wire: Wire) -> Wire:
    """A data farm is lost for eight seconds."""
    lost, back = said(2103, "Market data farm connection is broken:usfarm"), said(2104, "... is OK:usfarm")
    return wire.server(lost, after=0.5).server(back, after=8.0)


CASES: dict[str, Case] = {
    # -- 0xx: can the capture be trusted
    "drops": Case(session(local()), "001", Watch(dropped=12)),
    "no drops": Case(session(local()), "", Watch(dropped=0), nearly="001"),
    "truncated": Case(session(local()), "002", Watch(truncated="it ends inside a packet")),
    "whole": Case(session(local()), "", nearly="002 010"),
    "cut by snaplen": Case(local().connect().client(HELLO).cut(4).server(REPLY).cut(4), "003", LONG),
    "nothing to cut": Case(silent(local()).cut(len(HELLO)), "301", nearly="003"),
    "only the client": Case(
        local().syn().lose().syn_ack().ack().client(HELLO, ack=False).fin_client(after=4), "004", LONG
    ),
    "only the server": Case(
        local().lose().syn().syn_ack().lose(2).ack().client(HELLO, ack=False).ack(Side.SERVER), "004", LONG
    ),
    "both directions": Case(local().connect().client(HELLO, ack=False), "009", SHORT, nearly="004"),
    "a reply not captured": Case(local().connect().client(HELLO).lose().server(REPLY, ack=False).ack(), "005", LONG),
    "half a hello not captured": Case(
        local().connect().client(HELLO[:9], ack=False).lose().client(HELLO[9:], ack=False).ack(Side.SERVER), "005", LONG
    ),
    "sent again": Case(
        local().connect().lose().client(HELLO, ack=False).again(after=0.2).ack(Side.SERVER).fin_client(after=4),
        "301",
        nearly="005",
    ),
    "nothing for us": Case(Wire(server="127.0.0.1:5432").connect().client(b"hello"), "006"),
    "only folded by nobody": Case(session(local()), "", nearly="006 007 011"),
    "a hello elsewhere": Case(session(Wire(server="127.0.0.1:5555")), "006 007"),
    "a hello elsewhere, looked at": Case(
        session(Wire(server="127.0.0.1:5555")), "", Watch(ports=frozenset({5555})), nearly="007"
    ),
    "joined": Case(session(local()).from_packet(8), "008"),
    "nothing but the client's ACKs": Case(session(local()).ack().from_packet(11), "004 008"),
    "joined before the hello": Case(session(local()).from_packet(3), "", nearly="008"),
    "stopped too early": Case(local().connect().client(HELLO), "009", SHORT),
    "the usual ticket": Case(local().connect().client(HELLO), "009"),
    "long enough": Case(local().connect().client(HELLO), "301", LONG, nearly="009"),
    "a clock that steps back": Case(session(local()), "010", Watch(times_backwards=2)),
    "on your word": Case(local().connect().client(HELLO), "012 301", Watch(ended=10, by=WatchedBy.USER)),
    "a clock that leaps": Case(silent(local(), pause=7200), "013 301"),
    "a clock that leaps in good time": Case(silent(local().arp_who_has().wait(7200)), "301", nearly="013"),
    "hours of quiet, proved before": Case(
        local().connect().client(HELLO).wait(6).keep_alive(Side.SERVER).fin_client(after=7200), "301", nearly="013"
    ),
    "a clock of 1970": Case(session(local(start_ns=60 * NANOSECONDS)), "014"),
    "a clock of 1970, and nobody to be confused": Case(
        Wire(server="127.0.0.1:5432", start_ns=60 * NANOSECONDS).connect(), "006", nearly="014"
    ),
    "packets without a time": Case(silent(local()), "015 301", Watch(untimed=6)),
    "no time at all": Case(silent(local(start_ns=0, delay=0.0), pause=0), "015", nearly="014 214"),
    "nothing without a time": Case(session(local()), "", Watch(untimed=0), nearly="015"),
    "a link that is not read": Case(silent(local()), "016 301", Watch(skipped={"link type 105 is not read": 9})),
    "only UDP is not read": Case(silent(local()), "301", Watch(skipped={"not TCP": 9}), nearly="016"),
    "every packet twice": Case(session(local()).doubled(), "017"),
    "one packet twice": Case(session(local()).copy(), "", nearly="017"),
    "more bytes wait than can": Case(flooded(), "005 018"),
    "errors of many codes": Case(
        session(local()).server(b"".join(said(20_000 + code, "x") for code in range(300))), "018 425"
    ),
    "errors of some codes": Case(
        session(local()).server(b"".join(said(20_000 + code, "x") for code in range(30))), "425", nearly="018"
    ),
    "on the file's word": Case(local().connect().client(HELLO), "301", Watch(ended=10), nearly="012"),
    # -- 1xx: reaching the socket
    "refused": Case(local().syn().refuse(), "101"),
    "refused thrice": Case(local().syn().refuse().syn(after=0.5).refuse().syn(after=0.5).refuse(), "101", nearly="102"),
    "refused far away": Case(remote().syn().refuse(), "102", nearly="101"),
    "not refused": Case(remote().connect().rst_server(after=0.1), "305", nearly="102"),
    "rejected": Case(remote().syn().unreachable(), "103", nearly="105"),
    "prohibited": Case(remote().syn().unreachable(UnreachableKind.PROHIBITED, reporter="172.24.32.254"), "103"),
    "no such host": Case(remote().syn().unreachable(UnreachableKind.HOST, reporter="172.24.46.1"), "104", nearly="103"),
    "forwarded to nobody": Case(remote().syn().unreachable(UnreachableKind.HOST), "104", nearly="103"),
    "no such network": Case(remote().syn().unreachable(UnreachableKind.NETWORK, reporter="172.24.46.1"), "104"),
    "nobody answers ARP": Case(remote().syn().arp_who_has().arp_who_has(after=1).syn(after=1), "104", LONG),
    "ARP is answered": Case(remote().arp_who_has().arp_reply().syn().syn(after=1), "105", LONG, nearly="104"),
    "somebody else's ARP": Case(
        Wire.merge(remote().syn(), Wire(client="172.24.46.99:1", server="172.24.32.1:7497").arp_who_has(after=0.001)),
        "105",
        LONG,
        nearly="104",
    ),
    "dropped": Case(remote().syn().syn(after=1).syn(after=2), "105"),
    "called once, watched briefly": Case(remote().syn(), "009", SHORT, nearly="105 106"),
    "a full queue": Case(local().syn().syn(after=1).syn(after=2), "106", nearly="105"),
    "SYN-ACK missed": Case(local().syn().lose().syn_ack().ack().client(HELLO), "301", LONG, nearly="106 004"),
    "a relay hangs up": Case(local().connect().fin_server(after=0.001), "107", nearly="304"),
    "a relay far away hangs up": Case(remote(4004).connect().rst_server(after=0.001), "107", nearly="305"),
    "no relay, far away": Case(remote().connect().fin_server(after=0.001), "305", nearly="107"),
    "rejected by the client": Case(local().syn().syn_ack().rst_client(), "108", nearly="201"),
    "closed by the client": Case(local().connect().rst_client(after=0.1), "201", nearly="108"),
    "no call for want of ARP": Case(remote().arp_who_has().arp_who_has(after=1).arp_who_has(after=1), "006 109"),
    "ARP is answered, and no call": Case(remote().arp_who_has().arp_who_has(after=1).arp_reply(), "006", nearly="109"),
    "from WSL to Windows": Case(silent(remote(server_ttl=128)), "110 302"),
    "a Linux machine at that address": Case(silent(remote()), "302", nearly="110"),
    "out of the container, hung up on": Case(
        Wire("172.17.0.2:51000", "172.17.0.1:4002").connect().client(HELLO).fin_server(after=0.05), "110 305"
    ),
    "behind a router": Case(silent(remote(server_ttl=63)), "110 302"),
    "behind a router, served": Case(session(remote(server_ttl=63)), "", nearly="110"),
    # -- 2xx: what the client sent
    "nothing sent": Case(local().connect(), "201", LONG),
    "nothing sent yet": Case(local().connect(), "009", SHORT, nearly="201"),
    "no prefix": Case(silent(local(), BROKEN_HELLOS["1 no prefix"]), "202"),
    "framed prefix": Case(silent(local(), BROKEN_HELLOS["5 prefix framed too"]), "202"),
    "no NUL": Case(silent(local(), BROKEN_HELLOS["7 no NUL"]), "202"),
    "little-endian": Case(silent(local(), BROKEN_HELLOS["3 little-endian length"]), "203", nearly="204"),
    "only the prefix": Case(silent(local(), b"API\0"), "204", nearly="203"),
    "one dot": Case(silent(local(), BROKEN_HELLOS["9 one dot"]), "205"),
    "one dot, reset": Case(
        remote().connect().client(BROKEN_HELLOS["9 one dot"]).rst_server(after=0.01), "205", nearly="305"
    ),
    "trailing NUL": Case(silent(local(), TRAILING_HELLOS["8 trailing NUL"]), "206", nearly="205"),
    "trailing NUL, answered": Case(
        local().connect().client(TRAILING_HELLOS["8 trailing NUL"]).server(REPLY).client(START).server(READY),
        "",
        nearly="206",
    ),
    "HTTP": Case(silent(local(), NOT_MET), "207", nearly="202 203 204 209"),
    "HTTP, answered in kind": Case(
        local().connect().client(NOT_MET).server(b"HTTP/1.1 200 OK\r\n\r\n"), "306", nearly="207"
    ),
    "TLS": Case(silent(local(), BROKEN_HELLOS["28 TLS 1.2 record"]), "208", nearly="209"),
    "TLS, answered in kind": Case(
        local().connect().client(BROKEN_HELLOS["28 TLS 1.2 record"]).server(bytes.fromhex("160303007a0200")),
        "306",
        nearly="208",
    ),
    "FIX": Case(silent(local(), BROKEN_HELLOS["29 FIX"]), "209"),
    "a telnet test": Case(silent(local(), b"\r\n"), "209", nearly="201"),
    "a PROXY header": Case(silent(local(), ib_bytes.PROXY_HEADERS["version 1, IPv4"] + HELLO), "215", nearly="202 209"),
    "a PROXY header, expected": Case(
        local().connect().client(ib_bytes.PROXY_HEADERS["version 2"] + HELLO).server(REPLY).client(START).server(READY),
        "",
        nearly="215",
    ),
    "no START_API": Case(answered(local()), "210", LONG, nearly="312"),
    "another request in its place": Case(answered(local()).client(ib_bytes.text(178, 49, 1)), "210", LONG),
    "START_API without a frame": Case(answered(local()).client(ib_bytes.fields(71, 2, 7, "")), "210", LONG),
    "START_API not yet": Case(answered(local()), "", SHORT, nearly="210"),
    "START_API not captured": Case(
        answered(local()).lose().client(START, ack=False).ack(Side.SERVER).server(READY), "005", LONG, nearly="210"
    ),
    "the server left first": Case(answered(local()).fin_server(after=0.001), "315", LONG, nearly="210 211"),
    "a reply in pieces": Case(local().connect().client(HELLO).server(REPLY, mss=9), "211", LONG, nearly="210"),
    "a reply in pieces, put together": Case(
        local().connect().client(HELLO).server(REPLY, mss=9).client(START).server(READY), "", LONG, nearly="211"
    ),
    "text where a raw id is due": Case(answered(local(), 203).client(START), "212", LONG),
    "raw id where text is due": Case(answered(local()).client(ib_bytes.start_api(203)), "212", LONG),
    "the right form": Case(started(local(), 203), "312", LONG, nearly="212"),
    "the wrong form, served all the same": Case(
        answered(local(), 203).client(START).server(ib_bytes.ready(203)), "", LONG, nearly="212"
    ),
    "requests too early": Case(started(local()).client(ib_bytes.text(178, 49, 1)), "213 312", LONG),
    "requests in time": Case(session(local()).client(ib_bytes.text(178, 59, 1)), "", LONG, nearly="213 312"),
    "gave up early": Case(local().connect().client(HELLO).fin_client(after=0.5), "214", nearly="301 303"),
    "gave up after a second": Case(local().connect().client(HELLO).fin_client(after=1.1), "301", nearly="214"),
    # -- 3xx: what TWS answered
    "silent": Case(silent(local()), "301", nearly="302"),
    "silent on a relay's port": Case(silent(Wire(server="127.0.0.1:4004")), "301"),
    "silent over IPv6": Case(silent(Wire(client="[::1]:51000", server="[::1]:7497")), "301"),
    "silent to itself": Case(silent(Wire(client="192.168.1.5:51000", server="192.168.1.5:7497")), "301", nearly="302"),
    "silent from afar": Case(silent(remote()), "302", nearly="301"),
    "never heard": Case(
        remote().connect().client(HELLO, ack=False).again(after=0.2).again(after=0.4).again(after=0.8),
        "303",
        LONG,
        nearly="302",
    ),
    "a queue that is full, far away": Case(queue_full(3), "302 303"),
    "SYN-ACKs repeated, and one neighbour that may wait for a click": Case(queue_full(1), "302 303"),
    "an ACK not captured": Case(local().connect().client(HELLO, ack=False), "301", LONG, nearly="303"),
    "hung up": Case(local().connect().client(HELLO).fin_server(after=0.05), "304", nearly="107"),
    "reset": Case(local().connect().client(HELLO).rst_server(after=0.05), "304"),
    "hung up from afar": Case(remote().connect().client(HELLO).fin_server(after=0.05), "305", nearly="304"),
    "HTTP answers": Case(local().connect().client(HELLO).server(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "306"),
    "unknown bytes answer": Case(local().connect().client(HELLO).server(b"\xff\xfe what"), "306"),
    "half a reply": Case(local().connect().client(HELLO).server(REPLY[:9]).fin_server(after=0.1), "307", nearly="306"),
    "half a reply not captured": Case(
        local().connect().client(HELLO).server(REPLY[:9], ack=False).lose().server(REPLY[9:], ack=False).ack(),
        "005",
        LONG,
        nearly="307",
    ),
    "too old": Case(
        local().connect().client(ib_bytes.hello(157, 178)).server(ib_bytes.reply(151)).fin_client(after=4),
        "308",
        nearly="210",
    ),
    "just new enough": Case(
        local().connect().client(ib_bytes.hello(157, 178)).server(ib_bytes.reply(157)).client(START).server(READY),
        "",
        nearly="308",
    ),
    "redirected": Case(
        local().connect().client(HELLO).server(ib_bytes.reply(-1, "10.0.0.5:7497")).fin_client(after=1),
        "309",
        nearly="210 308",
    ),
    "a host's name for a time": Case(
        local().connect().client(HELLO).server(ib_bytes.reply(178, "10.0.0.5:7497")).client(START).server(READY),
        "",
        nearly="309",
    ),
    "id in use": Case(
        started(local()).server(said(326, "Unable to connect as the client id is already in use.")).fin_server(),
        "310",
        nearly="311",
    ),
    "hung up after START_API": Case(started(local()).fin_server(after=0.1), "311", nearly="310 312"),
    "the disclaimer was not accepted": Case(
        started(local()).server(said(10141, "Paper trading disclaimer must first be accepted")).fin_server(after=0.1),
        "311",
        nearly="310 312",
    ),
    "IB was lost before it got ready": Case(
        started(local()).server(said(1100, "Connectivity has been lost")).fin_server(after=0.5), "311 403"
    ),
    "never ready": Case(started(local()).server(ib_bytes.managed_accounts(178)), "312", LONG, nearly="311"),
    "nextValidId not captured": Case(
        started(local())
        .server(ib_bytes.managed_accounts(178))
        .lose()
        .server(ib_bytes.next_valid_id(178), ack=False)
        .ack(),
        "005",
        LONG,
        nearly="312",
    ),
    "a late answer": Case(local().connect().client(HELLO).wait(3).server(REPLY).client(START).server(READY), "313"),
    "a late answer, in spite of a client that waits": Case(
        local().connect().client(HELLO).wait(0.9).server(REPLY).client(START).server(READY), "", nearly="313"
    ),
    "an answer to nobody": Case(
        local().connect().client(HELLO).fin_client(after=4).server(REPLY, after=2), "313 314", nearly="210 301"
    ),
    "an answer in time": Case(
        local().connect().client(HELLO).wait(2).server(REPLY).fin_client(after=2), "210 313", nearly="314"
    ),
    # -- 4xx: in the session
    "read-only": Case(session(local()).server(said(321, "The API interface is currently in Read-Only mode.")), "401"),
    "another 321": Case(session(local()).server(said(321, "Error validating request")), "425", nearly="401"),
    "too many messages": Case(session(local()).server(said(100, "Max rate exceeded")), "402"),
    "too many messages, and out": Case(
        session(local()).server(said(100, "Max rate exceeded")).fin_server(), "402", nearly="405"
    ),
    "another error": Case(session(local()).server(said(200, "No security definition")), "425", nearly="402 403 404"),
    "lost IB": Case(session(local()).server(said(1100, "Connectivity has been lost")), "403"),
    "lost and found": Case(session(local()).server(said(1100, "lost")).wait(15).server(said(1102, "restored")), "403"),
    "only found": Case(session(local()).server(said(1102, "restored")), "", nearly="403"),
    "not understood": Case(session(local()).server(said(320, "Error reading request")), "404"),
    "ended by TWS": Case(session(local()).wait(60).rst_server(), "405"),
    "joined, and ended by TWS": Case(session(local()).wait(3).rst_server().from_packet(8), "008 405"),
    "ended by the client": Case(session(local()).wait(60).close(), "", nearly="405"),
    "a full client": Case(session(local()).ack(window=0), "406"),
    "a full server": Case(session(local()).ack(Side.SERVER, window=0), "", nearly="406 417"),
    "another port from now on": Case(
        session(local()).server(said(1300, "port has been reset")).fin_server(), "407", nearly="405"
    ),
    "another port, which is named": Case(
        session(local()).server(said(1300, "Please reconnect on the new port - 7500")).fin_server(), "407"
    ),
    "positions without an end": Case(session(local()).client(text("61", "1")), "408", LONG, nearly="409"),
    "positions to the end": Case(
        session(local()).client(text("61", "1")).server(text("62", "1")), "", LONG, nearly="408"
    ),
    "mute": Case(session(local()).client(text("49", "1")), "409", LONG, nearly="408"),
    "polled, and mute": Case(polled(2.0, answered_polls=3, unanswered_polls=4), "409", LONG),
    "polled, and mute at a quicker pace": Case(
        polled(8.0, 3, 0).client(text("49", "1"), after=2.0).client(text("49", "1"), after=0.1), "", LONG, nearly="409"
    ),
    "asked for the time twice": Case(
        polled(20.0, 1, 0).client(text("49", "1"), after=2.0), "", Watch(ended=30), nearly="409"
    ),
    "asked for the time much later": Case(polled(20.0, 1, 1), "409", LONG),
    "mute in the middle of a message": Case(session(local()).server(text("62", "1")[:6]), "409", LONG, nearly="408"),
    "positions, and mute": Case(session(local()).client(text("61", "1")), "409", Watch(ended=11), nearly="408"),
    "joined, and mute": Case(polled(5.0, 3, 2).from_packet(8), "008 409", LONG, nearly="405"),
    "mute, and a scanner": Case(session(local()).client(text("22", "8")), "", Watch(ended=60), nearly="409 408"),
    "asked and left": Case(session(local()).client(text("61", "1")).fin_client(after=0.1), "", nearly="408"),
    "asked and left after a while": Case(
        session(local()).client(text("61", "1")).fin_client(after=4), "408", nearly="409"
    ),
    "told the time": Case(
        session(local()).client(text("49", "1")).server(text("49", "1", "1790000000")), "", LONG, nearly="409"
    ),
    "a farm lost": Case(session(local()).server(said(2105, "HMDS data farm connection is broken:ushmds")), "410"),
    "a farm lost and found": Case(
        session(local()).server(said(2105, "broken")).wait(9).server(said(2106, "OK")), "", nearly="410 407"
    ),
    "the phone has it": Case(session(local()).server(said(10197, "competing live session")), "411"),
    "no permission": Case(session(local()).server(said(354, "not subscribed")), "425", nearly="411"),
    "a message without a length": Case(session(local()).client(b"\0\0\0\0" + text("49", "1")), "412"),
    "half a message missing in the capture": Case(
        session(local()).lose().client(text("61", "1")[:5], ack=False).client(text("61", "1")[5:]), "005", nearly="412"
    ),
    "a program that hangs": Case(session(local()).ack(window=0), "406", LONG),
    "a window that opens again": Case(
        session(local()).ack(window=0).wait(20).ack(Side.SERVER).ack(), "406", LONG, nearly="417"
    ),
    "a client that resends and is gone": Case(resent(session(remote()).server(text("1", "1"), ack=False)), "416"),
    "ready, and never received": Case(
        resent(started(remote()).server(READY, ack=False)).segment(Side.CLIENT, ack=900_001 + len(REPLY), after=0.1),
        "416",
        nearly="312",
    ),
    "resent and acknowledged": Case(
        resent(session(remote()).server(text("1", "1"), ack=False)).ack(after=0.1), "", nearly="416"
    ),
    "resent into a closed window": Case(
        resent(session(remote()).ack(window=0).server(text("1", "1"), ack=False)).ack(window=0), "406", nearly="416"
    ),
    "resent to a client that has left": Case(
        resent(session(remote()).fin_client().server(text("1", "1"), ack=False)), "", nearly="416"
    ),
    "lost before the capture": Case(
        session(remote())
        .segment(Side.SERVER, data=text("1", "1"), seq_offset=1_448, advance=False)
        .ack()
        .ack(after=2.0),
        "416",
        nearly="005",
    ),
    "lost by the capture": Case(
        session(remote()).lose().server(b"x" * 500, ack=False).server(text("1", "1")).ack(after=2.0),
        "005",
        nearly="416",
    ),
    "a program that was blocked": Case(answered(local()).client(START, after=3.0).server(READY), "418"),
    "a program that starts soon": Case(answered(local()).client(START, after=1.5).server(READY), "", nearly="418"),
    "killed when ready": Case(session(local()).rst_client(after=0.01), "418"),
    "closed when ready": Case(session(local()).fin_client(after=0.01).rst_client(), "", nearly="418"),
    "reset when it was ready at last": Case(
        started(local()).server(READY, after=4.0).rst_client(after=0.01), "", nearly="418"
    ),
    "a server that reads nothing": Case(session(local()).ack(Side.SERVER, window=0), "417", LONG),
    "a window closed from the beginning": Case(local().connect().ack(Side.SERVER, window=0), "417", LONG, nearly="201"),
    "answered and hung up on": Case(answered(local()).fin_server(after=0.1), "315", nearly="210"),
    "answered and hung up on much later": Case(answered(local()).wait(30).fin_server(), "210", nearly="315"),
    # -- 5xx: across conversations
    "two hosts tried at once": Case(
        Wire.merge(
            remote().connect().client(HELLO).fin_server(after=0.004),
            Wire(start_ns=START_NS + 200_000).syn().refuse(),
        ),
        "101 305",
        nearly="501",
    ),
    "a relay that calls over a bridge": Case(
        Wire.merge(
            Wire(server="127.0.0.1:4002").connect().fin_server(after=0.003),
            Wire("172.17.0.1:60000", "172.17.0.2:4002", start_ns=START_NS + NANOSECONDS // 1000).syn().refuse(),
        ),
        "102 107 501",
    ),
    "a call over a bridge that outlives the relay": Case(
        Wire.merge(
            Wire(server="127.0.0.1:4002").connect().fin_server(after=0.001),
            Wire("172.17.0.1:60000", "172.17.0.2:4002", start_ns=START_NS + 500_000).syn().refuse(after=0.003),
        ),
        "102 107",
        nearly="501",
    ),
    "both legs of a relay": Case(relay_legs(), "101 107 501"),
    "two calls that have nothing to do with each other": Case(relay_legs(0.2), "101 107", nearly="501"),
    "a relay that gets through": Case(relay_legs(refused=False), "107", nearly="501"),
    "answered when the mute one left": Case(held(17.001), "201 313 502"),
    "answered for another reason": Case(held(12.0), "201 313", nearly="502"),
    "deaf since an odd one": Case(Wire.merge(*row(b"API=9.72\0", 3)), "202 301 503", nearly="502 504"),
    "deaf to two, and nothing odd before": Case(Wire.merge(*row(b"", 2)), "301", nearly="503 505"),
    "the queue is full": Case(Wire.merge(*row(b"", 3), later(60).syn()), "106 301 504", LONG),
    "a call unanswered among served ones": Case(
        Wire.merge(session(later(0)), later(60).syn()), "106", LONG, nearly="504"
    ),
    "only its own machine": Case(
        Wire.merge(session(own_machine()), silent(remote(start_ns=START_NS + NANOSECONDS))), "302 505"
    ),
    "nobody at all": Case(
        Wire.merge(silent(own_machine()), silent(remote(start_ns=START_NS + NANOSECONDS))), "301 302", nearly="505"
    ),
    "the id twice": Case(Wire.merge(session(later(0)), in_use(later(9))), "310 506"),
    "the id again, after it was free": Case(
        Wire.merge(session(later(0)).close(), in_use(later(9))), "310", nearly="506"
    ),
    "the id of one that is half gone": Case(
        Wire.merge(session(later(0)).fin_client(after=1).ack(Side.SERVER), in_use(later(9))), "310 506"
    ),
    "the id asked for and not refused so far": Case(
        Wire.merge(session(later(0)), started(later(9))), "", SHORT, nearly="506"
    ),
    "restarted": Case(Wire.merge(session(later(0)).rst_server(after=1), later(9).syn().refuse()), "101 405 507"),
    "refused before it worked": Case(Wire.merge(later(0).syn().refuse(), session(later(9))), "101", nearly="507"),
    "a storm": Case(Wire.merge(*(later(number * 0.5).syn().refuse() for number in range(12))), "101 508"),
    "patient calls": Case(Wire.merge(*(later(number * 5).syn().refuse() for number in range(12))), "101", nearly="508"),
    "a beat": Case(Wire.merge(*(later(at).connect().close(after=0.01) for at in (1, 31, 61, 91))), "201 509"),
    "no beat": Case(
        Wire.merge(*(later(at).connect().close(after=0.01) for at in (1, 31, 40, 91))), "201", nearly="509"
    ),
    "a relay with a silent inner side": Case(Wire.merge(*silent_legs(0.001)), "301 510"),
    "two silent calls to different ports": Case(Wire.merge(*silent_legs(1.0)), "301", nearly="510"),
    # -- 42x: what became of requests and orders
    "an order rejected": Case(
        session(local()).client(asked("PLACE_ORDER")).server(said(201, "no margin", request=7)), "420", nearly="421"
    ),
    "an order with a remark": Case(
        session(local()).client(asked("PLACE_ORDER")).server(said(10349, "TIF was set to DAY", request=7)), nearly="420"
    ),
    "cancelled too late": Case(
        session(local())
        .client(asked("PLACE_ORDER"))
        .server(status(7, "Submitted"))
        .client(ib_bytes.text(178, 4, 1, 7, ""))
        .server(
            status(7, "Filled") + said(10148, "OrderId 7 that needs to be cancelled cannot be cancelled", request=7)
        ),
        nearly="420",
    ),
    "a request rejected": Case(
        session(local()).client(asked("REQ_MKT_DATA")).server(said(354, "not subscribed", request=7)),
        "421",
        nearly="411",
    ),
    "delayed data in its place": Case(
        session(local())
        .client(asked("REQ_MKT_DATA"))
        .server(said(10089, "Delayed market data is available.", request=7) + ticks()),
        nearly="421 425",
    ),
    "an order without a word": Case(session(local()).client(asked("PLACE_ORDER")), "422", LATER),
    "an order that is held": Case(
        session(local()).client(asked("PLACE_ORDER", transmit=False)), "", LATER, nearly="422"
    ),
    "subscriptions not made again": Case(
        session(local()).client(asked("REQ_MKT_DATA")).server(said(1101, "restored - data lost"), after=20.0),
        "423",
        LATER,
    ),
    "subscriptions made again": Case(
        session(local())
        .client(asked("REQ_MKT_DATA"))
        .server(said(1101, "restored - data lost"), after=20.0)
        .client(asked("REQ_MKT_DATA", 8)),
        "",
        LATER,
        nearly="423",
    ),
    "streams that stop with a farm": Case(after_a_blip(streams(7, 8)), "424", LATER),
    "streams that come back": Case(ticking(after_a_blip(streams(7, 8)), 7, 8), "", SHORT, nearly="424"),
}
"""Name -> capture and codes."""

FOLDED = "011"
"""The rule that needs more conversations than a script is good for: it has a test of its own."""
