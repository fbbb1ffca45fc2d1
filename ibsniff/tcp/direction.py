"""One direction of a connection: segments in any order become a stream, and holes are told apart from delays.

Offsets count stream bytes from 0, the byte after the SYN; they do not wrap. Of two versions of a byte the first one
captured wins, as in Linux and Wireshark. The bytes behind a hole wait until the hole

* is filled by a late or repeated segment;
* is covered by the other side's ACK: the receiver had those bytes and the capture missed them. Captures put packets of
  several queues in the wrong order, so it is given up a little later: ``SETTLED_SEGMENTS`` or ``SETTLED_NS``;
* makes more bytes wait than the limits of ``pieces`` allow (then ``Half.limit_reached`` says so);
* or the input ends.

A segment with a wrong checksum is no version of its bytes, unless they are acknowledged and no other comes (``damage``).
"""

from __future__ import annotations

from ibsniff.model import FIN, RST, SYN, Gap, Half, Mark, Moment, Run, Segment, Side
from ibsniff.tcp.damage import Damage
from ibsniff.tcp.pieces import DIRECTION_LIMIT, Budget, Pieces
from ibsniff.tcp.recent import REMEMBERED_BYTES, Recent
from ibsniff.tcp.sequence import advance, difference

SETTLED_SEGMENTS = 16
"""Further segments of the connection after the ACK. Its two directions may lie on two queues, each handed over in bursts,
but a burst of one connection is a few segments: offload has joined the rest."""
SETTLED_NS = 100_000_000
"""The same in packet time, for quiet connections: far above any capture's reordering, below what a person notices."""
STRAY_DISTANCE = 1 << 30
"""The largest receive window there is (RFC 7323, 2.3): what lies further off is not of this stream."""
COPY_NS = 5_000_000
"""A packet seen on two interfaces is seen within this time; a retransmission takes longer (RFC 6298, 2.4; Linux: 200 ms)."""
KEPT_GAPS = 16
"""Gaps told one by one; further ones are counted."""


class Direction:
    """What one side sends: takes its segments and the other side's ACKs, and fills its ``Half``."""

    __slots__ = (
        "_covered_ns",
        "_covered_segments",
        "_covered_to",
        "_first_data_end",
        "_last_ack",
        "acked_sequence",
        "acknowledged",
        "damage",
        "end",
        "gap_count",
        "half",
        "next",
        "next_sequence",
        "peer",
        "recent",
        "side",
        "waiting",
    )
    peer: Direction
    """The other direction."""

    def __init__(self, side: Side, half: Half, budget: Budget) -> None:
        self.side = side
        self.half = half
        self.next = 0
        """Offset of the next byte to deliver."""
        self.next_sequence = -1
        """The same as a sequence number; -1 until the stream has begun."""
        self.end = 0
        """Offset behind the last byte any captured segment spoke of; past ``next``, there is a hole."""
        self.acknowledged = 0
        """How far the other side's ACKs reach; one past the data when they cover the FIN."""
        self.acked_sequence = -1
        """The same as a sequence number; -1 until the stream has begun."""
        self.gap_count = 0
        self.recent = Recent()
        self.damage = Damage()
        self.waiting = Pieces(budget)
        self._first_data_end: int | None = None
        self._last_ack: Moment | None = None
        self._covered_to = 0
        self._covered_ns = 0
        self._covered_segments = 0

    # -- where the stream begins ---------------------------------------------------------------------------------

    @property
    def begun(self) -> bool:
        """It is known which sequence number is offset 0."""
        return self.next_sequence >= 0

    @property
    def fin_is_acknowledged(self) -> bool:
        """The other side has one number more than there is data: the FIN's, captured or not."""
        return self.begun and self.acknowledged == self.end + 1

    def begin(self, sequence: int) -> None:
        """Offset 0 is this sequence number."""
        self.next_sequence = self.acked_sequence = sequence
        self.acknowledged = 0

    def offset(self, sequence: int) -> int:
        """The stream offset a sequence number stands for, near the next byte."""
        return self.next + difference(sequence, self.next_sequence)

    def is_stray(self, sequence: int) -> bool:
        """Too far off to be of this stream."""
        return abs(difference(sequence, self.next_sequence)) > STRAY_DISTANCE

    # -- what arrives --------------------------------------------------------------------------------------------

    def is_copy(self, segment: Segment) -> bool:
        """The very packet was captured before: on another interface, on a bridge, or leaving and entering ``lo``.

        Without an identification (IPv6; Linux sets 0 where it may) only the bytes tell: the same place with other bytes is
        no copy, and a bare ACK that comes again is a duplicate ACK as likely.
        """
        if not (segment.ip_id or segment.length or segment.flags & (SYN | FIN | RST)):
            return False
        return any(
            old.seq == segment.seq
            and old.ack == segment.ack
            and old.flags == segment.flags
            and old.length == segment.length
            and old.window == segment.window
            and old.ip_id == segment.ip_id
            and abs(segment.time_ns - old.time_ns) <= COPY_NS
            and (segment.ip_id or old.payload == segment.payload[:REMEMBERED_BYTES])
            for old in self.recent
        )

    def receive(self, segment: Segment, sequence: int, moment: Moment) -> list[Run | Gap]:
        """Take a segment whose payload begins at ``sequence``; return what is now in order."""
        half, payload, length = self.half, segment.payload, segment.length
        if half.first_data is None:
            self._remember_first_data(self.offset(sequence) + length, moment)
        offset = self.next
        if sequence != self.next_sequence or offset != self.end or len(payload) != length:
            return self._receive_irregular(segment, self.offset(sequence), moment)
        half.last_data = moment
        self.next = self.end = end = offset + length
        self.next_sequence = advance(sequence, length)
        half.captured += length
        if end > half.length:  # noqa: PLR1730 - max() costs a call for every data segment
            half.length = end
        return [Run(offset, payload, (Mark(offset, segment.packet, segment.time_ns),))]

    def _remember_first_data(self, end: int, moment: Moment) -> None:
        self.half.first_data = moment
        self._first_data_end = end
        if self.acknowledged >= end:  # the capture holds the ACK before the data
            self.half.ack_of_first_data = self._last_ack

    def _receive_irregular(self, segment: Segment, offset: int, moment: Moment) -> list[Run | Gap]:
        half, captured = self.half, len(segment.payload)
        half.cut_by_snaplen += captured < segment.length
        is_late = offset < self.end
        fresh = self.waiting.add(offset, segment, from_offset=self.next)
        if fresh or not is_late:
            half.last_data = moment
        if is_late and captured and fresh == captured:
            half.out_of_order += 1
        elif is_late:
            half.retransmissions += 1
            half.conflicts += self._contradicts(offset, segment.payload)
        self.end = max(self.end, offset + segment.length)
        half.length = max(half.length, self.end)
        events = self._deliver()
        while self.waiting.too_many:
            half.limit_reached = True
            events += self._give_up_first_hole(moment)
        return events

    def announce(self, offset: int) -> None:
        """A segment without data stands there: what lies before was sent, captured or not.

        The last number before it may be that of a FIN. Far behind the data stands what is not of this stream.
        """
        if 1 < offset - self.end <= DIRECTION_LIMIT and not self.half.fin:
            self.end = offset - 1
            self.half.length = max(self.half.length, self.end)

    def _contradicts(self, offset: int, data: bytes) -> bool:
        """Other bytes were captured at the same place before (as far back as is remembered)."""
        end = offset + len(data)
        for old in self.recent:
            start = self.offset(data_sequence(old))
            low, high = max(offset, start), min(end, start + len(old.payload))
            if low < high and data[low - offset : high - offset] != old.payload[low - start : high - start]:
                return True
        return False

    def finish_at(self, offset: int, moment: Moment) -> bool:
        """A FIN stands at this offset. False when data was sent behind it: then it is not of this stream."""
        if offset < self.end:
            return False
        self.end = self.half.length = offset
        self.half.acked = min(self.acknowledged, offset)
        self.half.fin_repeats += self.half.fin is not None
        self.half.fin = self.half.fin or moment
        if self.fin_is_acknowledged:  # the capture holds the ACK before the FIN
            self.half.ack_of_fin = self.half.ack_of_fin or self._last_ack
        return True

    # -- what the other side says --------------------------------------------------------------------------------

    def acknowledge(self, ack: int, moment: Moment, *, of_unseen: bool) -> None:
        """The other side has everything before ``ack``.

        ``of_unseen``: whether to believe it when the capture never saw the bytes. While a connection opens, such an ACK
        belongs to an older connection of the same ports (RFC 9293, 3.5.1).
        """
        moved = difference(ack, self.acked_sequence)
        acknowledged = self.acknowledged + moved
        unseen = acknowledged - self.end
        if moved <= 0 or unseen > (STRAY_DISTANCE if of_unseen else 1):
            return
        self.acknowledged, self.acked_sequence, self._last_ack = acknowledged, ack, moment
        half = self.half
        if unseen <= 0:
            half.acked = acknowledged
        elif unseen == 1:
            # one number past the data is the FIN's, captured or not: a stream that ends in one lost byte is rarer
            half.acked = self.end
        else:
            half.acked = acknowledged
            half.length = max(half.length, acknowledged)
        if self._first_data_end is not None and half.ack_of_first_data is None and acknowledged >= self._first_data_end:
            half.ack_of_first_data = moment
        if half.fin is not None and half.ack_of_fin is None and self.fin_is_acknowledged:
            half.ack_of_fin = moment

    # -- giving up -----------------------------------------------------------------------------------------------

    def settle(self, moment: Moment) -> list[Run | Gap]:
        """Called for every segment of the connection while there is a hole: give it up if covered long enough ago."""
        behind = self.waiting.first_offset - self.next if self.waiting else self.damage.ends_after(self.next_sequence)
        if behind is None:
            return []
        if self._covered_to <= self.next:
            if self.acknowledged >= self.next + behind:
                self._covered_to, self._covered_ns, self._covered_segments = self.acknowledged, moment.time_ns, 0
            return []
        self._covered_segments += 1
        if self._covered_segments < SETTLED_SEGMENTS and moment.time_ns - self._covered_ns < SETTLED_NS:
            return []
        events = self._take_damaged()
        while self.waiting and self.waiting.first_offset <= self._covered_to:
            events += self._give_up_first_hole(moment)
        self._covered_to = 0
        return events

    def _take_damaged(self) -> list[Run | Gap]:
        """Take what was put aside for its checksum, where nothing better has come."""
        for segment in self.damage.take(self.acked_sequence):
            offset = self.offset(segment.seq)
            if self.waiting.add(offset, segment, from_offset=self.next):
                self.damage.distrust()
                self.end = max(self.end, offset + segment.length)
                self.half.length = max(self.half.length, self.end)
        return self._deliver()

    def finish(self, moment: Moment) -> list[Run | Gap]:
        """No more will come: holes are gaps, and so is what was announced or acknowledged and never captured."""
        events = self._take_damaged()
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


def data_sequence(segment: Segment) -> int:
    """The number of a segment's first byte: a SYN takes the number before it."""
    return advance(segment.seq, 1) if segment.flags & SYN else segment.seq
