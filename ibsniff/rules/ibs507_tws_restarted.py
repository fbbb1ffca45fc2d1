"""TWS restarted, or went down.

Seen: the server ends a working session; afterwards connection attempts are refused for a while, perhaps one gets no
answer, and then a session works again, or none does yet, although hellos may be answered.
Meaning: TWS or Gateway was restarted: by hand, or by its nightly auto restart. While it is down its port is closed,
and for some seconds after the port is open it may not answer yet.
How sure: little else fits this order of events: medium; low on a relay's port, as the relay may have been stopped
instead, and when messages before the end are missing. The packets do not show whether it was planned. Not reported
when TWS said that its port was changed (error 1300). Each restart is counted on its own, from the end of the session
to the next one that works; the report lists them all.
Sources: QuantConnect Lean 246 (it never came back: the weekly login was due) and 242 (reset at 23:45:00, usable again
at 23:46:19); rust-ibapi 761 (the first seconds).
What to do: let the program reconnect with pauses that grow longer (5 s, 10 s, ... 60 s); check the time of Auto
restart.
"""

from __future__ import annotations

from collections.abc import Iterator

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.outages import Outage
from ibsniff.facts.ports import on_relay_port
from ibsniff.formatting import counted, date_and_time, duration, seconds
from ibsniff.ib import errors
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Outcome, Rung, Severity
from ibsniff.rules.registry import Statement, capture_rule, cited
from ibsniff.rules.wording.orders import never_confirmed
from ibsniff.rules.wording.remedies import auto_restart

RELAY_GONE = Alternative(
    "not TWS, but a relay in front of it (ssh -L, socat, a container) was stopped and started again",
    Fault.NETWORK,
    "TWS's log of that time does not mention a shutdown",
)


@capture_rule(Severity.ERROR)
def check(index: CaptureIndex) -> Iterator[Statement]:
    """A session that the server ended, then refused connection attempts."""
    for _, outages in index.outages:
        restarts = [one for one in outages if _is_restart(one)]
        if restarts:
            yield _statement(restarts[-1], restarts[:-1])


def _is_restart(outage: Outage) -> bool:
    """A working session was ended, attempts were refused then, and TWS had not said that its port is changed."""
    port_changed = any(errors.API_PORT_CHANGED in one.dialogue.errors for one in outage.ended)
    was_ready = any(one.rung is Rung.READY for one in outage.ended)
    return was_ready and bool(outage.failed_with(Outcome.REFUSED)) and not port_changed


def _statement(latest: Outage, earlier: list[Outage]) -> Statement:
    one = next(one for one in latest.ended if one.rung is Rung.READY)
    refused, back = latest.failed_with(Outcome.REFUSED), latest.back
    if back is not None and latest.back_ns is not None:
        what, outcome = "restarted", f"worked again {_since(latest, latest.back_ns)} later ({back.id})"
        remedy = "If this was planned, there is nothing to fix: let the program reconnect with pauses that grow longer"
    elif (answered := _answered(latest)) is not None and answered.dialogue.reply is not None:
        back = answered
        outcome = f"answered again {_since(latest, answered.dialogue.reply.complete.time_ns)} later"
        what, outcome = "restarted", f"{outcome} ({back.id}), but no session became ready"
        remedy = f"Look at {back.id} for the reason; let the program reconnect with pauses that grow longer"
    else:
        what, outcome = "went down", "did not come back in this capture"
        remedy = "Check whether it waits for a login (once a week Gateway needs one by hand); let the program reconnect"
    on_relay = on_relay_port(one.connection)
    return Statement(
        f"{never_confirmed(*latest.ended)}TWS {what}: it ended {one.id} at {date_and_time(latest.began_ns)}, then refused "
        f"{counted(len(refused), 'connection attempt')}, and {outcome}.{_before(earlier)}",
        Fault.TWS_STATE,
        Confidence.LOW if on_relay or one.dialogue.bytes_after_gap else Confidence.MEDIUM,
        packets=(
            cited(one, one.connection.ended.moment if one.connection.ended is not None else None),
            *(cited(two, two.connection.first) for two in refused),
        ),
        remedy=f"{remedy}; check {auto_restart(one.connection.server.port)}.",
        alternatives=(RELAY_GONE,),
        conversations=(refused[-1].id, one.id, *((back.id,) if back else ())),
    )


def _since(outage: Outage, time_ns: int) -> str:
    return duration(seconds(time_ns - outage.began_ns))


def _answered(outage: Outage) -> Conversation | None:
    """The first whose hello was answered, although no session became ready."""
    return next(iter(outage.failed_with(Outcome.REPLIED)), None)


def _before(earlier: list[Outage]) -> str:
    """How often it had restarted before, and how long that took."""
    if not earlier:
        return ""
    took = sorted(seconds(one.back_ns - one.began_ns) for one in earlier if one.back_ns is not None)
    if not took:
        return ""
    each = (
        duration(took[0]) if duration(took[0]) == duration(took[-1]) else f"{duration(took[0])} to {duration(took[-1])}"
    )
    return f" It had restarted {counted(len(earlier), 'time')} before in this capture, and worked again after {each}."
