"""Makes the scenarios that cannot be recorded: damage of captures, odd paths, rare errors.

``python tests/synthesise.py`` writes them into ``captures/``; promises that are there stay. The same script makes the
same bytes every time, and a test holds the files to it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from capture_bytes import enhanced, interface, section, simple
from wire import START_NS, Wire
from wire_bytes import ETHERNET, pcap_bytes

from ibsniff.model import NANOSECONDS, Side, UnreachableKind

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


@scenario("The machine slept for two hours while the program waited")
def clock_leapt_forward(path: Path) -> None:
    Wire().connect().client(HELLO).fin_client(after=7200.0).ack(Side.SERVER).write(path)


@scenario("A board without a clock battery captured: it is 1970, and the session works")
def clock_of_1970(path: Path) -> None:
    ready(Wire(start_ns=75 * NANOSECONDS)).write(path)


@scenario("The capture was converted to blocks that have no time", "pcapng")
def packets_without_time(path: Path) -> None:
    frames = Wire().connect().client(HELLO).fin_client(after=4.0).ack(Side.SERVER).frames()
    path.write_bytes(b"".join([section(), interface(), *(simple(frame.data) for frame in frames)]))


@scenario("Two interfaces were captured, and one of them is Wi-Fi in monitor mode", "pcapng")
def link_type_not_read(path: Path) -> None:
    radio = bytes.fromhex("0000080000000000") + bytes(40)
    frames = Wire(**WSL).connect().client(HELLO).fin_client(after=4.0).ack(Side.SERVER).frames()
    blocks = [enhanced(frame.data, 0, frame.time_ns // 1000) for frame in frames]
    blocks.insert(5, enhanced(radio, 1, frames[4].time_ns // 1000))
    path.write_bytes(b"".join([section(), interface(), interface(127), *blocks]))


@scenario("The capture sat on a bridge and on its port, and saw every packet twice")
def every_packet_twice(path: Path) -> None:
    frames = ready(Wire(**WSL)).frames()
    twice = [copy for frame in frames for copy in (frame, frame._replace(time_ns=frame.time_ns + 2000))]
    path.write_bytes(pcap_bytes(twice, ETHERNET, True, None))


@scenario("A server sends errors of more codes than there are")
def errors_of_more_codes_than_there_are(path: Path) -> None:
    wire = ready(Wire())
    wire.server(b"".join(framed("4", "2", "-1", str(20_000 + code), "x", "") for code in range(220))).write(path)


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


@scenario("TWS answers the hello and hangs up: it is just going down")
def closed_after_reply(path: Path) -> None:
    Wire().connect().client(HELLO).server(REPLY, after=0.003).fin_server(after=0.000_2).fin_client().write(path)


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


@scenario("The capture was stopped a third of a second after the hello, and says so", "pcapng")
def watched_for_a_third_of_a_second(path: Path) -> None:
    Wire().connect().client(HELLO).write(path, ended=0.3)


@scenario("The port was called, not the SYN answered, and the capture stopped")
def call_watched_too_briefly(path: Path) -> None:
    Wire(**WSL).syn().write(path)


@scenario("Somebody changes the API port while a program is connected")
def api_port_changed(path: Path) -> None:
    error = framed("4", "2", "-1", "1300", "TWS socket port has been reset and this connection is being dropped.", "")
    ready(Wire()).server(error, after=5.0).fin_server().fin_client().write(path)


@scenario("The account download never ends, and ib_async says TimeoutError (as ib_insync 386)")
def account_download_without_end(path: Path) -> None:
    wire = ready(Wire()).client(framed("6", "2", "1", "DU1234567") + framed("61", "1"))
    wire.server(framed("6", "2", "AccountType", "INDIVIDUAL", "", "DU1234567") + framed("62", "1"))
    wire.fin_client(after=6.0).fin_server().write(path)


@scenario("A stopped Gateway keeps its sessions and answers nothing (as OpenAlice 294)", "pcapng")
def session_fell_mute(path: Path) -> None:
    wire = ready(Wire(server="127.0.0.1:4002"))
    wire.client(framed("49", "1"), after=30.0).server(framed("49", "1", "1795168835"))
    wire.client(framed("49", "1"), after=30.0).write(path, ended=12.0)


@scenario("A market data farm is lost and does not come back")
def data_farm_broken(path: Path) -> None:
    lost = framed("4", "2", "-1", "2103", "Market data farm connection is broken:usfarm", "")
    fine = framed("4", "2", "-1", "2106", "HMDS data farm connection is OK:ushmds", "")
    ready(Wire()).server(fine).server(lost, after=9.0).write(path)


@scenario("The phone takes the market data away")
def competing_session(path: Path) -> None:
    text = "No market data during competing live session"
    ready(Wire()).client(framed("1", "11", "3")).server(framed("4", "2", "3", "10197", text, "")).write(path)


@scenario("A health check that says nothing holds TWS up; the bot is answered when it leaves")
def listener_held_by_another(path: Path) -> None:
    check = Wire(client="127.0.0.1:50001").connect().wait(20.0).fin_client()
    bot = Wire(client="127.0.0.1:50002", start_ns=START_NS + 3 * NANOSECONDS).connect().client(HELLO)
    bot.server(REPLY, after=17.001).client(START).server(ACCOUNTS + NEXT_ID)
    Wire.merge(check, bot).write(path)


@scenario("After a hand-made handshake nobody is answered any more (as AutoRevOption)")
def deaf_since_a_broken_hello(path: Path) -> None:
    good = ready(Wire(client="127.0.0.1:50001", server="127.0.0.1:4002")).fin_client(after=2.0).fin_server()
    odd = hanging(50002, 10, b"API=9.72\0", 1.0)
    late = [hanging(50003 + number, 20 + 10 * number, HELLO, 4.0) for number in range(3)]
    Wire.merge(good, odd, *late).write(path)


@scenario("A probe every minute fills the queue of a hung Gateway; then not even the call is answered")
def queue_filled_by_probes(path: Path) -> None:
    probes = [hanging(50000 + number, 60 * number, HELLO, 4.0) for number in range(8)]
    start_ns = START_NS + 480 * NANOSECONDS
    call = Wire(client="127.0.0.1:50020", server="127.0.0.1:4002", start_ns=start_ns, client_isn=77).syn()
    call.again(after=1.0).again(after=2.0).again(after=4.0)
    Wire.merge(*probes, call).write(path)


@scenario("TWS serves its own machine and leaves WSL waiting for a click", "pcapng")
def only_loopback_answered(path: Path) -> None:
    own = ready(Wire(client="192.168.1.5:50001", server="192.168.1.5:7497"))
    wsl = Wire(**WSL, start_ns=START_NS + 5 * NANOSECONDS).connect().client(HELLO).fin_client(after=4.0)
    Wire.merge(own, wsl).write(path, ended=1.0)


@scenario("A program reconnects with the same client id and never closed its old socket (as nautilus 4193)")
def client_id_twice(path: Path) -> None:
    old = ready(Wire(client="127.0.0.1:50001"))
    refused = framed("4", "2", "-1", "326", "Unable to connect as the client id is already in use.", "")
    new = Wire(client="127.0.0.1:50002", start_ns=START_NS + 9 * NANOSECONDS).connect().client(HELLO)
    new.server(REPLY, after=0.003).client(START).server(refused).fin_server().fin_client()
    Wire.merge(old, new).write(path)


@scenario("A bot dials a closed port five times a second")
def reconnect_storm(path: Path) -> None:
    calls = []
    for number in range(15):
        start_ns = START_NS + number * NANOSECONDS // 5
        calls.append(Wire(client=f"127.0.0.1:{50001 + number}", start_ns=start_ns).syn().refuse())
    Wire.merge(*calls).write(path)


@scenario("A monitor tests the port every thirty seconds, and a bot works beside it")
def port_tested_at_a_beat(path: Path) -> None:
    tests = []
    for number in range(5):
        start_ns = START_NS + 30 * number * NANOSECONDS
        tests.append(Wire(client=f"127.0.0.1:{50001 + number}", start_ns=start_ns).connect().fin_client(after=0.001))
    Wire.merge(ready(Wire(client="127.0.0.1:51000")), *tests).write(path)


@scenario("Two threads write at once, and the client's messages run into each other")
def client_frame_broken(path: Path) -> None:
    wire = ready(Wire()).client(framed("49", "1")[:3] + b"\0\0\0\0" + framed("61", "1"), after=2.0)
    wire.fin_server(after=0.01).fin_client().write(path)


@scenario("On a Mac every box is ticked, and neither ::1 nor 127.0.0.1 is answered")
def silent_macos_loopback(path: Path) -> None:
    wires = []
    for number, host in enumerate(("[::1]", "127.0.0.1", "127.0.0.1")):
        start_ns, client = START_NS + (7 * number + number**2) * NANOSECONDS, f"{host}:{50001 + number}"
        wire = Wire(client, f"{host}:7497", start_ns=start_ns, mss=16_324 if number == 0 else 16_344)
        wires.append(wire.connect().client(HELLO).fin_client(after=4.0).ack(Side.SERVER))
    Wire.merge(*wires).write(path, link_type=0)


@scenario("It works sometimes: TWS keeps the client id of a session whose client said goodbye (as nautilus 4412)")
def client_id_kept_by_zombie(path: Path) -> None:
    old = ready(Wire(client="127.0.0.1:50001")).wait(5.0).fin_client().ack(Side.SERVER)
    refused = framed("4", "2", "-1", "326", "Unable to connect as the client id is already in use.", "")
    new = Wire(client="127.0.0.1:50002", start_ns=START_NS + 8 * NANOSECONDS).connect().client(HELLO)
    new.server(REPLY, after=0.003).client(START).server(refused).fin_server().fin_client()
    old.fin_server(after=20.0).ack(Side.CLIENT)
    again = ready(Wire(client="127.0.0.1:50003", start_ns=START_NS + 40 * NANOSECONDS))
    Wire.merge(old, new, again).write(path)


def hanging(port: int, seconds: int, said: bytes, patience: float) -> Wire:
    """A client of a Gateway on port 4002 that is not answered and leaves; the server never closes."""
    wire = Wire(client=f"127.0.0.1:{port}", server="127.0.0.1:4002", start_ns=START_NS + seconds * NANOSECONDS)
    return wire.connect().client(said).fin_client(after=patience).ack(Side.SERVER)


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
