"""The client sends TLS to the API port.

Seen: a TLS record as the first bytes (``16 03``).
Meaning: the API port is plain TCP. The "Use SSL" of TWS concerns its own link to IB, not this port.
How sure: certain for the bytes; every known client sends unencrypted. What TWS does with a ClientHello is not known.
Sources: IbcAlpha/IBC 55 and 133 (what "Use SSL" means).
What to do: switch TLS off in the client; to encrypt, use an SSH tunnel or stunnel on both ends.
"""

from __future__ import annotations

from ibsniff.facts.broken_hello import broken_hello
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Conversation, Dialect, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.broken_hello import blame_broken_hello
from ibsniff.rules.wording.port_tests import every, test_without_connecting


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find a ClientHello in place of a hello."""
    hello = broken_hello(conversation, Dialect.TLS)
    if hello is None:
        return None
    interval = index.related.interval_of_tests(conversation)
    what = (
        f"The client sent something other than a hello: {hello.detail}{every(interval)}, but the API port is plain TCP"
    )
    remedy = "Switch TLS off in the client; use an SSH tunnel if it must be encrypted."
    if interval is not None:
        remedy += f" Is it a health check? {test_without_connecting(conversation.connection)}"
    return blame_broken_hello(conversation, index, hello, what, remedy)
