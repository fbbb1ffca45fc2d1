"""The client sends HTTP to the API port.

Seen: ``GET``, ``POST`` or another HTTP method as the first bytes; a WebSocket upgrade begins like this too.
Meaning: the socket API is not HTTP. TWS does not answer, and ``curl`` hangs. IB's web API is another product, the
Client Portal Gateway, usually on port 5000. A request for ``/health`` or the like, or one at a regular interval, is a health
check: it needs another way to look, as connections without a hello are suspected of making Gateway stop answering.
How sure: certain for the bytes; that TWS stays silent was reported.
Sources: gnzsnz/ib-gateway-docker 123 and 268; nautilus_trader 4796 (tests that make Gateway stop answering).
What to do: use an API client library here, or the Client Portal Gateway for HTTP. Let a health check look at what listens
(``ss -ltn``).
"""

from __future__ import annotations

from ibsniff.facts.broken_hello import broken_hello
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Conversation, Dialect, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.broken_hello import blame_broken_hello
from ibsniff.rules.wording.port_tests import every, test_without_connecting

HEALTH_CHECK = "health check"


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find an HTTP request in place of a hello."""
    hello = broken_hello(conversation, Dialect.HTTP)
    if hello is None:
        return None
    interval = index.related.interval_of_tests(conversation)
    what = f"The client sent something other than a hello: {hello.detail}{every(interval)}, but this port speaks IB's socket API"
    remedy = "Use an API client library (ib_async, ibapi ...) on this port; IB's web API is the Client Portal Gateway."
    if hello.detail.endswith(HEALTH_CHECK):
        remedy = test_without_connecting(conversation.connection)
    elif interval is not None:
        remedy = (
            f"Is it a health check? {test_without_connecting(conversation.connection)} If it is your program: {remedy}"
        )
    return blame_broken_hello(conversation, index, hello, what, remedy)
