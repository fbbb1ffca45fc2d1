"""The one module that knows the order of the rooms: frames in, a report out.

A file pushes its frames and then says it is over; a live source pushes frames and ticks, and a report may be asked
for at any time. Nothing else differs between the two.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ibsniff import diagnosis
from ibsniff.facts.index import CaptureIndex
from ibsniff.ib.dialogue import DialogueReader
from ibsniff.ib.names import DEFAULT_PORTS, RELAY_PORTS
from ibsniff.ib.patience import patience_for
from ibsniff.model import (
    NANOSECONDS,
    Arp,
    Capture,
    Columns,
    Connection,
    Conversation,
    Dialect,
    Dialogue,
    Frame,
    Gap,
    InputFacts,
    InputState,
    Moment,
    Outcome,
    Packet,
    Report,
    Run,
    Segment,
    Side,
    StrayHello,
    Tick,
    Unreachable,
)
from ibsniff.net import Dissector
from ibsniff.rules import judge_capture, judge_conversation
from ibsniff.tcp import ConnectionTable, conn_state

if TYPE_CHECKING:
    from ibsniff.analysis.columns import ColumnLane

API_PORTS = frozenset(DEFAULT_PORTS) | frozenset(RELAY_PORTS)
"""Ports looked at unless the user says otherwise."""

IB_LINK_PORTS = frozenset({4000, 4001})
"""TWS and Gateway themselves call these ports of IB's public hosts: the same number, another protocol."""

ELSEWHERE = (Dialect.HTTP, Dialect.TLS, Dialect.SSH)
"""Languages whose servers are found on ports where relays listen too."""

MAX_CONVERSATIONS = 2000
"""Conversations kept whole, about 10 KB each; older ones are folded into counts."""
ALWAYS_KEPT = 100
"""The first conversations are never folded: a wedge is explained by what came first."""
STILL_TALKING = 60 * NANOSECONDS
"""A conversation with traffic this recent is not folded while another can be."""
MAX_SECOND_CHANCES = 8
"""How many conversations that still talk are passed over when one must be folded."""
MAX_STRAY_HELLOS = 100
"""Different conversations noticed on other ports; one would do."""
STRAY_HELLO_LIMIT = "TCP on other ports that begins as an IB client does, beyond those remembered"
MAX_ARP_TARGETS = 1000
"""Pairs of addresses whose ARP requests are remembered: a sweep of a network asks for a few hundred."""
ARP_LIMIT = "ARP for more addresses than are remembered"
MAX_ARP_REQUESTS = 20
"""Requests remembered per address."""

NOTHING_SAID = Dialogue()
"""Of every connection without a byte: a flood of calls makes thousands of those."""


@dataclass(slots=True)
class _Tracked:
    """A connection and the reader of what is said in it."""

    number: int
    connection: Connection
    seen_from_start: bool
    reader: DialogueReader | None = None
    """There is none until something is said."""

    @property
    def dialogue(self) -> Dialogue:
        """What was said so far."""
        return NOTHING_SAID if self.reader is None else self.reader.dialogue

    def take(self, side: Side, piece: Run | Gap) -> None:
        """One side says something."""
        if self.reader is None:
            self.reader = DialogueReader(self.seen_from_start)
        self.reader.take(side, piece)


class Analysis:
    """One input on its way through the rooms."""

    def __init__(
        self,
        record: InputState,
        ports: frozenset[int] = API_PORTS,
        *,
        any_port: bool = False,
        patience: float | None = None,
    ) -> None:
        """Look at these API ports; with ``any_port``, at every TCP conversation that speaks IB.

        ``patience`` in seconds makes a silence one; without it that is up to the client's library.
        """
        self.record = record
        self.skipped: Counter[str] = Counter()
        """Packets that were not looked at, by reason."""
        self._ports = ports
        self._any_port = any_port
        self._patience = patience
        self._dissector = Dissector(None if any_port else ports, self.skipped)
        self._table = ConnectionTable(ports)
        self._column_lane: ColumnLane | None = None
        self._tracked: dict[int, _Tracked] = {}
        self._foldable: deque[int] = deque()
        self._numbered = 0
        self._omitted: Counter[Outcome] = Counter()
        self._stray: dict[tuple[object, object], StrayHello] = {}
        self._arp: dict[tuple[bytes, bytes], list[Moment]] = {}
        """Who asks and for which address: requests without an answer. They go to everyone and the answers to who asked,
        so only of the client's own can it be known."""
        self._now_ns = 0

    def run(self, events: Iterable[Frame | Columns | Tick]) -> None:
        """Push all events of a source, then say it is over."""
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

    def _feed_columns(self, columns: Columns) -> None:
        if self._column_lane is None:
            from ibsniff.analysis.columns import ColumnLane  # noqa: PLC0415  (numpy, and 0.1 s)

            self._column_lane = ColumnLane(self._dissector, self._table, self._take, self._reader_of)
        self._column_lane.feed(columns)

    def _reader_of(self, connection: Connection) -> DialogueReader | None:
        tracked = self._tracked.get(id(connection))
        return None if tracked is None else tracked.reader

    def _take(self, packet: Packet) -> None:
        if isinstance(packet, Segment):
            self._segment(packet)
        elif isinstance(packet, Unreachable):
            self._table.unreachable(packet)
        elif isinstance(packet, Arp):
            self._note_arp(packet)
        else:
            self._note_stray(packet)

    def finish(self) -> None:
        """End of input: holes are given up, fragments that never completed are counted."""
        for connection, side, piece in self._table.finish():
            self._say(connection, side, piece)
        self._dissector.finish()

    # -- one packet ----------------------------------------------------------------------------------------------

    def _segment(self, segment: Segment) -> None:
        connection, pieces = self._table.feed(segment)
        if id(connection) not in self._tracked:
            self._track(connection)
        for side, piece in pieces:
            self._say(connection, side, piece)

    def _say(self, connection: Connection, side: Side, piece: Run | Gap) -> None:
        tracked = self._tracked.get(id(connection))
        if tracked is not None:
            tracked.take(side, piece)

    def _track(self, connection: Connection) -> None:
        self._numbered += 1
        seen_from_start = bool(connection.syn_count) or connection.syn_ack is not None
        self._tracked[id(connection)] = _Tracked(self._numbered, connection, seen_from_start)
        if self._numbered > ALWAYS_KEPT:
            self._foldable.append(id(connection))
        if len(self._tracked) > MAX_CONVERSATIONS:
            self._fold(connection.first.time_ns)

    def _fold(self, now_ns: int) -> None:
        """Evict the oldest conversation into a count; one that had better stay gets a second chance."""
        for _ in range(MAX_SECOND_CHANCES):
            key = self._foldable.popleft()
            if self._column_lane is not None:
                self._column_lane.catch_up(self._tracked[key].connection)
            if self._may_go(self._tracked[key], now_ns):
                break
            self._foldable.append(key)
        else:
            key = self._foldable.popleft()
        tracked = self._tracked.pop(key)
        if self._is_api(tracked.connection, tracked.dialogue):
            allowed = patience_for(tracked.dialogue.hello, self._patience)
            self._omitted[diagnosis.outcome(tracked.connection, tracked.dialogue, now_ns, allowed)] += 1
        self._table.forget(tracked.connection)

    def _may_go(self, tracked: _Tracked, now_ns: int) -> bool:
        """It is over; and among the strangers of all ports, it is one of them."""
        connection = tracked.connection
        is_over = connection.ended is not None or bool(connection.refusals)
        if not is_over and now_ns - connection.last.time_ns <= STILL_TALKING:
            return False
        return not (self._any_port and self._is_api(connection, tracked.dialogue))

    def _note_stray(self, hello: StrayHello) -> None:
        ends = hello.source, hello.destination
        if ends in self._stray or len(self._stray) < MAX_STRAY_HELLOS:
            self._stray.setdefault(ends, hello)
        else:
            self.skipped[STRAY_HELLO_LIMIT] += 1

    def _note_arp(self, arp: Arp) -> None:
        if arp.is_reply:
            self._arp.pop((arp.target, arp.sender), None)
        elif (arp.sender, arp.target) in self._arp or len(self._arp) < MAX_ARP_TARGETS:
            asked = self._arp.setdefault((arp.sender, arp.target), [])
            if len(asked) < MAX_ARP_REQUESTS:
                asked.append(Moment(arp.packet, arp.time_ns))
        else:
            self.skipped[ARP_LIMIT] += 1

    # -- what it amounts to --------------------------------------------------------------------------------------

    @property
    def watched_until_ns(self) -> int:
        """Until when the wire is known to have been watched."""
        return self.facts.watched_until_ns or 0

    @property
    def facts(self) -> InputFacts:
        """What the input says of itself, as far as it was read."""
        return self.record.facts(self._now_ns, self.skipped)

    def seen(self) -> Seen:
        """What there is to judge so far.

        A conversation is numbered by its place among all connections, so that its id stays the same while others turn
        out to be none of ours, or are folded.
        """
        facts = self.facts
        kept = [tracked for tracked in self._tracked.values() if self._is_api(tracked.connection, tracked.dialogue)]
        seen = tuple(self._conversation(tracked, facts) for tracked in kept)
        asked = tuple((address, tuple(requests)) for (_, address), requests in self._arp.items())
        capture = Capture(0, facts, seen, tuple(self._stray.values()), asked, self._omitted.total())
        return Seen(capture, self._numbered, Counter(self._omitted))

    @property
    def numbered(self) -> int:
        """How many connections there were, whatever they turned out to be."""
        return self._numbered

    def _conversation(self, tracked: _Tracked, facts: InputFacts) -> Conversation:
        connection, dialogue = tracked.connection, tracked.dialogue
        asked = self._arp.get((connection.client.address, connection.server.address), ())
        until = facts.watched_until_ns or 0
        allowed = patience_for(dialogue.hello, self._patience)
        seen = diagnosis.outcome(connection, dialogue, until, allowed)
        reached = diagnosis.rung(connection, dialogue, seen)
        return Conversation(
            id=f"c{tracked.number}",
            input=0,
            connection=connection,
            dialogue=dialogue,
            watched_until_ns=until,
            watched_by=facts.watched_by,
            outcome=seen,
            rung=reached,
            conn_state=conn_state(connection),
            arp_unanswered=tuple(asked) if connection.syn_ack is None else (),
            patience=allowed,
            missing=diagnosis.first_missing(reached),
        )

    def _is_api(self, connection: Connection, dialogue: Dialogue) -> bool:
        """Whether this is a conversation with a TWS, or an attempt at one: judged by who serves, not by the number."""
        if connection.server.port in self._ports:
            if connection.server.port in RELAY_PORTS and _is_another_service(dialogue):
                return False
            calls_ib = connection.server.port in IB_LINK_PORTS and connection.server.is_public
            return not calls_ib or not _speaks_something_else(dialogue)
        return _speaks_ib(dialogue)


def _speaks_ib(dialogue: Dialogue) -> bool:
    hello, reply = dialogue.hello, dialogue.reply
    if hello is not None and (b"API" in hello.raw[:8] or hello.dialect is Dialect.UNFRAMED):
        return True
    return reply is not None and reply.is_whole and hello is not None and hello.is_valid


def _is_another_service(dialogue: Dialogue) -> bool:
    """Both sides speak one known other language: a web server on 8888 is no relay."""
    hello, reply = dialogue.hello, dialogue.reply
    return hello is not None and hello.dialect in ELSEWHERE and reply is not None and reply.service is not None


def _speaks_something_else(dialogue: Dialogue) -> bool:
    """Neither side said anything of the API's language, and something was said."""
    if dialogue.first_speaker is None:
        return False
    return not _speaks_ib(dialogue) and not dialogue.ready and not dialogue.messages[Side.SERVER]


@dataclass(frozen=True, slots=True)
class Seen:
    """One input before it is judged: plain values, which one process may hand to another."""

    capture: Capture
    """As the only input: its conversations are numbered from c1, and have no findings."""
    numbered: int
    """How many connections there were, whatever they turned out to be."""
    omitted: Counter[Outcome]
    """Outcomes of the conversations that were folded."""

    def among(self, index: int, numbered_before: int) -> Capture:
        """The same as one input of several."""
        conversations = tuple(
            one._replace(input=index, id=f"c{int(one.id[1:]) + numbered_before}") for one in self.capture.conversations
        )
        return replace(self.capture, index=index, conversations=conversations)


def report(analyses: Iterable[Analysis]) -> Report:
    """Judge all inputs and put the worst first."""
    return judge(analysis.seen() for analysis in analyses)


def judge(inputs: Iterable[Seen]) -> Report:
    """The same of what was seen, here or by another process."""
    captures: list[Capture] = []
    omitted: Counter[Outcome] = Counter()
    numbered = 0
    for index, seen in enumerate(inputs):
        captures.append(_judged(seen.among(index, numbered)))
        numbered += seen.numbered
        omitted += seen.omitted
    conversations = tuple(conversation for capture in captures for conversation in capture.conversations)
    shared = tuple(finding for capture in captures for finding in judge_capture(CaptureIndex(capture)))
    return Report(
        inputs=tuple(capture.facts for capture in captures),
        verdict=diagnosis.verdict(conversations, omitted, shared),
        findings=shared,
        conversations=conversations,
        omitted=omitted.total(),
    )


def _judged(unjudged: Capture) -> Capture:
    """Ask the rules about every conversation."""
    index = CaptureIndex(unjudged)
    judged = tuple(diagnosis.conclude(one, judge_conversation(one, index)) for one in unjudged.conversations)
    return replace(unjudged, conversations=judged)
