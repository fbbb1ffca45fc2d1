"""TWS restarted, or went down.

Seen: a working session is ended by the server; afterwards calls are refused for a while, perhaps one is silent, and
then a session works again or none does yet, though calls may be answered.
Meaning: TWS or Gateway was restarted: by hand, or by its nightly auto restart. While it is down its port is closed, and
for some seconds after it is open it may not answer yet.
How sure: the order of things fits little else: medium; low on a relay's port, as the relay may have gone instead, and
when messages before the end are missing. Whether it was planned is not to be seen. Not said when TWS told that its
port was changed (error 1300).
Sources: QuantConnect Lean 246 (it never came back: the weekly login was due) and 242 (reset at 23:45:00, usable again at 23:46:19); rust-ibapi 761 (the first seconds).
What to do: let the program reconnect with growing pauses (5 s, 10 s, ... 60 s); see the time of Auto restart.
"""

from __future__ import annotations

from bisect import bisect_right

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.ports import on_relay_port
from ibsniff.formatting import counted, elapsed, time_of_day
from ibsniff.ib import errors
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Moment, Outcome, Rung, Severity, Side
from ibsniff.rules.registry import Statement, capture_rule
from ibsniff.rules.wording.menus import auto_restart

RELAY_GONE = Alternative(
    "not TWS but a relay in front of it (ssh -L, socat, a container) was stopped and started again",
    Fault.NETWORK,
    "TWS's log of that time says nothing of a shutdown",
)


@capture_rule(Severity.ERROR)
def check(index: CaptureIndex) -> Statement | None:
    """Ready, ended by the server, refused."""
    for conversations in index.related.by_server:
        refused = [place for place, one in enumerate(conversations) if one.outcome is Outcome.REFUSED]
        for place, one in enumerate(conversations):
            ended, later = one.connection.ended, bisect_right(refused, place)
            told = errors.API_PORT_CHANGED in one.dialogue.errors
            if one.rung is not Rung.READY or ended is None or ended.by is not Side.SERVER or told:
                continue
            if later < len(refused) and _began_ns(conversations[refused[later]]) >= ended.moment.time_ns:
                calls = [conversations[which] for which in refused[later:]]
                return _statement(one, calls, conversations[place + 1 :])
    return None


def _statement(one: Conversation, refused: list[Conversation], after: list[Conversation]) -> Statement:
    ended = one.connection.ended
    assert ended is not None
    back = next((two for two in after if two.rung is Rung.READY and _began_after(two, ended.moment)), None)
    if back is not None and back.dialogue.ready is not None:
        what, outcome = "restarted", f"worked again {elapsed(ended.moment, back.dialogue.ready)} later ({back.id})"
        remedy = "Nothing to mend if it was planned: let the program reconnect with growing pauses"
    elif (answered := _answered_again(after, ended.moment)) is not None and answered.dialogue.reply is not None:
        back = answered
        outcome = f"answered again {elapsed(ended.moment, answered.dialogue.reply.complete)} later"
        what, outcome = "restarted", f"{outcome} ({back.id}), though no session came of that"
        remedy = f"See why in {back.id}; let the program reconnect with growing pauses"
    else:
        what, outcome = "went down", "did not come back in this capture"
        remedy = "See whether it waits for a login (once a week Gateway wants one by hand); let the program reconnect"
    return Statement(
        f"TWS {what}: it ended {one.id} at {time_of_day(ended.moment.time_ns)}, then refused "
        f"{counted(len(refused), 'call')}, and {outcome}.",
        Fault.TWS_STATE,
        Confidence.LOW if on_relay_port(one.connection) or one.dialogue.bytes_after_gap else Confidence.MEDIUM,
        packets=(ended.moment.packet, *(two.connection.first.packet for two in refused)),
        remedy=f"{remedy}; see {auto_restart(one.connection.server.port)}.",
        alternatives=(RELAY_GONE,),
        conversations=(refused[-1].id, one.id, *((back.id,) if back else ())),
    )


def _answered_again(after: list[Conversation], gone: Moment) -> Conversation | None:
    """The first that was answered, though no session came of it."""
    return next((one for one in after if one.outcome is Outcome.REPLIED and _began_after(one, gone)), None)


def _began_after(conversation: Conversation, moment: Moment) -> bool:
    """Another session that was open at the same time has not come back: it was not gone yet."""
    return _began_ns(conversation) > moment.time_ns


def _began_ns(conversation: Conversation) -> int:
    return conversation.connection.first.time_ns
