"""The order of the rooms for one input: frames in, a snapshot or a report out.

A file gives frames and then ends; a live source gives frames and ticks, and a report can be requested at any time. Nothing
else differs between the two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from ibsniff.analysis.api_traffic import API_PORTS, Ports
from ibsniff.analysis.judgement import judge
from ibsniff.analysis.other_traffic import OtherTraffic
from ibsniff.analysis.snapshot import Snapshot, as_of
from ibsniff.analysis.tracking import ConversationTracker, Tracked
from ibsniff.diagnosis import first_missing, lost_in_wait, outcome_of, rung_of
from ibsniff.ib.dialogue import DialogueReader
from ibsniff.model import (
    Arp,
    Capture,
    Columns,
    Connection,
    Conversation,
    Frame,
    InputFacts,
    InputState,
    Outcome,
    Packet,
    Report,
    Requests,
    Segment,
    Tick,
    Unreachable,
    WatchedBy,
)
from ibsniff.net import Dissector
from ibsniff.tcp import ConnectionTable, conn_state

if TYPE_CHECKING:
    from ibsniff.analysis.columns import ColumnLane
    from ibsniff.analysis.remembered import Memory


class Analysis:
    """One input on its way through the rooms."""

    def __init__(
        self,
        record: InputState,
        ports: frozenset[int] = API_PORTS,
        *,
        any_port: bool = False,
        patience: float | None = None,
        keep_requests: int = 0,
    ) -> None:
        """Look at these API ports; with ``any_port``, at every TCP conversation that speaks IB.

        ``record`` knows the input as a whole. ``patience`` is the number of seconds that count as silence; without it, that
        depends on the client's library. ``keep_requests`` is how many requests of each conversation are kept after their end.
        """
        self.record = record
        self.skipped: Counter[str] = Counter()
        """Packets that were not analysed, by reason."""
        watched_ports = Ports(ports, any_port)
        self._dissector = Dissector(watched_ports.filter, self.skipped)
        self._table = ConnectionTable(ports)
        self.tracker = ConversationTracker(
            watched_ports, patience, self._table.forget, lambda: self.record.losses, partial(_reader, keep_requests)
        )
        self._other = OtherTraffic(self.skipped)
        self._column_lane: ColumnLane | None = None
        self._now_ns = 0
        self.memory: Memory | None = None
        """The judgements of the last report; None for a file, which is judged only once."""

    def run(self, events: Iterable[Frame | Columns | Tick]) -> None:
        """Take all events of a source, to its end."""
        for event in events:
            self.feed(event)
        self.finish()

    def feed(self, event: Frame | Columns | Tick) -> None:
        """Take one frame, many at once, or the news that time has passed."""
        if isinstance(event, Frame):
            packet = self._dissector.dissect(event)
            if packet is not None:
                self._take(packet)
        elif isinstance(event, Tick):
            self._now_ns = max(self._now_ns, event.time_ns)
        else:
            self._feed_columns(event)

    def finish(self) -> None:
        """The input ends: missing bytes become gaps, and incomplete fragments are counted."""
        for connection, side, piece in self._table.finish():
            tracked = self.tracker.changing(connection)
            if tracked is not None:
                tracked.take(side, piece)
        self.tracker.finish()
        self._dissector.finish()

    # -- one packet, or many -------------------------------------------------------------------------------------

    def _take(self, packet: Packet) -> None:
        if isinstance(packet, Segment):
            self._take_segment(packet)
        elif isinstance(packet, Unreachable):
            connection = self._table.unreachable(packet)
            if connection is not None:
                self.tracker.changing(connection)
        elif isinstance(packet, Arp):
            self._other.take_arp(packet)
        else:
            self._other.take_hello(packet)

    def _take_segment(self, segment: Segment) -> None:
        connection, pieces = self._table.feed(segment)
        tracked = self.tracker.changing(connection) or self.tracker.begin(connection)
        for side, piece in pieces:
            tracked.take(side, piece)

    def _feed_columns(self, columns: Columns) -> None:
        if self._column_lane is None:
            from ibsniff.analysis.columns import ColumnLane  # noqa: PLC0415  (numpy, and 0.1 s)

            self._column_lane = ColumnLane(self._dissector, self._table, self._take, self._reader_of)
            self.tracker.catch_up = self._column_lane.catch_up
        self._column_lane.feed(columns)

    def _reader_of(self, connection: Connection) -> DialogueReader | None:
        """The reader of a connection that the column lane is about to change."""
        tracked = self.tracker.changing(connection)
        return None if tracked is None else tracked.reader

    # -- the result --------------------------------------------------------------------------------------

    @property
    def facts(self) -> InputFacts:
        """What is known of the input as a whole, as far as it was read."""
        return self.record.facts(self._now_ns, self.skipped)

    @property
    def watched_until_ns(self) -> int:
        """Until when packets are known to have been captured."""
        return self.facts.watched_until_ns or 0

    @property
    def connections(self) -> int:
        """The number of connections so far, of whatever kind."""
        return self.tracker.count

    def snapshot(self) -> Snapshot:
        """Return what there is to judge so far; packets that come later do not change it.

        A conversation is numbered by its place among all connections, so that its id stays the same when others turn
        out not to belong to the API, or are evicted.
        """
        facts = self.facts
        conversations = tuple(self._conversation(tracked, facts) for tracked in self.tracker.api_conversations())
        evicted = Counter(self.tracker.evicted)
        stray_hellos, unanswered_arp = self._other.stray_hellos(), self._other.unanswered_arp()
        capture = Capture(0, facts, conversations, stray_hellos, unanswered_arp, evicted.total())
        return Snapshot(capture, self.tracker.count, evicted)

    def report(self) -> Report:
        """Return the snapshot, judged. Judgements that still hold are those of the report before."""
        if self.memory is None and self.record.facts().watched_by is WatchedBy.LIVE:
            from ibsniff.analysis.remembered import Memory  # noqa: PLC0415  (a file is judged only once)

            self.memory = Memory()
        return judge([self.snapshot()], self.memory)

    def _conversation(self, tracked: Tracked, facts: InputFacts) -> Conversation:
        """One conversation as it is now; of one that has ended, only the time until which was watched is new.

        Unless it changes or losses become known, the outcome of such a conversation stays: time decides nothing more.
        """
        if tracked.reported is not None:
            before, losses = tracked.reported
            arp = self._other.arp_unanswered_for(before.connection), self._other.arp_answered_for(before.connection)
            if losses == facts.losses and (before.arp_unanswered, before.arp_answered) == arp:
                return as_of(before, facts.watched_until_ns or 0)
        conversation = self.conversation_now(tracked, facts)
        ended = conversation.connection.ended is not None and conversation.outcome is not Outcome.UNPROVEN
        tracked.reported = (conversation, facts.losses) if ended else None
        return conversation

    def conversation_now(self, tracked: Tracked, facts: InputFacts) -> Conversation:
        """One conversation as it is now, made anew."""
        connection, dialogue = tracked.copy()
        until_ns = facts.watched_until_ns or 0
        patience = self.tracker.patience_for(dialogue)
        outcome = outcome_of(connection, dialogue, until_ns, patience, facts.losses)
        rung = rung_of(connection, dialogue, outcome)
        return Conversation(
            id=f"c{tracked.number}",
            input=0,
            connection=connection,
            dialogue=dialogue,
            watched_until_ns=until_ns,
            watched_by=facts.watched_by,
            outcome=outcome,
            rung=rung,
            conn_state=conn_state(connection),
            arp_unanswered=self._other.arp_unanswered_for(connection),
            arp_answered=self._other.arp_answered_for(connection),
            patience=patience,
            lost_in_wait=lost_in_wait(connection, until_ns, facts.losses),
            missing=first_missing(rung),
        )


def _reader(keep_requests: int, seen_from_start: bool) -> DialogueReader:
    """The reader of a new conversation."""
    reader = DialogueReader(seen_from_start)
    if keep_requests:
        reader.dialogue.requests = Requests(keeps_ended=keep_requests)
    return reader
