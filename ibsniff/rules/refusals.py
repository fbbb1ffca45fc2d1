"""What the rules about a refused call have in common: what TWS did on that port at other times of the capture."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ibsniff.ib.names import DEFAULT_PORTS
from ibsniff.model import Alternative, Capture, Confidence, Conversation, Fault, Rung
from ibsniff.rules.calling import unless_a_detour
from ibsniff.rules.closing import on_relay_port
from ibsniff.rules.company import open_at
from ibsniff.rules.ibs407_api_port_changed import CODE as PORT_CHANGED
from ibsniff.rules.path import System, system
from ibsniff.rules.registry import Statement
from ibsniff.rules.welcome import (
    left_unanswered_before,
    on_another_port,
    served_at_another_address,
    sessions,
    sessions_ended,
)


class _Reading(NamedTuple):
    """What the other conversations add to a refusal, and whose turn it is then."""

    why: str = ""
    remedy: str = ""
    """Instead of the rule's own; then no other cause is named."""
    fault: Fault = Fault.UNDETERMINED
    confidence: Confidence = Confidence.HIGH
    other_port: int = 0
    """Served on that machine, so that a wrong port is the likeliest of the causes."""


def refused(
    conversation: Conversation, capture: Capture, summary: str, remedy: str, causes: tuple[Alternative, ...]
) -> Statement:
    """State a refusal: nobody's turn is known, unless TWS had served that very port earlier in the capture."""
    connection, reading = conversation.connection, _reading(conversation, capture)
    calls = zip(connection.syns, connection.refusals, strict=False)
    statement = Statement(
        f"{summary}{reading.why}",
        reading.fault,
        reading.confidence,
        packets=[moment.packet for call in calls for moment in call],
        remedy=reading.remedy or (f"{_other_port(reading.other_port)} {remedy}" if reading.other_port else remedy),
        alternatives=() if reading.remedy else _ordered(causes, reading),
        explains=Rung.CONNECTED,
    )
    return unless_a_detour(statement, conversation, capture)


def _other_port(port: int) -> str:
    """Whoever is sent from a paper account to a live one must know it."""
    usual = f" (usually {DEFAULT_PORTS[port]})" if port in DEFAULT_PORTS else ""
    return f"Call port {port}{usual} only if that is the one you mean: live and paper trading differ in it."


def _ordered(causes: tuple[Alternative, ...], reading: _Reading) -> tuple[Alternative, ...]:
    return tuple(sorted(causes, key=lambda cause: cause.fault is not Fault.CLIENT)) if reading.other_port else causes


def _reading(conversation: Conversation, capture: Capture) -> _Reading:
    told = _told_of_another_port(capture).get(conversation.connection.server.port)
    if told is not None:
        return _Reading(
            f" TWS told {told.id} that its API port was changed.", "Call the new port (API > Settings > Socket port)."
        )
    began_ns, server = conversation.connection.first.time_ns, conversation.connection.server
    row, row_ended = sessions(capture).get(server), sessions_ended(capture).get(server)
    ended = row_ended.first_before(began_ns) if row_ended else None
    if ended is not None:
        return _Reading(
            f" TWS served this port before, and ended {ended.id}: it is down or restarting.",
            "Let the program call again with growing pauses; see TWS's auto restart time.",
            Fault.TWS_STATE,
            Confidence.LOW if ended.dialogue.bytes_after_gap or on_relay_port(ended.connection) else Confidence.MEDIUM,
        )
    served = row.first_before(began_ns) if row else None
    if served is not None:
        return _Reading(
            f" TWS served this port before ({served.id}): it is down or restarting, or its API was switched off or moved "
            "to another port meanwhile."
        )
    if row is not None:
        return _Reading(
            f" TWS served this port later ({row.first.id}): it came up meanwhile, or its API was switched on."
        )
    return _at_another_address(conversation, capture) or _of_its_neighbours(conversation, capture)


def _at_another_address(conversation: Conversation, capture: Capture) -> _Reading | None:
    """TWS may be reached by some of its own machine's addresses only."""
    connection = conversation.connection
    one = served_at_another_address(conversation, capture) if connection.same_host else None
    if one is None:
        return None
    return _Reading(
        f" In this capture TWS serves that port at {one.connection.server.ip} ({one.id}), on this machine too.",
        f"Call {one.connection.server.ip} in place of {connection.server.ip} or a name such as localhost."
        if open_at(one, connection.last)
        else "",
    )


def _of_its_neighbours(conversation: Conversation, capture: Capture) -> _Reading:
    """What else is known of that machine."""
    connection, served = conversation.connection, on_another_port(conversation, capture)
    if served is not None:
        port = served.connection.server.port
        return _Reading(
            f" On its port {port} TWS or Gateway serves clients in this capture ({served.id}).", other_port=port
        )
    silent = left_unanswered_before(conversation, capture)
    if silent is None:
        return _Reading()
    full = (
        ", or its queue of calls is full: Windows may refuse calls then" if system(connection) is System.WINDOWS else ""
    )
    return _Reading(
        f" It took a call before and did not answer it ({silent.id}): what listened there was closed or restarted since{full}.",
        confidence=Confidence.MEDIUM if full else Confidence.HIGH,
    )


@lru_cache(maxsize=1)
def _told_of_another_port(capture: Capture) -> dict[int, Conversation]:
    """By the port TWS had until then, a session in which it said so: whatever address it was called by."""
    told = (one for one in capture.conversations if PORT_CHANGED in one.dialogue.errors)
    return {one.connection.server.port: one for one in told}
