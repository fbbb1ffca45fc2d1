"""One connection: takes the segments between two endpoints, in the order of the capture, and fills a ``model.Connection``."""

from __future__ import annotations

from ibsniff.model import ACK, FIN, RST, SYN, Connection, Gap, Moment, Run, Segment, Side
from ibsniff.tcp.direction import Direction
from ibsniff.tcp.held_segments import HeldSegments, is_in_doubt
from ibsniff.tcp.history import record_event, record_repeated, swap_sides
from ibsniff.tcp.lifecycle import Lifecycle
from ibsniff.tcp.reassembly_buffer import BufferedTotal
from ibsniff.tcp.sequence import advance, data_sequence, difference

HELLO_PREFIX = b"API\0"
"""Only a client of the API begins like this."""

Event = tuple[Side, Run | Gap]


class ConnectionTracker:
    """Follows one connection."""

    __slots__ = ("client", "connection", "held", "lifecycle", "server")

    def __init__(self, connection: Connection, total: BufferedTotal) -> None:
        self.connection = connection
        self.lifecycle = Lifecycle(connection)
        self.client = Direction(Side.CLIENT, connection.from_client, total)
        self.server = Direction(Side.SERVER, connection.from_server, total)
        self.client.peer, self.server.peer = self.server, self.client
        self.held: HeldSegments | None = None

    # -- one segment ---------------------------------------------------------------------------------------------

    def feed(self, segment: Segment, mine: Direction) -> list[Event]:
        """Take one segment that side ``mine`` sent; return what became readable, in either direction."""
        if self.held is None and (segment.ack == mine.peer.next_sequence or not segment.length):
            return self._take(segment, mine)
        events = self._settle_held(segment, mine)
        if not (self._is_set_up and is_in_doubt(segment, mine)):
            return events + self._take(segment, mine)
        if self.held is None:
            self.held = HeldSegments(segment, mine)
        elif self.held.sender is mine:
            self.held.add(segment)
        else:
            return events + self._take(segment, mine)
        return events + (self._take_held() if self.held.are_too_many else [])

    def _settle_held(self, segment: Segment, mine: Direction) -> list[Event]:
        """Take what is held if this segment of the other side accepts it; drop it if that shows that it was forged."""
        held = self.held
        if held is None or held.sender is mine:
            return []
        if held.are_accepted_by(segment):
            return self._take_held()
        if held.are_refuted_by(segment):
            held.take()
            self.held = None
        return []

    def _take_held(self) -> list[Event]:
        held, self.held = self.held, None
        if held is None:
            return []
        latest = self.connection.last
        events = [event for segment in held.take() for event in self._take(segment, held.sender)]
        self.connection.last = max(self.connection.last, latest)
        return events

    @property
    def _is_set_up(self) -> bool:
        """Its handshake was captured, or most of it: then sequence numbers are known from the beginning."""
        return not self.lifecycle.is_joined and not self.lifecycle.is_opening

    def _take(self, segment: Segment, mine: Direction) -> list[Event]:
        if not self._is_progress(segment, mine) and mine.recent.has_duplicate_of(segment):
            mine.half.duplicates += 1
            return []
        connection, half, flags = self.connection, mine.half, segment.flags
        moment = connection.last = Moment(segment.packet, segment.time_ns)
        if segment.intact is not None and mine.damaged.set_aside(segment, half):
            return self._feed_damaged(segment, mine, moment)
        is_next = segment.seq == mine.next_sequence
        if not is_next and not self._belongs(segment, mine):
            return []
        half.segments += 1
        if half.first_packet is None:
            half.first_packet, half.ttl = moment, segment.ttl
        if is_next and mine.next == mine.end:
            half.complete_at = moment
        if flags & (SYN | FIN | RST):
            return self._feed_control(segment, mine, moment)
        if not is_next:
            segment = self._place(segment, mine, moment)
        if flags & ACK:
            self._feed_ack(segment, mine, moment)
        if not segment.window:
            self._record_zero_window(mine, moment)
        elif half.window_closed is not None:
            half.window_closed = None
        mine.recent.add(segment)
        if segment.length:
            return self._feed_payload(segment, mine, moment)
        record_event(connection, mine.side, "a")
        return self._give_up_holes([], moment)

    @staticmethod
    def _is_progress(segment: Segment, mine: Direction) -> bool:
        """It brings the next data or a further ACK: then it cannot be a duplicate."""
        if segment.length and segment.seq == mine.next_sequence:
            return True
        acked = mine.peer.acked_sequence
        return acked >= 0 and segment.ack != acked and bool(segment.flags & ACK) and difference(segment.ack, acked) > 0

    def _feed_damaged(self, segment: Segment, mine: Direction, moment: Moment) -> list[Event]:
        """Use of a segment with a wrong checksum what fits: an ACK of captured bytes, a bare FIN or RST in sequence.

        Not every segment that looks damaged is: a device that rewrites addresses may get every other checksum wrong.
        """
        flags, peer = segment.flags, mine.peer
        if flags & ACK and peer.begun and peer.offset(segment.ack) <= peer.end + 1:
            self._feed_ack(segment, mine, moment)
        if flags & (FIN | RST) and not flags & SYN and not segment.length and segment.seq == mine.next_sequence:
            return self._feed_control(segment._replace(flags=flags & ~ACK), mine, moment)
        return self._give_up_holes([], moment)

    def _belongs(self, segment: Segment, mine: Direction) -> bool:
        """Tell whether a segment with an unexpected sequence number may belong to this connection."""
        if segment.flags & SYN:
            return self.lifecycle.is_syn_of(segment, mine)
        if mine.begun:
            return not mine.is_stray(segment.seq)
        if segment.flags & RST or self.lifecycle.is_joined:
            return True
        # the SYN-ACK was not captured: the first packet after it has to acknowledge the SYN
        return bool(segment.flags & ACK) and mine.peer.may_be_acknowledged(segment.ack)

    def _place(self, segment: Segment, mine: Direction, moment: Moment) -> Segment:
        """Say what an unexpected sequence number means; a keep-alive loses its byte."""
        if not mine.begun:
            if segment.length <= 1 and mine.acknowledged_before == advance(segment.seq, 1):
                return self._begin_with_keep_alive(segment, mine)
            mine.begin(segment.seq)
        elif self._is_keep_alive(segment, mine):
            mine.half.keep_alives += 1
            return segment._replace(payload=b"", length=0)
        elif self._followed_keep_alive(segment, mine):
            mine.begin(segment.seq)
        elif not segment.length and segment.intact is not False:
            mine.infer_sent_before(mine.offset(segment.seq), moment)
        return segment

    @staticmethod
    def _begin_with_keep_alive(segment: Segment, mine: Direction) -> Segment:
        """The capture began in the middle, and this side's first segment repeats a number that was acknowledged before."""
        mine.begin(mine.acknowledged_before)
        mine.half.keep_alives += 1
        return segment._replace(payload=b"", length=0)

    @staticmethod
    def _is_keep_alive(segment: Segment, mine: Direction) -> bool:
        """One number below the next, with no byte or with one that was delivered before (RFC 9293, 3.8.4)."""
        if mine.offset(segment.seq) != mine.end - 1 or mine.half.fin:
            return False
        return segment.length == 0 or (segment.length == 1 and mine.next == mine.end)

    def _followed_keep_alive(self, segment: Segment, mine: Direction) -> bool:
        """The capture began in the middle, and the first segment was a keep-alive, which is one number too low."""
        return self.lifecycle.is_joined and mine.end == 0 and mine.offset(segment.seq) == 1

    def _feed_ack(self, segment: Segment, mine: Direction, moment: Moment) -> None:
        peer, lifecycle = mine.peer, self.lifecycle
        if lifecycle.is_opening and mine.side is Side.CLIENT and not segment.flags & RST:
            lifecycle.take_handshake_ack(segment.ack, peer, moment)
        if not peer.begun:
            peer.acknowledged_before = segment.ack
        elif segment.ack != peer.acked_sequence:
            is_set_up = not lifecycle.is_opening or self.connection.syn_ack is not None
            peer.acknowledge(segment.ack, moment, accept_unseen=is_set_up)
        if segment.ack == peer.acked_sequence and peer.acknowledged >= peer.end == peer.next:
            peer.half.complete_at = moment
        if peer.half.stall is not None and not segment.flags & RST:
            peer.note_still_unacknowledged(moment)

    def _feed_payload(self, segment: Segment, mine: Direction, moment: Moment) -> list[Event]:
        if mine.half.first_data is None and mine.side is Side.SERVER and segment.payload.startswith(HELLO_PREFIX):
            self._swap_roles()
        half, side = mine.half, mine.side
        record_event(self.connection, side, "d")
        repeated = half.retransmissions
        received = mine.receive(segment, data_sequence(segment), moment)
        if half.retransmissions != repeated:
            record_repeated(self.connection, side, "t", half.retransmissions)
        return self._give_up_holes(self._with_side(mine, received), moment)

    def _record_zero_window(self, mine: Direction, moment: Moment) -> None:
        mine.half.zero_windows += 1
        mine.half.first_zero_window = mine.half.first_zero_window or moment
        mine.half.window_closed = mine.half.window_closed or moment
        record_repeated(self.connection, mine.side, "w", mine.half.zero_windows)

    def _feed_control(self, segment: Segment, mine: Direction, moment: Moment) -> list[Event]:
        """Take a segment with SYN, FIN or RST."""
        flags, lifecycle = segment.flags, self.lifecycle
        mine.recent.add(segment)
        if flags & SYN and flags & (FIN | RST):
            record_event(self.connection, mine.side, "q")
        if flags & FIN and flags & RST:
            record_event(self.connection, mine.side, "i")
        if flags & RST:
            if not lifecycle.take_rst(segment, mine, moment):
                return []
        elif flags & SYN:
            lifecycle.take_syn(segment, mine, moment)
            mine.half.window_closed = None if segment.window else moment
        elif not mine.begun or self._followed_keep_alive(segment, mine):
            mine.begin(segment.seq)
        if flags & ACK:
            self._feed_ack(segment, mine, moment)
        events = self._feed_payload(segment, mine, moment) if segment.length else []
        if flags & FIN and not flags & RST:
            lifecycle.take_fin(mine.offset(data_sequence(segment)) + segment.length, mine, moment)
        return self._give_up_holes(events, moment)

    # -- who is the client ---------------------------------------------------------------------------------------

    def _swap_roles(self) -> None:
        """The supposed server sends a client's hello: exchange the roles, unless something was built on them already."""
        connection = self.connection
        if not self.lifecycle.is_joined or connection.from_client.first_data is not None:
            return
        connection.client, connection.server = connection.server, connection.client
        connection.from_client, connection.from_server = connection.from_server, connection.from_client
        self.client, self.server = self.server, self.client
        self.client.side, self.server.side = Side.CLIENT, Side.SERVER
        swap_sides(connection)

    # -- giving up -----------------------------------------------------------------------------------------------

    def _give_up_holes(self, events: list[Event], moment: Moment) -> list[Event]:
        """Add to the events what follows holes that were waited for long enough."""
        for mine in (self.client, self.server):
            if mine.next != mine.end or mine.damaged.segments:
                events += self._with_side(mine, mine.give_up_acknowledged_holes(moment))
        return events

    def finish(self) -> list[Event]:
        """The input ends: what is held and was not refuted counts, and every hole becomes a gap."""
        taken = self._take_held()
        moment = self.connection.last
        return taken + [
            event for mine in (self.client, self.server) for event in self._with_side(mine, mine.finish(moment))
        ]

    def release(self) -> None:
        """Drop what waits, and the references between the two sides, so that memory is freed at once."""
        self.client.waiting.clear()
        self.server.waiting.clear()
        del self.client.peer, self.server.peer

    def _with_side(self, mine: Direction, received: list[Run | Gap]) -> list[Event]:
        """Add to each event the side it belongs to, and its gaps to the history."""
        for event in received:
            if isinstance(event, Gap):
                record_repeated(self.connection, mine.side, "g", mine.gap_count)
        return [(mine.side, event) for event in received]
