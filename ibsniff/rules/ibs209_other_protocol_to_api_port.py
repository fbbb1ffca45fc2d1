"""The client sends a protocol that is not IB's.

Seen: FIX, SSH, plain text, only line ends, or bytes of no protocol that ibsniff knows.
Meaning: TWS waits for ``API`` NUL, or closes the connection. A telnet test that presses Return looks like this.
How sure: certain for the bytes; medium for FIX, as a Gateway can be logged in for FIX CTCI instead of the API.
Sources: EClient.connect of the official API; IBC's settings tell a FIX Gateway from one for the API.
What to do: use an API client library on this port.
"""

from __future__ import annotations

from ibsniff.facts.broken_hello import broken_hello
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Confidence, Conversation, Dialect, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.broken_hello import blame_broken_hello

OTHERS = (Dialect.FIX, Dialect.SSH, Dialect.TEXT, Dialect.UNKNOWN)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find another protocol in place of a hello."""
    hello = broken_hello(conversation, *OTHERS)
    if hello is None:
        return None
    what = f"The client sent something other than a hello: {hello.detail}"
    fix = hello.dialect is Dialect.FIX
    remedy = "Use an API client library on this port, or connect to the right port."
    if fix:
        remedy = "Use an API client library on this port, or log the Gateway in for FIX CTCI."
    return blame_broken_hello(conversation, index, hello, what, remedy, Confidence.MEDIUM if fix else Confidence.HIGH)
