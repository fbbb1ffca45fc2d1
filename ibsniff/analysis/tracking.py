"""The connections of one input and the messages in them; old ones are evicted, so that memory stays bounded."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ibsniff.analysis.api_traffic import Ports
from ibsniff.diagnosis import outcome_of
from ibsniff.ib.dialogue import DialogueReader
from ibsniff.ib.patience import patience_for
from ibsniff.model import NANOSECONDS, Connection, Conversation, Dialogue, Gap, Loss, Outcome, Run, Side

MAX_CONVERSATIONS = 2000
"""Conversations kept whole, about 10 KB each; older ones are evicted and only counted."""
ALWAYS_KEPT = 100
"""The first conversations are never evicted: why a server stopped answering is explained by what came first."""
STILL_TALKING = 60 * NANOSECONDS
"""A conversation with traffic this recent is not evicted while another can be."""
MAX_SECOND_CHANCES = 8
"""How many conversations that still talk are passed over when one must be evicted, and how many unusual ones."""
UNUSUAL = 20
"""A conversation is unusual if fewer than one in so many of those evicted had its outcome: a flood of one kind is not to
evict the one conversation that went differently."""

NO_DIALOGUE = Dialogue()
"""Of every connection without data: a flood of connection attempts makes thousands of those."""


@dataclass(slots=True)
class Tracked:
    """A connection and the reader of its messages."""

    number: int
    """Its place among all connections of the input, from 1."""
    connection: Connection
    seen_from_start: bool
    make_reader: Callable[[bool], DialogueReader]
    reader: DialogueReader | None = None
    """There is none until the first byte of data."""
    copied: tuple[Connection, Dialogue] | None = None
    """Both as last reported; None if they have changed since."""
    reported: tuple[Conversation, tuple[Loss, ...]] | None = None
    """As last reported, with the losses that were known then; None if it has changed since, or changes as time passes."""

    @property
    def dialogue(self) -> Dialogue:
        """The messages so far."""
        return NO_DIALOGUE if self.reader is None else self.reader.dialogue

    def take(self, side: Side, piece: Run | Gap) -> None:
        """Take data of one side, or a gap."""
        if self.reader is None:
            self.reader = self.make_reader(self.seen_from_start)
        self.reader.take(side, piece)

    def copy(self) -> tuple[Connection, Dialogue]:
        """Return both as they are now, for a report; they are copied only if they changed since the last one."""
        if self.copied is None:
            if self.reader is not None:
                self.reader.note_unfinished()
            self.copied = self.connection.copy(), self.dialogue.copy() if self.reader is not None else NO_DIALOGUE
        return self.copied

    def finish(self) -> None:
        """Nothing will change any more, so that both can be reported without being copied."""
        if self.reader is not None:
            self.reader.note_unfinished()
        self.copied = self.connection, self.dialogue


class ConversationTracker:
    """All connections that are kept, with what is tracked of each."""

    def __init__(
        self,
        ports: Ports,
        patience: float | None,
        forget: Callable[[Connection], None],
        losses: Callable[[], Sequence[Loss]],
        make_reader: Callable[[bool], DialogueReader] = DialogueReader,
    ) -> None:
        """``forget`` is called with each evicted connection; ``patience`` is the user's choice in seconds, if there is one.

        ``losses`` gives what the capture has lost so far. ``make_reader`` makes the reader of a conversation; it is told
        whether the conversation was captured from its beginning.
        """
        self._ports = ports
        self._patience = patience
        self._forget = forget
        self._losses = losses
        self._make_reader = make_reader
        self.catch_up: Callable[[Connection], None] = _is_up_to_date
        """Called before a connection is judged: some of its packets may not have been processed yet."""
        self._tracked: dict[int, Tracked] = {}
        """By ``id`` of the connection, in the order of first packets."""
        self._evictable: deque[Tracked] = deque()
        self.count = 0
        """How many connections there were, whatever they turned out to be."""
        self.evicted: Counter[Outcome] = Counter()
        """API conversations that are not kept any more, by outcome."""

    def changing(self, connection: Connection) -> Tracked | None:
        """Return what is tracked of a connection that changes now; None if it is not tracked."""
        tracked = self._tracked.get(id(connection))
        if tracked is not None:
            tracked.copied = tracked.reported = None
        return tracked

    def begin(self, connection: Connection) -> Tracked:
        """Track a new connection, and evict another if there are too many."""
        self.count += 1
        seen_from_start = bool(connection.syn_count) or connection.syn_ack is not None
        tracked = self._tracked[id(connection)] = Tracked(self.count, connection, seen_from_start, self._make_reader)
        if self.count > ALWAYS_KEPT:
            self._evictable.append(tracked)
        if len(self._tracked) > MAX_CONVERSATIONS:
            self._evict_one(connection.first.time_ns)
        return tracked

    def api_conversations(self) -> Iterator[Tracked]:
        """Those that belong to the API, as far as that is known."""
        return (each for each in self._tracked.values() if self._ports.include(each.connection, each.dialogue))

    def patience_for(self, dialogue: Dialogue) -> float:
        """Seconds without an answer that count as silence: the user's choice, else the timeout of the client's library."""
        return patience_for(dialogue.hello, self._patience)

    def finish(self) -> None:
        """The input is over."""
        for tracked in self._tracked.values():
            tracked.finish()

    def _evict_one(self, now_ns: int) -> None:
        """Evict the oldest conversation; one that should rather be kept gets a second chance."""
        evictable, talking_since_ns, passed_over = self._evictable, now_ns - STILL_TALKING, MAX_SECOND_CHANCES
        for place, tracked in enumerate(islice(evictable, MAX_SECOND_CHANCES)):
            connection = tracked.connection
            # packets that are not processed yet are no end and no earlier: with them it would still be talking
            if connection.last.time_ns >= talking_since_ns and connection.ended is None and not connection.refusals:
                continue
            if self._may_be_evicted(tracked, now_ns):
                passed_over = place
                break
        evictable.rotate(-passed_over)
        outcome = self._outcome(evictable[0], now_ns)
        for _ in range(MAX_SECOND_CHANCES):
            if not self._is_unusual(outcome):
                break
            evictable.rotate(-1)
            outcome = self._outcome(evictable[0], now_ns)
        self._evict(evictable.popleft(), outcome)

    def _is_unusual(self, outcome: Outcome | None) -> bool:
        """Few of those evicted before had this outcome."""
        return outcome is not None and self.evicted[outcome] * UNUSUAL < self.evicted.total()

    def _outcome(self, tracked: Tracked, now_ns: int) -> Outcome | None:
        """The outcome of a conversation so far; None if it does not belong to the API."""
        connection = tracked.connection
        self.catch_up(connection)
        dialogue = tracked.dialogue
        if not self._ports.include(connection, dialogue):
            return None
        return outcome_of(connection, dialogue, now_ns, self.patience_for(dialogue), self._losses())

    def _evict(self, tracked: Tracked, outcome: Outcome | None) -> None:
        """Evict a conversation; one of the API is counted by its outcome."""
        del self._tracked[id(tracked.connection)]
        if outcome is not None:
            self.evicted[outcome] += 1
        self._forget(tracked.connection)

    def _may_be_evicted(self, tracked: Tracked, now_ns: int) -> bool:
        """It has ended or is quiet; and if all ports are looked at, it does not belong to the API."""
        connection = tracked.connection
        self.catch_up(connection)
        is_over = connection.ended is not None or bool(connection.refusals)
        if not is_over and now_ns - connection.last.time_ns <= STILL_TALKING:
            return False
        return not (self._ports.any and self._ports.include(connection, tracked.dialogue))


def _is_up_to_date(_connection: Connection) -> None:
    """Everything captured was processed already."""
