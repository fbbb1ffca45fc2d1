"""One connection: two directions, and the story they tell together.

A ``Tracker`` takes the segments between two endpoints in the order of the capture and writes a ``model.Connection``. It
judges by sequence numbers, so that a stray packet of an older connection neither refuses nor ends this one.
"""

from __future__ import annotations

from ibsniff.model import ACK, FIN, RST, SYN, Connection, Ended, Gap, How, Moment, Run, Segment, Side
from ibsniff.tcp.direction import Direction, data_sequence
from ibsniff.tcp.history import flip, note, note_repeated
from ibsniff.tcp.pieces import Budget
from ibsniff.tcp.sequence import advance, difference

KEPT_MOMENTS = 16
"""SYNs and refusals told one by one: more than any system's retries (Linux sends 7 SYNs, Windows 3)."""
RESET_DISTANCE = 16 << 20
"""How far past the data seen a RST may stand and be believed. Receivers want the exact number (RFC 5961, 3.2), but a
capture may have missed the data before it."""
REFUSED_RETRY_NS = 5_000_000_000
"""A SYN with the same number within this time after a RST is the same attempt (Windows: three, half a second apart)."""
SYN_RETRY_NS = 130_000_000_000
"""The same after silence: Linux's last two SYNs are 64 s apart and it gives up after 127 s."""
HELLO_PREFIX = b"API\0"
"""What only a client of the API says first."""

Event = tuple[Side, Run | Gap]


class Tracker:
    """Follows one connection."""

    __slots__ = ("_opening", "client", "connection", "server")

    def __init__(self, connection: Connection, budget: Budget) -> None:
        self.connection = connection
        self.client = Direction(Side.CLIENT, connection.from_client, budget)
        self.server = Direction(Side.SERVER, connection.from_server, budget)
        self.client.peer, self.server.peer = self.server, self.client
        self._opening = False
        """A SYN was seen, and no ACK of the client yet."""

    @property
    def is_joined(self) -> bool:
        """Neither SYN nor SYN-ACK was seen: the capture began in the middle."""
        return not self.connection.syn_count and self.connection.syn_ack is None

    @property
    def is_open(self) -> bool:
        """It has been set up, and nobody has begun to end it."""
        return not self._opening and self.connection.ended is None

    # -- one segment ---------------------------------------------------------------------------------------------

    def feed(self, segment: Segment, mine: Direction) -> list[Event]:
        """Take one segment that side ``mine`` sent; return what became readable, in either direction."""
        if not self._is_progress(segment, mine) and mine.is_copy(segment):
            mine.half.duplicates += 1
            return []
        connection, half, flags = self.connection, mine.half, segment.flags
        moment = connection.last = Moment(segment.packet, segment.time_ns)
        if segment.intact is not None and mine.damage.holds_back(segment, half):
            return self._feed_damaged(segment, mine, moment)
        half.segments += 1
        if half.first_packet is None:
            half.first_packet, half.ttl = moment, segment.ttl
        if flags & (SYN | FIN | RST):
            return self._feed_control(segment, mine, moment)
        if segment.seq != mine.next_sequence:
            placed = self._place(segment, mine)
            if placed is None:
                return []
            segment = placed
        if flags & ACK:
            self._feed_ack(segment, mine, moment)
        if not segment.window:
            self._note_zero_window(mine, moment)
        mine.recent.add(segment)
        if segment.length:
            return self._feed_payload(segment, mine, moment)
        note(connection, mine.side, "a")
        return self._settle([], moment)

    @staticmethod
    def _is_progress(segment: Segment, mine: Direction) -> bool:
        """It brings the next data or a further ACK: then it can be no copy."""
        if segment.length and segment.seq == mine.next_sequence:
            return True
        acked = mine.peer.acked_sequence
        return acked >= 0 and segment.ack != acked and bool(segment.flags & ACK) and difference(segment.ack, acked) > 0

    def _feed_damaged(self, segment: Segment, mine: Direction, moment: Moment) -> list[Event]:
        """Of a segment with a wrong checksum take what fits: an ACK of bytes that were seen, a bare FIN or RST in its place.

        Not all that looks damaged is: what rewrites addresses may get the checksum of every other packet wrong.
        """
        flags, peer = segment.flags, mine.peer
        if flags & ACK and peer.begun and peer.offset(segment.ack) <= peer.end + 1:
            self._feed_ack(segment, mine, moment)
        if flags & (FIN | RST) and not flags & SYN and not segment.length and segment.seq == mine.next_sequence:
            return self._feed_control(segment._replace(flags=flags & ~ACK), mine, moment)
        return self._settle([], moment)

    def _place(self, segment: Segment, mine: Direction) -> Segment | None:
        """What an unexpected sequence number means. A keep-alive loses its byte; a stray segment is None."""
        if not mine.begun:
            mine.begin(segment.seq)
        elif mine.is_stray(segment.seq):
            return None
        elif self._is_keep_alive(segment, mine):
            mine.half.keep_alives += 1
            return segment._replace(payload=b"", length=0)
        elif self.is_joined and mine.end == 0 and mine.offset(segment.seq) == 1:
            mine.begin(segment.seq)  # the stream was joined at a keep-alive, which stands one number too low
        elif not segment.length and segment.intact is not False:
            mine.announce(mine.offset(segment.seq))
        return segment

    @staticmethod
    def _is_keep_alive(segment: Segment, mine: Direction) -> bool:
        """One number below the next, with no byte or one that nobody misses (RFC 9293, 3.8.4)."""
        if mine.offset(segment.seq) != mine.end - 1 or mine.half.fin:
            return False
        return segment.length == 0 or (segment.length == 1 and mine.next == mine.end)

    def _feed_ack(self, segment: Segment, mine: Direction, moment: Moment) -> None:
        peer, connection = mine.peer, self.connection
        if self._opening and mine.side is Side.CLIENT and not segment.flags & RST:
            if not peer.begun:  # the SYN-ACK was not captured, but this ACK tells its number
                peer.begin(segment.ack)
            if difference(segment.ack, peer.acked_sequence) >= 0:
                connection.established = moment
                self._opening = False
        if peer.begun and segment.ack != peer.acked_sequence:
            peer.acknowledge(segment.ack, moment, of_unseen=not self._opening or connection.syn_ack is not None)

    def _feed_payload(self, segment: Segment, mine: Direction, moment: Moment) -> list[Event]:
        if mine.half.first_data is None and mine.side is Side.SERVER and segment.payload.startswith(HELLO_PREFIX):
            self._consider_flip()
        half, side = mine.half, mine.side
        note(self.connection, side, "d")
        repeated = half.retransmissions
        received = mine.receive(segment, data_sequence(segment), moment)
        if half.retransmissions != repeated:
            note_repeated(self.connection, side, "t", half.retransmissions)
        return self._settle(self._told(mine, received), moment)

    def _note_zero_window(self, mine: Direction, moment: Moment) -> None:
        mine.half.zero_windows += 1
        mine.half.first_zero_window = mine.half.first_zero_window or moment
        note_repeated(self.connection, mine.side, "w", mine.half.zero_windows)

    # -- SYN, FIN, RST -------------------------------------------------------------------------------------------

    def _feed_control(self, segment: Segment, mine: Direction, moment: Moment) -> list[Event]:
        flags, side = segment.flags, mine.side
        mine.recent.add(segment)
        if flags & SYN and flags & (FIN | RST):
            note(self.connection, side, "q")
        if flags & FIN and flags & RST:
            note(self.connection, side, "i")
        if flags & RST:
            if not self._reset(segment, mine, moment):
                return []
        elif flags & SYN:
            if not self._synchronise(segment, mine, moment):
                return []
        elif not mine.begun:
            mine.begin(segment.seq)
        elif mine.is_stray(segment.seq):
            return []
        if flags & ACK:
            self._feed_ack(segment, mine, moment)
        events = self._feed_payload(segment, mine, moment) if segment.length else []
        if flags & FIN and not flags & RST:
            self._finish_side(mine.offset(data_sequence(segment)) + segment.length, mine, moment)
        return self._settle(events, moment)

    def _synchronise(self, segment: Segment, mine: Direction, moment: Moment) -> bool:
        """Take a SYN. The server's counts with and without ACK: simultaneous open, split handshake (RFC 9293, 3.5)."""
        connection, peer, acknowledges = self.connection, mine.peer, bool(segment.flags & ACK)
        if mine.side is Side.CLIENT and not acknowledges:
            connection.syn_count += 1
            _keep(connection.syns, moment)
            if self._opening:
                connection.ended = mine.half.rst = mine.half.reset_at = None
        elif mine.side is Side.SERVER:
            if acknowledges and peer.begun and not 0 <= peer.offset(segment.ack) <= peer.end:
                return False
            if acknowledges and not peer.begun:
                peer.begin(segment.ack)
            connection.syn_ack = connection.syn_ack or moment
        note(connection, mine.side, "h" if acknowledges else "s")
        self._opening = connection.established is None
        if not mine.begun or (self._opening and mine.end == 0):
            mine.begin(advance(segment.seq, 1))
        mine.half.mss = mine.half.mss or segment.mss
        return True

    def _reset(self, segment: Segment, mine: Direction, moment: Moment) -> bool:
        """Take a RST. False when it is not the end: it answers the SYN, or belongs to an older connection."""
        connection, peer = self.connection, mine.peer
        if self._opening and mine.side is Side.SERVER and connection.syn_ack is None:
            # in answer to a SYN only the ACK proves that it belongs here (RFC 9293, 3.10.7.3)
            if segment.flags & ACK and 0 <= peer.offset(segment.ack) <= peer.end:
                _keep(connection.refusals, moment)
                note(connection, mine.side, "r")
            return False
        if not mine.begun:
            mine.begin(segment.seq)
        # one number early is tolerated: a client that gives up its SYN may not count it
        elif not mine.acknowledged - 1 <= mine.offset(segment.seq) <= mine.end + RESET_DISTANCE:
            return False
        note(connection, mine.side, "r")
        if mine.half.rst is None:
            mine.half.rst, mine.half.reset_at = moment, mine.offset(segment.seq)
        connection.ended = connection.ended or Ended(mine.side, How.RST, moment)
        return True

    def _finish_side(self, offset: int, mine: Direction, moment: Moment) -> None:
        if mine.finish_at(offset, moment):
            note(self.connection, mine.side, "f")
            first = mine.peer if mine.peer.fin_is_acknowledged and not mine.peer.half.fin else mine
            self.connection.ended = self.connection.ended or Ended(first.side, How.FIN, moment)

    def is_new_attempt(self, syn: Segment, mine: Direction) -> bool:
        """Whether a SYN, or the answer to one that was not captured, begins another connection between the same ports."""
        connection = self.connection
        is_repeated = mine.begun and mine.offset(advance(syn.seq, 1)) == 0
        # a client that rejects the SYN-ACK, or never sees it, calls again with the same number
        is_over = self.is_joined or (connection.ended is not None and not (is_repeated and self._opening))
        if syn.flags & ACK:
            return is_over and mine.begun and not is_repeated
        quiet_ns = syn.time_ns - connection.last.time_ns
        if mine.side is Side.SERVER:
            return is_over or quiet_ns > SYN_RETRY_NS
        return is_over or not is_repeated or quiet_ns > (REFUSED_RETRY_NS if connection.refusals else SYN_RETRY_NS)

    # -- who is who ----------------------------------------------------------------------------------------------

    def _consider_flip(self) -> None:
        """The supposed server says what only a client says: turn the roles round, if nothing was built on them yet."""
        connection = self.connection
        if not self.is_joined or connection.from_client.first_data is not None:
            return
        connection.client, connection.server = connection.server, connection.client
        connection.from_client, connection.from_server = connection.from_server, connection.from_client
        self.client, self.server = self.server, self.client
        self.client.side, self.server.side = Side.CLIENT, Side.SERVER
        flip(connection)

    # -- giving up -----------------------------------------------------------------------------------------------

    def _settle(self, events: list[Event], moment: Moment) -> list[Event]:
        for mine in (self.client, self.server):
            if mine.next != mine.end or mine.damage.segments:
                events += self._told(mine, mine.settle(moment))
        return events

    def finish(self) -> list[Event]:
        """End of the input: every hole is a gap."""
        moment = self.connection.last
        return [event for mine in (self.client, self.server) for event in self._told(mine, mine.finish(moment))]

    def release(self) -> None:
        """It is over: the sides let go of what waits, and of each other, so that no memory waits to be found unused."""
        self.client.waiting.clear()
        self.server.waiting.clear()
        del self.client.peer, self.server.peer

    def _told(self, mine: Direction, received: list[Run | Gap]) -> list[Event]:
        """The same with the side it belongs to; gaps go into the history."""
        for event in received:
            if isinstance(event, Gap):
                note_repeated(self.connection, mine.side, "g", mine.gap_count)
        return [(mine.side, event) for event in received]


def _keep(moments: list[Moment], moment: Moment) -> None:
    if len(moments) < KEPT_MOMENTS:
        moments.append(moment)
