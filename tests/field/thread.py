"""A thread of a forum or an issue tracker, told as a packet script, with the verdict it must get.

The threads are real and none holds a capture: the packets are what its description amounts to. ``established`` says in a
few words what was found out there; ``meets`` how the report stands to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import ib_bytes
from ib_bytes import HELLO
from judging import Watch, codes, findings, judge
from wire import START_NS, Wire

from ibsniff.model import NANOSECONDS, Fault, Report, Side

IB_INSYNC, IB_ASYNC = ib_bytes.hello(157, 176), ib_bytes.hello(157, 178)


class Meets(StrEnum):
    """How the report stands to what was established."""

    CAUSE = "the cause is the verdict"
    NAMED = "the cause is named among those that fit"
    OPEN = "nothing was established, and the report does not pretend to know"


@dataclass(frozen=True)
class Thread:
    """One thread and what its capture must be said to show."""

    where: str
    established: str
    wires: tuple[Wire, ...]
    codes: str
    fault: Fault
    meets: Meets
    says: tuple[str, ...] = ()
    """Regular expressions that must be found in what the report says."""
    never: tuple[str, ...] = ()
    """The wrong cure: must not be found."""
    watch: Watch = field(default_factory=Watch)

    def report(self) -> Report:
        return judge(*self.wires, watch=self.watch)


@dataclass(frozen=True)
class Unplayable:
    """A thread no capture can be made of, and why."""

    where: str
    reason: str


Family = dict[str, Thread | Unplayable]


def told(report: Report) -> str:
    """All a report says, in one line per sentence."""
    said = [report.verdict.summary] if report.verdict else []
    said += [conversation.summary for conversation in report.conversations]
    for finding in findings(report):
        said += [finding.summary, finding.remedy]
        said += [f"{one.cause}: {one.how_to_tell}" for one in finding.alternatives]
    return "\n".join(said)


def short(report: Report) -> str:
    """Its codes without the letters."""
    return " ".join(sorted(code.removeprefix("IBS") for code in codes(report)))


# -- the parts scripts are made of ------------------------------------------------------------------------------------


def call(client: str, server: str, seconds: float = 0.0, **more: int) -> Wire:
    """A connection that begins so many seconds into the capture."""
    return Wire(client, server, start_ns=START_NS + round(seconds * NANOSECONDS), **more)


def local(seconds: float = 0.0, port: int = 4002) -> Wire:
    """A client on the machine of TWS or Gateway; every moment has its own port."""
    return call(f"127.0.0.1:{40_000 + round(10 * seconds) % 20_000}", f"127.0.0.1:{port}", seconds)


def silent(wire: Wire, hello: bytes = HELLO, patience: float = 4.0) -> Wire:
    """Not answered; the client leaves, and the server's side never closes."""
    return wire.connect().client(hello).fin_client(after=patience).ack(Side.SERVER)


def answered(wire: Wire, version: int = 178) -> Wire:
    return wire.connect().client(HELLO).server(ib_bytes.reply(version), after=0.003)


def started(wire: Wire, version: int = 178, client_id: int = 7) -> Wire:
    return answered(wire, version).client(ib_bytes.start_api(version, client_id))


def session(wire: Wire, version: int = 178) -> Wire:
    return started(wire, version).server(ib_bytes.ready(version))


def said(code: int, text: str, version: int = 178) -> bytes:
    return ib_bytes.error(version, code, text)


def request(*fields: object) -> bytes:
    return ib_bytes.text(178, *fields)  # type: ignore[arg-type]


def refused_legs(outer: Wire, inner: str, inner_client: str = "127.0.0.1:60000") -> tuple[Wire, Wire]:
    """A relay takes the call, is refused within, and hangs up before anything was said."""
    began_ns = outer.connect().frames()[-1].time_ns
    inside = Wire(inner_client, inner, start_ns=began_ns + 200_000).syn().refuse()
    return outer.fin_server(after=0.000_85), inside
