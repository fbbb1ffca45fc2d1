"""The version string in the hello ends with bytes that do not belong there.

Seen: a NUL, a line end or a space after the version range, counted by the length.
Meaning: real clients send nothing after the range. Whether TWS accepts a trailing byte is not known.
How sure: certain for the bytes, but not for how TWS reacts to them: so medium at most.
Sources: EClient.connect of the official API (no terminator is sent).
What to do: send the range without a terminator, and do not count one.
"""

from __future__ import annotations

from ibsniff.facts.broken_hello import broken_hello
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Confidence, Conversation, Dialect, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.broken_hello import RIGHT_BYTES, blame_broken_hello


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find bytes after the version range."""
    hello = broken_hello(conversation, Dialect.TRAILING)
    if hello is None:
        return None
    what = f"The client's hello is unusual: {hello.detail}"
    return blame_broken_hello(
        conversation, index, hello, what, f"Send {RIGHT_BYTES}, without a NUL after it.", Confidence.MEDIUM
    )
