"""Whether an answer may have come and only not been captured: losses of the capture, against sequence numbers.

A later packet can prove that nothing was missed, whatever the capture lost before it: the server's next sequence number,
or an acknowledgment of the client that covers nothing new (RFC 9293, 3.4: an ACK names the next byte that is expected).
"""

from __future__ import annotations

from collections.abc import Sequence

from ibsniff.diagnosis.ladder import server_accepted
from ibsniff.model import Connection, Half, Loss


def lost_in_wait(connection: Connection, watched_until_ns: int, losses: Sequence[Loss]) -> tuple[Loss, ...]:
    """What was lost at times at which the next step of this conversation may have been among it.

    Nothing when sequence numbers prove that nothing was missed.
    """
    if not losses:
        return ()
    since_ns = _nothing_missed_until_ns(connection)
    until_ns = connection.ended.moment.time_ns if connection.ended is not None else watched_until_ns
    return tuple(loss for loss in losses if loss.is_within(since_ns, until_ns))


def _nothing_missed_until_ns(connection: Connection) -> int:
    """Until when it is proved that every byte sent is known.

    As long as the server has sent nothing after the client's request, only its answer is awaited. Otherwise the client's
    next step is too.
    """
    client, server = connection.from_client, connection.from_server
    if not server_accepted(connection):  # a SYN that is sent again shows that no answer had come
        return connection.syns[-1].time_ns if connection.syns else 0
    if client.length and not server.length:
        return _complete_until_ns(server)
    return min(_complete_until_ns(client), _complete_until_ns(server))


def _complete_until_ns(half: Half) -> int:
    return half.complete_at.time_ns if half.complete_at is not None else 0
