"""TWS could not read a request.

Seen: error 320.
Meaning: the client encoded a message in a form that TWS cannot read: for example, a field is missing, or the form is
wrong for the negotiated version.
How sure: TWS says so itself.
Sources: IB's API documentation (message code 320); wboayue/rust-ibapi 255.
What to do: update the client library, or report this capture to its maintainers.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted
from ibsniff.ib import errors
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """TWS sends 320."""
    tally = conversation.dialogue.errors.get(errors.REQUEST_NOT_READABLE)
    if tally is None:
        return None
    return Statement(
        f"TWS could not read {counted(tally.count, 'request')} that the client sent.",
        Fault.CLIENT,
        Confidence.HIGH,
        packets=(one.moment.packet for one in tally.examples),
        remedy="Update the client library; if that does not help, give its maintainers this capture.",
        explains=conversation.missing,
    )
