"""Two programs that send each other bytes, and what each of them read: the truth."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from truth.lab import Host
from truth.trouble import Trouble
from wire import endpoint

from ibsniff.model import Endpoint, Side

TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, SEND_QUEUE = 19, 20, 21, 2
REPAIR_OFF_WITHOUT_PROBE = -1
PATIENCE = 60.0
"""Seconds in which a transfer must be done."""
SHAPES = ("upload", "download", "both at once", "half-close", "simultaneous open")


@dataclass(frozen=True)
class Transfer:
    """What is sent over which network. Everything follows from the seed but the kernel's timing."""

    seed: int
    shape: str
    version: int
    """Of IP."""
    sizes: dict[Side, int]
    start: int | None
    """The first sequence number of whoever calls; None leaves it to the kernel."""
    mss: int
    window: int
    """Receive buffer, bytes; 0 leaves it to the kernel."""
    slow: bool
    """The readers take their time, so that windows close."""
    offload: bool
    """Over a cable with offload, instead of the bad network."""
    trouble: tuple[Trouble, Trouble]
    """For the frames of the client, and of the server."""

    def data(self, side: Side) -> bytes:
        """What one side sends."""
        return Random(f"{self.seed} {side}").randbytes(self.sizes[side])


def draw(seed: int) -> Transfer:
    """The transfer with this number."""
    random = Random(seed)
    offload = seed % 8 == 7
    mss = random.choice((0, 0, 1200, 536, 160, 96))
    most = 400_000 if offload else min(120_000, 250 * (mss or 1400))
    sizes = {side: random.choice((1, random.randrange(2, 3000), random.randrange(most))) for side in Side}
    shape = SHAPES[seed % len(SHAPES)] if not offload else SHAPES[seed // 8 % 4]
    if shape == "upload":
        sizes[Side.SERVER] = 0
    if shape == "download":
        sizes[Side.CLIENT] = 0
    return Transfer(
        seed,
        shape,
        version=random.choice((4, 6)),
        sizes=sizes,
        start=2**32 - random.randrange(1, 20_000) if random.random() < 0.6 else None,
        mss=mss,
        window=random.choice((0, 0, 0, 4096, 8192)),
        slow=random.random() < 0.15,
        offload=offload,
        trouble=(Trouble(), Trouble()) if offload else (_trouble(random, shape), _trouble(random, shape)),
    )


def _trouble(random: Random, shape: str) -> Trouble:
    def some(most: float) -> float:
        return random.choice((0.0, random.random() * most))

    return Trouble(
        delay=0.02 if shape == "simultaneous open" else random.choice((0.000_2, 0.002)),  # calls must cross
        jitter=random.choice((0.0, 0.0, 0.001)),
        loss=some(0.08),
        reorder=some(0.15),
        duplicate=some(0.1),
        corrupt=random.choice((0.0, 0.0, random.random() * 0.03)),
        fragment=random.choice((0, 0, 0, 0, 256, 552)),
    )


@dataclass
class Done:
    """The truth about a transfer."""

    client: Endpoint
    server: Endpoint
    read: dict[Side, bytes] = field(default_factory=dict)
    """By sender: what the program on the other side read."""


def carry_out(transfer: Transfer, client: Host, server: Host) -> Done:
    """Let the two programs talk until both have read to the end."""
    ends = client.do(lambda: _prepared(transfer, client)), server.do(lambda: _prepared(transfer, server))
    with ends[0] as ours, ends[1] as theirs:
        done = Done(*(endpoint(_text(each.getsockname())) for each in (ours, theirs)))
        if transfer.shape == "simultaneous open":
            _call_each_other(ours, theirs)
            _talk(transfer, ours, theirs, done)
        else:
            theirs.listen()
            ours.connect(theirs.getsockname())
            accepted, _ = theirs.accept()
            with accepted:
                accepted.settimeout(PATIENCE)
                _talk(transfer, ours, accepted, done)
    return done


def _call_each_other(ours: socket.socket, theirs: socket.socket) -> None:
    """Both calls are on their way before either arrives."""
    for caller, called in ((ours, theirs), (theirs, ours)):
        caller.setblocking(False)
        caller.connect_ex(called.getsockname())
    for caller in (ours, theirs):
        assert select.select([], [caller], [], PATIENCE)[1], "not connected in time"
        assert not caller.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        caller.settimeout(PATIENCE)


def _text(address: tuple[str, int]) -> str:
    return f"[{address[0]}]:{address[1]}"


def _prepared(transfer: Transfer, host: Host) -> socket.socket:
    """A socket bound to some port, its options set."""
    made = socket.socket(socket.AF_INET if transfer.version == 4 else socket.AF_INET6)
    made.settimeout(PATIENCE)
    if transfer.mss:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, transfer.mss)
    if transfer.window:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, transfer.window)
    made.bind((host.ipv4 if transfer.version == 4 else host.ipv6, 0))
    if transfer.start is not None:
        # a connection that is "repaired" before there is one keeps the sequence number it was given
        for option, value in (
            (TCP_REPAIR, 1),
            (TCP_REPAIR_QUEUE, SEND_QUEUE),
            (TCP_QUEUE_SEQ, transfer.start - 2**32),
            (TCP_REPAIR, REPAIR_OFF_WITHOUT_PROBE),
        ):
            made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made


def _talk(transfer: Transfer, client: socket.socket, server: socket.socket, done: Done) -> None:
    """Send and read on both ends; with half-close the server speaks when the client has finished."""
    heard = threading.Event()

    def say(end: socket.socket, side: Side, wait: bool) -> None:
        if wait:
            heard.wait(PATIENCE)
        end.sendall(transfer.data(side))
        end.shutdown(socket.SHUT_WR)

    def hear(end: socket.socket, sender: Side) -> None:
        done.read[sender] = _read_all(end, transfer.slow)
        if sender is Side.CLIENT:
            heard.set()

    _at_once(
        lambda: say(client, Side.CLIENT, wait=False),
        lambda: say(server, Side.SERVER, wait=transfer.shape == "half-close"),
        lambda: hear(server, Side.CLIENT),
        lambda: hear(client, Side.SERVER),
    )


def _read_all(end: socket.socket, slow: bool) -> bytes:
    pause, read = threading.Event(), bytearray()
    while some := end.recv(16_384 if not slow else 4096):
        read += some
        if slow:
            pause.wait(0.01)
    return bytes(read)


def _at_once(*works: Callable[[], None]) -> None:
    """Do all of it at the same time; the first error counts."""
    errors: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
