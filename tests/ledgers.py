"""Conversations made for the ledger of requests: messages of both sides, one packet each, read in either lane."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import ib_bytes

from ibsniff.ib import names
from ibsniff.ib.dialogue import DialogueReader
from ibsniff.model import NANOSECONDS, ColumnRun, Gap, Mark, Moment, Request, Requests, RequestState, Run, Side

CLIENT, SERVER = Side.CLIENT, Side.SERVER
NUMBERS = {
    side: {name: number for number, name in known.items()}
    for side, known in ((CLIENT, names.CLIENT_MESSAGES), (SERVER, names.SERVER_MESSAGES))
}


@dataclass
class Session:
    """A conversation at one server version, from its beginning."""

    version: int = 178
    packet: int = 0
    offsets: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    seen_from_start: bool = True
    greeted: bool = True
    """The messages that TWS sends without a request have come."""

    def __post_init__(self) -> None:
        self.reader = DialogueReader(self.seen_from_start)
        if self.seen_from_start:
            self.send(CLIENT, ib_bytes.hello(100, 226)).send(SERVER, ib_bytes.reply(self.version))
            self.send(CLIENT, ib_bytes.start_api(self.version))
            if self.greeted:
                self.send(SERVER, ib_bytes.ready(self.version))

    def send(self, side: Side, data: bytes) -> Session:
        """These bytes in a packet of their own."""
        self.packet += 1
        mark = Mark(self.offsets[side], self.packet, self.packet * NANOSECONDS)
        self.reader.take(side, Run(self.offsets[side], data, (mark,)))
        self.offsets[side] += len(data)
        return self

    def lose(self, side: Side, length: int = 10) -> Session:
        """So many bytes were not captured."""
        self.packet += 1
        self.reader.take(side, Gap(self.offsets[side], length, Moment(self.packet, self.packet * NANOSECONDS)))
        self.offsets[side] += length
        return self

    def columns(self, packets: list[tuple[Side, bytes]]) -> Session:
        """All these packets at once."""
        runs = {side: (self.offsets[side], array("q"), array("q"), array("q"), bytearray()) for side in Side}
        for side, data in packets:
            self.packet += 1
            start, offsets, numbers, times_ns, sent = runs[side]
            offsets.append(start + len(sent))
            numbers.append(self.packet)
            times_ns.append(self.packet * NANOSECONDS)
            sent += data
        made = [(side, ColumnRun(run[0], bytes(run[4]), *run[1:4])) for side, run in runs.items() if run[4]]
        self.reader.take_columns(made)
        for side, run in made:
            self.offsets[side] += len(run.data)
        return self

    def ask(self, name: str, *values: object) -> Session:
        """A text message of the client; the values come after the id of the message."""
        return self.send(CLIENT, ib_bytes.text(self.version, NUMBERS[CLIENT][name], *values))

    def answer(self, name: str, *values: object) -> Session:
        """A text message of the server."""
        return self.send(SERVER, ib_bytes.text(self.version, NUMBERS[SERVER][name], *values))

    def fail(self, code: int, request: int) -> Session:
        """An error."""
        return self.send(SERVER, ib_bytes.error(self.version, code, "text", request))

    @property
    def requests(self) -> Requests:
        return self.reader.dialogue.requests

    @property
    def states(self) -> dict[str, int]:
        """How many there are in each state that occurs."""
        counts = {state.value: self.requests.count(state) for state in RequestState}
        return {state: count for state, count in counts.items() if count}

    @property
    def only(self) -> Request:
        """The one request that is open or was rejected."""
        (request,) = (*self.requests.open.values(), *self.requests.rejected.values())
        return request
