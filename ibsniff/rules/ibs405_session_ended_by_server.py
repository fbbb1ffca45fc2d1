"""The server ended a working session.

Seen: after the session was ready, or in one that was at work already when the capture began, the server's FIN or RST.
Meaning: TWS was closed or restarted (every night, if set so), or its API was switched off or moved to another port.
How sure: it is certain that the server ended the session; the packets do not show why, unless an error said so
before. Undetermined when a RST answers the first message after minutes without data, as a router or relay in between
may have dropped the connection; when the client had stopped reading, or had sent a message just before; when earlier
messages are missing from the capture; on a relay's port; when the server went on serving another client; and when the
RST has another TTL than the server's other packets. Where both connections of a relay were captured, and the relay closed
the one to TWS itself, the relay ended the session: after the same time without data several times, because of its idle
limit. Right after error 1100 or 2110 TWS's connection to IB is the probable reason.
Sources: QuantConnect Lean 242 (nightly restart: all sockets reset at one instant, back after 79 s).
A program that does not connect again for 10 min or longer, and would be served as far as is known, must act first.
What to do: let the client reconnect with pauses that grow longer; check TWS's auto restart time.
"""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.network_path import reset_with_other_ttl
from ibsniff.facts.ports import on_relay_port
from ibsniff.facts.relay_legs import quiet_before_end
from ibsniff.facts.server_close import ServerClose, certainly_legs, server_close
from ibsniff.facts.timing import clock_stepped_back
from ibsniff.formatting import date_and_time, duration, seconds_between
from ibsniff.ib import errors
from ibsniff.model import Alternative, Confidence, Conversation, Ended, Fault, How, Severity, Side
from ibsniff.rules.registry import Citation, Statement, cited, conversation_rule
from ibsniff.rules.wording.endings import time_between
from ibsniff.rules.wording.orders import never_confirmed
from ibsniff.rules.wording.remedies import auto_restart
from ibsniff.rules.wording.stated_reason import stated_reason

REPORTED = {errors.MESSAGE_RATE_EXCEEDED, errors.API_PORT_CHANGED}
"""Errors that say why: other rules report them."""

IDLE = 300.0
"""Seconds without data after which routers and relays may drop a connection; RFC 5382 asks for 2 h, few comply."""
DROPPED_ON_THE_WAY = (
    "The RST answered the client's first message after a long time without data: a router or relay in between may have "
    "dropped the connection"
)
RECONNECT = "Let the program reconnect with pauses that grow longer"
ITS_LOG = f"{RECONNECT}; TWS's log of that time tells whether it was closed or restarted."
UPON_A_MESSAGE = 0.1
"""Seconds within which a close may be the answer to the client's last message."""

SHORTEST_LIMIT = 5.0
"""Seconds without data that may be an idle limit; shorter ones are not usual."""
ON_THE_WAY = Alternative(
    "a relay, a firewall or a NAT in between ended the connection",
    Fault.NETWORK,
    "capture on the server's machine too: which FIN or RST came first?",
)


TIME_TO_COME_BACK = 600.0
"""Seconds after which a program that reconnects, with pauses of some minutes, has tried again."""
NOT_NEEDED = Alternative(
    "TWS was closed on purpose and stayed closed, and nobody needs the program",
    Fault.NONE,
    "somebody closed TWS at that time, and does not miss the program",
)


class _Cause(NamedTuple):
    """Why the session was probably ended, and who must act."""

    why: str
    fault: Fault
    confidence: Confidence
    what_to_do: str
    packets: tuple[Citation | None, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """The session was ready, and then the server ended it."""
    ended, began = conversation.connection.ended, conversation.dialogue.ready or conversation.connection.first
    if server_close(conversation) is not ServerClose.WITHIN_SESSION or ended is None:
        return None
    if REPORTED & conversation.dialogue.errors.keys():
        return None
    if Side.CLIENT in conversation.dialogue.unframed:  # IBS412 says what came before
        return None
    cause = _by_relay(conversation, index) or _stated(conversation) or _unstated(conversation, index, ended)
    alone = _nobody_came_back(conversation, index)
    if alone is not None:
        cause = _nobody_tried(cause)
    return Statement(
        f"{never_confirmed(conversation)}The session worked for {time_between(began, ended.moment)}{_at_least(conversation)}; then the server ended it "
        f"({ended.how.upper()}). {cause.why}.{_since_then(ended, alone)}",
        cause.fault,
        cause.confidence,
        packets=(ended.moment.packet, *cause.packets),
        remedy=cause.what_to_do,
        alternatives=cause.alternatives,
        severity=Severity.ERROR if alone is not None else None,
    )


def _nobody_came_back(conversation: Conversation, index: CaptureIndex) -> float | None:
    """How long no program connected again, if that was long enough to say so."""
    seconds = index.server_history.nobody_came_back(conversation)
    if (
        seconds is None
        or seconds < TIME_TO_COME_BACK
        or index.capture.omitted
        or index.reliability.may_have_missed(conversation)
    ):
        return None
    since_ns, until_ns = conversation.connection.last.time_ns, conversation.watched_until_ns
    awake = seconds - index.reliability.seconds_jumped_between(since_ns, until_ns)
    return seconds if awake >= TIME_TO_COME_BACK else None


def _since_then(ended: Ended, alone: float | None) -> str:
    if alone is None:
        return ""
    since = date_and_time(ended.moment.time_ns)
    return f" Since then, from {since} to the end of the capture {duration(alone)} later, no program connected again."


def _nobody_tried(cause: _Cause) -> _Cause:
    """The same cause; but what must be done first is to bring the program back."""
    is_restart = cause.fault is Fault.TWS_STATE
    return cause._replace(
        fault=Fault.CLIENT if is_restart else cause.fault,
        what_to_do=f"Start the program again if it does not run, and let it reconnect by itself. {cause.what_to_do}",
        alternatives=(*((NOT_NEEDED,) if is_restart else ()), *cause.alternatives),
    )


def _unstated(conversation: Conversation, index: CaptureIndex, ended: Ended) -> _Cause:
    """What the packets show where no error says it."""
    another = _another_reason(conversation, ended) or _somebody_else(conversation, index)
    if another:
        return _Cause(another, Fault.UNDETERMINED, Confidence.LOW, ITS_LOG)
    restart = f"{RECONNECT}; check {auto_restart(conversation.connection.server.port)}."
    return _Cause(
        "This usually means that TWS was closed or restarted",
        Fault.TWS_STATE,
        Confidence.MEDIUM,
        restart,
        alternatives=(ON_THE_WAY,) if not conversation.connection.same_host else (),
    )


def _by_relay(conversation: Conversation, index: CaptureIndex) -> _Cause | None:
    """The relay in between ended the session: it closed its connection to TWS as well, and TWS had not."""
    inner = index.over_relays.ended_by_relay(conversation)
    if inner is None or inner.connection.ended is None:
        return None
    quiet, times = quiet_before_end(conversation), index.over_relays.times_after_the_same_quiet(conversation)
    limit = f" after {duration(quiet)} without data" if quiet >= SHORTEST_LIMIT else ""
    if limit and times > 1:
        limit += f" ({times:,} sessions after the same time, so this is its idle limit)"
    return _Cause(
        f"It is a relay, and the relay ended it{limit}: it closed its connection to {inner.connection.server} ({inner.id}) "
        "itself, which TWS had not closed",
        Fault.NETWORK,
        Confidence.MEDIUM if certainly_legs(conversation) else Confidence.LOW,
        f"{RECONNECT}; raise the relay's idle limit (socat -T; HAProxy: timeout client, timeout server and timeout tunnel; nginx: "
        "proxy_timeout), or let the program ask for the time (reqCurrentTime) more often than that; where it was no limit, "
        "look into the relay's log.",
        (cited(inner, inner.connection.ended.moment, "the relay closes its own connection to TWS"),),
    )


def _stated(conversation: Conversation) -> _Cause | None:
    reason = stated_reason(conversation)
    if reason is None:
        return None
    return _Cause(reason.text, reason.fault, reason.confidence, reason.remedy, (reason.packet,), reason.alternatives)


def _somebody_else(conversation: Conversation, index: CaptureIndex) -> str:
    """What shows that TWS itself did not go down; empty when nothing does."""
    served, connection = index.server_history.served_meanwhile(conversation), conversation.connection
    if served is not None:
        return f"It went on serving {served.id} after that, so TWS was neither closed nor restarted"
    if reset_with_other_ttl(connection):
        return (
            f"The RST has another TTL ({connection.from_server.reset_ttl}) than the server's first packet "
            f"({connection.from_server.ttl}): perhaps it came from another machine, such as a firewall or the host of a "
            "container that has stopped"
        )
    return ""


def _at_least(conversation: Conversation) -> str:
    """It began before the capture did."""
    return " or longer" if conversation.dialogue.ready is None else ""


def _another_reason(conversation: Conversation, ended: Ended) -> str:
    """Another possible reason for the end, as the packets show; empty when there is none."""
    connection = conversation.connection
    sent, received = connection.from_client.last_data, connection.from_server.last_data
    if conversation.dialogue.bytes_after_gap:
        return "Earlier messages are missing from the capture; they may have said why"
    client = connection.from_client
    if client.fin is None and client.acked_past_data is not None and client.acked_past_data > client.length:
        return "It had acknowledged something that was not captured, which was probably the client's own FIN"
    if connection.from_client.zero_windows:
        return (
            "The client had stopped reading before (zero window); it is not known whether TWS closes connections for "
            "that"
        )
    if sent is not None and received is not None and received.time_ns < sent.time_ns:
        if ended.how is How.RST and seconds_between(received, sent) > IDLE:
            return DROPPED_ON_THE_WAY
        if ended.how is How.RST and seconds_between(sent, ended.moment) > IDLE:
            return (
                f"The RST came {time_between(sent, ended.moment)} after data of the client that was not answered: one of the "
                "two machines may have been suspended, or a router or relay in between may have dropped the connection"
            )
        if clock_stepped_back(sent, ended.moment):
            return "How long no data was sent before is not known, because the capture's clock stepped back"
        if seconds_between(sent, ended.moment) < UPON_A_MESSAGE:
            return (
                f"This was {time_between(sent, ended.moment)} after the client's last message, which may be the reason"
            )
    if on_relay_port(connection):
        return "A relay usually listens on this port: the relay was stopped, or its backend was"
    return ""
