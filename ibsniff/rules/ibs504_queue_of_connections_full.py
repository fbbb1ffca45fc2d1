"""The queue of waiting connections is full.

Seen: connection attempts that are not answered at all, after several connections to the same server that were
accepted and then got no data.
Meaning: this is not a firewall. The program that listens has stopped accepting connections; the kernel accepted them
for it until its accept queue was full (51 with Java's default on Linux), and ignores connection attempts from then
on.
How sure: the mechanism was measured with a Java listener; in two field cases the arithmetic fits to the minute. For
another machine it is a guess while fewer than 51 connections are seen to wait: the machine may have gone to sleep, or
lost its network, since then.
Sources: gnzsnz/ib-gateway-docker 77, UnusualAlpha/ib-gateway-docker 52; measured: 51 accepted, the 52nd unanswered.
What to do: on the server, check whether ``ss -ltn`` shows Recv-Q 51 and Send-Q 50; restart TWS or Gateway; close the
connections that are opened.
"""

from __future__ import annotations

from collections.abc import Iterator

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.related_connections import regular_interval
from ibsniff.formatting import counted, date_and_time, duration
from ibsniff.model import NANOSECONDS, Confidence, Conversation, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, capture_rule, cited
from ibsniff.rules.wording.alternatives import ASLEEP
from ibsniff.rules.wording.commands import queue_is_full

QUEUE = 51
"""Connections that wait for a Java listener with the default backlog of 50 on Linux."""
ENOUGH = 2
"""Accepted connections that got no data, before the connection attempt that got no answer."""
UNSERVED = (Outcome.SILENT, Outcome.NOT_ASKED, Outcome.UNPROVEN)


@capture_rule(Severity.ERROR)
def check(index: CaptureIndex) -> Iterator[Statement]:
    """Connections were accepted and got no data, and then an attempt got no answer."""
    for conversations in index.related.by_server:
        place = next((i for i, one in enumerate(conversations) if one.outcome is Outcome.UNREACHABLE), None)
        if place is None:
            continue
        waiting = [one for one in conversations[:place] if _accepted_by_kernel_only(one)]
        if len(waiting) >= ENOUGH and len(waiting) == place and _only_the_queue_explains(conversations, place):
            yield _statement(waiting, conversations[place])


def _accepted_by_kernel_only(conversation: Conversation) -> bool:
    """A program that had accepted the connection would have answered, or closed when the client did."""
    connection = conversation.connection
    return conversation.outcome in UNSERVED and connection.syn_ack is not None and connection.from_server.fin is None


def _only_the_queue_explains(conversations: list[Conversation], place: int) -> bool:
    """No other reason fits: the address was let through before, and nobody has been let through since."""
    unanswered = conversations[place].connection
    known = any(one.connection.client.address == unanswered.client.address for one in conversations[:place])
    return known and not any(one.connection.syn_ack for one in conversations[place + 1 :])


def _statement(waiting: list[Conversation], unanswered: Conversation) -> Statement:
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
        f"accepted and never served, and now {why}.{_onset(waiting, unanswered)}",
        Fault.TWS_STATE,
        Confidence.MEDIUM if certain else Confidence.LOW,
        packets=(
            cited(waiting[0], waiting[0].connection.first),
            *(cited(unanswered, syn) for syn in unanswered.connection.syns),
        ),
        remedy=f"Check {queue_is_full(waiting[0].connection)} would confirm it{there}. Then restart TWS or Gateway, "
        "and close the connections that got no answer.",
        alternatives=() if certain else (ASLEEP,),
        conversations=(unanswered.id, *(one.id for one in waiting)),
    )


def _onset(waiting: list[Conversation], unanswered: Conversation) -> str:
    """When it began, if connections came at a regular interval and the capture does not reach back so far."""
    interval = regular_interval([*waiting, unanswered])
    if interval is None or len(waiting) >= QUEUE:
        return ""
    began_ns = unanswered.connection.first.time_ns - round(QUEUE * interval * NANOSECONDS)
    began = date_and_time(began_ns)
    return f" At one connection every {duration(interval)} and a queue of {QUEUE}, it began at about {began}."
