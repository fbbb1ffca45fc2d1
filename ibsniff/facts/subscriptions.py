"""Subscriptions to market data that bring nothing any more: lost by TWS, or stopped after an interruption."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from ibsniff.facts.timing import end_of_wait_ns
from ibsniff.formatting import seconds_between
from ibsniff.ib import errors
from ibsniff.model import NANOSECONDS, Conversation, FarmKind, Moment, Outcome, Request, Side, WireError

MARKET_DATA = ("REQ_MKT_DATA", "REQ_MKT_DEPTH", "REQ_REAL_TIME_BARS", "REQ_TICK_BY_TICK_DATA")
"""Requests that go on sending market data until they are cancelled."""
STREAMS = (*MARKET_DATA, "REQ_HISTORICAL_DATA")
"""The same, and historical data that is kept up to date."""
TICKS = ("TICK_PRICE", "MARKET_DEPTH", "MARKET_DEPTH_L2", "REAL_TIME_BARS", "TICK_BY_TICK")
"""Messages that such requests bring; each of them at least one of these."""
TIME_TO_SUBSCRIBE = 10.0
"""Seconds in which a program that reacts to error 1101 has subscribed again, with a pause in between."""

STILL_TICKS = 1.0
"""Seconds after 1101 during which ticks may come that were on their way."""
MIN_TICKS, MIN_SPAN = 10, 10.0
"""Messages, and seconds between the first and the last: with fewer, the pace of a stream is not known."""
SILENCE, PACES = 60.0, 20.0
"""A stream has stopped if nothing came for at least so many seconds, and for so many times its average pace."""
WITH_EVENT = 5.0
"""Seconds between an event and the last tick of a stream that the event may have stopped."""

CONNECTION_EVENTS = errors.IB_CONNECTION_DOWN
FARM_EVENTS = {
    errors.MARKET_DATA_FARM_BROKEN: FarmKind.MARKET_DATA,
    errors.HISTORICAL_FARM_BROKEN: FarmKind.HISTORICAL_DATA,
}
EVENTS = (*CONNECTION_EVENTS, *FARM_EVENTS, errors.COMPETING_SESSION, errors.LIVE_UPDATES_FAILED)
"""Errors after which data may stop. 1101 says so itself: it is ``lost_subscriptions``."""


TOGETHER_MIN, TOGETHER = 3, 3.0
"""So many streams whose last ticks came within so many seconds did not fall quiet one by one."""
LONG_SILENCE, LONG_PACES = 600.0, 100.0
"""Their silence, in seconds and in times of their usual pace, after which a quiet moment is excluded."""
MARKETS_CLOSE_EVERY, MARKETS_CLOSE_WITHIN = 300.0, 10.0
"""Exchanges close, and pause, at full five minutes of every time zone, and the last ticks come within seconds of that."""


class LostSubscriptions(NamedTuple):
    """Market data that TWS said was lost (1101), and that was not asked for again."""

    said: WireError
    lost: tuple[Request, ...]
    """The subscriptions of before that bring nothing any more."""
    again: int
    """How many of the same kinds were made since."""
    seconds: float
    """How long the client could have made them again."""


def lost_subscriptions(conversation: Conversation) -> LostSubscriptions | None:
    """The subscriptions that were lost by the last 1101 and not all made again in time; None if there are none."""
    dialogue, tally = conversation.dialogue, conversation.dialogue.errors.get(errors.IB_CONNECTION_RESTORED_DATA_LOST)
    if tally is None or dialogue.ib_connection is None or dialogue.ib_connection.code in errors.IB_CONNECTION_DOWN:
        return None
    said = tally.examples[-1]
    seconds = (end_of_wait_ns(conversation) - said.moment.time_ns) / NANOSECONDS
    asked = [one for one in dialogue.requests.open.values() if one.name in MARKET_DATA]
    lost = [one for one in asked if one.asked.packet < said.moment.packet and _ended_with(one, said.moment)]
    if not lost or seconds < TIME_TO_SUBSCRIBE:
        return None
    asked += [one for one in dialogue.requests.rejected.values() if one.name in MARKET_DATA]
    later = Counter(one.name for one in asked if one.asked.packet > said.moment.packet)
    again = sum(min(count, later[name]) for name, count in Counter(one.name for one in lost).items())
    return LostSubscriptions(said, tuple(lost), again, seconds) if again < len(lost) else None


def lost_before_capture(conversation: Conversation) -> tuple[WireError, float] | None:
    """The last 1101 of a joined session that brought market data, if nothing was subscribed to in it; and the seconds since.

    The subscriptions were made before the capture began, so that it is not known which they are.
    """
    dialogue, tally = conversation.dialogue, conversation.dialogue.errors.get(errors.IB_CONNECTION_RESTORED_DATA_LOST)
    if conversation.outcome is not Outcome.JOINED or tally is None or Side.CLIENT in dialogue.bytes_after_gap:
        return None
    if dialogue.ib_connection is None or dialogue.ib_connection.code in errors.IB_CONNECTION_DOWN:
        return None
    if any(dialogue.messages[Side.CLIENT][name] for name in MARKET_DATA):
        return None
    said = tally.examples[-1]
    seconds = (end_of_wait_ns(conversation) - said.moment.time_ns) / NANOSECONDS
    brought_data = sum(dialogue.messages[Side.SERVER][name] for name in TICKS) >= MIN_TICKS
    return (said, seconds) if brought_data and seconds >= TIME_TO_SUBSCRIBE else None


def _ended_with(request: Request, moment: Moment) -> bool:
    """Tell whether nothing came for it from this moment on, but for what was on its way."""
    return request.last_answer is None or seconds_between(moment, request.last_answer) <= STILL_TICKS


class StoppedStreams(NamedTuple):
    """Subscriptions that ticked and stopped while the connection lives."""

    streams: tuple[Request, ...]
    """In the order in which they stopped."""
    event: WireError | None
    """What may have stopped them; None if there was nothing."""
    over: Moment | None
    """When TWS said that the event was over; None if it did not."""
    others: int
    """How many more streams stopped, at other times."""


def stopped_streams(conversation: Conversation) -> StoppedStreams | None:
    """The streams that stopped together with an event, or without one all that stopped; None if less than two did.

    A quiet or closed market looks the same: only the coincidence with the event tells them apart.
    """
    since = _replaced_before(conversation)
    asked = [one for one in conversation.dialogue.requests.open.values() if one.asked.packet > since]
    if len(asked) < 2:
        return None
    end_ns = end_of_wait_ns(conversation)
    stopped = [one for one in asked if has_stopped(one, end_ns)]
    if len(stopped) < 2 or not _socket_lives(conversation, stopped):
        return None
    stopped.sort(key=lambda one: one.last_answer.time_ns if one.last_answer is not None else 0)
    groups = ((event, [one for one in stopped if _stopped_with(one, event)]) for event in _events(conversation))
    event, group = max(groups, key=lambda found: len(found[1]), default=(None, stopped))
    if event is None or len(group) < 2:
        return StoppedStreams(tuple(stopped), None, None, 0)
    return StoppedStreams(tuple(group), event, _end_of(conversation, event), len(stopped) - len(group))


def stopped_at_once(conversation: Conversation, found: StoppedStreams) -> bool:
    """Tell whether all streams of a session stopped at one instant at which no market closes, and for a long time."""
    streams, end_ns = found.streams, end_of_wait_ns(conversation)
    lasts = [one.last_answer for one in streams if one.last_answer is not None]
    times_ns = sorted(last.time_ns for last in lasts)
    if found.event is not None or len(streams) < TOGETHER_MIN or times_ns[-1] - times_ns[0] > TOGETHER * NANOSECONDS:
        return False
    if any(not has_stopped(one, end_ns, LONG_SILENCE, LONG_PACES) for one in streams):
        return False
    stopped = {one.asked.packet for one in streams}
    since = _replaced_before(conversation)
    others = [one for one in conversation.dialogue.requests.open.values() if one.name in STREAMS and one.answers]
    if any(one.asked.packet not in stopped and one.asked.packet > since for one in others):
        return False
    off = times_ns[-1] / NANOSECONDS % MARKETS_CLOSE_EVERY
    return MARKETS_CLOSE_WITHIN < off < MARKETS_CLOSE_EVERY - MARKETS_CLOSE_WITHIN


class TakenData(NamedTuple):
    """What became of the market data that another session of the same user took."""

    said: WireError
    """The last error 10197."""
    stopped: tuple[Request, ...]
    """The streams that have brought nothing since."""
    back: Moment | None
    """The latest tick, if every stream that ticked before brings data again."""


def taken_data(conversation: Conversation) -> TakenData | None:
    """The streams that stopped with error 10197, or that all came back after it; None if there was none.

    TWS reports no end of it: only data that comes again shows that it is over.
    """
    tally = conversation.dialogue.errors.get(errors.COMPETING_SESSION)
    if tally is None:
        return None
    said = tally.examples[-1]
    asked = conversation.dialogue.requests.open.values()
    ticked = [
        one for one in asked if one.name in STREAMS and one.first_answer and one.asked.packet < said.moment.packet
    ]
    lasts = [one.last_answer for one in ticked if one.last_answer is not None]
    end_ns = end_of_wait_ns(conversation)
    stopped = tuple(
        one
        for one in ticked
        if has_stopped(one, end_ns) and not one.may_have_missed and any(_taken_by(one, each) for each in tally.examples)
    )
    came_again = bool(lasts) and all(seconds_between(said.moment, last) > WITH_EVENT for last in lasts)
    return TakenData(said, stopped, max(lasts, key=lambda last: last.packet) if came_again else None)


def _taken_by(stream: Request, error: WireError) -> bool:
    """Tell whether the last tick came shortly before the error: TWS sends it when the data has already stopped."""
    last = stream.last_answer
    return last is not None and -WITH_EVENT <= seconds_between(last, error.moment) <= SILENCE


def _replaced_before(conversation: Conversation) -> int:
    """The packet of the last 1101: subscriptions of before must be made again, and are not expected to go on."""
    tally = conversation.dialogue.errors.get(errors.IB_CONNECTION_RESTORED_DATA_LOST)
    return tally.examples[-1].moment.packet if tally is not None else 0


def has_stopped(stream: Request, end_ns: int, seconds: float = SILENCE, paces: float = PACES) -> bool:
    """Tell whether a subscription ticked long enough to know its pace, and then not for much longer than that."""
    first, last = stream.first_answer, stream.last_answer
    if stream.name not in STREAMS or first is None or last is None or stream.answers < MIN_TICKS:
        return False
    span = seconds_between(first, last)
    silent = (end_ns - last.time_ns) / NANOSECONDS
    return span >= MIN_SPAN and silent >= max(seconds, paces * span / stream.answers)


def _socket_lives(conversation: Conversation, stopped: Iterable[Request]) -> bool:
    """Tell whether the server sent other things after the last tick of all of these."""
    heard = conversation.connection.from_server.last_data
    lasts = [one.last_answer for one in stopped if one.last_answer is not None]
    return heard is not None and all(last.packet < heard.packet for last in lasts)


def _events(conversation: Conversation) -> list[WireError]:
    """What may stop data, in the order of time: of each kind the first and the last (bounded by ``ib``)."""
    tallies = conversation.dialogue.errors
    found = [one for code in EVENTS if code in tallies for one in tallies[code].examples]
    return sorted(found, key=lambda one: one.moment.packet)


def _stopped_with(stream: Request, event: WireError) -> bool:
    return stream.last_answer is not None and abs(seconds_between(event.moment, stream.last_answer)) <= WITH_EVENT


def _end_of(conversation: Conversation, event: WireError) -> Moment | None:
    """When TWS said that an event was over; None if it did not, or if it took the data with it (1101)."""
    dialogue = conversation.dialogue
    if event.code in CONNECTION_EVENTS:
        last = dialogue.ib_connection
        is_over = last is not None and last.code == errors.IB_CONNECTION_RESTORED_DATA_KEPT
        return last.moment if is_over and last is not None else None
    if event.code in FARM_EVENTS:
        lasts = [last for farm, last in dialogue.farms.items() if farm.kind is FARM_EVENTS[event.code]]
        if any(last.code in errors.FARM_BROKEN for last in lasts):
            return None
        later = [last.moment for last in lasts if last.moment.packet > event.moment.packet]
        return max(later, key=lambda moment: moment.packet, default=None)
    return event.moment if event.code == errors.LIVE_UPDATES_FAILED else None


def subscribed_again_later(conversation: Conversation, others: Iterable[Conversation]) -> bool:
    """Tell whether the same machine asked the same server for market data in a connection that began later.

    Or may have done so, because the beginning or another part of that connection was not captured.
    """
    mine = conversation.connection
    since = mine.first if mine.ended is not None else mine.last  # its end may not have been captured
    return any(
        other.connection.server == mine.server
        and other.connection.client.address == mine.client.address
        and other.connection.first.packet > since.packet
        and (
            any(other.dialogue.messages[Side.CLIENT][name] for name in MARKET_DATA)
            or other.outcome is Outcome.JOINED
            or Side.CLIENT in other.dialogue.bytes_after_gap
        )
        for other in others
    )
