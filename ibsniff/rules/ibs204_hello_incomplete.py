"""The hello is not complete.

Seen: the beginning of a hello, and then nothing more from the client.
Meaning: TWS waits for the rest. TWS then looks silent, but it is only waiting.
How sure: certain for the bytes; the capture holds everything that the client sent, or this would be IBS005.
Sources: EClient.connect of the official API.
What to do: send the complete hello: prefix, length and version range.
"""

from __future__ import annotations

from ibsniff.facts.broken_hello import broken_hello
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Conversation, Dialect, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.broken_hello import RIGHT_BYTES, blame_broken_hello


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find a hello that stops half-way."""
    hello = broken_hello(conversation, Dialect.INCOMPLETE)
    if hello is None:
        return None
    what = f"The client's hello is incomplete: {hello.detail}, and TWS waits for the rest"
    return blame_broken_hello(conversation, index, hello, what, f"Send the complete hello: {RIGHT_BYTES}.")
