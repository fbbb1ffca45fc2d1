"""How a connection opens, is refused and ends, judged by sequence numbers.

A stray packet of an older connection between the same ports neither refuses nor ends this one.
"""

from __future__ import annotations

from ibsniff.model import ACK, Connection, Ended, How, Moment, Segment, Side
from ibsniff.tcp.direction import NEAR_DISTANCE, Direction
from ibsniff.tcp.history import record_event
from ibsniff.tcp.sequence import advance, difference

KEPT_MOMENTS = 16
"""SYNs and refusals listed one by one: more than any system's retries (Linux sends 7 SYNs, Windows 3)."""
REFUSED_RETRY_NS = 5_000_000_000
"""A SYN with the same number within this time after a RST is the same attempt (Windows: three, half a second apart)."""
SYN_RETRY_NS = 130_000_000_000
"""The same without an answer: Linux's last two SYNs are 64 s apart and it gives up after 127 s."""


class Lifecycle:
    """Writes a connection's SYNs, refusals, establishment and end into its ``model.Connection``."""

    __slots__ = ("_other_beginnings", "connection", "is_opening")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.is_opening = False
        """A SYN was captured, and no ACK of the client since."""
        self._other_beginnings: tuple[int, ...] = ()
        """Where the server's stream begins according to earlier SYN-ACKs with other numbers: the acknowledged one counts."""

    @property
    def is_joined(self) -> bool:
        """Neither SYN nor SYN-ACK was captured: the capture began in the middle of the connection."""
        return not self.connection.syn_count and self.connection.syn_ack is None

    @property
    def is_open(self) -> bool:
        """It has been set up, and neither side has begun to end it."""
        return not self.is_opening and self.connection.ended is None

    def take_handshake_ack(self, ack: int, server: Direction, moment: Moment) -> None:
        """Take an ACK of the client while the connection opens: it completes the handshake."""
        if not server.begun:  # the SYN-ACK was not captured, but this ACK tells its number
            server.begin(ack)
        if ack in self._other_beginnings and server.end == 0:
            server.begin(ack)
        if difference(ack, server.acked_sequence) >= 0:
            self.connection.established = moment
            self.is_opening = False

    @staticmethod
    def is_syn_of(segment: Segment, mine: Direction) -> bool:
        """Tell whether a SYN belongs to this connection: a SYN-ACK answers the other side's SYN.

        That of a client (simultaneous open, split handshake: RFC 9293, 3.5) repeats the number of its SYN.
        """
        if not segment.flags & ACK:
            return True
        if mine.side is Side.SERVER:
            return not mine.peer.begun or 0 <= mine.peer.offset(segment.ack) <= mine.peer.end
        return not mine.begun or mine.offset(advance(segment.seq, 1)) == 0

    def take_syn(self, segment: Segment, mine: Direction, moment: Moment) -> None:
        """Take a SYN. One of the server counts with and without ACK."""
        connection, peer, has_ack = self.connection, mine.peer, bool(segment.flags & ACK)
        if mine.side is Side.CLIENT and not has_ack:
            connection.syn_count += 1
            _keep(connection.syns, moment)
            if self.is_opening:
                connection.ended = mine.half.rst = mine.half.reset_at = mine.half.reset_ttl = None
        elif mine.side is Side.SERVER:
            if has_ack and not peer.begun:
                peer.begin(segment.ack)
            if connection.established is not None and has_ack and len(connection.repeated_syn_acks) < KEPT_MOMENTS:
                connection.repeated_syn_acks += (moment,)
            connection.syn_ack = connection.syn_ack or moment
        record_event(connection, mine.side, "h" if has_ack else "s")
        self.is_opening = connection.established is None
        if not mine.begun or (self.is_opening and mine.end == 0):
            self._begin(mine, advance(segment.seq, 1))
        mine.reach = peer.reach = NEAR_DISTANCE
        mine.half.mss = mine.half.mss or segment.mss

    def _begin(self, mine: Direction, sequence: int) -> None:
        is_other = mine.begun and mine.next_sequence != sequence and mine.side is Side.SERVER
        if is_other and len(self._other_beginnings) < KEPT_MOMENTS:
            self._other_beginnings += (mine.next_sequence,)
        mine.begin(sequence)

    def take_rst(self, segment: Segment, mine: Direction, moment: Moment) -> bool:
        """Take a RST; False when it does not end the connection: it refuses the SYN, or belongs to an older one."""
        connection, peer = self.connection, mine.peer
        if self.is_opening and mine.side is Side.SERVER and connection.syn_ack is None:
            # in answer to a SYN only the ACK proves that it belongs here (RFC 9293, 3.10.7.3)
            if segment.flags & ACK and 0 <= peer.offset(segment.ack) <= peer.end:
                _keep(connection.refusals, moment)
                record_event(connection, mine.side, "r")
            return False
        if not mine.begun:
            mine.begin(segment.seq)
        # one number early is tolerated: a client that gives up its SYN may not count it. Receivers want the exact number
        # (RFC 5961, 3.2), but the capture may have missed the data before it
        elif not mine.acknowledged - 1 <= mine.offset(segment.seq) <= mine.end + NEAR_DISTANCE:
            return False
        record_event(connection, mine.side, "r")
        if mine.half.rst is None:
            mine.half.rst, mine.half.reset_at, mine.half.reset_ttl = moment, mine.offset(segment.seq), segment.ttl
        connection.ended = connection.ended or Ended(mine.side, How.RST, moment)
        return True

    def take_fin(self, offset: int, mine: Direction, moment: Moment) -> None:
        """Take a FIN at this stream offset."""
        if mine.receive_fin(offset, moment):
            record_event(self.connection, mine.side, "f")
            first = mine.peer if mine.peer.fin_is_acknowledged and not mine.peer.half.fin else mine
            self.connection.ended = self.connection.ended or Ended(first.side, How.FIN, moment)

    def is_new_attempt(self, syn: Segment, mine: Direction) -> bool:
        """Whether a SYN, or the answer to one that was not captured, begins another connection between the same ports."""
        connection = self.connection
        is_repeated = mine.begun and mine.offset(advance(syn.seq, 1)) == 0
        # a client that rejects the SYN-ACK, or never sees it, tries again with the same number
        is_over = self.is_joined or (connection.ended is not None and not (is_repeated and self.is_opening))
        if syn.flags & ACK:
            return is_over and mine.begun and not is_repeated
        quiet_ns = syn.time_ns - connection.last.time_ns
        if mine.side is Side.SERVER:
            return is_over or quiet_ns > SYN_RETRY_NS
        return is_over or not is_repeated or quiet_ns > (REFUSED_RETRY_NS if connection.refusals else SYN_RETRY_NS)


def _keep(moments: list[Moment], moment: Moment) -> None:
    if len(moments) < KEPT_MOMENTS:
        moments.append(moment)
