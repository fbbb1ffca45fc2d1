"""The hello is not complete.

Seen: the beginning of a hello, and then nothing more from the client.
Meaning: TWS waits for the rest. It looks like a silent TWS and is a patient one.
How sure: certain for the bytes; the capture holds all the client sent, or this would be IBS005.
Sources: EClient.connect of the official API.
What to do: send prefix, length and version range whole.
"""

from __future__ import annotations

from ibsniff.model import Capture, Conversation, Dialect, Severity
from ibsniff.rules.openings import RIGHT_BYTES, accuse_client, broken_opening
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, capture: Capture) -> Statement | None:
    """It stops half-way."""
    hello = broken_opening(conversation, Dialect.INCOMPLETE)
    if hello is None:
        return None
    what = f"The client's hello is incomplete: {hello.detail}, and TWS waits for the rest"
    return accuse_client(conversation, capture, hello, what, f"Send it whole: {RIGHT_BYTES}.")
