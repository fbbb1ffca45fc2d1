"""Makes the scenarios that cannot be recorded: damage of captures, odd paths, rare errors.

``python tests/synthesise.py`` writes them into ``captures/``; promises that are there stay. The same script makes the
same bytes every time, and a test holds the files to it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from wire import Wire

from ibsniff.model import Side, UnreachableKind

CAPTURES = Path(__file__).parent.parent / "captures"

HELLO = b"API\0\0\0\0\x09v157..178"
REPLY = b"\0\0\0\x1a178\x0020260105 09:30:00 EST\0"
START = b"\0\0\0\x0871\x002\x007\0\0"
ACCOUNTS = b"\0\0\0\x0f15\x001\0DU1234567\0"
NEXT_ID = b"\0\0\0\x069\x001\x001\0"
WSL = {"client": "172.24.46.63:51000", "server": "172.24.32.1:7497"}

Make = Callable[[Path], None]
SCENARIOS: dict[str, tuple[str, str, Make, str]] = {}
"""Name -> title, file name, what writes it, read options."""


def scenario(title: str, suffix: str = "pcap", command: str = "") -> Callable[[Make], Make]:
    """Register a scenario under its function's name."""

    def register(make: Make) -> Make:
        SCENARIOS[make.__name__.replace("_", "-")] = (title, f"capture.{suffix}", make, command)
        return make

    return register


def framed(*fields: str) -> bytes:
    """A text message."""
    body = b"".join(field.encode() + b"\0" for field in fields)
    return len(body).to_bytes(4, "big") + body


def ready(wire: Wire) -> Wire:
    """A session that is up."""
    return wire.connect().client(HELLO).server(REPLY, after=0.003).client(START).server(ACCOUNTS + NEXT_ID)


@scenario("The capture lost packets, so the silence in it is in doubt", "pcapng")
def packets_lost_while_capturing(path: Path) -> None:
    Wire().connect().client(HELLO).fin_client(after=4.0).write(path, ended=0.5, drops=812)


@scenario("The file was copied before tcpdump had finished it")
def capture_cut_short(path: Path) -> None:
    Wire().connect().client(HELLO).fin_client(after=4.0).ack(Side.SERVER).write(path)
    path.write_bytes(path.read_bytes()[:-20])


@scenario("tcpdump -s 68 kept the headers and threw the hello away")
def packets_cut_by_snaplen(path: Path) -> None:
    Wire().connect().client(HELLO).fin_client(after=4.0).write(path, snaplen=68)


@scenario("A mirror port copied only what the client sends")
def only_the_client_captured(path: Path) -> None:
    wire = Wire(**WSL).syn().lose().syn_ack().ack().client(HELLO, ack=False)
    wire.fin_client(after=4.0).write(path)


@scenario("The hello is missing from the capture, and the server closed")
def hello_not_captured(path: Path) -> None:
    wire = Wire(**WSL).connect().lose().client(HELLO, ack=False).ack(Side.SERVER)
    wire.fin_client(after=6.0).write(path)


@scenario("Half of the session's beginning is missing from the capture")
def start_api_not_captured(path: Path) -> None:
    wire = Wire().connect().client(HELLO).server(REPLY, after=0.003)
    wire.lose().client(START, ack=False).ack(Side.SERVER).lose().server(ACCOUNTS + NEXT_ID, ack=False)
    wire.ack(Side.CLIENT).wait(6.0).fin_client().write(path)


@scenario("Somebody captured eth0 while the program talks over lo")
def no_api_traffic(path: Path) -> None:
    web = Wire(client="192.168.1.20:51000", server="192.168.1.1:80")
    web.connect().client(b"GET / HTTP/1.1\r\n\r\n").server(b"HTTP/1.1 200 OK\r\n\r\n").close().write(path)


@scenario("A client calls a port that nobody told ibsniff about")
def hello_on_another_port(path: Path) -> None:
    ready(Wire(server="127.0.0.1:5555")).write(path)


@scenario("The same capture with the port named", command="--port 5555")
def hello_on_a_named_port(path: Path) -> None:
    ready(Wire(server="127.0.0.1:5555")).write(path)


@scenario("The clock of the machine was set back while capturing")
def clock_stepped_back(path: Path) -> None:
    Wire().connect().client(HELLO).wait(8.0).fin_client().wait(-90.0).ack(Side.SERVER).write(path)


@scenario(
    "The program still waited when tcpdump was stopped; the user watched ten seconds", command="--watched-until +10"
)
def watched_on_my_word(path: Path) -> None:
    Wire().connect().client(HELLO).write(path)


@scenario("Nobody answers ARP for the address: the machine is off, and no SYN is ever sent")
def host_is_off(path: Path) -> None:
    wire = Wire(client="192.168.1.20:51000", server="192.168.1.77:7497")
    wire.arp_who_has().arp_who_has(after=1.0).arp_who_has(after=1.0).write(path)


@scenario("A router says that the host cannot be reached")
def host_unreachable(path: Path) -> None:
    wire = Wire(client="192.168.1.20:51000", server="10.8.0.9:7497").syn()
    wire.unreachable(UnreachableKind.HOST, reporter="192.168.1.1", after=0.02).write(path)


@scenario("In WSL's mirrored mode the client's own side rejects the SYN-ACK")
def syn_ack_rejected_by_client(path: Path) -> None:
    Wire(**WSL).syn().syn_ack().rst_client().write(path)


@scenario("A self-made client sends the prefix and waits")
def hello_prefix_only(path: Path) -> None:
    Wire().connect().client(b"API\0").fin_client(after=10.0).write(path)


@scenario("A self-made client writes the version range with one dot, and TWS resets")
def hello_one_dot(path: Path) -> None:
    Wire().connect().client(b"API\0\0\0\0\x08v100.200").rst_server(after=0.001).write(path)


@scenario("A self-made client ends the version range with a NUL")
def hello_trailing_nul(path: Path) -> None:
    Wire().connect().client(b"API\0\0\0\0\x0av100..187\0").fin_client(after=10.0).write(path)


@scenario("A client asks for data before nextValidId and is dropped (as stoqey/ib 162)")
def request_before_next_valid_id(path: Path) -> None:
    wire = Wire().connect().client(HELLO).server(REPLY, after=0.003).client(START + framed("17", "1"))
    wire.fin_server(after=0.004).fin_client().write(path)


@scenario("A health check says hello and leaves after 200 ms")
def client_gave_up_early(path: Path) -> None:
    Wire().connect().client(HELLO).fin_client(after=0.2).write(path)


@scenario("The hello never arrives: data packets are lost on a tunnel")
def hello_never_acknowledged(path: Path) -> None:
    wire = Wire(**WSL).connect().client(HELLO, ack=False)
    for pause in (0.2, 0.4, 0.8, 1.6):
        wire.again(after=pause)
    wire.fin_client(after=1.0).write(path)


@scenario("TWS takes the session and sends the accounts, but never nextValidId (as ibga 24)")
def next_valid_id_missing(path: Path) -> None:
    wire = Wire().connect().client(HELLO).server(REPLY, after=0.003).client(START).server(ACCOUNTS)
    wire.fin_client(after=6.0).write(path)


@scenario("TWS cannot read a request that was encoded wrongly")
def request_not_understood(path: Path) -> None:
    error = framed("4", "2", "3", "320", "Error reading request. Unable to parse data.", "")
    ready(Wire()).client(framed("62", "1", "3", "All")).server(error).write(path)


@scenario("The program reads too slowly: its window closes")
def client_stopped_reading(path: Path) -> None:
    wire = ready(Wire())
    for _ in range(3):
        wire.server(framed("1", "6", "5", "1", "101.5", "0", "0"), ack=False).ack(Side.CLIENT, window=0)
    wire.ack(Side.CLIENT, window=500, after=1.0).write(path)


@scenario("TWS's own call to IB's servers is no API conversation")
def tws_calls_ib(path: Path) -> None:
    out = Wire(client="192.168.1.20:50000", server="208.245.107.3:4001")
    out.connect().client(bytes.fromhex("160301020001000001fc0303")).server(bytes.fromhex("160303007a020000760303"))
    out.write(path)


@scenario("Windows tries three times against a closed port")
def refused_three_times(path: Path) -> None:
    wire = Wire(client="172.24.32.9:51000", server="172.24.32.1:7497", client_ttl=128).syn().refuse()
    wire.again(2, after=0.5).again(2).again(2, after=0.5).again(2).write(path)


@scenario("The port was called, not the SYN answered, and the capture stopped")
def call_watched_too_briefly(path: Path) -> None:
    Wire(**WSL).syn().write(path)


def write(name: str, root: Path = CAPTURES) -> Path:
    """Write one scenario; an existing promise stays."""
    title, file, make, command = SCENARIOS[name]
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    make(folder / file)
    promise = folder / "scenario.toml"
    if not promise.exists():
        head = f'title = "{title}"\nmade = "synthetic: tests/synthesise.py, {make.__name__}"\ncommand = "{command}"\n'
        promise.write_text(head + '[expect]\noutcome = ""\nfault = ""\nrung = ""\ncodes = []\n', "utf-8")
    return folder / file


if __name__ == "__main__":
    for chosen in sys.argv[1:] or SCENARIOS:
        print(write(chosen))
