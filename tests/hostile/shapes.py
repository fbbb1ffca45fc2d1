"""Adversarial shapes: what a hostile capture can do n times. Each is a function of n that reads it to its report."""

from __future__ import annotations

import bz2
import io
import json
import lzma
import random
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from struct import pack
from typing import Protocol

import capture_bytes as made
from packets import ACK, ETHERNET, FIN, HELLO, MORE_FRAGMENTS, RST, SYN, Stream, frames, ip
from rich.console import Console

from ibsniff.analysis.api_traffic import API_PORTS
from ibsniff.analysis.following import Follower, Limits, follow
from ibsniff.analysis.pipeline import Analysis
from ibsniff.capture.files import open_capture
from ibsniff.capture.input_record import InputRecord
from ibsniff.model import Report, UserError
from ibsniff.render import terminal
from ibsniff.render.document import document
from ibsniff.render.markdown import markdown

Found = set[str]
"""The codes of a report, or the words of the error a user sees."""


@dataclass(frozen=True)
class Shape:
    """One way to be hostile."""

    run: Callable[[int], Found]
    n: int
    says: str
    """A code of the report, or words of the error, that tells of the bound that was reached; empty where none is."""


SHAPES: dict[str, Shape] = {}


def shape(n: int, says: str = "") -> Callable[[Callable[[int], Found]], Callable[[int], Found]]:
    """Register a shape under its function's name."""

    def register(run: Callable[[int], Found]) -> Callable[[int], Found]:
        SHAPES[run.__name__.strip("_").replace("_", " ")] = Shape(run, n, says)
        return run

    return register


# -- how they are read ------------------------------------------------------------------------------------------------


def shown(seen: Report) -> Found:
    """Render it in every form; what it says."""
    json.dumps(document(seen, "1"))
    markdown(seen)
    console = Console(file=io.StringIO(), width=80)
    with console.capture():
        console.print(terminal.renderable(seen, verbose=True))
    findings = [*seen.findings, *(finding for one in seen.conversations for finding in one.findings)]
    reasons = {reason for facts in seen.inputs for reason in facts.skipped}
    return {finding.code for finding in findings} | reasons


def judged(packets: Iterable[bytes], any_port: bool = False, step_ns: int = 1_000_000, link_type: int = 101) -> Found:
    """Push packets through the rooms."""
    analysis = Analysis(InputRecord("x"), API_PORTS, any_port=any_port)
    analysis.run(frames(packets, step_ns, link_type))
    return shown(analysis.report())


class Packer(Protocol):
    """Compresses."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class Endless(io.RawIOBase):
    """A file that is never held whole."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = iter(parts)
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        while not self._rest and (part := next(self._parts, None)) is not None:
            self._rest = part
        result, self._rest = self._rest[:size], self._rest[size:]
        return result


def file(*parts: Iterable[bytes]) -> Found:
    """Read a file of these parts."""
    try:
        with open_capture("-", Endless(chain.from_iterable(parts))) as capture:
            analysis = Analysis(capture.record)
            analysis.run(capture.frames())
        return shown(analysis.report())
    except UserError as error:
        return {error.what}


# -- many conversations -----------------------------------------------------------------------------------------------


@shape(3000, "IBS011")
def _syn_flood(n: int) -> Found:
    return judged(Stream(number).up(flags=SYN) for number in range(n))


@shape(3000, "IBS011")
def _conversations_that_are_refused(n: int) -> Found:
    def packets() -> Iterator[bytes]:
        for stream in map(Stream, range(n)):
            yield stream.up(flags=SYN)
            stream.sent += 1
            yield stream.down(flags=RST | ACK)

    return judged(packets())


def kinds(n: int) -> Iterator[bytes]:
    """Conversations that failed in different ways, so that each is held against the others."""
    for number, stream in enumerate(map(Stream, range(n))):
        if number % 4 == 0:
            yield stream.up(flags=SYN)
            stream.sent += 1
            yield stream.down(flags=RST | ACK)
            continue
        yield from stream.handshake()
        if number % 4 == 1:
            yield stream.say(b"API\0\0\0\0\x08v100.200")
        elif number % 4 == 2:
            yield stream.say(HELLO)
        yield stream.down(flags=FIN | ACK)


@shape(400)
def _conversations_below_the_bound(n: int) -> Found:
    return judged(kinds(n), step_ns=20_000_000)


@shape(3000, "IBS011")
def _conversations_that_greet(n: int) -> Found:
    return judged(packet for stream in map(Stream, range(n)) for packet in [*stream.handshake(), stream.say(HELLO)])


@shape(3000, "IBS011")
def _conversations_joined_in_the_middle(n: int) -> Found:
    return judged(Stream(number).say(b"x") for number in range(n))


@shape(3000, "IBS011")
def _conversations_on_the_same_ports(n: int) -> Found:
    return judged(packet for number in range(n) for packet in Stream(isn=number * 100_000).handshake())


@shape(3000)
def _strangers_on_any_port(n: int) -> Found:
    def packets() -> Iterator[bytes]:
        for number in range(n):
            stream = Stream(number, 80)
            yield from stream.handshake()
            yield stream.say(b"GET / HTTP/1.1\r\n\r\n")

    return judged(packets(), any_port=True)


@shape(3000, "IBS011")
def _clients_on_any_port(n: int) -> Found:
    def packets() -> Iterator[bytes]:
        for number in range(n):
            stream = Stream(number, 10_000 + number % 5000)
            yield from [*stream.handshake(), stream.say(HELLO), *stream.close()]

    return judged(packets(), any_port=True)


@shape(300, "IBS011")
def _conversations_watched_live(n: int) -> Found:
    class Nothing:
        def show(self, *_: object) -> None: ...

        def quiet(self) -> None: ...

    packets = (packet for number in range(8 * n) for packet in [Stream(number).up(flags=SYN)])
    analysis = Analysis(InputRecord("x", is_live=True))
    return shown(follow(frames(packets, 100_000), Follower(analysis, Nothing(), Limits())))


# -- one connection ---------------------------------------------------------------------------------------------------


def one(talk: Callable[[Stream], Iterable[bytes]]) -> Found:
    stream = Stream()
    return judged(chain(stream.session(), talk(stream)))


@shape(5000, "IBS018")
def _segments_reversed(n: int) -> Found:
    return one(lambda s: (s.up(bytes(1400), at=1400 * (n - i)) for i in range(n)))


@shape(5000)
def _segments_shuffled(n: int) -> Found:
    order = list(range(n))
    random.Random(1).shuffle(order)
    return one(lambda s: (s.up(bytes(100), at=100 * i) for i in order))


@shape(20_000, "IBS018")
def _small_segments_reversed(n: int) -> Found:
    return one(lambda s: (s.up(bytes(200), at=200 * (n - i)) for i in range(n)))


@shape(5000)
def _single_bytes_in_order(n: int) -> Found:
    return one(lambda s: (s.say(b"\0") for _ in range(n)))


@shape(5000)
def _segments_that_overlap(n: int) -> Found:
    return one(lambda s: (s.up(bytes(1000), at=i * 10 + 5) for i in range(n)))


@shape(5000, "IBS005")
def _holes(n: int) -> Found:
    return one(lambda s: chain.from_iterable((s.up(b"\0\0\0\1x", at=10 * i), s.down(ack=10 * i)) for i in range(1, n)))


@shape(5000)
def _resets(n: int) -> Found:
    return one(lambda s: (s.down(flags=RST | ACK) for _ in range(n)))


@shape(5000)
def _farewells(n: int) -> Found:
    return one(lambda s: (s.up(flags=FIN | ACK, at=i) for i in range(n)))


@shape(5000)
def _the_same_call_again(n: int) -> Found:
    return judged((Stream().up(flags=SYN) for _ in range(n)), step_ns=20_000_000)


@shape(5000)
def _keep_alives(n: int) -> Found:
    return one(lambda s: chain.from_iterable((s.up(b"\0", at=-1, window=i % 900), s.down()) for i in range(n)))


@shape(5000)
def _zero_windows(n: int) -> Found:
    return one(lambda s: (s.up(window=0, ack=i) for i in range(n)))


@shape(5000)
def _copies(n: int) -> Found:
    return judged((packet for packet in Stream().session() for _ in range(n // 6)), step_ns=1000)


@shape(5000)
def _contradictions(n: int) -> Found:
    return one(lambda s: (s.up(bytes([i % 256]) * 100, at=-50) for i in range(n)))


# -- IP ---------------------------------------------------------------------------------------------------------------


@shape(3000, "IP fragment discarded, too many at once")
def _first_fragments(n: int) -> Found:
    return judged(ip(bytes(1400), ip_id=i, target=i >> 16, flags=MORE_FRAGMENTS) for i in range(n))


@shape(3000, "IP fragment discarded, too many at once")
def _tiny_fragments(n: int) -> Found:
    return judged(ip(bytes(8), flags=MORE_FRAGMENTS | (2 * i) % 8000) for i in range(n))


@shape(3000, "IP fragment never completed")
def _fragments_that_overlap(n: int) -> Found:
    return judged(ip(bytes(800), flags=MORE_FRAGMENTS | i % 100) for i in range(n))


@shape(3000)
def _tags_and_extensions(n: int) -> Found:
    tagged = bytes(12) + b"\x81\0\0\1" * 300 + b"\x08\0"
    extended = bytes(12) + b"\x86\xdd\x60\0\0\0\x05\0\0\x40" + bytes(32) + b"\0\0\0\0\0\0\0\0" * 150
    return judged(((tagged, extended)[i % 2] for i in range(n)), link_type=ETHERNET)


@shape(3000)
def _unreachables(n: int) -> Found:
    quoted = Stream().up(flags=SYN)
    return judged(chain([quoted], (ip(b"\3\3" + bytes(6) + quoted, 7 + i, protocol=1) for i in range(n))))


def arp(asker: int, target: int) -> bytes:
    return bytes(12) + b"\x08\x06\0\1\x08\0\6\4\0\1" + bytes(6) + pack("!I6xI", asker, target)


@shape(3000, "ARP for more addresses than are remembered")
def _arp_targets(n: int) -> Found:
    return judged((arp(1, i) for i in range(n)), link_type=ETHERNET)


@shape(3000)
def _arp_requests(n: int) -> Found:
    return judged((arp(1, 2) for _ in range(n)), link_type=ETHERNET)


@shape(3000, "IBS007")
def _stray_hellos(n: int) -> Found:
    return judged(Stream(i, 10_000 + i % 5000).say(HELLO) for i in range(n))


# -- IB's language ----------------------------------------------------------------------------------------------------


@shape(250)
def _hello_byte_by_byte(n: int) -> Found:
    stream = Stream()
    text = b"v100..187 " + b"x" * (n // 2)
    hello = b"API\0" + pack("!I", len(text)) + text
    return judged(chain(stream.handshake(), (stream.say(bytes([byte])) for byte in hello), stream.close()))


@shape(5000)
def _garbage_for_a_hello(n: int) -> Found:
    stream = Stream()
    return judged(chain(stream.handshake(), (stream.say(b"\xf0\x9f") for _ in range(n))))


@shape(5000)
def _garbage_for_a_reply(n: int) -> Found:
    stream = Stream()
    return judged(chain(stream.handshake(), [stream.say(HELLO)], (stream.answer(b"\xf0") for _ in range(n))))


def legacy(n: int, size: int) -> Found:
    stream = Stream()
    talk = b"4\0002\000-1\0002104\0ok\0" * n
    pieces = (stream.answer(talk[i : i + size]) for i in range(0, len(talk), size))
    return judged(chain(stream.handshake(), [stream.say(b"63\0"), stream.answer(b"63\0now\0")], pieces))


@shape(2000)
def _legacy_fields_in_large_segments(n: int) -> Found:
    return legacy(n, 60_000)


@shape(500)
def _legacy_fields_byte_by_byte(n: int) -> Found:
    return legacy(n, 1)


@shape(3000)
def _one_legacy_field(n: int) -> Found:
    stream = Stream()
    opening = [stream.say(b"63\0"), stream.answer(b"63\0now\0"), stream.answer(b"4\0002\0")]
    return judged(chain(stream.handshake(), opening, (stream.answer(b"1") for _ in range(n))))


@shape(300)
def _frames_of_one_byte(n: int) -> Found:
    return one(lambda s: (s.answer(b"\0\0\0\1x" * 100) for _ in range(n)))


@shape(3000)
def _a_frame_never_completed(n: int) -> Found:
    return one(lambda s: chain([s.answer(b"\0\xff\xff\xff4\0")], (s.answer(bytes(1400)) for _ in range(n))))


@shape(5000)
def _a_frame_never_completed_byte_by_byte(n: int) -> Found:
    return one(lambda s: chain([s.answer(b"\0\xff\xff\xff4\0")], (s.answer(b"\0") for _ in range(n))))


@shape(100)
def _frames_never_completed_in_many_conversations(n: int) -> Found:
    def packets() -> Iterator[bytes]:
        for stream in map(Stream, range(n)):
            yield from [*stream.session(), stream.answer(b"\0\xff\xff\xff4\0")]
            yield from (stream.answer(bytes(1400)) for _ in range(40))

    return judged(packets())


@shape(3000)
def _a_frame_before_the_reply_never_completed(n: int) -> Found:
    stream = Stream()
    opening = [*stream.handshake(), stream.say(HELLO), stream.answer(b"\0\xff\xff\xff4\0")]
    return judged(chain(opening, (stream.answer(bytes(1400)) for _ in range(n))))


def error(code: int, text: str = "ok") -> bytes:
    body = f"4\0002\000-1\000{code}\0{text}\0\0".encode()
    return pack("!I", len(body)) + body


@shape(5000)
def _errors_of_one_code(n: int) -> Found:
    return one(lambda s: (s.answer(error(2104)) for _ in range(n)))


@shape(5000, "IBS018")
def _error_codes(n: int) -> Found:
    return one(lambda s: (s.answer(error(10_000 + i)) for i in range(n)))


@shape(500)
def _long_errors(n: int) -> Found:
    return one(lambda s: (s.answer(error(321, "\x1b" * 50_000)) for i in range(n)))


@shape(5000)
def _unknown_messages(n: int) -> Found:
    return one(lambda s: (s.answer(b"\0\0\0\x05" + b"%d\0" % (i % 300 + 100) + b"\0") for i in range(n)))


@shape(2000)
def _accounts(n: int) -> Found:
    body = b"15\x001\0" + b",".join(b"D%05d" % i for i in range(n)) + b"\0"
    return one(lambda s: [s.answer(pack("!I", len(body)) + body)])


@shape(400)
def _odd_accounts_in_many_conversations(n: int) -> Found:
    def packets() -> Iterator[bytes]:
        for number, stream in enumerate(map(Stream, range(n))):
            body = b"15\x001\0" + b",".join(b"odd%d-%d" % (number, i) for i in range(50)) + b"\0"
            yield from [*stream.session(), stream.answer(pack("!I", len(body)) + body), *stream.close()]

    return judged(packets())


# -- files ------------------------------------------------------------------------------------------------------------

HEAD = [made.section(), made.interface()]


@shape(5000)
def _options(n: int) -> Found:
    return file(HEAD, [made.enhanced(options=made.option(1, b"comment") * n)])


@shape(2000)
def _a_long_name(n: int) -> Found:
    return file([made.section()], [made.interface(options=made.option(2, b"\x1b" * 60_000) * (n // 100))])


@shape(2000)
def _sections(n: int) -> Found:
    return file(HEAD, (part for _ in range(n) for part in HEAD), [made.enhanced()])


@shape(2000, "IBS002")
def _interfaces(n: int) -> Found:
    return file(HEAD, [made.enhanced()], (made.interface(i % 300) for i in range(n * 5)))


@shape(2000)
def _link_types(n: int) -> Found:
    return file(HEAD, (part for i in range(n) for part in (made.section(), made.interface(i), made.enhanced())))


@shape(2000)
def _statistics(n: int) -> Found:
    drops = made.option(5, pack("<Q", 7))
    return file(HEAD, (made.statistics(0, i, drops) for i in range(n)), [made.enhanced()])


@shape(2000)
def _unknown_blocks(n: int) -> Found:
    return file(HEAD, (made.block(0x7777, bytes(200)) for _ in range(n)), [made.enhanced()])


@shape(1)
def _large_blocks(n: int) -> Found:
    return file(HEAD, (made.block(0x7777, bytes(15 << 20)) for _ in range(n)), [made.enhanced()])


@shape(2000)
def _packets_without_bytes(n: int) -> Found:
    return file([made.pcap_header()], (made.record(b"", i, 0) for i in range(n)))


@shape(2000)
def _compressed_members(n: int) -> Found:
    whole = b"".join([*HEAD, *(made.enhanced() for _ in range(n))])
    return file(gzip(whole[i : i + 20]) for i in range(0, len(whole), 20))


def gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


def bomb(packer: Packer, times: int, empty: bytes) -> Iterator[bytes]:
    """A capture of empty packets that shrinks to nearly nothing."""
    yield packer.compress(made.pcap_header())
    for _ in range(times):
        yield packer.compress(empty)
    yield packer.flush()


ZEROS = bytes(1 << 18)
"""Read as a pcap these are 16,384 packets without a byte, all of them at 1970."""


@shape(1)
def _gzip_bomb(n: int) -> Found:
    return file(bomb(zlib.compressobj(9, wbits=31), n, ZEROS))


@shape(1)
def _bzip2_bomb(n: int) -> Found:
    return file(bomb(bz2.BZ2Compressor(), n, ZEROS))


@shape(1)
def _xz_bomb(n: int) -> Found:
    return file(bomb(lzma.LZMACompressor(preset=0), n, ZEROS))


@shape(2, "is not a capture: it is compressed with gzip")
def _gzip_in_gzip(n: int) -> Found:
    return file([gzip(gzip(bytes(n << 20)))])
