"""A relay passed the hello on, and its backend did not answer.

Seen: two connections, the second made by the server of the first one while the first was open, with the same hello
passed on; neither was answered.
Meaning: the relay works; the TWS or Gateway behind it does not answer.
How sure: the same bytes are on both connections: medium for the relay, certain for the silence; low on one machine,
where a program may have connected to both ports.
Sources: measured with socat and a silent server; extrange/ibkr-docker 80.
What to do: follow the advice for the inner connection, from the relay to TWS: see IBS301 or IBS302 there.
"""

from __future__ import annotations

from collections.abc import Iterator

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.relay_legs import legs
from ibsniff.facts.server_close import certainly_legs
from ibsniff.facts.timing import closed_after_client
from ibsniff.model import Confidence, Conversation, Endpoint, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, capture_rule, cited
from ibsniff.rules.wording.alternatives import NO_RELAY
from ibsniff.rules.wording.commands import on_its_system
from ibsniff.rules.wording.endings import silence


@capture_rule(Severity.ERROR)
def check(index: CaptureIndex) -> Iterator[Statement]:
    """The same hello on both connections, and no answer."""
    told = set[tuple[Endpoint, Endpoint]]()
    for outer, inner in legs(index.conversations):
        relay = outer.connection.server, inner.connection.server
        received, passed_on = outer.dialogue.hello, inner.dialogue.hello
        if outer.outcome is not Outcome.SILENT or inner.outcome is not Outcome.SILENT:
            continue
        if received is None or passed_on is None or not received.is_valid or received.raw != passed_on.raw:
            continue
        if relay in told:
            continue
        told.add(relay)
        yield Statement(
            f"{outer.connection.server} is a relay and passed the hello on to {inner.connection.server} ({inner.id}), "
            f"which did not answer ({silence(inner)}): the program behind the relay {_state_of_backend(inner)}.",
            inner.cause.fault if inner.cause else Fault.UNDETERMINED,
            inner.cause.confidence if inner.cause and certainly_legs(outer) else Confidence.LOW,
            packets=(
                *(cited(outer, piece) for piece in received.pieces),
                *(cited(inner, piece) for piece in passed_on.pieces),
            ),
            remedy=inner.cause.remedy if inner.cause else "",
            alternatives=(
                *(() if certainly_legs(outer) else on_its_system((NO_RELAY,), outer.connection)),
                *(inner.cause.alternatives if inner.cause else ()),
            ),
            conversations=(outer.id, inner.id),
        )


def _state_of_backend(inner: Conversation) -> str:
    """Why it may not answer; TWS asks whether to accept an address only when that is another machine's."""
    if closed_after_client(inner.connection):
        return "does not hang, because it closed its side when the relay did; it is still starting, or it is not TWS"
    return (
        "hangs or is still starting"
        if inner.connection.same_host
        else "hangs, is still starting, or waits for someone to click Yes in its dialog"
    )
