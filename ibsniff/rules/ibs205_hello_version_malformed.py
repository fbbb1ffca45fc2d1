"""The version range in the hello is malformed.

Seen: prefix and length are right, but the text is not ``v<min>..<max>``: one dot, a dash, a missing ``v``.
Meaning: TWS cannot read which versions the client offers.
How sure: certain for the bytes. One dot was reported to make TWS reset at once; other shapes are inferred.
Sources: emptist/ib_tws_api (``v100.200``: reset); EClient.connect of the official API.
What to do: two dots: ``v100..187``.
"""

from __future__ import annotations

from ibsniff.model import Capture, Conversation, Dialect, Severity
from ibsniff.rules.openings import RIGHT_BYTES, accuse_client, broken_opening
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, capture: Capture) -> Statement | None:
    """The text is no version range."""
    hello = broken_opening(conversation, Dialect.BAD_VERSION)
    if hello is None:
        return None
    what = f"The client's hello is broken: {hello.detail}"
    return accuse_client(conversation, capture, hello, what, f"Send {RIGHT_BYTES}.")
