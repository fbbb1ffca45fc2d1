"""Makes the scenarios that cannot be recorded here; each says why.

``python tests/synthesise.py`` writes them into ``captures/``; promises that are there stay. The same script makes the
same bytes every time, and a test holds the files to it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from capture_bytes import interface, section, simple
from wire import START_NS, Wire

from ibsniff.model import ACK, NANOSECONDS, RST, SYN, Side, UnreachableKind

CAPTURES = Path(__file__).parent.parent / "captures"

HELLO = b"API\0\0\0\0\x09v157..178"
REPLY = b"\0\0\0\x1a178\x0020260105 09:30:00 EST\0"
START = b"\0\0\0\x0871\x002\x007\0\0"
ACCOUNTS = b"\0\0\0\x0f15\x001\0DU0000001\0"
NEXT_ID = b"\0\0\0\x069\x001\x001\0"

Make = Callable[[Path], None]
SCENARIOS: dict[str, tuple[str, str, str, Make]] = {}
"""Name -> title, why it is not recorded, file name, what writes it."""


def scenario(title: str, why: str, suffix: str = "pcap") -> Callable[[Make], Make]:
    """Register a scenario under its function's name."""

    def register(make: Make) -> Make:
        SCENARIOS[make.__name__.replace("_", "-")] = (title, why, f"capture.{suffix}", make)
        return make

    return register


def framed(*fields: str) -> bytes:
    """A text message."""
    body = b"".join(field.encode() + b"\0" for field in fields)
    return len(body).to_bytes(4, "big") + body


def ready(wire: Wire) -> Wire:
    """A session that is up."""
    return wire.connect().client(HELLO).server(REPLY, after=0.003).client(START).server(ACCOUNTS + NEXT_ID)


@scenario("The clock of the machine was set back while capturing", "it would need this machine's clock to be set")
def clock_stepped_back(path: Path) -> None:
    Wire().connect().client(HELLO).wait(8.0).fin_client().wait(-90.0).ack(Side.SERVER).write(path)


@scenario("The machine slept for two hours while the program waited", "it would take two hours to record")
def clock_leapt_forward(path: Path) -> None:
    Wire().connect().client(HELLO).fin_client(after=7200.0).ack(Side.SERVER).write(path)


@scenario(
    "A board without a clock battery captured: it is 1970, and the session works",
    "it would need this machine's clock to be set",
)
def clock_of_1970(path: Path) -> None:
    ready(Wire(start_ns=75 * NANOSECONDS)).write(path)


@scenario(
    "The capture was converted to blocks that have no time", "no common capture tool writes such blocks", "pcapng"
)
def packets_without_time(path: Path) -> None:
    frames = Wire().connect().client(HELLO).fin_client(after=4.0).ack(Side.SERVER).frames()
    path.write_bytes(b"".join([section(), interface(), *(simple(frame.data) for frame in frames)]))


@scenario("A server sends errors of more codes than there are", "no TWS does this: it tests a limit of ibsniff")
def errors_of_more_codes_than_there_are(path: Path) -> None:
    wire = ready(Wire())
    wire.server(b"".join(framed("4", "2", "-1", str(20_000 + code), "x", "") for code in range(220))).write(path)


@scenario("Windows tries three times against a closed port", "it needs the TCP of Windows")
def refused_three_times(path: Path) -> None:
    wire = Wire(client="172.24.32.9:51000", server="172.24.32.1:7497", client_ttl=128).syn().refuse()
    wire.again(2, after=0.5).again(2).again(2, after=0.5).again(2).write(path)


@scenario("On a Mac every box is ticked, and neither ::1 nor 127.0.0.1 is answered", "it needs a Mac")
def silent_macos_loopback(path: Path) -> None:
    wires = []
    for number, host in enumerate(("[::1]", "127.0.0.1", "127.0.0.1")):
        start_ns, client = START_NS + (7 * number + number**2) * NANOSECONDS, f"{host}:{50001 + number}"
        wire = Wire(client, f"{host}:7497", start_ns=start_ns, mss=16_324 if number == 0 else 16_344)
        wires.append(wire.connect().client(HELLO).fin_client(after=4.0).ack(Side.SERVER))
    Wire.merge(*wires).write(path, link_type=0)


DAY = 86_400.0
GATEWAY = "127.0.0.1:4002"


def bot(port: int, seconds: float) -> Wire:
    """A program's connection to the Gateway on its machine, so many seconds into the capture."""
    return Wire(f"127.0.0.1:{port}", GATEWAY, start_ns=START_NS + round(seconds * NANOSECONDS))


@scenario(
    "A week of a Gateway that restarts every night: three refusals, a client id still in use, and back",
    "it would take a week to record",
)
def week_of_restarts(path: Path) -> None:
    wires = []
    for night in range(7):
        at, port = DAY * night, 50_000 + 10 * night
        session = (
            ready(bot(port, at)).client(framed("49", "1"), after=DAY - 150).server(framed("49", "1", "1767691650"))
        )
        wires.append(session.rst_server(after=50.0))
        wires += [bot(port + 1 + each, at + DAY - 95 + 20 * each).syn().refuse() for each in range(3)]
        in_use = bot(port + 4, at + DAY - 30).connect().client(HELLO).server(REPLY, after=0.003).client(START)
        refused = framed("4", "2", "-1", "326", "Unable to connect as the client id is already in use.")
        wires.append(in_use.server(refused).fin_server(after=0.7).ack().fin_client().ack(Side.SERVER))
    last = (
        ready(bot(60_000, 7 * DAY)).client(framed("49", "1"), after=60).server(framed("49", "1", "1768210460")).close()
    )
    Wire.merge(*wires, last).write(path)


@scenario(
    "For two days a Gateway accepted every connection and answered none; somebody restarted it, and it works again",
    "it would take two days to record",
)
def answered_nobody_for_two_days(path: Path) -> None:
    before = (
        ready(bot(50_000, 0))
        .client(framed("49", "1"), after=60)
        .server(framed("49", "1", "1767605460"))
        .close(after=60)
    )
    tries = [
        bot(50_001 + each, 600 + 3600 * each).connect().client(HELLO).fin_client(after=4.0).ack(Side.SERVER)
        for each in range(48)
    ]
    stopped = bot(50_100, 2 * DAY + 1000).syn().refuse()
    after = (
        ready(bot(50_101, 2 * DAY + 1090)).client(framed("49", "1"), after=60).server(framed("49", "1", "1767779450"))
    )
    Wire.merge(before, *tries, stopped, after.close(after=60)).write(path)


# -- lawful silences: nothing is wrong, although a message of the client gets no answer ------------------------------------

NOT_PLAYED = "the stand-in TWS has no orders, no markets and no limits of its own"


def told_the_time(wire: Wire, after: float = 1.0) -> Wire:
    """The client asks for the time, and is told."""
    return wire.client(framed("49", "1"), after=after).server(framed("49", "1", "1790000000"))


@scenario("Two requests for the time within three seconds: TWS drops the second one", NOT_PLAYED)
def clock_asked_too_soon(path: Path) -> None:
    first = told_the_time(ready(Wire())).client(framed("49", "1"), after=3.0)
    first.keep_alive(Side.CLIENT, after=30.0).write(path)


@scenario("Delayed market data: error 10167 announces it, and delayed ticks come", NOT_PLAYED)
def delayed_market_data(path: Path) -> None:
    asked = told_the_time(ready(Wire())).client(framed("1", "11", "5", "265598", "AAPL", "STK"), after=20.0)
    asked.server(
        framed("4", "2", "5", "10167", "Requested market data is not subscribed. Displaying delayed market data.")
    )
    for _ in range(5):
        asked.server(framed("1", "6", "5", "68", "187.5", "100", "0"), after=3.0)
    asked.close(after=1.0).write(path)


@scenario("A client asks for its positions and leaves at once: it did not wait for an answer", NOT_PLAYED)
def asked_and_left(path: Path) -> None:
    told_the_time(ready(Wire())).client(framed("61", "1"), after=20.0).close(after=0.02).write(path)


WSL, WINDOWS = "172.24.46.63", "172.24.32.1"


def from_wsl(port: int, seconds: float = 0.0, **more: int) -> Wire:
    """A program's connection from WSL to TWS on Windows."""
    started_ns = START_NS + round(seconds * NANOSECONDS)
    return Wire(f"{WSL}:{port}", f"{WINDOWS}:7497", start_ns=started_ns, server_ttl=128, **more)


@scenario("TWS resets one session and goes on serving another", "TWS alone decides to end a single session")
def one_session_reset_of_two(path: Path) -> None:
    other = ready(bot(50_001, 1))
    for _ in range(60):
        other.client(framed("49", "1"), after=1.0).server(framed("49", "1", "1767605460"))
    Wire.merge(ready(bot(50_000, 0)).wait(20).rst_server(), other.close()).write(path)


@scenario("A reset that did not come from TWS: its TTL differs", "it would need a firewall that forges resets")
def reset_with_another_ttl(path: Path) -> None:
    ready(from_wsl(51_000)).wait(20).segment(Side.SERVER, RST, window=0, ttl=64).write(path)


@scenario(
    "From WSL, the last client's ACK and hello are ignored, beside three that are never served: the accept queue is full",
    "Linux resets or drops at another point than Windows does",
)
def queue_full_wsl(path: Path) -> None:
    waiting = [
        from_wsl(40_000 + number, 9.0 * number).connect().client(HELLO).fin_client(after=4.0).ack(Side.SERVER)
        for number in range(3)
    ]
    late = from_wsl(51_000, 60.0).connect().client(HELLO, ack=False).again(after=0.2)
    late.again(4, after=0.8).again(2, after=0.2).again(6, after=1.8).fin_client(after=1.0)
    Wire.merge(*waiting, late).write(path)


@scenario(
    "The called machine can be reached, and forwards to one that cannot", "it would need a port forwarding on Windows"
)
def forwarded_to_nobody_wsl(path: Path) -> None:
    from_wsl(51_000).syn().unreachable(UnreachableKind.HOST).write(path)


@scenario(
    "Two SYN-ACKs with different numbers: a middlebox answers first, the client acknowledges TWS's",
    "it would need a middlebox that answers connection attempts",
)
def two_syn_acks(path: Path) -> None:
    wire = from_wsl(51_000).syn().segment(Side.SERVER, SYN | ACK, seq=3_000_000, advance=False)
    session = wire.syn_ack().ack().client(HELLO).server(REPLY, after=0.003).client(START).server(ACCOUNTS + NEXT_ID)
    session.client(framed("49", "1"), after=5.0).server(framed("49", "1", "1767605410")).close(after=1.0).write(path)


@scenario(
    "WSL got another address: TWS keeps the old session, and the client id is in use",
    "it would need a restart of WSL in the middle of a session",
)
def client_address_gone(path: Path) -> None:
    first = ready(from_wsl(51_000)).server(framed("49", "1", "1767605410"), ack=False)
    first.again(after=0.5).again(2, after=1.0).again(3, after=2.0).again(4, after=4.0)
    anew = Wire("172.24.46.64:51009", f"{WINDOWS}:7497", start_ns=START_NS + 60 * NANOSECONDS, server_ttl=128)
    anew.connect().client(HELLO).server(REPLY, after=0.003).client(START)
    refused = framed("4", "2", "-1", "326", "Unable to connect as the client id is already in use.")
    Wire.merge(first, anew.server(refused).fin_server(after=0.7).ack().fin_client().ack(Side.SERVER)).write(path)


def write(name: str, root: Path = CAPTURES) -> Path:
    """Write one scenario; an existing promise stays."""
    title, why, file, make = SCENARIOS[name]
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    make(folder / file)
    scenario = folder / "scenario.toml"
    promise = 'outcome = ""\nfault = ""\nrung = ""\ncodes = []\n'
    if scenario.exists():
        promise = scenario.read_text("utf-8").partition("[expect]\n")[2]
    head = {"title": title, "made": f"synthetic: tests/synthesise.py, {make.__name__}; {why}"}
    top = "".join(f"{key} = {json.dumps(value)}\n" for key, value in head.items())
    scenario.write_text(f"{top}\n[expect]\n{promise}", "utf-8")
    return folder / file


if __name__ == "__main__":
    for chosen in sys.argv[1:] or SCENARIOS:
        print(write(chosen))
