r"""The hello does not begin with the four bytes ``API`` NUL.

Seen: a version range without the prefix, or the prefix inside a frame, or with other bytes than ``41 50 49 00`` (the
text ``API\0`` escaped twice, ``API0``, ``API=``, or all of it in UTF-16).
Meaning: TWS recognises a client by its first bytes. When they are wrong, it waits or closes the connection.
How sure: it is certain that the bytes are wrong (every client library sends the same four); what TWS does then differs.
Sources: EClient.connect of the official API; emptist/ib_tws_api (missing prefix: closed after 1 to 57 ms); the same
author's first conclusion, a TWS setting, was wrong.
What to do: send ``41 50 49 00`` once, by itself, before the length and the version range.
"""

from __future__ import annotations

from ibsniff.facts.broken_hello import broken_hello
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Conversation, Dialect, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.broken_hello import RIGHT_BYTES, blame_broken_hello


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find a hello whose first four bytes are not the prefix."""
    hello = broken_hello(conversation, Dialect.UNFRAMED, Dialect.BAD_PREFIX)
    if hello is None:
        return None
    what = f"The client's hello is broken: {hello.detail}"
    return blame_broken_hello(conversation, index, hello, what, f"Send {RIGHT_BYTES}.")
