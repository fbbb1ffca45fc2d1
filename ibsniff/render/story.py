"""What happened when: a capture with several conversations told in time order, in at most a dozen entries.

Attempts that failed in the same way, one after the other, are one entry, until something else happens at their server. So the
story of a night with three hundred attempts has as many entries as something changed. When there are still too many, the
middle of the most frequent kind is told in one entry.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum, auto
from typing import NamedTuple

from ibsniff.clock import UTC_CLOCK, Clock
from ibsniff.formatting import counted, duration, seconds
from ibsniff.ib import errors
from ibsniff.model import NANOSECONDS, Conversation, Endpoint, Outcome, Report, Rung, ServerOutage, Side, WireText
from ibsniff.render.grouping import group_key, regular_interval, start_time_ns

MAX_ENTRIES = 12
"""Half a screen."""
KEPT_AT_EACH_END = (2, 1)
"""How many entries of a kind are kept at the beginning and at the end when its middle is told in one; tried in this order."""
MAX_NAMED = 4
"""Conversations named in an entry."""
TOGETHER_NS = NANOSECONDS
"""Sessions that end within this time of each other were ended together."""
SAME_NEWS_NS = 5 * NANOSECONDS
"""TWS tells all its clients of its connection to IB within this time."""
MANY_SERVERS = 4
"""From so many servers on, attempts that failed alike are told together."""
PAUSE_NS = 3600 * NANOSECONDS
"""After a pause as long as this, equal attempts are told again, unless pauses like this one are their pace."""
USUAL_PAUSES = 3
"""A pause is longer than usual if it is longer by this factor than the one before."""

WHAT_FAILED: dict[Outcome, tuple[str, str]] = {
    Outcome.UNPROVEN: ("connection", "too little was captured to judge"),
    Outcome.REFUSED: ("connection attempt", "refused"),
    Outcome.UNREACHABLE: ("connection attempt", "never answered"),
    Outcome.REPLIED: ("connection", "the hello was answered, but the session never became ready"),
    Outcome.CUT_OFF: ("connection", "the answer to the hello broke off"),
    Outcome.FOREIGN: ("connection", "answered by something other than TWS"),
    Outcome.CLOSED: ("connection", "accepted and closed without an answer"),
    Outcome.RESET: ("connection", "accepted and reset without an answer"),
    Outcome.NOT_ASKED: ("connection", "the client sent nothing"),
    Outcome.SILENT: ("connection", "accepted, but what the client sent was never answered"),
}
"""What to call an attempt, and what became of it."""
FAILED_IN_OUTAGE: dict[Outcome, str] = {
    Outcome.REFUSED: "refused",
    Outcome.UNREACHABLE: "never answered",
    Outcome.SILENT: "accepted and never answered",
    Outcome.CLOSED: "closed without an answer",
    Outcome.RESET: "reset without an answer",
    Outcome.CUT_OFF: "answered in part",
    Outcome.REPLIED: "answered, but never ready",
}
"""What became of attempts during an outage."""
IB_NEWS = {
    errors.IB_CONNECTION_LOST: "TWS lost its connection to IB's servers",
    errors.IB_CONNECTION_BROKEN: "TWS lost its connection to IB's servers",
    errors.IB_CONNECTION_RESTORED_DATA_LOST: "TWS was connected to IB's servers again; subscriptions were lost",
    errors.IB_CONNECTION_RESTORED_DATA_KEPT: "TWS was connected to IB's servers again",
}


class Kind(Enum):
    """What an entry is about."""

    OUTAGE = auto()
    FAILED = auto()
    SESSION = auto()
    CHANGE = auto()
    """The server ended sessions, or lost its connection to IB."""


MORE_OF_KIND = {
    Kind.OUTAGE: "more outages",
    Kind.FAILED: "more times in which attempts failed",
    Kind.SESSION: "more times in which sessions began",
    Kind.CHANGE: "more changes at the server",
}
"""What the middle of a kind is called."""


class Entry(NamedTuple):
    """One thing that happened, or several of one kind."""

    input: int
    began_ns: int
    until_ns: int | None
    """None if it happened at one moment."""
    kind: Kind
    text: str
    conversations: tuple[str, ...]
    """The first of those it is about."""
    conversation_count: int


def story(report: Report) -> tuple[Entry, ...]:
    """The entries in time order, input by input; none for a report on a single conversation."""
    if len(report.conversations) < 2:
        return ()
    by_input: dict[int, list[Conversation]] = {}
    for one in report.conversations:
        by_input.setdefault(one.input, []).append(one)
    outages: dict[int, list[ServerOutage]] = defaultdict(list)
    for outage in report.outages:
        outages[outage.input].append(outage)
    several = len({one.connection.server for one in report.conversations}) > 1
    entries = [e for number, those in by_input.items() for e in _of_input(those, outages[number], several=several)]
    return tuple(_shortened(sorted(entries, key=_place)))


def _place(entry: Entry) -> tuple[int, int]:
    return entry.input, entry.began_ns


def _of_input(
    conversations: Sequence[Conversation], outages: Sequence[ServerOutage], *, several: bool
) -> Iterator[Entry]:
    """The entries of one input; where there are ``several`` servers, each entry names its own."""
    during = _Outages(outages)
    for outage in outages:
        yield _outage(outage, several=several)
    yield from _ended_by_server((one for one in conversations if one.id not in during.ended), several=several)
    yield from _runs((one for one in conversations if not during.tell(one)), during, several=several)
    yield from _ib_news(conversations)


# ---------------------------------------------------------------------------------------------------------------
# Outages


class _Outages:
    """The outages of one input: what is told by them is not told again."""

    def __init__(self, outages: Iterable[ServerOutage]) -> None:
        self._by_server: dict[Endpoint, list[ServerOutage]] = defaultdict(list)
        for outage in sorted(outages, key=lambda one: one.began_ns):
            self._by_server[outage.server].append(outage)
        self._began = {server: [one.began_ns for one in those] for server, those in self._by_server.items()}
        self.back = {outage.back for those in self._by_server.values() for outage in those}
        self.ended = {one for those in self._by_server.values() for outage in those for one in outage.ended}

    def number(self, one: Conversation) -> int:
        """How many outages of its server had begun when a conversation began."""
        return bisect_right(self._began.get(one.connection.server, []), start_time_ns(one))

    def tell(self, one: Conversation) -> bool:
        """Tell whether an outage tells of this one: an attempt that failed meanwhile, or the first session after it."""
        if one.id in self.back:
            return one.cause is None or one.id in self.ended
        number = self.number(one)
        if not number or _is_session(one):
            return False
        outage = self._by_server[one.connection.server][number - 1]
        return one.outcome in outage.failed and (outage.back_ns is None or start_time_ns(one) <= outage.back_ns)


def _outage(outage: ServerOutage, *, several: bool) -> Entry:
    server = f" of {outage.server}" if several else ""
    total = sum(outage.failed.values())
    parts = [f"the server ended {_named(outage.ended, len(outage.ended))}"] if outage.ended else []
    parts += [_failed_meanwhile(outage.failed, total)] if total else []
    parts.append(f"then {outage.back} worked" if outage.back is not None else "no session worked after that")
    told = (*outage.ended, *([outage.back] if outage.back else []))
    text, count = f"outage{server}: {'; '.join(parts)}", len(outage.ended) + total
    return Entry(outage.input, outage.began_ns, outage.back_ns, Kind.OUTAGE, text, told[:MAX_NAMED], count)


def _failed_meanwhile(failed: dict[Outcome, int], total: int) -> str:
    if len(failed) == 1:
        (outcome,) = failed
        return (
            f"{counted(total, 'attempt')} {'was' if total == 1 else 'were'} {FAILED_IN_OUTAGE.get(outcome, 'failed')}"
        )
    each = ", ".join(f"{count:,} {FAILED_IN_OUTAGE.get(outcome, 'failed')}" for outcome, count in failed.items())
    return f"{counted(total, 'attempt')} failed ({each})"


# ---------------------------------------------------------------------------------------------------------------
# Attempts and sessions


def _is_session(one: Conversation) -> bool:
    return one.rung is Rung.READY or one.outcome is Outcome.JOINED


def _runs(conversations: Iterable[Conversation], outages: _Outages, *, several: bool) -> Iterator[Entry]:
    """Equal conversations in a row: until one goes differently at their server, an outage begins, or a long pause."""
    changes: Counter[Endpoint] = Counter()
    last_kind: dict[Endpoint, bool] = {}
    runs: dict[object, list[Conversation]] = {}
    over: list[list[Conversation]] = []
    for one in sorted(conversations, key=start_time_ns):
        server, works = one.connection.server, _is_session(one)
        if last_kind.get(server, works) is not works:
            changes[server] += 1
        last_kind[server] = works
        key = group_key(one), changes[server], outages.number(one)
        run = runs.get(key)
        if run and _is_a_pause(run, one):
            over.append(runs.pop(key))
        runs.setdefault(key, []).append(one)
    yield from (_run(run, several=several) for run in _at_many_servers([*over, *runs.values()]))


def _at_many_servers(runs: list[list[Conversation]]) -> Iterator[list[Conversation]]:
    """Attempts that failed alike at many servers are one run: a list of servers tells no story."""
    alike: dict[object, list[list[Conversation]]] = defaultdict(list)
    for number, run in enumerate(runs):
        first = run[0]
        kind = (first.outcome, first.cause and first.cause.code, first.connection.client.address)
        alike[number if _is_session(first) else kind].append(run)
    for those in alike.values():
        if len({run[0].connection.server for run in those}) < MANY_SERVERS:
            yield from those
        else:
            yield sorted((one for run in those for one in run), key=start_time_ns)


def _is_a_pause(run: Sequence[Conversation], following: Conversation) -> bool:
    """Tell whether so much time passed since the last one that this is another story."""
    times = [start_time_ns(one) for one in (*run[-2:], following)]
    usual = times[1] - times[0] if len(times) == 3 else 0
    return times[-1] - times[-2] > max(PAUSE_NS, USUAL_PAUSES * usual)


def _run(run: list[Conversation], *, several: bool) -> Entry:
    first, last = run[0], run[-1]
    kind, text = (Kind.SESSION, _sessions) if _is_session(first) else (Kind.FAILED, _attempts)
    began = first.dialogue.ready.time_ns if kind is Kind.SESSION and first.dialogue.ready else start_time_ns(first)
    until = max(start_time_ns(last), began) if len(run) > 1 else None
    named = tuple(one.id for one in run[:MAX_NAMED])
    return Entry(first.input, began, until, kind, text(run, several=several), named, len(run))


def _attempts(run: list[Conversation], *, several: bool) -> str:
    first = run[0]
    what, became = WHAT_FAILED.get(first.outcome, ("connection", "failed"))
    if errors.CLIENT_ID_IN_USE in first.dialogue.errors:
        became = "refused because the client id was in use (error 326)"
    servers = len({one.connection.server for one in run})
    server = f" to {servers} servers" if servers > 1 else f" to {first.connection.server}" if several else ""
    if len(run) > 1:
        return f"{counted(len(run), what)}{server}{_pace(run)}: {became}"
    return f"{first.id}{server}: {became if what == 'connection' else f'{what} {became}'}"


def _sessions(run: list[Conversation], *, several: bool) -> str:
    first = run[0]
    server = f" with {first.connection.server}" if several else ""
    ended = first.connection.ended
    is_told = first.cause is None or (ended is not None and ended.by is Side.SERVER)
    problem = "" if is_told or first.cause is None else f"; a problem was found in it ({first.cause.code})"
    if len(run) > 1:
        return f"{counted(len(run), 'session')}{server} became ready{_pace(run)} ({_named([one.id for one in run], len(run))})"
    state = "was working already" if first.outcome is Outcome.JOINED else "became ready"
    return f"{first.id}: the session{server} {state}{_how_it_ended(first)}{problem}"


def _how_it_ended(one: Conversation) -> str:
    """When the client ended it: what the server ended is an entry of its own."""
    ended, began = one.connection.ended, one.dialogue.ready or one.connection.first
    if ended is None:
        return "; still open at the end of the capture"
    if ended.by is Side.SERVER:
        return ""
    return f"; the client ended it {duration(seconds(ended.moment.time_ns - began.time_ns))} later"


def _pace(run: list[Conversation]) -> str:
    interval = regular_interval(map(start_time_ns, run))
    return f", every {duration(interval)}" if interval else ""


def _named(ids: Sequence[str], count: int) -> str:
    more = f" and {count - MAX_NAMED:,} more" if count > MAX_NAMED else ""
    return f"{', '.join(ids[:MAX_NAMED])}{more}"


# ---------------------------------------------------------------------------------------------------------------
# What the server did to sessions


def _ended_by_server(conversations: Iterable[Conversation], *, several: bool) -> Iterator[Entry]:
    ends: dict[Endpoint, list[tuple[int, Conversation]]] = defaultdict(list)
    for one in conversations:
        ended = one.connection.ended
        if ended is not None and ended.by is Side.SERVER and _is_session(one):
            ends[one.connection.server].append((ended.moment.time_ns, one))
    for server, those in ends.items():
        for began_ns, together in _within(those, TOGETHER_NS):
            ids = [one.id for one in together]
            text = (
                f"{server if several else 'the server'} ended {counted(len(ids), 'session')} ({_named(ids, len(ids))})"
            )
            yield Entry(together[0].input, began_ns, None, Kind.CHANGE, text, tuple(ids[:MAX_NAMED]), len(ids))


def _ib_news(conversations: Iterable[Conversation]) -> Iterator[Entry]:
    """What TWS told about its connection to IB, once for all sessions that were told."""
    news: dict[tuple[Endpoint, int], list[tuple[int, Conversation]]] = defaultdict(list)
    for one in conversations:
        for code in IB_NEWS:
            tally = one.dialogue.errors.get(code)
            for error in tally.examples if tally is not None else ():
                news[one.connection.server, code].append((error.moment.time_ns, one))
    for (_, code), those in news.items():
        for began_ns, told in _within(those, SAME_NEWS_NS):
            ids = list(dict.fromkeys(one.id for one in told))
            text = f"{IB_NEWS[code]} (error {code} in {_named(ids, len(ids))})"
            yield Entry(told[0].input, began_ns, None, Kind.CHANGE, text, tuple(ids[:MAX_NAMED]), len(ids))


def _within(events: list[tuple[int, Conversation]], length_ns: int) -> Iterator[tuple[int, list[Conversation]]]:
    """Events that follow the first of them within this time, together, with its time."""
    began_ns, together = 0, list[Conversation]()
    for time_ns, one in sorted(events, key=lambda event: event[0]):
        if together and time_ns - began_ns <= length_ns:
            together.append(one)
            continue
        if together:
            yield began_ns, together
        began_ns, together = time_ns, [one]
    if together:
        yield began_ns, together


# ---------------------------------------------------------------------------------------------------------------
# Shortening


def _shortened(entries: list[Entry]) -> list[Entry]:
    """At most ``MAX_ENTRIES``: the middle of each kind becomes one entry, that of the most frequent kind first."""
    for kept in KEPT_AT_EACH_END:
        for kind, _ in Counter(entry.kind for entry in entries).most_common():
            if len(entries) > MAX_ENTRIES:
                entries = _without_middle(entries, kind, kept)
    return entries


def _without_middle(entries: list[Entry], kind: Kind, kept: int) -> list[Entry]:
    of_kind = [entry for entry in entries if entry.kind is kind]
    middle = of_kind[kept:-kept]
    if len(middle) < 2:
        return entries
    latest = max(entry.until_ns or entry.began_ns for entry in middle)
    count = sum(entry.conversation_count for entry in middle)
    text = f"… {len(middle):,} {MORE_OF_KIND[kind]} ({counted(count, 'conversation')})"
    instead = Entry(middle[0].input, middle[0].began_ns, latest, kind, text, middle[0].conversations, count)
    gone = set(map(id, middle))
    return sorted([*(entry for entry in entries if id(entry) not in gone), instead], key=_place)


# ---------------------------------------------------------------------------------------------------------------
# In words


class Row(NamedTuple):
    """An entry, or the day or the file before the next entries; ``text`` may quote the name of a file."""

    heading: str
    """The day, or the file; empty for an entry."""
    when: str
    text: str


def rows(entries: Iterable[Entry], report: Report, clock: Clock = UTC_CLOCK) -> Iterator[Row]:
    """A row for each entry, and one before each day (and zone) and, with several inputs, each file."""
    day, at = "", -1
    for entry in entries:
        if entry.input != at and len(report.inputs) > 1:
            yield Row(f"{WireText(report.inputs[entry.input].path):quoted}", "", "")
            day = ""
        at = entry.input
        began, ended = clock.stamp(entry.began_ns), clock.stamp(entry.until_ns or entry.began_ns)
        today = f"{began.date} ({clock.heading(began.zone)})".strip()
        if today != day:
            day = today
            yield Row(day, "", "")
        if ended.zone != began.zone:
            yield Row("", began.time, f"until {ended}: {entry.text}")
        elif ended.date != began.date:
            yield Row("", began.time, f"until {ended.unzoned}: {entry.text}")
        else:
            yield Row("", began.time if ended == began else f"{began.time} to {ended.time}", entry.text)


def markdown_items(entries: Iterable[Entry], report: Report, text: Callable[[str], str]) -> Iterator[str]:
    """For Markdown: an item for each entry, with its day where that changes. ``text`` masks and escapes a line."""
    heading = ""
    for row in rows(entries, report):
        if row.heading:
            heading = f"{heading}{row.heading}: "
        else:
            yield text(f"{heading}{row.when}: {row.text}")
            heading = ""
