"""The queue of waiting connections is full.

Seen: connection attempts that are not answered at all, after several connections to the same server that were
accepted and then got no data: all those since the server last served or closed one.
Meaning: this is not a firewall. The program that listens has stopped accepting connections; the kernel accepted them
for it until its accept queue was full (51 with Java's default on Linux), and ignores connection attempts from then
on.
How sure: the mechanism was measured with a Java listener; in two field cases the arithmetic fits to the minute. For
another machine it is a guess while fewer than 51 connections are seen to wait: the machine may have gone to sleep, or
lost its network, since then.
Sources: gnzsnz/ib-gateway-docker 77, UnusualAlpha/ib-gateway-docker 52; measured: 51 accepted, the 52nd unanswered.
What to do: on the server, check whether ``ss -ltn`` shows Recv-Q 51 and Send-Q 50; restart TWS or Gateway; replace port
tests by a look at what listens, as connections without a hello are suspected of causing this.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.related_connections import regular_interval
from ibsniff.formatting import counted, date_and_time, duration
from ibsniff.model import NANOSECONDS, Confidence, Conversation, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, capture_rule, cited
from ibsniff.rules.wording.alternatives import ASLEEP
from ibsniff.rules.wording.commands import lists_listeners, queue_is_full

QUEUE = 51
"""Connections that wait for a Java listener with the default backlog of 50 on Linux."""
ENOUGH = 2
"""Accepted connections that got no data, before the connection attempt that got no answer."""
UNSERVED = (Outcome.SILENT, Outcome.NOT_ASKED, Outcome.UNPROVEN)


@capture_rule(Severity.ERROR)
def check(index: CaptureIndex) -> Iterator[Statement]:
    """Connections were accepted and got no data, and then an attempt got no answer."""
    for conversations in index.related.by_server:
        for place in _first_unanswered(conversations):
            waiting = _waiting_before(conversations, place)
            if len(waiting) >= ENOUGH and _only_the_queue_explains(conversations, place):
                yield _statement(waiting, conversations[place:], is_whole=len(waiting) < place)
                break


def _first_unanswered(conversations: list[Conversation]) -> Iterator[int]:
    """The places of unanswered attempts before which another connection was accepted."""
    for place, one in enumerate(conversations):
        before = conversations[place - 1] if place else None
        if one.outcome is Outcome.UNREACHABLE and before is not None and before.outcome is not Outcome.UNREACHABLE:
            yield place


def _waiting_before(conversations: list[Conversation], place: int) -> list[Conversation]:
    """Those that wait, since the last one that was served: connections are accepted in the order in which they came."""
    earlier = takewhile(_accepted_by_kernel_only, reversed(conversations[:place]))
    return list(earlier)[::-1]


def _accepted_by_kernel_only(conversation: Conversation) -> bool:
    """A program that had accepted the connection would have answered, or closed when the client did."""
    connection = conversation.connection
    return conversation.outcome in UNSERVED and connection.syn_ack is not None and connection.from_server.fin is None


def _only_the_queue_explains(conversations: list[Conversation], place: int) -> bool:
    """No other reason fits: the address was let through before, and nobody has been let through since."""
    unanswered = conversations[place].connection
    known = any(one.connection.client.address == unanswered.client.address for one in conversations[:place])
    return known and not any(one.connection.syn_ack for one in conversations[place + 1 :])


def _statement(waiting: list[Conversation], since: list[Conversation], *, is_whole: bool) -> Statement:
    """``since``: the first unanswered attempt, and what came later; ``is_whole``: the capture shows how it began."""
    unanswered = since[0]
    server = unanswered.connection.server
    certain = unanswered.connection.same_host or len(waiting) >= QUEUE
    why = "its accept queue is full. This is not a firewall: the program that listens there hangs"
    if not certain:
        why = (
            "either its accept queue is full, because the program that listens there hangs, or its machine has gone to "
            "sleep or lost its network since"
        )
    there = "" if unanswered.connection.same_host else f" (on {server.ip})"
    return Statement(
        f"{server} accepts no more connections: {counted(len(waiting), 'earlier connection')} were "
        f"accepted and never served, and now {why}.{_since(waiting) if is_whole else _onset(waiting, unanswered)}",
        Fault.TWS_STATE,
        Confidence.MEDIUM if certain else Confidence.LOW,
        packets=(
            cited(waiting[0], waiting[0].connection.first),
            *(cited(unanswered, syn) for syn in unanswered.connection.syns),
        ),
        remedy=f"Check {queue_is_full(waiting[0].connection)} would confirm it{there}. Then restart TWS or "
        f"Gateway.{_stop_the_tests(waiting)}",
        alternatives=() if certain else (ASLEEP,),
        conversations=(
            unanswered.id,
            *(one.id for one in waiting),
            *(one.id for one in since[1:] if one.outcome is Outcome.UNREACHABLE),
        ),
    )


def _since(waiting: list[Conversation]) -> str:
    """When it began, where the capture shows the last connection that was served."""
    first = waiting[0]
    return f" It has accepted nobody since {date_and_time(first.connection.first.time_ns)} ({first.id})."


def _stop_the_tests(waiting: list[Conversation]) -> str:
    """Who connects and sends nothing, if anybody does."""
    test = next((one.connection for one in waiting if one.outcome is Outcome.NOT_ASKED), None)
    if test is None:
        return ""
    return (
        f" Then stop the port test from {test.client.ip}, or let it look at what listens ({lists_listeners(test)}): "
        "connections without a hello are suspected of causing this."
    )


def _onset(waiting: list[Conversation], unanswered: Conversation) -> str:
    """When it began, if connections came at a regular interval and the capture does not reach back so far."""
    interval = regular_interval([*waiting, unanswered])
    if interval is None or len(waiting) >= QUEUE:
        return ""
    began_ns = unanswered.connection.first.time_ns - round(QUEUE * interval * NANOSECONDS)
    began = date_and_time(began_ns)
    return f" At one connection every {duration(interval)} and a queue of {QUEUE}, it began at about {began}."
