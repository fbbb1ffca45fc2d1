"""The API port was changed in TWS.

Seen: error 1300, and the end of the connection.
Meaning: someone changed the socket port in TWS's settings; TWS drops existing connections and listens on the new
port.
How sure: TWS says so itself.
Sources: IB's API documentation (message code 1300).
What to do: connect to the new port, which the error's text names; see API > Settings > Socket port.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.session import new_api_port
from ibsniff.ib import errors
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """TWS sends 1300."""
    port = new_api_port(conversation)
    new_port = "the new port" if port is None else f"port {port}"
    tally = conversation.dialogue.errors.get(errors.API_PORT_CHANGED)
    if tally is None:
        return None
    return Statement(
        f"The API port was changed in TWS{'' if port is None else f' to {port}'}: it drops this connection.",
        Fault.TWS_CONFIG,
        Confidence.HIGH,
        packets=(one.moment.packet for one in tally.examples),
        remedy=f"Connect to {new_port} (API > Settings > Socket port).",
        explains=conversation.missing,
    )
