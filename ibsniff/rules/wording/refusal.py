"""The statement about a refused connection: what TWS did on that port at other times of the capture."""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.network_path import System, system
from ibsniff.facts.ports import application, on_relay_port
from ibsniff.facts.session import new_api_port
from ibsniff.facts.timing import is_open_at
from ibsniff.ib.names import DEFAULT_PORTS
from ibsniff.model import Alternative, Confidence, Connection, Conversation, Fault, Rung
from ibsniff.rules.registry import Statement
from ibsniff.rules.wording.unanswered import unless_other_ip_version_followed

QUEUE_MAY_BE_FULL = ", or its accept queue is full (Windows may refuse connections then)"


IPV6_BYTES = 16
IPV4_ONLY = Alternative(
    "TWS, or what forwards the port to it, listens on IPv4 only, and the program connects over IPv6",
    Fault.CLIENT,
    "it works over the IPv4 address; `netstat -an` there lists the addresses that are listened on",
)


class _Context(NamedTuple):
    """What the other conversations add to a refusal, and who must act in that case."""

    why: str = ""
    remedy: str = ""
    """Instead of the rule's own; then no other cause is named."""
    fault: Fault = Fault.UNDETERMINED
    confidence: Confidence = Confidence.HIGH
    other_port: int = 0
    """Served on that machine, so a wrong port is the most likely cause."""


def refused(
    conversation: Conversation, index: CaptureIndex, summary: str, remedy: str, causes: tuple[Alternative, ...]
) -> Statement:
    """State a refusal: who must act is not known, unless TWS served the same port earlier in the capture."""
    connection, context = conversation.connection, _context(conversation, index)
    attempts = zip(connection.syns, connection.refusals, strict=False)
    ipv4_first = not context.remedy and _never_served_over_ipv6(connection, index)
    if ipv4_first:
        remedy, causes = f"{try_ipv4(connection)} {remedy}", (IPV4_ONLY, *causes)
    is_certain = context.fault is Fault.UNDETERMINED and not context.why
    statement = Statement(
        f"{summary}{_not_decided(connection, ipv4_first=ipv4_first) if is_certain else context.why}",
        context.fault,
        context.confidence,
        packets=[moment.packet for attempt in attempts for moment in attempt],
        remedy=context.remedy or (f"{_other_port(context.other_port)} {remedy}" if context.other_port else remedy),
        alternatives=() if context.remedy else _ordered(causes, context),
        explains=Rung.CONNECTED,
    )
    return unless_other_ip_version_followed(statement, conversation, index)


def _never_served_over_ipv6(connection: Connection, index: CaptureIndex) -> bool:
    """The client uses IPv6, and nothing shows that TWS listens there."""
    is_ipv6 = len(connection.server.address) == IPV6_BYTES
    return is_ipv6 and index.server_history.session(connection.server) is None


def try_ipv4(connection: Connection) -> str:
    """The easiest thing to try for a client that uses IPv6."""
    if connection.same_host:
        return f"First try IPv4: connect to 127.0.0.1 instead of {connection.server.ip} or a name such as localhost."
    return f"First try IPv4: connect to that machine's IPv4 address instead of {connection.server.ip}."


def _not_decided(connection: Connection, *, ipv4_first: bool) -> str:
    """What is certain of a refusal, and what only a look at the server's machine decides."""
    port = connection.server.port
    firewall = "" if connection.same_host else ", or a firewall refuses in its place"
    if on_relay_port(connection):
        why = f"the relay is not running, or it listens on another port{firewall}"
    else:
        api_off = "" if application(port) == "Gateway" else ", its socket API is off"
        why = f"{application(port)} is not running or not logged in{api_off}, or it listens on another port{firewall}"
    if ipv4_first:
        why = f"it listens on IPv4 only, {why}"
    return f" The refusal is certain. Its reason is not decided: {why}. A look at that machine decides it."


def _other_port(port: int) -> str:
    """Name the other port, with a warning: it may belong to a live account instead of a paper one."""
    usual = f" (usually {DEFAULT_PORTS[port]})" if port in DEFAULT_PORTS else ""
    return (
        f"Connect to port {port}{usual} only if that is the one you mean: live and paper trading use different ports."
    )


def _ordered(causes: tuple[Alternative, ...], context: _Context) -> tuple[Alternative, ...]:
    return tuple(sorted(causes, key=lambda cause: cause.fault is not Fault.CLIENT)) if context.other_port else causes


def _context(conversation: Conversation, index: CaptureIndex) -> _Context:
    history = index.server_history
    told = history.told_of_port_change(conversation)
    if told is not None:
        port = new_api_port(told)
        return _Context(
            f" TWS reported in {told.id} that its API port was changed{'' if port is None else f' to {port}'}.",
            f"Connect to {'the new port' if port is None else f'port {port}'} (API > Settings > Socket port).",
        )
    ended = history.ended_session_before(conversation)
    if ended is not None:
        return _Context(
            f" TWS served this port before and ended {ended.id}: it is down or restarting.",
            "Let the program try again with growing pauses; check the time of TWS's auto restart.",
            Fault.TWS_STATE,
            Confidence.LOW if ended.dialogue.bytes_after_gap or on_relay_port(ended.connection) else Confidence.MEDIUM,
        )
    served = history.session_before(conversation)
    if served is not None:
        return _Context(
            f" TWS served this port before ({served.id}): it is down or restarting, or its API was switched off or "
            "moved to another port since then."
        )
    later = history.session(conversation.connection.server)
    if later is not None:
        return _Context(
            f" TWS served this port later ({later.id}): by then it had started, or its API had been switched on."
        )
    return _at_another_address(conversation, index) or _on_its_machine(conversation, index)


def _at_another_address(conversation: Conversation, index: CaptureIndex) -> _Context | None:
    """TWS may be reached by some of its own machine's addresses only."""
    connection = conversation.connection
    one = index.server_history.session_at_another_address(conversation) if connection.same_host else None
    if one is None:
        return None
    return _Context(
        f" In this capture TWS serves the same port on this machine at {one.connection.server.ip} ({one.id}).",
        f"Connect to {one.connection.server.ip} instead of {connection.server.ip} or a name such as localhost."
        if is_open_at(one, connection.last)
        else "",
    )


def _on_its_machine(conversation: Conversation, index: CaptureIndex) -> _Context:
    """What else is known of that machine."""
    connection, served = conversation.connection, index.server_history.session_on_another_port(conversation)
    if served is not None:
        port = served.connection.server.port
        return _Context(
            f" In this capture TWS or Gateway serves clients on port {port} of that machine ({served.id}).",
            other_port=port,
        )
    silent = index.server_history.silent_before(conversation)
    if silent is None:
        return _Context()
    full = QUEUE_MAY_BE_FULL if system(connection) is System.WINDOWS else ""
    return _Context(
        f" It accepted a connection before and did not answer ({silent.id}): the program was closed or restarted "
        f"since then{full}.",
        confidence=Confidence.MEDIUM if full else Confidence.HIGH,
    )
