"""What the rules about a refused call have in common: what TWS did on that port at other times of the capture."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ibsniff.model import Alternative, Capture, Confidence, Conversation, Fault, Rung
from ibsniff.rules.ibs407_api_port_changed import CODE as PORT_CHANGED
from ibsniff.rules.registry import Statement
from ibsniff.rules.welcome import sessions, sessions_ended


class _Reading(NamedTuple):
    """What the other conversations add to a refusal, and whose turn it is then."""

    why: str = ""
    remedy: str = ""
    """Instead of the rule's own; then no other cause is named."""
    fault: Fault = Fault.UNDETERMINED
    confidence: Confidence = Confidence.HIGH


def refused(
    conversation: Conversation, capture: Capture, summary: str, remedy: str, causes: tuple[Alternative, ...]
) -> Statement:
    """State a refusal: nobody's turn is known, unless TWS had served that very port earlier in the capture."""
    connection, reading = conversation.connection, _reading(conversation, capture)
    calls = zip(connection.syns, connection.refusals, strict=False)
    return Statement(
        f"{summary}{reading.why}",
        reading.fault,
        reading.confidence,
        packets=[moment.packet for call in calls for moment in call],
        remedy=reading.remedy or remedy,
        alternatives=() if reading.remedy else causes,
        explains=Rung.CONNECTED,
    )


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
            Confidence.LOW if ended.dialogue.bytes_after_gap else Confidence.MEDIUM,
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
    return _Reading()


@lru_cache(maxsize=1)
def _told_of_another_port(capture: Capture) -> dict[int, Conversation]:
    """By the port TWS had until then, a session in which it said so: whatever address it was called by."""
    told = (one for one in capture.conversations if PORT_CHANGED in one.dialogue.errors)
    return {one.connection.server.port: one for one in told}
