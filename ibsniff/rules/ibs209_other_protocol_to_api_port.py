"""The client speaks a protocol that is not IB's.

Seen: FIX, SSH, plain text, bare line ends, or bytes of no protocol known here.
Meaning: TWS waits for ``API`` NUL, or hangs up. A telnet test that presses Return looks like this.
How sure: certain for the bytes.
Sources: EClient.connect of the official API; FIX is served by IB's FIX CTCI, another product on other ports.
What to do: use an API client library on this port.
"""

from __future__ import annotations

from ibsniff.model import Capture, Conversation, Dialect, Severity
from ibsniff.rules.openings import accuse_client, broken_opening
from ibsniff.rules.registry import Statement, conversation_rule

OTHERS = (Dialect.FIX, Dialect.SSH, Dialect.TEXT, Dialect.UNKNOWN)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, capture: Capture) -> Statement | None:
    """Something else came where a hello belongs."""
    hello = broken_opening(conversation, *OTHERS)
    if hello is None:
        return None
    what = f"The client's first bytes are no IB hello: {hello.detail}"
    return accuse_client(
        conversation, capture, hello, what, "Use an API client library on this port, or call the right port."
    )
