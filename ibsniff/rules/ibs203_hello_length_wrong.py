"""The length in the hello is wrong.

Seen: ``API`` NUL is followed by no length, by one of another width than 4 bytes, by a little-endian one, or by one that
counts itself or the prefix.
Meaning: TWS waits for as many bytes as the length announces. TWS then looks silent, but it is only waiting.
How sure: the declared length and the bytes sent disagree, which is certain; that TWS waits follows from the format.
Sources: EClient.connect of the official API.
What to do: let a library (ib_async, ibapi) send the hello; or make the four bytes after the prefix the length of the version string alone, big-endian:
``00 00 00 09`` for ``v100..187``.
"""

from __future__ import annotations

from ibsniff.facts.broken_hello import broken_hello
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Conversation, Dialect, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.broken_hello import LIBRARIES_DO, RIGHT_BYTES, blame_broken_hello

OTHER_WIDTH = "instead of 4"


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find a hello whose declared length is not what was sent."""
    hello = broken_hello(conversation, Dialect.BAD_LENGTH)
    if hello is None:
        return None
    effect = (
        "takes other bytes for the length" if hello.detail.endswith(OTHER_WIDTH) else "waits for bytes that never come"
    )
    what = f"The client's hello is broken: {hello.detail}, so TWS {effect}"
    return blame_broken_hello(conversation, index, hello, what, f"Send {RIGHT_BYTES}. {LIBRARIES_DO}")
