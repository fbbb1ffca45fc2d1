"""TWS restarted, or went down.

Seen: the server ends a working session; afterwards connection attempts are refused for a while, perhaps one gets no
answer, and then a session works again, or none does yet, although hellos may be answered. On a relay's port: the relay
accepts the attempts and closes each at once.
Meaning: TWS or Gateway was restarted: by hand, or by its nightly auto restart. While it is down its port is closed,
and for some seconds after the port is open it may not answer yet. A relay's port stays open meanwhile: the relay accepts,
finds nothing behind it, and closes. A restart takes minutes; an outage of half an hour or more probably waited for a
login or a second factor.
How sure: little else fits this order of events: medium; low when a relay's port refuses, as the relay may have been
stopped instead, and when messages before the end are missing. The packets do not show whether it was planned, or what
it waited for. Not reported when TWS said that its port was changed (error 1300). Each restart is counted on its own, from
the end of the session to the next one that works; the report lists them all, and tells the longest in full.
Sources: QuantConnect Lean 246 (it never came back: the weekly login was due) and 242 (reset at 23:45:00, usable again
at 23:46:19); rust-ibapi 761 (the first seconds); gnzsnz/ib-gateway-docker 94 (a relay without its Gateway).
What to do: start programs again that did not come back; let them reconnect with pauses that grow longer (5 s, 10 s, ...
60 s); check the time of Auto restart; after a long outage, look whether a login was waiting.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.outages import Outage, closed_by_relay, missing_clients
from ibsniff.facts.ports import application, on_relay_port
from ibsniff.formatting import counted, date_and_time, duration, seconds
from ibsniff.ib import errors
from ibsniff.model import NANOSECONDS, Alternative, Confidence, Conversation, Fault, Outcome, Rung, Severity
from ibsniff.rules.registry import Citation, Statement, capture_rule, cited
from ibsniff.rules.wording.orders import never_confirmed
from ibsniff.rules.wording.remedies import auto_restart

LONG_NS = 1800 * NANOSECONDS
"""A restart that nobody has to attend to is over in minutes (79 s in Lean 242); after this time it waited for something."""
LOGIN_WAITED = (
    "A restart takes a few minutes. For so long, it probably waited for a login or a second factor: IB asks for them once "
    "a week (on Sunday), and whenever a login is not confirmed in time. Its log and its window tell; somebody must be there "
    "to log in at that time"
)
RECONNECT = "let the program reconnect with pauses that grow longer"

RELAY_GONE = Alternative(
    "not TWS, but a relay in front of it (ssh -L, socat, a container) was stopped and started again",
    Fault.NETWORK,
    "TWS's log of that time does not mention a shutdown",
)
RELAY_MISDIRECTED = Alternative(
    "the server runs, and the relay connects to the wrong port or address since then",
    Fault.NETWORK,
    "compare what the relay connects to with API > Settings > Socket port",
)


@capture_rule(Severity.ERROR)
def check(index: CaptureIndex) -> Iterator[Statement]:
    """A session that the server ended, then refused connection attempts."""
    for conversations, outages in index.outages:
        restarts = [one for one in outages if _is_restart(one)]
        if restarts:
            told = _worst(restarts)
            yield _statement(told, [one for one in restarts if one is not told], conversations)


def _is_restart(outage: Outage) -> bool:
    """A working session was ended, attempts were refused then, and TWS had not said that its port is changed."""
    port_changed = any(errors.API_PORT_CHANGED in one.dialogue.errors for one in outage.ended)
    was_ready = any(one.rung is Rung.READY for one in outage.ended)
    return was_ready and bool(_turned_away(outage)) and not port_changed


def _turned_away(outage: Outage) -> list[Conversation]:
    """The attempts that found nobody there: refused, or else closed at once by the relay in front."""
    return outage.failed_with(Outcome.REFUSED) or list(filter(closed_by_relay, outage.failed))


def _worst(restarts: Sequence[Outage]) -> Outage:
    """The last one if it lasts; otherwise the longest, if that was unusual; otherwise the last."""
    longest = max(restarts, key=_length_ns)
    return longest if restarts[-1].back_ns is not None and _length_ns(longest) >= LONG_NS else restarts[-1]


def _length_ns(outage: Outage) -> int:
    return 0 if outage.back_ns is None else outage.back_ns - outage.began_ns


def _statement(told: Outage, others: list[Outage], conversations: Sequence[Conversation]) -> Statement:
    one = next(one for one in told.ended if one.rung is Rung.READY)
    attempts, back = _turned_away(told), _back(told)
    behind_relay = attempts[-1].outcome is not Outcome.REFUSED
    on_relay = on_relay_port(one.connection) and not behind_relay
    return Statement(
        f"{never_confirmed(*told.ended)}{_what_happened(told, one, len(attempts), behind_relay=behind_relay)}, and {_outcome(told)}."
        f"{_not_back(told, conversations)}{_others(others)}",
        Fault.TWS_STATE,
        Confidence.LOW if on_relay or one.dialogue.bytes_after_gap else Confidence.MEDIUM,
        packets=(
            cited(one, one.connection.ended.moment if one.connection.ended is not None else None),
            *(_turned_away_at(two) for two in attempts),
        ),
        remedy=_remedy(told, conversations, behind_relay=behind_relay),
        alternatives=(RELAY_MISDIRECTED,) if behind_relay else (RELAY_GONE,),
        conversations=(attempts[-1].id, one.id, *((back.id,) if back else ())),
    )


def _turned_away_at(attempt: Conversation) -> Citation | None:
    ended = attempt.connection.ended
    refused = attempt.outcome is Outcome.REFUSED or ended is None
    return cited(attempt, attempt.connection.first if refused or ended is None else ended.moment)


def _back(outage: Outage) -> Conversation | None:
    """The first session that worked again, or else the first hello that was answered."""
    return outage.back if outage.back_ns is not None else next(iter(outage.failed_with(Outcome.REPLIED)), None)


def _what_happened(outage: Outage, one: Conversation, attempts: int, *, behind_relay: bool) -> str:
    when, server = date_and_time(outage.began_ns), one.connection.server
    name = application(server.port)
    if behind_relay:
        return (
            f"{name} behind the relay {server} went down at {when}: the relay ended {one.id}, then "
            f"accepted {counted(attempts, 'connection')} and closed {'it' if attempts == 1 else 'each'} at once"
        )
    verb = "went down" if _back(outage) is None else "restarted"
    return f"{name} {verb}: it ended {one.id} at {when}, then refused {counted(attempts, 'connection attempt')}"


def _outcome(outage: Outage) -> str:
    back = _back(outage)
    if back is None:
        return "did not come back in this capture"
    if outage.back_ns is not None:
        return f"worked again {_since(outage, outage.back_ns)} later ({back.id})"
    answered = back.dialogue.reply
    after = "" if answered is None else f" {_since(outage, answered.complete.time_ns)} later"
    return f"answered again{after} ({back.id}), but no session became ready"


def _since(outage: Outage, time_ns: int) -> str:
    return duration(seconds(time_ns - outage.began_ns))


def _not_back(outage: Outage, conversations: Sequence[Conversation]) -> str:
    """Which programs did not return although the server did."""
    gone = missing_clients(outage, conversations)[0]
    return f" {_client_ids(gone)} did not come back." if gone else ""


def _client_ids(ids: Sequence[int]) -> str:
    return f"Client id{'s' if len(ids) > 1 else ''} {', '.join(map(str, ids))}"


def _remedy(outage: Outage, conversations: Sequence[Conversation], *, behind_relay: bool) -> str:
    """What to do: first what still is wrong, then what prevents it."""
    back, port = _back(outage), outage.server.port
    check_restart = f"check {auto_restart(port)}."
    gone = missing_clients(outage, conversations)[0]
    restart = f"Start the program with {_client_ids(gone).lower()} again. " if gone else ""
    if outage.back_ns is not None and _length_ns(outage) >= LONG_NS:
        return f"{restart}{LOGIN_WAITED}. Also {check_restart}"
    if outage.back_ns is not None:
        return f"{restart}If this was planned, there is nothing to fix: {RECONNECT}; {check_restart}"
    if back is not None:
        return f"Look at {back.id} for the reason; {RECONNECT}; {check_restart}"
    if behind_relay:
        return (
            f"On {outage.server.ip}, check that {application(port)} is running and logged in (in a container: inside it); "
            f"its log of that time tells why it ended. Then {RECONNECT}; {check_restart}"
        )
    return f"Check whether it waits for a login (once a week Gateway needs one by hand); {RECONNECT}; {check_restart}"


def _others(others: list[Outage]) -> str:
    """How often it restarted besides, and how long that took."""
    took = sorted(seconds(one.back_ns - one.began_ns) for one in others if one.back_ns is not None)
    if not took:
        return ""
    shortest, longest = duration(took[0]), duration(took[-1])
    each = shortest if shortest == longest else f"{shortest} to {longest}"
    return f" It restarted {counted(len(others), 'other time')} in this capture, and worked again after {each}."
