"""How far a conversation got: the highest rung that was seen.

A later step that was seen proves the earlier ones, which a damaged capture may not show. A session that was seen to become
ready is ready, unless later packets show that the client never received what made it ready.
"""

from __future__ import annotations

from ibsniff.facts.delivery import undelivered
from ibsniff.model import LADDER, Connection, Dialogue, Outcome, Rung, Side


def rung_of(connection: Connection, dialogue: Dialogue, outcome: Outcome) -> Rung:
    """Say how far a conversation with this outcome got."""
    if outcome is Outcome.JOINED:
        return Rung.UNKNOWN
    start = dialogue.start
    steps = {
        Rung.CALLED: bool(connection.syn_count),
        Rung.CONNECTED: server_accepted(connection),
        Rung.GREETED: hello_seen(dialogue),
        Rung.ANSWERED: reply_seen(dialogue),
        Rung.STARTED: start is not None and start.fits,
        Rung.READY: dialogue.ready is not None and not _ready_undelivered(connection, dialogue),
    }
    reached = [step for step in LADDER if steps[step]]
    return reached[-1] if reached else Rung.NOTHING


def _ready_undelivered(connection: Connection, dialogue: Dialogue) -> bool:
    """The client still asks for bytes that came with nextValidId and managedAccounts, or before them."""
    stall = undelivered(connection, Side.SERVER)
    return stall is not None and dialogue.ready is not None and dialogue.ready.packet >= stall.since.packet


def first_missing(reached: Rung) -> Rung | None:
    """Return the rung above; None at the top, and where the beginning was not seen."""
    if reached in (Rung.READY, Rung.UNKNOWN):
        return None
    return LADDER[LADDER.index(reached) + 1] if reached in LADDER else LADDER[0]


def server_accepted(connection: Connection) -> bool:
    """A SYN-ACK was seen, or what cannot be without one: bytes of the server, or the client's ACK of something it sent."""
    server = connection.from_server
    return (
        connection.syn_ack is not None
        or server.length > 0
        or (connection.established is not None and server.segments > 0)
    )


def hello_seen(dialogue: Dialogue) -> bool:
    """The client's whole and valid hello was seen."""
    return dialogue.hello is not None and dialogue.hello.is_valid


def reply_seen(dialogue: Dialogue) -> bool:
    """The server's whole version reply was seen."""
    return dialogue.reply is not None and dialogue.reply.is_whole
