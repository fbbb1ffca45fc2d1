"""Market data stopped on a connection that lives.

Seen: at least two subscriptions that had ticked steadily (for 10 s or longer) and then brought nothing for a minute and for
20 times their usual pace, while the server went on sending other messages.
Meaning: a warning if they stopped within 5 s of an event that can cause it (2103, 2105, 1100, 2110, 10182) and did not come back
for a minute after TWS reported that it was over (2104, 2106, 1102): TWS has not resumed the data. Otherwise a note.
How sure: the API's messages never say which data farm serves a subscription, and a quiet or closed market looks the
same; only the coincidence speaks for a fault: low.
Sources: nautilus_trader 4949, 4412 and pull request 3968 (data dead for 8 hours on a living socket).
What else: while a farm or the connection to IB is still lost, IBS410 and IBS403 report it; when another session of the same
user takes the data, IBS411. 2107 and 2108 come every day and stop nothing.
What to do: cancel these subscriptions and make them again; let the program watch the age of its latest tick.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.subscriptions import SILENCE, StoppedStreams, stopped_streams
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
MAX_NAMED = 4
"""Ids named in the sentence."""


@conversation_rule(Severity.WARNING, rests_on_absence=True)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Several subscriptions ticked, and do not tick any more."""
    found = stopped_streams(conversation)
    if found is None or any(one.may_have_missed for one in found.streams):
        return None
    end_ns = end_of_wait_ns(conversation)
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


def _did_not_come_back(found: StoppedStreams, over: Moment, end_ns: int) -> bool:
    """They had the time to, and more streams stopped at this event than without one."""
    return seconds(end_ns - over.time_ns) >= SILENCE and found.others <= len(found.streams)


def _note(conversation: Conversation, found: StoppedStreams, end_ns: int) -> Statement:
    lasts = [one.last_answer.time_ns for one in found.streams if one.last_answer is not None]
    since = f" since error {found.event.code}" if found.event is not None else ""
    return Statement(
        f"The market data of {_named(found)} has been silent{since}: the last tick of them came at "
        f"{date_and_time(max(lasts))}, {duration(seconds(end_ns - max(lasts)))} before the end. A quiet or closed market looks "
        "the same.",
        Fault.NONE,
        Confidence.LOW,
        packets=(found.event.moment.packet if found.event is not None else None, *_last_packets(conversation, found)),
        severity=Severity.NOTE,
    )


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
