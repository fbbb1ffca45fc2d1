"""A server on the same machine received a valid hello and closed the connection.

Seen: a complete connection between two endpoints on one machine, a valid hello, and the server's FIN or RST without a
byte of data.
Meaning: TWS does not do that to loopback clients because of its settings: Trusted IPs and "localhost only" concern
other machines. TWS is shutting down or restarting, or the program that listens is a relay whose backend closed the
connection, or another program. FIN or RST makes no difference: a close with unread bytes becomes a RST. Nor does the
time it took: TWS resets a hello that it does not accept within a millisecond, and a relay needs no longer to learn
that its backend refuses or is missing.
How sure: it is certain that the server closed the connection; the packets do not show the reason: low. When the
capture's clock stepped back before the close, a hello is not required: it is not known then whether a relay closed at
once or TWS closed later.
Sources: QuantConnect Lean 242 (restart resets all sockets), emptist/ib_tws_api (reset within 1 ms of the hello); the
race between FIN and RST was measured.
What to do: find out which program listens; with a relay, capture behind it too.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import opening_packets
from ibsniff.facts.server_close import ServerClose, accepted_at, server_close
from ibsniff.facts.timing import clock_stepped_back
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.alternatives import OTHER_PROGRAM, OWN_ADDRESS, SHUTTING_DOWN, too_new
from ibsniff.rules.wording.client_symptom import client_symptom
from ibsniff.rules.wording.commands import on_its_system, who_listens
from ibsniff.rules.wording.endings import closed_or_reset, time_between

RELAY_BACKEND = Alternative(
    "a relay (socat, ssh -L, docker-proxy, portproxy): its backend refuses or is missing, or closed the connection, "
    "because TWS sees another address there",
    Fault.NETWORK,
    "`ss -ltnp` names the program that listens on the port; if it is not java, tws or ibgateway, capture behind it",
)
CLOSED_BY_OTHER = Alternative(
    "another program listens on this port, and closes connections that it does not understand",
    Fault.NETWORK,
    OTHER_PROGRAM.how_to_tell,
)
CLOSED = (ServerClose.AFTER_HELLO, ServerClose.UNKNOWN_MOMENT)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """The server closed after a valid hello, on one machine."""
    connection, hello = conversation.connection, conversation.dialogue.hello
    ended, accepted = connection.ended, accepted_at(connection)
    if server_close(conversation) not in CLOSED or not connection.same_host or ended is None:
        return None
    if hello is None and accepted is not None and clock_stepped_back(accepted, ended.moment):
        when = "when is not known, because the clock stepped back"
        what = f"accepted the connection and {closed_or_reset(ended)} it without sending a byte; {when}"
    elif hello is not None and hello.is_valid:
        when = time_between(hello.complete, ended.moment)
        what = (
            f"received a valid hello and {closed_or_reset(ended)} the connection {when} later, without sending a byte"
        )
    else:
        return None
    return Statement(
        f"{connection.server} {what}.{client_symptom(conversation)}",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=opening_packets(conversation),
        remedy=f"Find out which program listens on port {connection.server.port} ({who_listens(connection)}). If it is "
        "TWS or Gateway, check whether it is shutting down, and try again; if it is a relay, capture behind it.",
        alternatives=(
            *(() if connection.client.is_loopback else (OWN_ADDRESS,)),
            *on_its_system((RELAY_BACKEND, SHUTTING_DOWN, CLOSED_BY_OTHER), connection),
            *too_new(conversation),
        ),
        explains=conversation.missing,
    )
