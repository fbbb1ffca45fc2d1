"""TWS restarted, or went down.

Seen: the server ends a working session; afterwards connection attempts are refused for a while, perhaps one gets no
answer, and then a session works again, or none does yet, although hellos may be answered.
Meaning: TWS or Gateway was restarted: by hand, or by its nightly auto restart. While it is down its port is closed,
and for some seconds after the port is open it may not answer yet.
How sure: little else fits this order of events: medium; low on a relay's port, as the relay may have been stopped
instead, and when messages before the end are missing. The packets do not show whether it was planned. Not reported
when TWS said that its port was changed (error 1300).
Sources: QuantConnect Lean 246 (it never came back: the weekly login was due) and 242 (reset at 23:45:00, usable again
at 23:46:19); rust-ibapi 761 (the first seconds).
What to do: let the program reconnect with pauses that grow longer (5 s, 10 s, ... 60 s); check the time of Auto
restart.
"""

from __future__ import annotations

from bisect import bisect_right

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.ports import on_relay_port
from ibsniff.formatting import counted, elapsed, time_of_day
from ibsniff.ib import errors
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Moment, Outcome, Rung, Severity, Side
from ibsniff.rules.registry import Statement, capture_rule
from ibsniff.rules.wording.remedies import auto_restart

RELAY_GONE = Alternative(
    "not TWS, but a relay in front of it (ssh -L, socat, a container) was stopped and started again",
    Fault.NETWORK,
    "TWS's log of that time does not mention a shutdown",
)


@capture_rule(Severity.ERROR)
def check(index: CaptureIndex) -> Statement | None:
    """A session that the server ended, then refused connection attempts."""
    for conversations in index.related.by_server:
        refused = [place for place, one in enumerate(conversations) if one.outcome is Outcome.REFUSED]
        for place, one in enumerate(conversations):
            ended, later = one.connection.ended, bisect_right(refused, place)
            port_changed = errors.API_PORT_CHANGED in one.dialogue.errors
            if one.rung is not Rung.READY or ended is None or ended.by is not Side.SERVER or port_changed:
                continue
            if later < len(refused) and _began_ns(conversations[refused[later]]) >= ended.moment.time_ns:
                attempts = [conversations[which] for which in refused[later:]]
                return _statement(one, attempts, conversations[place + 1 :])
    return None


def _statement(one: Conversation, refused: list[Conversation], after: list[Conversation]) -> Statement:
    ended = one.connection.ended
    assert ended is not None
    back = next((two for two in after if two.rung is Rung.READY and _began_after(two, ended.moment)), None)
    if back is not None and back.dialogue.ready is not None:
        what, outcome = "restarted", f"worked again {elapsed(ended.moment, back.dialogue.ready)} later ({back.id})"
        remedy = "If this was planned, there is nothing to fix: let the program reconnect with pauses that grow longer"
    elif (answered := _answered_again(after, ended.moment)) is not None and answered.dialogue.reply is not None:
        back = answered
        outcome = f"answered again {elapsed(ended.moment, answered.dialogue.reply.complete)} later"
        what, outcome = "restarted", f"{outcome} ({back.id}), but no session became ready"
        remedy = f"Look at {back.id} for the reason; let the program reconnect with pauses that grow longer"
    else:
        what, outcome = "went down", "did not come back in this capture"
        remedy = "Check whether it waits for a login (once a week Gateway needs one by hand); let the program reconnect"
    return Statement(
        f"TWS {what}: it ended {one.id} at {time_of_day(ended.moment.time_ns)}, then refused "
        f"{counted(len(refused), 'connection attempt')}, and {outcome}.",
        Fault.TWS_STATE,
        Confidence.LOW if on_relay_port(one.connection) or one.dialogue.bytes_after_gap else Confidence.MEDIUM,
        packets=(ended.moment.packet, *(two.connection.first.packet for two in refused)),
        remedy=f"{remedy}; check {auto_restart(one.connection.server.port)}.",
        alternatives=(RELAY_GONE,),
        conversations=(refused[-1].id, one.id, *((back.id,) if back else ())),
    )


def _answered_again(after: list[Conversation], gone: Moment) -> Conversation | None:
    """The first whose hello was answered, although no session became ready."""
    return next((one for one in after if one.outcome is Outcome.REPLIED and _began_after(one, gone)), None)


def _began_after(conversation: Conversation, moment: Moment) -> bool:
    """A session that was open at the same time does not show that the server came back."""
    return _began_ns(conversation) > moment.time_ns


def _began_ns(conversation: Conversation) -> int:
    return conversation.connection.first.time_ns
