"""Market data stopped on a connection that lives.

Seen: at least two subscriptions that had ticked steadily (for 10 s or longer) and then brought nothing for a minute and for
20 times their usual pace, while the server went on sending other messages.
Meaning: a warning if they stopped within 5 s of an event that can cause it (2103, 2105, 1100, 2110, 10182) and did not come back
for a minute after TWS reported that it was over (2104, 2106, 1102): TWS has not resumed the data. A warning as well if three
or more, and no other streams, stopped within 3 s of each other at a time that is no full five minutes, and brought nothing for
10 min and 100 times their pace: no market closes like that. Otherwise a note.
How sure: the API's messages never say which data farm serves a subscription, and a quiet or closed market looks the
same; only the coincidence speaks for a fault: low.
Sources: nautilus_trader 4949, 4412 and pull request 3968 (data dead for 8 hours on a living socket).
What else: while a farm or the connection to IB is still lost, IBS410 and IBS403 report it; when another session of the same
user takes the data (10197), IBS411 alone. 2107 and 2108 come every day and stop nothing.
What to do: cancel these subscriptions and make them again; let the program watch the age of its latest tick.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.subscriptions import (
    LONG_SILENCE,
    SILENCE,
    StoppedStreams,
    stopped_at_once,
    stopped_streams,
    taken_data,
)
from ibsniff.facts.timing import end_of_wait_ns
from ibsniff.formatting import counted, date_and_time, duration, elapsed, seconds
from ibsniff.model import Alternative, Confidence, Conversation, Evidence, Fault, Moment, Severity
from ibsniff.rules.registry import Statement, cited, conversation_rule
from ibsniff.timeline.asked import name_of

QUIET_MARKET = Alternative(
    "the market of these instruments closed at that time, or is quiet",
    Fault.UNDETERMINED,
    "look at their trading hours, and at another source of their prices: are there trades?",
)
DATA_STUCK = Alternative(
    "TWS has lost the data farm that serves these subscriptions, and has not noticed",
    Fault.TWS_STATE,
    "the quotes in TWS's own window stand still, too, until it logs in again",
)
HALTED = Alternative(
    "trading was halted: of all of them, or of the one instrument that they are all about",
    Fault.UNDETERMINED,
    "look at the exchange's notices, and at another source of their prices: are there trades?",
)
MAX_NAMED = 4
"""Ids named in the sentence."""


@conversation_rule(Severity.WARNING, rests_on_absence=True)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Several subscriptions ticked, and do not tick any more."""
    found = stopped_streams(conversation)
    if found is None or any(one.may_have_missed for one in found.streams):
        return None
    taken = taken_data(conversation)
    if taken is not None and set(found.streams) <= set(taken.stopped):
        return None  # IBS411 tells it
    end_ns = end_of_wait_ns(conversation)
    if _is_no_closing(conversation, index, found, end_ns):
        return _at_once(conversation, found, end_ns)
    if found.event is None or found.over is None or not _did_not_come_back(found, found.over, end_ns):
        return _note(conversation, found, end_ns)
    return Statement(
        f"The market data of {_named(found)} stopped within {_distance(found)} of error {found.event.code} and has not come "
        f"back for {duration(seconds(end_ns - found.over.time_ns))} since TWS reported that this was over. The connection "
        "itself lives.",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=(found.event.moment.packet, found.over.packet, *_last_packets(conversation, found)),
        remedy="Cancel these subscriptions and make them again. Let the program watch the age of its latest tick, and do "
        "the same when it grows.",
        alternatives=(QUIET_MARKET,),
    )


def _is_no_closing(conversation: Conversation, index: CaptureIndex, found: StoppedStreams, end_ns: int) -> bool:
    """All stopped at one instant at which no market closes, and the client read and was awake in the time since then."""
    last_ns = _last_tick_ns(found)
    awake = seconds(end_ns - last_ns) - index.reliability.seconds_jumped_between(last_ns, end_ns)
    client_reads = not conversation.connection.from_client.zero_windows
    return client_reads and awake >= LONG_SILENCE and stopped_at_once(conversation, found)


def _at_once(conversation: Conversation, found: StoppedStreams, end_ns: int) -> Statement:
    last_ns = _last_tick_ns(found)
    return Statement(
        f"The market data of {_named(found)} stopped at one moment, {date_and_time(last_ns)}, and not one tick has come for "
        f"{duration(seconds(end_ns - last_ns))} since then. TWS reported nothing, and the connection itself lives. Markets do "
        "not close at such a time, and quiet ones do not fall silent together.",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=_last_packets(conversation, found),
        remedy="Look at the quotes in TWS's own window. If they move, let the program cancel its subscriptions and make them "
        "again; if they do not, log in to TWS again or restart it. Let the program watch the age of its latest tick.",
        alternatives=(DATA_STUCK, HALTED),
    )


def _did_not_come_back(found: StoppedStreams, over: Moment, end_ns: int) -> bool:
    """They had the time to, and more streams stopped at this event than without one."""
    return seconds(end_ns - over.time_ns) >= SILENCE and found.others <= len(found.streams)


def _note(conversation: Conversation, found: StoppedStreams, end_ns: int) -> Statement:
    last_ns = _last_tick_ns(found)
    since = f" since error {found.event.code}" if found.event is not None else ""
    return Statement(
        f"The market data of {_named(found)} has been silent{since}: the last tick of them came at "
        f"{date_and_time(last_ns)}, {duration(seconds(end_ns - last_ns))} before the end. A quiet or closed market looks "
        "the same.",
        Fault.NONE,
        Confidence.LOW,
        packets=(found.event.moment.packet if found.event is not None else None, *_last_packets(conversation, found)),
        severity=Severity.NOTE,
    )


def _last_tick_ns(found: StoppedStreams) -> int:
    """When the last tick of any of them came."""
    return max(one.last_answer.time_ns for one in found.streams if one.last_answer is not None)


def _named(found: StoppedStreams) -> str:
    numbers = [str(one.number) for one in found.streams]
    more = f" and {counted(len(numbers) - MAX_NAMED, 'other')}" if len(numbers) > MAX_NAMED else ""
    return f"{counted(len(numbers), 'subscription')} ({', '.join(numbers[:MAX_NAMED])}{more})"


def _distance(found: StoppedStreams) -> str:
    """The longest time between the event and the last tick of one of them."""
    assert found.event is not None
    event = found.event.moment
    distances = [
        (abs(one.last_answer.time_ns - event.time_ns), one.last_answer) for one in found.streams if one.last_answer
    ]
    last = max(distances, key=lambda distance: distance[0])[1]
    return elapsed(event, last) if last.time_ns >= event.time_ns else elapsed(last, event)


def _last_packets(conversation: Conversation, found: StoppedStreams) -> list[Evidence | None]:
    return [cited(conversation, one.last_answer, f"last data of {name_of(one)}") for one in found.streams[:MAX_NAMED]]
