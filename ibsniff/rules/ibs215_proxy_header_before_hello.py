"""A relay puts a PROXY protocol header in front of the hello.

Seen: ``PROXY TCP4`` or ``PROXY TCP6`` and two addresses as text (version 1), or the twelve bytes that version 2 begins with,
as the first bytes of the connection.
Meaning: a relay or load balancer in between (HAProxy with ``send-proxy`` or ``send-proxy-v2``, nginx with
``proxy_protocol on``, a cloud's load balancer) tells the server behind it the client's address in that way. TWS does not
know this protocol: for it these bytes are a broken hello. The client's own hello behind it may be in order.
How sure: certain for the bytes: no IB client sends them, and a server must be told to expect them.
Sources: haproxy.org, doc/proxy-protocol.txt, 2.1 and 2.2.
What to do: remove ``send-proxy`` (or ``proxy_protocol on``) from the relay's line for TWS.
"""

from __future__ import annotations

from ibsniff.facts.broken_hello import broken_hello
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Conversation, Dialect, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.broken_hello import blame_broken_hello


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find a PROXY protocol header in front of the hello."""
    hello = broken_hello(conversation, Dialect.PROXY)
    if hello is None:
        return None
    sender = conversation.connection.client.ip
    what = f"A relay at {sender} puts something in front of the client's hello: {hello.detail}, which TWS does not know"
    remedy = (
        f"In the relay's settings at {sender}, remove send-proxy or send-proxy-v2 (HAProxy), proxy_protocol on (nginx), or "
        "the option PROXY protocol (a cloud's load balancer) for the server that is TWS."
    )
    statement = blame_broken_hello(conversation, index, hello, what, remedy)
    return statement._replace(fault=Fault.NETWORK) if statement.fault is Fault.CLIENT else statement
