"""A relay's two legs are in the capture, and what is behind it is silent.

Seen: two connections, the second called from the first one's server while the first was open, and the same hello passed
on; neither was answered.
Meaning: the relay does its work; the TWS or Gateway behind it is silent.
How sure: the same bytes on both legs: medium for the relay, certain for the silence; low on one machine, where a
program may have called both ports.
Sources: measured with socat and a silent server; extrange/ibkr-docker 80.
What to do: what the inner leg asks for: see IBS301 or IBS302 there.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.relay_legs import certainly_legs, legs
from ibsniff.facts.server_silence import closed_after_client
from ibsniff.model import Confidence, Conversation, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, capture_rule
from ibsniff.rules.wording.alternatives import NO_RELAY
from ibsniff.rules.wording.commands import on_its_system
from ibsniff.rules.wording.durations import silence


@capture_rule(Severity.ERROR)
def check(index: CaptureIndex) -> Statement | None:
    """The same hello on both legs, and no answer."""
    for outer, inner in legs(index.conversations):
        said, passed_on = outer.dialogue.hello, inner.dialogue.hello
        if outer.outcome is not Outcome.SILENT or inner.outcome is not Outcome.SILENT:
            continue
        if said is None or passed_on is None or not said.is_valid or said.raw != passed_on.raw:
            continue
        return Statement(
            f"{outer.connection.server} is a relay and passed the hello on to {inner.connection.server} ({inner.id}), "
            f"which said nothing ({silence(inner)}): what is behind the relay {_reading(inner)}.",
            inner.cause.fault if inner.cause else Fault.UNDETERMINED,
            inner.cause.confidence if inner.cause and certainly_legs(outer) else Confidence.LOW,
            packets=(*said.packets, *passed_on.packets),
            remedy=inner.cause.remedy if inner.cause else "",
            alternatives=(
                *(() if certainly_legs(outer) else on_its_system((NO_RELAY,), outer.connection)),
                *(inner.cause.alternatives if inner.cause else ()),
            ),
            conversations=(outer.id, inner.id),
        )
    return None


def _reading(inner: Conversation) -> str:
    """What silence there may be: who asks whether to let an address in does so for other machines."""
    if closed_after_client(inner.connection):
        return "does not hang, as it closed its side when the relay did; it is still starting, or no TWS"
    return (
        "hangs or is still starting" if inner.connection.same_host else "hangs, is still starting, or waits for a click"
    )
