"""One direction of a connection: turns segments in any order into a stream, and tells lost bytes from late ones.

Offsets count stream bytes from 0, the byte after the SYN; they do not wrap. When a byte was captured in two versions,
the first one counts, as in Linux and Wireshark. Bytes behind a hole wait until the hole

* is filled by a late or repeated segment;
* is acknowledged by the other side: then the receiver had those bytes and the capture missed them. Captures may order the
  packets of several queues wrongly, so the hole is given up a little later (``hole_wait``);
* makes more bytes wait than ``reassembly_buffer`` allows (then ``Half.limit_reached`` says so);
* or the input ends.

A segment with a wrong checksum counts only if its bytes are acknowledged and no intact version comes
(``damaged_segments``).
"""

from __future__ import annotations

from ibsniff.model import Gap, Half, Mark, Moment, Run, Segment, Side, Stall
from ibsniff.tcp.damaged_segments import DamagedSegments
from ibsniff.tcp.hole_wait import NO_WAIT, HoleWait
from ibsniff.tcp.reassembly_buffer import DIRECTION_LIMIT, BufferedTotal, ReassemblyBuffer
from ibsniff.tcp.recent_segments import RecentSegments
from ibsniff.tcp.sequence import advance, data_sequence, difference

STRAY_DISTANCE = 1 << 30
"""The largest receive window there is (RFC 7323, 2.3): what is further away does not belong to this stream."""
NEAR_DISTANCE = 16 << 20
"""How far a sequence number may be from the captured data and count at once, where the beginning of the connection was
captured. A receiver accepts less, its window (Linux: 3 MB), but a capture may have missed data."""
KEPT_GAPS = 16
"""Gaps listed one by one; further ones are only counted."""


class Direction:
    """What one side sends: takes its segments and the other side's ACKs, and fills its ``Half``."""

    __slots__ = (
        "_far_acknowledged",
        "_far_sent",
        "_first_data_end",
        "_hole_wait",
        "_last_ack",
        "acked_sequence",
        "acknowledged",
        "acknowledged_before",
        "damaged",
        "end",
        "gap_count",
        "half",
        "next",
        "next_sequence",
        "peer",
        "reach",
        "recent",
        "side",
        "waiting",
    )
    peer: Direction
    """The other direction."""

    def __init__(self, side: Side, half: Half, total: BufferedTotal) -> None:
        self.side = side
        self.half = half
        self.next = 0
        """Offset of the next byte to deliver."""
        self.next_sequence = -1
        """The same as a sequence number; -1 until the stream has begun."""
        self.end = 0
        """Offset after the last byte that any captured segment brought or implied; above ``next`` there is a hole."""
        self.acknowledged = 0
        """Offset up to which the other side has acknowledged; one past the data when that includes the FIN."""
        self.acked_sequence = -1
        """The same as a sequence number; -1 until the stream has begun."""
        self.acknowledged_before = -1
        """Up to which sequence number the other side had acknowledged this one before its stream began."""
        self.gap_count = 0
        self.reach = STRAY_DISTANCE
        """How far away a sequence number counts at once; a farther one when both sides have named it."""
        self._far_sent = self._far_acknowledged = -1
        """The latest number farther away that this side has sent, and the latest that the other side has acknowledged."""
        self.recent = RecentSegments()
        self.damaged = DamagedSegments()
        self.waiting = ReassemblyBuffer(total)
        self._first_data_end: int | None = None
        self._last_ack: Moment | None = None
        self._hole_wait = NO_WAIT

    # -- where the stream begins ---------------------------------------------------------------------------------

    @property
    def begun(self) -> bool:
        """Whether it is known which sequence number is offset 0."""
        return self.next_sequence >= 0

    @property
    def fin_is_acknowledged(self) -> bool:
        """The other side has acknowledged one number more than there is data: that of a FIN, captured or not."""
        return self.begun and self.acknowledged == max(self.end, self.half.length) + 1

    def begin(self, sequence: int) -> None:
        """Make this sequence number offset 0."""
        self.next_sequence = self.acked_sequence = self.half.origin = sequence
        self.acknowledged = 0

    def offset(self, sequence: int) -> int:
        """The stream offset of a sequence number near the next byte."""
        return self.next + difference(sequence, self.next_sequence)

    def is_stray(self, sequence: int) -> bool:
        """Tell whether this side did not send this number: it is far away, and the other side has acknowledged none near it.

        A forged packet has any number. When a capture has missed much, both sides go on with numbers far away.
        """
        distance = difference(sequence, self.next_sequence)
        if abs(distance) <= self.reach:
            return False
        self._far_sent = sequence
        return abs(distance) > STRAY_DISTANCE or not _are_near(sequence, self._far_acknowledged)

    def _is_far_acknowledgment(self, ack: int) -> bool:
        """Tell whether a number that is far past the captured data was not sent by this side as far as is known."""
        self._far_acknowledged = ack
        return not _are_near(ack, self._far_sent)

    def may_be_acknowledged(self, ack: int) -> bool:
        """Tell whether the other side may acknowledge this number: that of the SYN, or of data, captured or not."""
        return self.begun and 0 <= self.offset(ack) <= self.end + self.reach

    def may_have_sent(self, sequence: int) -> bool:
        """Whether a segment of this side may have begun there: at its SYN, or at a byte that is not acknowledged yet."""
        return not self.begun or self.acknowledged - 1 <= self.offset(sequence) <= max(self.end, self.half.length)

    # -- what this side sends ------------------------------------------------------------------------------------

    def receive(self, segment: Segment, sequence: int, moment: Moment) -> list[Run | Gap]:
        """Take a segment whose payload begins at ``sequence``; return what is now in order."""
        half, payload, length = self.half, segment.payload, segment.length
        if half.first_data is None:
            self._remember_first_data(self.offset(sequence) + length, moment)
        offset = self.next
        if sequence != self.next_sequence or offset != self.end or len(payload) != length:
            return self._receive_irregular(segment, sequence, moment)
        half.last_data, half.last_data_acks = moment, self.peer.acknowledged
        self.next = self.end = end = offset + length
        self.next_sequence = advance(sequence, length)
        half.captured += length
        if end > half.length:  # noqa: PLR1730 - max() costs a call for every data segment
            half.length = end
        return [Run(offset, payload, (Mark(offset, segment.packet, segment.time_ns),))]

    def _remember_first_data(self, end: int, moment: Moment) -> None:
        self.half.first_data = moment
        self._first_data_end = end
        if self.acknowledged >= end:  # the capture has the ACK before the data
            self.half.ack_of_first_data = self._last_ack

    def _receive_irregular(self, segment: Segment, sequence: int, moment: Moment) -> list[Run | Gap]:
        half, captured, offset = self.half, len(segment.payload), self.offset(sequence)
        if captured < segment.length:
            half.cut_by_snaplen += 1
            half.first_cut = half.first_cut or moment
        is_late = offset < self.end
        if is_late and offset <= self.acknowledged < min(self.next, offset + segment.length):
            self._note_repeat(moment)
        added = self.waiting.add(offset, segment, from_offset=self.next)
        if added or not is_late:
            half.last_data, half.last_data_acks = moment, self.peer.acknowledged
        if is_late and captured and added == captured:
            half.out_of_order += 1
        elif is_late:
            half.retransmissions += 1
            half.conflicts += self.recent.conflicts_with(sequence, segment.payload)
        self._extend_to(offset + segment.length)
        events = self._deliver()
        self._note_hole(moment)
        while self.waiting.is_over_limit:
            half.limit_reached = True
            events += self._give_up_first_hole(moment)
        return events

    def _extend_to(self, end: int) -> None:
        self.end = max(self.end, end)
        self.half.length = max(self.half.length, self.end)

    def infer_sent_before(self, offset: int, moment: Moment) -> None:
        """A segment without data has this offset: what is before it was sent, whether captured or not.

        The last number before it may be that of a FIN. A segment far past the data does not belong to this stream.
        """
        if 1 < offset - self.end <= DIRECTION_LIMIT and not self.half.fin:
            self._extend_to(offset - 1)
            self._note_hole(moment)

    def receive_fin(self, offset: int, moment: Moment) -> bool:
        """Take a FIN at this offset. False when data was sent after it: then it does not belong to this stream."""
        if offset < self.end:
            return False
        self.end = self.half.length = offset
        self.half.acked = min(self.acknowledged, offset)
        self.half.fin_repeats += self.half.fin is not None
        self.half.fin = self.half.fin or moment
        self._note_hole(moment)
        if self.fin_is_acknowledged:  # the capture has the ACK before the FIN
            self.half.ack_of_fin = self.half.ack_of_fin or self._last_ack
        return True

    # -- what the other side acknowledges ------------------------------------------------------------------------

    def acknowledge(self, ack: int, moment: Moment, *, accept_unseen: bool) -> None:
        """The other side has received everything before ``ack``.

        ``accept_unseen``: whether to believe it when the capture does not have the bytes. While a connection opens, such
        an ACK belongs to an older connection of the same ports (RFC 9293, 3.5.1).
        """
        moved = difference(ack, self.acked_sequence)
        acknowledged = self.acknowledged + moved
        unseen = acknowledged - self.end
        if moved <= 0 or unseen > (STRAY_DISTANCE if accept_unseen else 1):
            return
        if unseen > self.reach and self._is_far_acknowledgment(ack):
            return
        self.acknowledged, self.acked_sequence, self._last_ack = acknowledged, ack, moment
        half = self.half
        if half.stall is not None and acknowledged > half.stall.offset:
            half.stall = None
        if unseen <= 0:
            half.acked = acknowledged
        elif unseen == 1 or moved == 1:
            # one number past the data, or past data that was not captured, is the FIN's: a stream that ends in one lost
            # byte is rarer
            half.acked = acknowledged - 1
            half.length = max(half.length, half.acked)
            half.acked_past_data = acknowledged
        else:
            half.acked = acknowledged
            half.length = max(half.length, acknowledged)
        if self._first_data_end is not None and half.ack_of_first_data is None and acknowledged >= self._first_data_end:
            half.ack_of_first_data = moment
        if half.fin is not None and half.ack_of_fin is None and self.fin_is_acknowledged:
            half.ack_of_fin = moment

    def note_still_unacknowledged(self, moment: Moment) -> None:
        """The other side sent something, and acknowledges no more than before."""
        stall = self.half.stall
        if stall is not None:
            self.half.stall = stall._replace(below=moment)

    def _note_repeat(self, moment: Moment) -> None:
        """The first byte that is not acknowledged was captured before, and is sent again."""
        stall, offset = self.half.stall, self.acknowledged
        if stall is None or stall.offset != offset or not stall.repeats:
            stall = Stall(offset, self._first_sent(self.acked_sequence) or moment, 0, moment)
        self.half.stall = stall._replace(repeats=stall.repeats + 1, last=moment)

    def _first_sent(self, sequence: int) -> Moment | None:
        """The oldest packet with this byte that is still known."""
        for old in self.recent:
            if 0 <= difference(sequence, data_sequence(old)) < old.length:
                return Moment(old.packet, old.time_ns)
        return None

    def _note_hole(self, moment: Moment) -> None:
        """Bytes before the ones sent now were not captured, and are not acknowledged; or they have just come."""
        stall = self.half.stall
        if self.next < self.end:
            if stall is None and self.acknowledged <= self.next:
                self.half.stall = Stall(self.next, moment, 0, moment)
        elif stall is not None and not stall.repeats:
            self.half.stall = None

    # -- giving up holes -----------------------------------------------------------------------------------------

    def give_up_acknowledged_holes(self, moment: Moment) -> list[Run | Gap]:
        """Give up the holes that were acknowledged long enough ago; called for every segment while there is a hole."""
        distance = (
            self.waiting.first_offset - self.next if self.waiting else self.damaged.nearest_end(self.next_sequence)
        )
        if distance is None:
            return []
        if self._hole_wait.acknowledged_to <= self.next:
            if self.acknowledged >= self.next + distance:
                self._hole_wait = HoleWait(self.acknowledged, moment.time_ns)
            return []
        self._hole_wait = self._hole_wait.after_one_more_segment()
        if not self._hole_wait.is_over(moment.time_ns):
            return []
        events = self._use_damaged()
        while self.waiting and self.waiting.first_offset <= self._hole_wait.acknowledged_to:
            events += self._give_up_first_hole(moment)
        self._hole_wait = NO_WAIT
        return events

    def _use_damaged(self) -> list[Run | Gap]:
        """Use segments with a wrong checksum where no intact version came."""
        for segment in self.damaged.take(self.acked_sequence):
            offset = self.offset(segment.seq)
            if self.waiting.add(offset, segment, from_offset=self.next):
                self.damaged.ignore_checksums()
                self._extend_to(offset + segment.length)
        return self._deliver()

    def finish(self, moment: Moment) -> list[Run | Gap]:
        """The input ends: holes become gaps, and so does what was inferred or acknowledged but never captured."""
        events = self._use_damaged()
        while self.waiting:
            events += self._give_up_first_hole(moment)
        if self.half.length > self.next:
            events.append(self._gap_to(self.half.length, moment))
        return events

    def _give_up_first_hole(self, moment: Moment) -> list[Run | Gap]:
        return [self._gap_to(self.waiting.first_offset, moment), *self._deliver()]

    def _gap_to(self, offset: int, moment: Moment) -> Gap:
        gap = Gap(self.next, offset - self.next, moment)
        self.gap_count += 1
        self.half.gap_bytes += gap.length
        if len(self.half.gaps) < KEPT_GAPS:
            self.half.gaps.append(gap)
        self._move_to(offset)
        return gap

    def _deliver(self) -> list[Run | Gap]:
        run = self.waiting.take(self.next)
        if run is None:
            return []
        self.half.captured += len(run.data)
        self._move_to(run.offset + len(run.data))
        return [run]

    def _move_to(self, offset: int) -> None:
        self.next_sequence = advance(self.next_sequence, offset - self.next)
        self.next = offset


def _are_near(sequence: int, witness: int) -> bool:
    """Tell whether two sequence numbers are near each other; ``witness`` is -1 if there is none."""
    return witness >= 0 and abs(difference(sequence, witness)) <= NEAR_DISTANCE
