"""Reports built by hand: a renderer sees nothing but the report, so nothing else is needed to test one."""

from __future__ import annotations

import io
import ipaddress
from collections import Counter
from dataclasses import replace

from rich.console import Console, RenderableType

from ibsniff.diagnosis import VerdictSoFar
from ibsniff.facts.index import CaptureIndex
from ibsniff.masking.sentence import sentence
from ibsniff.model import (
    NANOSECONDS,
    Alternative,
    Capture,
    Confidence,
    Connection,
    Conversation,
    Dialect,
    Dialogue,
    Ended,
    Endpoint,
    ErrorTally,
    Evidence,
    Fault,
    Finding,
    Half,
    Hello,
    How,
    InputFacts,
    MachineReport,
    Moment,
    Outcome,
    Reply,
    ReplyKind,
    Report,
    Rung,
    Severity,
    Side,
    Start,
    StartForm,
    WatchedBy,
    WireBytes,
    WireError,
    WireText,
)
from ibsniff.timeline.events import events

START_NS = 1_767_605_400 * NANOSECONDS
"""2026-01-05 09:30:00 UTC."""

HELLO = bytes.fromhex("41504900 00000009 763130302e2e313837")
ACCOUNT = "DU1234567"


def at(packet: int, milliseconds: float, began_ns: int = START_NS) -> Moment:
    return Moment(packet, began_ns + round(milliseconds * 1_000_000))


def endpoint(ip: str, port: int) -> Endpoint:
    return Endpoint(ipaddress.ip_address(ip).packed, port)


def hello(began_ns: int = START_NS, **changes: object) -> Hello:
    moment = at(4, 0.4, began_ns)
    valid = Hello(Dialect.V100PLUS, WireBytes(HELLO), (moment,), moment, moment, 100, 187, declared_length=9)
    return valid._replace(**_from_the_wire(changes))


def reply(began_ns: int = START_NS, **changes: object) -> Reply:
    moment = at(6, 3, began_ns)
    whole = Reply(ReplyKind.FRAMED, WireBytes(b""), (moment,), moment, moment, 187, WireText("20260105 09:30:00 EST"))
    return whole._replace(**_from_the_wire(changes))


def _from_the_wire(changes: dict[str, object]) -> dict[str, object]:
    """With the types of what somebody else wrote."""
    types = {"raw": WireBytes, "options": WireText, "connection_time": WireText, "redirect": WireText}
    return {name: types[name](value) if name in types else value for name, value in changes.items()}


def error(code: int, text: str, moment: Moment, request: int = -1) -> WireError:
    return WireError(request, code, WireText(text), moment)


def called(ip: str = "127.0.0.1", server: str = "127.0.0.1", began_ns: int = START_NS, port: int = 50123) -> Connection:
    """A SYN and nothing else."""
    first = at(1, 0, began_ns)
    return Connection(endpoint(ip, port), endpoint(server, 7497), first, first, syns=[first], syn_count=1, history="S")


def connected(**where: object) -> Connection:
    """A whole TCP handshake."""
    connection = called(**where)  # type: ignore[arg-type]
    began_ns = connection.first.time_ns
    connection.syn_ack = at(2, 0.05, began_ns)
    connection.established = connection.last = at(3, 0.08, began_ns)
    connection.history = "ShA"
    return connection


def conversation(connection: Connection, dialogue: Dialogue | None = None, **changes: object) -> Conversation:
    plain = Conversation(
        id="c1",
        input=0,
        connection=connection,
        dialogue=dialogue or Dialogue(),
        watched_until_ns=connection.first.time_ns + 6 * NANOSECONDS,
        watched_by=WatchedBy.STATISTICS,
        outcome=Outcome.SILENT,
        rung=Rung.CONNECTED,
    )
    return plain._replace(**changes)


def finding(code: str = "IBS301", **changes: object) -> Finding:
    plain = Finding(
        code=code,
        name="silent-on-this-host",
        severity=Severity.ERROR,
        fault=Fault.TWS_STATE,
        confidence=Confidence.MEDIUM,
        summary="TWS took the connection and the hello, and never answered.",
        packets=(4, 5),
        remedy="Restart TWS or IB Gateway. Stop health checks that open the API port and send nothing.",
        alternatives=(
            Alternative("TWS is frozen", Fault.TWS_STATE, "its window does not react; jstack shows where it hangs"),
            Alternative("TWS has just started", Fault.TWS_STATE, "try again after 90 seconds"),
        ),
        explains=Rung.ANSWERED,
    )
    return plain._replace(**changes)


def with_evidence(talk: Conversation) -> Conversation:
    """The conversation, its findings with the words that its timeline has for the packets they cite."""
    told = {event.packet: event for event in events(talk)}
    made = {}
    for found in (*talk.findings, *([talk.cause] if talk.cause else [])):
        proof = (told[packet] for packet in found.packets if packet in told)
        evidence = tuple(Evidence(e.packet, e.time_ns, e.side, sentence(e.what), talk.id) for e in proof)
        made[found] = found._replace(evidence=evidence)
    return talk._replace(
        findings=tuple(made[one] for one in talk.findings), cause=made[talk.cause] if talk.cause else None
    )


def silent(began_ns: int = START_NS, **changes: object) -> Conversation:
    """On loopback: hello acknowledged, never answered, the client gives up after four seconds."""
    connection = connected(began_ns=began_ns)
    connection.from_client = Half(first_data=at(4, 0.4, began_ns), ack_of_first_data=at(5, 0.5, began_ns), length=17)
    connection.from_client.fin = connection.last = at(6, 4001, began_ns)
    connection.ended = Ended(Side.CLIENT, How.FIN, connection.last)
    connection.history = "ShADaF"
    cause = finding()
    plain = conversation(
        connection,
        Dialogue(hello=hello(began_ns)),
        rung=Rung.GREETED,
        conn_state="S2",
        findings=(cause,),
        cause=cause,
        fault=cause.fault,
        confidence=cause.confidence,
        summary=cause.summary,
    )
    return plain._replace(**changes)


def refused(**changes: object) -> Conversation:
    """A RST in answer to the SYN."""
    connection = called()
    connection.refusals = [at(2, 0.03)]
    connection.ended = Ended(Side.SERVER, How.RST, at(2, 0.03))
    connection.from_server.rst = connection.last = at(2, 0.03)
    cause = finding(
        "IBS101",
        summary="Nothing listens on 127.0.0.1:7497.",
        packets=(1, 2),
        remedy="Start TWS and log in; tick Enable ActiveX and Socket Clients; compare the port.",
        alternatives=(),
        fault=Fault.TWS_CONFIG,
        confidence=Confidence.HIGH,
    )
    plain = conversation(connection, outcome=Outcome.REFUSED, rung=Rung.CALLED, findings=(cause,), cause=cause)
    found = plain._replace(fault=cause.fault, confidence=cause.confidence, summary=cause.summary, **changes)
    return with_evidence(found)


def closed_by_relay(**changes: object) -> Conversation:
    """Accepted, then FIN within a millisecond."""
    connection = connected(ip="172.24.46.63", server="172.24.32.1")
    connection.from_server.fin = connection.last = at(4, 0.93)
    connection.ended = Ended(Side.SERVER, How.FIN, at(4, 0.93))
    cause = finding(
        "IBS121",
        summary="A relay took the connection and closed it at once: nothing listens behind it.",
        packets=(2, 4),
        fault=Fault.NETWORK,
        remedy="Look at the port behind the relay.",
        alternatives=(Alternative("TWS trusts only localhost", Fault.TWS_CONFIG, "the delay is 1 to 50 ms"),),
    )
    plain = conversation(connection, outcome=Outcome.CLOSED, findings=(cause,), cause=cause)
    found = plain._replace(fault=cause.fault, confidence=cause.confidence, summary=cause.summary, **changes)
    return with_evidence(found)


def ready(began_ns: int = START_NS, **changes: object) -> Conversation:
    """Answered and ready, accounts named, two farm notices."""
    connection = connected(began_ns=began_ns)
    connection.from_client.first_data = at(4, 0.4, began_ns)
    connection.from_client.ack_of_first_data = at(5, 0.5, began_ns)
    connection.last = at(10, 30, began_ns)
    moment = at(8, 9, began_ns)
    dialogue = Dialogue(
        hello=hello(began_ns),
        reply=reply(began_ns),
        start=Start(
            StartForm.TEXT_CAPABILITIES,
            7,
            WireBytes(b"\0\0\0\x0871\x002\x007\0\0"),
            at(7, 3.5, began_ns),
            before_reply=False,
        ),
        next_valid_id=moment,
        managed_accounts=moment,
        accounts=[WireText(ACCOUNT)],
        ready=moment,
    )
    dialogue.messages[Side.CLIENT]["START_API"] = 1
    dialogue.messages[Side.SERVER]["ERR_MSG"] = 2
    notice = error(2104, "Market data farm connection is OK:usfarm", at(9, 12, began_ns))
    dialogue.errors[2104] = ErrorTally(2, [notice])
    summary = sentence(f"It works: ready in 9 ms as client id 7, account {WireText(ACCOUNT):quoted}.")
    plain = conversation(connection, dialogue, outcome=Outcome.REPLIED, rung=Rung.READY, summary=summary)
    return plain._replace(fault=Fault.NONE, confidence=Confidence.HIGH, **changes)


def read_only(**changes: object) -> Conversation:
    """Ready, and then error 321."""
    talk = ready()
    text = f"Error validating request.-'b4' : cause - The API interface is currently in Read-Only mode. acct={ACCOUNT},"
    talk.dialogue.errors[321] = ErrorTally(1, [error(321, text, at(10, 30), request=3)])
    found = finding(
        "IBS401",
        severity=Severity.WARNING,
        summary="The session works, but the API is read-only.",
        fault=Fault.TWS_CONFIG,
        confidence=Confidence.HIGH,
        packets=(10,),
        remedy="TWS: File > Global Configuration > API > Settings: untick Read-Only API.",
        alternatives=(),
        explains=None,
    )
    return with_evidence(
        talk._replace(findings=(found,), cause=found, fault=found.fault, summary=found.summary, **changes)
    )


def unproven(**changes: object) -> Conversation:
    """The capture ends 0.3 s after the hello."""
    connection = connected()
    connection.from_client.first_data = connection.last = at(4, 0.4)
    return conversation(
        connection,
        Dialogue(hello=hello()),
        outcome=Outcome.UNPROVEN,
        rung=Rung.GREETED,
        watched_until_ns=START_NS + 300_000_000,
        watched_by=WatchedBy.LAST_PACKET,
        summary="The capture ends 0.3 s after the hello: too early to call it silence.",
        **changes,
    )


def facts(**changes: object) -> InputFacts:
    plain = InputFacts(
        path="bot.pcapng",
        format="pcapng",
        link_types=(1,),
        packets=6,
        first_time_ns=START_NS,
        last_time_ns=START_NS + 4 * NANOSECONDS,
        watched_until_ns=START_NS + 6 * NANOSECONDS,
        watched_by=WatchedBy.STATISTICS,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def machine_report(of: Conversation, side: Side = Side.CLIENT, **changes: object) -> MachineReport:
    """What this machine says of one end of a conversation, a second after its first packet."""
    connection = of.connection
    time_ns = connection.first.time_ns + NANOSECONDS
    ends = connection.client, connection.server
    plain = MachineReport(
        time_ns, *ends, side, 8, WireText("python bot.py"), close_wait=0, accept_queue=None, unread=None
    )
    return plain._replace(**changes)


def report(*conversations: Conversation, findings: tuple[Finding, ...] = (), **changes: object) -> Report:
    """A report with the problems of these conversations, and the verdict that follows from them."""
    so_far = VerdictSoFar()
    so_far.add(CaptureIndex(Capture(0, facts(), conversations)), Counter(), findings)
    plain = Report((facts(),), so_far.verdict(), findings, conversations, problems=so_far.problems)
    return plain._replace(**changes)


def many(count: int = 300, seconds: int = 60) -> Report:
    """The same silence again and again, and in the end an answer."""
    talks = [silent(id=f"c{n + 1}", began_ns=START_NS + n * seconds * NANOSECONDS) for n in range(count)]
    works = ready(id=f"c{count + 1}", began_ns=START_NS + count * seconds * NANOSECONDS)
    return report(*talks, works)


def shown(renderable: RenderableType, width: int = 80, encoding: str = "utf-8") -> str:
    """What a console of that width and encoding shows, without colour."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    console = Console(file=file, width=width, color_system=None, legacy_windows=False)
    console.print(renderable)
    file.flush()
    return raw.getvalue().decode(encoding)
