"""Two sessions at once use the same client id.

Seen: START_API with a client id while another connection to the same server, with the same id, is still open.
Meaning: TWS takes each id once. The second is refused (error 326) or closed; the first may be a leftover of a program
that reconnected without closing, or that crashed.
How sure: both numbers are on the wire.
Sources: IB's API documentation (message code 326); nautilus_trader 4193 and 4412; ib_insync 106.
What to do: close the old connection before opening a new one; give each program an id of its own.
"""

from __future__ import annotations

from ibsniff.model import Capture, Confidence, Conversation, Fault, Rung, Severity
from ibsniff.rules.company import by_server, open_at
from ibsniff.rules.registry import Statement, capture_rule


@capture_rule(Severity.ERROR)
def check(capture: Capture) -> Statement | None:
    """The same id, at the same time, on the same server."""
    for conversations in by_server(capture):
        for later in conversations:
            start = later.dialogue.start
            if start is None or start.client_id is None or later.rung is Rung.READY:
                continue
            first = next((one for one in conversations if _holds(one, later, start.client_id)), None)
            if first is not None:
                return _statement(later, first, start.client_id)
    return None


def _holds(one: Conversation, later: Conversation, client_id: int) -> bool:
    start, asked = one.dialogue.start, later.dialogue.start
    if one.id == later.id or start is None or asked is None or start.client_id != client_id:
        return False
    return start.moment.time_ns < asked.moment.time_ns and open_at(one, asked.moment)


def _statement(later: Conversation, first: Conversation, client_id: int) -> Statement:
    starts = [one.dialogue.start for one in (first, later)]
    same_machine = first.connection.client.address == later.connection.client.address
    whose = "the same machine" if same_machine else first.connection.client.ip
    return Statement(
        f"Client id {client_id} is taken: {first.id} from {whose} still has it open when {later.id} asks for it.",
        Fault.CLIENT,
        Confidence.HIGH,
        packets=(start.moment.packet for start in starts if start),
        remedy=f"Close {first.connection.client} first (a program that reconnects must close its old socket), or give "
        "each program a client id of its own.",
        conversations=(later.id, first.id),
    )
