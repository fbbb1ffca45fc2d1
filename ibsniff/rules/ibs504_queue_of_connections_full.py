"""The queue of waiting connections is full.

Seen: calls that are not answered at all, after a row of connections to the same server that were accepted and then
met with silence.
Meaning: not a firewall. The program that listens has stopped taking connections; the kernel took them for it until its
queue was full (51 with Java's default on Linux), and ignores calls from then on.
How sure: the mechanism was measured with a Java listener; in two field cases the arithmetic fits to the minute. Of
another machine it is a guess while fewer than 51 are seen to wait: it may have fallen asleep, or been cut off, since.
Sources: gnzsnz/ib-gateway-docker 77, UnusualAlpha/ib-gateway-docker 52; measured: 51 accepted, the 52nd unanswered.
What to do: on the server ``ss -ltn`` shows Recv-Q 51 and Send-Q 50; restart TWS or Gateway; close what is opened.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.related_connections import regular_interval
from ibsniff.formatting import counted, duration, time_of_day
from ibsniff.model import NANOSECONDS, Confidence, Conversation, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, capture_rule
from ibsniff.rules.wording.alternatives import ASLEEP
from ibsniff.rules.wording.commands import queue_is_full

QUEUE = 51
"""Connections a Java listener with the default backlog of 50 holds on Linux."""
ENOUGH = 2
"""Accepted and silent connections before the unanswered call."""
UNSERVED = (Outcome.SILENT, Outcome.NOT_ASKED, Outcome.UNPROVEN)


@capture_rule(Severity.ERROR)
def check(index: CaptureIndex) -> Statement | None:
    """Accepted and silent first, unanswered then."""
    for conversations in index.related.by_server:
        place = next((i for i, one in enumerate(conversations) if one.outcome is Outcome.UNREACHABLE), None)
        if place is None:
            continue
        waiting = [one for one in conversations[:place] if _never_taken(one)]
        if len(waiting) >= ENOUGH and len(waiting) == place and _by_its_queue(conversations, place):
            return _statement(waiting, conversations[place])
    return None


def _never_taken(conversation: Conversation) -> bool:
    """Accepted by the kernel alone: a program that had taken it would have answered, or closed when the client did."""
    connection = conversation.connection
    return conversation.outcome in UNSERVED and connection.syn_ack is not None and connection.from_server.fin is None


def _by_its_queue(conversations: list[Conversation], place: int) -> bool:
    """Nothing else between them is to blame: an address that was let through before, and nobody let through since."""
    unanswered = conversations[place].connection
    known = any(one.connection.client.address == unanswered.client.address for one in conversations[:place])
    return known and not any(one.connection.syn_ack for one in conversations[place + 1 :])


def _statement(waiting: list[Conversation], unanswered: Conversation) -> Statement:
    server = unanswered.connection.server
    certain = unanswered.connection.same_host or len(waiting) >= QUEUE
    why = "its queue is full. Not a firewall: what listens there hangs"
    if not certain:
        why = "either its queue is full, as what listens there hangs, or its machine has fallen asleep or been cut off since"
    there = "" if unanswered.connection.same_host else f" (on {server.ip})"
    return Statement(
        f"{server} takes no more calls: {counted(len(waiting), 'connection')} before were accepted and never served, and "
        f"now {why}.{_onset(waiting, unanswered)}",
        Fault.TWS_STATE,
        Confidence.MEDIUM if certain else Confidence.LOW,
        packets=(waiting[0].connection.first.packet, *(moment.packet for moment in unanswered.connection.syns)),
        remedy=f"Look at {queue_is_full(waiting[0].connection)} would confirm it{there}. Then restart TWS or Gateway, and close "
        "connections that got no answer.",
        alternatives=() if certain else (ASLEEP,),
        conversations=(unanswered.id, *(one.id for one in waiting)),
    )


def _onset(waiting: list[Conversation], unanswered: Conversation) -> str:
    """When it began, if calls came at a steady beat and the capture does not reach back so far."""
    interval = regular_interval([*waiting, unanswered])
    if interval is None or len(waiting) >= QUEUE:
        return ""
    began_ns = unanswered.connection.first.time_ns - round(QUEUE * interval * NANOSECONDS)
    return f" At a call every {duration(interval)} and a queue of {QUEUE}, it began about {time_of_day(began_ns)}."
