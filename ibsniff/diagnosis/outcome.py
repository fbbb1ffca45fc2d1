"""What the server side did: a total function, so that every conversation has an outcome, whichever rules exist.

The first match wins. It goes by sequence numbers and not by captured bytes, so that a gap in the capture never becomes an
accusation. A silence in which the capture lost packets proves nothing, unless sequence numbers prove it all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from ibsniff.diagnosis.ladder import hello_seen, reply_seen, server_accepted
from ibsniff.diagnosis.losses import lost_in_wait
from ibsniff.model import (
    NANOSECONDS,
    PATIENCE,
    Connection,
    Dialogue,
    How,
    Loss,
    Outcome,
    ReplyKind,
    Side,
    UnreachableKind,
)

SYN_PATIENCE = 3.0
"""Seconds after which a SYN counts as unanswered: its second retransmission is due (RFC 6298: after 1 s and 3 s)."""

ENOUGH_SYNS = 3
"""Unanswered SYNs that make a server unreachable, however little time has passed."""


SILENCES = (Outcome.SILENT, Outcome.NOT_ASKED, Outcome.CUT_OFF, Outcome.UNREACHABLE)
"""Concluded from what did not come."""


def outcome_of(
    connection: Connection,
    dialogue: Dialogue,
    watched_until_ns: int,
    patience: float = PATIENCE,
    losses: Sequence[Loss] = (),
) -> Outcome:
    """Say what the server side did, as far as it was watched.

    ``patience`` in seconds makes a silence one, and ``losses`` tell when the capture lost packets.
    """
    outcome = _seen(connection, dialogue, watched_until_ns, patience)
    if outcome not in SILENCES or (outcome is Outcome.UNREACHABLE and connection.unreachable is not None):
        return outcome
    if connection.from_server.held or lost_in_wait(connection, watched_until_ns, losses):
        return Outcome.UNPROVEN
    return outcome


def _seen(connection: Connection, dialogue: Dialogue, watched_until_ns: int, patience: float) -> Outcome:
    """The same as if the capture had lost nothing."""
    if not _beginning_seen(connection, dialogue):
        return Outcome.JOINED if dialogue.mid_stream_frames or reply_seen(dialogue) else Outcome.UNPROVEN
    if _is_one_way(connection):
        return Outcome.UNPROVEN
    if not server_accepted(connection) and not hello_seen(dialogue):
        return _unanswered_attempt(connection, watched_until_ns)
    if connection.from_server.length > 0:
        return _server_sent(connection, dialogue, watched_until_ns, patience)
    if connection.ended is not None and connection.ended.by is Side.SERVER:
        return Outcome.CLOSED if connection.ended.how is How.FIN else Outcome.RESET
    settled = _is_settled(connection, dialogue, watched_until_ns, patience)
    if connection.from_client.length == 0:
        return Outcome.NOT_ASKED if settled else Outcome.UNPROVEN
    return Outcome.SILENT if settled else Outcome.UNPROVEN


def _beginning_seen(connection: Connection, dialogue: Dialogue) -> bool:
    """A SYN or a SYN-ACK shows the beginning; so does a whole hello, which is only ever sent first."""
    return bool(connection.syn_count or connection.syn_ack) or hello_seen(dialogue)


def _is_one_way(connection: Connection) -> bool:
    """Only one direction of an accepted connection was captured."""
    client, server = connection.from_client, connection.from_server
    if server.segments == 0:
        return connection.established is not None or client.segments > connection.syn_count + bool(client.rst)
    return client.segments == 0


def _unanswered_attempt(connection: Connection, watched_until_ns: int) -> Outcome:
    """No SYN-ACK came: refused, unreachable, or too early to tell."""
    report = connection.unreachable
    if connection.refusals or (report is not None and report.kind is UnreachableKind.PORT):
        return Outcome.REFUSED
    waited = (watched_until_ns - connection.first.time_ns) / NANOSECONDS
    if report is not None or connection.syn_count >= ENOUGH_SYNS or waited >= SYN_PATIENCE:
        return Outcome.UNREACHABLE
    return Outcome.UNPROVEN


def _server_sent(connection: Connection, dialogue: Dialogue, watched_until_ns: int, patience: float) -> Outcome:
    """The server sent bytes: whether they are a TWS's, and all of its reply."""
    reply = dialogue.reply
    if reply is None or reply.kind is ReplyKind.NOT_CAPTURED:
        return Outcome.REPLIED if dialogue.ready else Outcome.UNPROVEN
    if reply.is_whole:
        return Outcome.REPLIED
    if reply.kind is ReplyKind.FOREIGN:
        return Outcome.FOREIGN
    if connection.from_server.captured < connection.from_server.length:
        return Outcome.UNPROVEN
    return Outcome.CUT_OFF if _is_settled(connection, dialogue, watched_until_ns, patience) else Outcome.UNPROVEN


def _is_settled(connection: Connection, dialogue: Dialogue, watched_until_ns: int, patience: float) -> bool:
    """Nothing more can come, or it was waited for long enough."""
    return connection.ended is not None or _waited(connection, dialogue, watched_until_ns) >= patience


def _waited(connection: Connection, dialogue: Dialogue, watched_until_ns: int) -> float:
    """Seconds watched since the server's last byte; before that since it had the hello, else since it was connected."""
    client, hello = connection.from_client, dialogue.hello
    asked = hello.complete if hello is not None and hello.is_valid else client.first_data
    connected = connection.established or connection.syn_ack or connection.first
    began = connection.from_server.last_data or asked or connected
    return (watched_until_ns - began.time_ns) / NANOSECONDS
