"""The client connected and sent nothing.

Seen: an established connection without a single byte from the client.
Meaning: TWS waits for the client to send first, so its silence is correct. A port test (``nc -z``, a health check,
``check_port.py``) looks like this; so does a program that hangs before its hello.
How sure: certain when the client ends the connection, as the sequence number of its last packet counts what it sent.
Otherwise medium, and low near the server: bytes that were lost on the way there cannot be seen.
Sources: stimutak/robo_trader and nautilus_trader 4796 report that such probes can make a Gateway stop answering; not
proven.
What to do: test with a real client; replace a bare port test by one that looks at what listens (``ss -ltn``).
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.network_path import captured_near_server
from ibsniff.facts.opening import opening_packets
from ibsniff.facts.reliability import missing_before_reset
from ibsniff.facts.server_close import ServerClose, server_close
from ibsniff.formatting import duration
from ibsniff.model import Alternative, Confidence, Connection, Conversation, Fault, Outcome, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.endings import silence
from ibsniff.rules.wording.port_tests import test_without_connecting

LOST = Alternative(
    "the client did send data, and it was lost before it reached the place of this capture",
    Fault.NETWORK,
    "capture on the client's machine: does it send data, again and again?",
)


@conversation_rule(Severity.WARNING, rests_on_absence=True)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find a connection on which the client had to send first and did not."""
    waited = server_close(conversation) is ServerClose.WAITED_FOR_HELLO
    if not (waited or conversation.outcome is Outcome.NOT_ASKED) or conversation.connection.established is None:
        return None
    ended, same_host = conversation.connection.ended, conversation.connection.same_host
    if missing_before_reset(conversation.connection.from_client):
        return None  # it sent something
    if conversation.connection.from_server.window_closed is not None:
        return None  # it may not send anything
    certain = ended is not None and ended.by is Side.CLIENT  # its last sequence number would show that bytes were lost
    return Statement(
        f"The client connected and sent nothing ({silence(conversation)}); TWS waits for the client to send first.",
        Fault.CLIENT,
        _confidence(conversation.connection, certain=certain),
        packets=opening_packets(conversation),
        remedy=_remedy(conversation, index.related.interval_of_tests(conversation)),
        alternatives=() if certain or same_host else (LOST,),
        explains=conversation.missing,
    )


def _remedy(conversation: Conversation, interval: float | None) -> str:
    instead = test_without_connecting(conversation.connection)
    if interval is not None:
        return f"This comes every {duration(interval)}, as a port test does. {instead}"
    return f"Is it a port test? {instead} If it is your program, find out why it hangs before its hello."


def _confidence(connection: Connection, *, certain: bool) -> Confidence:
    """Less sure near the server, where lost bytes do not show, and where the beginning was not captured."""
    unseen = connection.from_client.acked > 0 and connection.from_client.fin is None
    if connection.syn_ack is None or unseen:
        return Confidence.LOW
    if certain:
        return Confidence.HIGH
    return Confidence.LOW if not connection.same_host and captured_near_server(connection) else Confidence.MEDIUM
