"""The hello was sent and never acknowledged.

Seen: a complete connection, the client's hello, often sent again, and no acknowledgment of it.
Meaning: it did not reach the server's kernel, or the way back is broken: TWS never had a chance to answer. A firewall
that lets the connection through and drops data, a broken tunnel, or an MTU problem.
How sure: a kernel that receives data acknowledges it (RFC 9293, 3.8.6.3); where it was lost is not to be seen here.
What to do: capture on the server's machine too, and see whether the hello arrives.
"""

from __future__ import annotations

from ibsniff.model import Capture, Confidence, Conversation, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.silences import gave_up_early, hello_heard
from ibsniff.rules.words import packets_of, silence


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _capture: Capture) -> Statement | None:
    """No acknowledgment of the hello."""
    connection = conversation.connection
    if conversation.outcome is not Outcome.SILENT or hello_heard(connection) or gave_up_early(conversation):
        return None
    sent = f"sent {connection.from_client.retransmissions + 1} times"
    return Statement(
        f"The client's hello, {sent}, was never acknowledged ({silence(conversation)}): it was lost on the way, TWS has "
        "not heard it.",
        Fault.NETWORK,
        Confidence.HIGH,
        packets=packets_of(conversation),
        remedy="Capture on the server's machine too: does the hello arrive there? Look at firewalls, tunnels and MTU.",
        explains=conversation.missing,
    )
