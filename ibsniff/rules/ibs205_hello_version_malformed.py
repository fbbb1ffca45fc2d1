"""The version range in the hello is malformed.

Seen: prefix and length are right, but the text is not ``v<min>..<max>``: one dot, a dash, a missing ``v``.
Meaning: TWS cannot read which versions the client offers.
How sure: certain for the bytes. One dot was reported to make TWS reset at once; what other forms do is inferred.
Sources: emptist/ib_tws_api (``v100.200``: reset); EClient.connect of the official API.
What to do: write two dots: ``v100..187``.
"""

from __future__ import annotations

from ibsniff.facts.broken_hello import broken_hello
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Conversation, Dialect, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.broken_hello import RIGHT_BYTES, blame_broken_hello


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find a hello whose text is not a version range."""
    hello = broken_hello(conversation, Dialect.BAD_VERSION)
    if hello is None:
        return None
    what = f"The client's hello is broken: {hello.detail}"
    return blame_broken_hello(conversation, index, hello, what, f"Send {RIGHT_BYTES}.")
