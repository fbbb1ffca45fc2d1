"""A server on the same machine heard a good hello and hung up.

Seen: a complete connection between two ends of one machine, a valid hello, and the server's FIN or RST without a byte.
Meaning: TWS does not do that to loopback clients over its settings: Trusted IPs and "localhost only" concern other
machines. It is shutting down or restarting, or what listens is a relay whose inner side hung up, or another program.
FIN or RST is no difference: a close with unread bytes becomes a RST. Nor is haste: a TWS resets a hello it does not
like within a millisecond, and a relay needs no longer to learn that nobody is behind it.
How sure: that it hung up is certain; the reason is not to be seen: low. When the capture's clock stepped back before the
close, a hello is not required: whether a relay closed at once or a TWS later is not known then.
Sources: QuantConnect Lean 242 (restart resets all sockets), emptist/ib_tws_api (reset within 1 ms of the hello); the race
between FIN and RST was measured.
What to do: see which program listens; with a relay, capture behind it too.
"""

from __future__ import annotations

from ibsniff.facts.evidence import opening_packets
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.server_close import ServerClose, accepted_at, server_close
from ibsniff.facts.timing import clock_stepped_back
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.alternatives import OTHER_PROGRAM, OWN_ADDRESS, SHUTTING_DOWN, too_new
from ibsniff.rules.wording.client_symptom import client_symptom
from ibsniff.rules.wording.commands import on_its_system, who_listens
from ibsniff.rules.wording.durations import time_between

INNER_SIDE = Alternative(
    "a relay (socat, ssh -L, docker-proxy, portproxy): nobody is behind it, or its inner side hung up, as there TWS sees "
    "another address",
    Fault.NETWORK,
    "`ss -ltnp` names what listens on the port; if it is not java, tws or ibgateway, capture behind it",
)
HANGS_UP = Alternative(
    "another program listens on this port, and hangs up on what it does not understand",
    Fault.NETWORK,
    OTHER_PROGRAM.how_to_tell,
)
CLOSED = (ServerClose.AFTER_HELLO, ServerClose.UNKNOWN_MOMENT)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Hung up on one machine, after a good hello."""
    connection, hello = conversation.connection, conversation.dialogue.hello
    ended, stood = connection.ended, accepted_at(connection)
    if server_close(conversation) not in CLOSED or not connection.same_host or ended is None:
        return None
    if hello is None and stood is not None and clock_stepped_back(stood, ended.moment):
        what = "accepted the connection and closed it without a byte; when is not known, because the clock stepped back"
    elif hello is not None and hello.is_valid:
        what = f"heard a good hello and hung up {time_between(hello.complete, ended.moment)} later, without a word"
    else:
        return None
    return Statement(
        f"{connection.server} {what}.{client_symptom(conversation)}",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=opening_packets(conversation),
        remedy=f"See which program listens on port {connection.server.port} ({who_listens(connection)}). If it is TWS or Gateway, look "
        "whether it is shutting down, and try again; if it is a relay, capture behind it.",
        alternatives=(
            *(() if connection.client.is_loopback else (OWN_ADDRESS,)),
            *on_its_system((INNER_SIDE, SHUTTING_DOWN, HANGS_UP), connection),
            *too_new(conversation),
        ),
        explains=conversation.missing,
    )
