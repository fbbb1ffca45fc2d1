"""The API is set to read-only.

Seen: error 321 with "Read-Only mode" in its text.
Meaning: TWS serves data and refuses everything that concerns orders, including the list of open orders. A client that
waits for that list times out although it is connected.
How sure: TWS says so itself.
Sources: ib_insync 224, IbcAlpha/IBC 341, extrange/ibkr-docker 119.
What to do: untick Read-Only API, or connect the client in its read-only mode (ib_async: ``readonly=True``).
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.ib import errors
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.remedies import settings_path


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """TWS sends 321 because its API is read-only."""
    tally = conversation.dialogue.errors.get(errors.REQUEST_REFUSED)
    refusals = [one for one in tally.examples if one.text.mentions(errors.READ_ONLY_TEXT)] if tally else []
    if not refusals:
        return None
    return Statement(
        "The session is ready, but the API is read-only: TWS refuses everything that concerns orders.",
        Fault.TWS_CONFIG,
        Confidence.HIGH,
        packets=(one.moment.packet for one in refusals),
        remedy=f"{settings_path(conversation.connection.server.port)}: untick Read-Only API; or connect the client "
        "read-only (ib_async: readonly=True).",
    )
