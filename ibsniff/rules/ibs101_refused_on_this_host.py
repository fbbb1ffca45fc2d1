"""The connection was refused on the same machine.

Seen: a RST answers the SYN at once, and both ends are on one machine.
Meaning: nothing listens on that port. TWS or Gateway is not running, has not finished logging in, or is just
restarting; or TWS is running and its socket API is off; or it listens on another port. In a container or in WSL,
``localhost`` is the container or WSL itself, not the machine that TWS runs on.
How sure: it is certain that nothing listens (RFC 9293, 3.10.7.1); the packets do not show why. Medium for a Windows
machine that accepted connections before and left them unanswered, because Windows may refuse connections when the
accept queue is full. It is only a note, with nothing to fix, when the program then tried the other address of the name:
``localhost`` is ::1 first, and a published port often listens on 127.0.0.1 only.
Sources: extrange/ibkr-docker 16 and 48 (checkbox unticked: refused); gnzsnz/ib-gateway-docker 83 (before login); IB's
API documentation on error 502.
What to do: over IPv6 (::1), try 127.0.0.1 first; check that TWS is running and logged in; compare the port with its API settings; in TWS only, tick "Enable
ActiveX and Socket Clients" (Gateway has no such checkbox).
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.network_path import System, system
from ibsniff.facts.ports import application
from ibsniff.formatting import elapsed
from ibsniff.ib.names import DEFAULT_PORTS, RELAY_PORTS
from ibsniff.model import Connection, Conversation, Outcome, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.alternatives import causes_of_refusal
from ibsniff.rules.wording.refusal import refused
from ibsniff.rules.wording.remedies import RELAY_KEEPS_PORT


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find a RST in answer to the SYN on one machine."""
    connection = conversation.connection
    if conversation.outcome is not Outcome.REFUSED or not connection.refusals or not connection.same_host:
        return None
    last = connection.refusals[-1]
    tries = connection.syn_count
    tried = f" (the client tried {tries} times in {elapsed(connection.first, last)})" if tries > 1 else ""
    known = DEFAULT_PORTS.get(connection.server.port)
    usual = f", the usual port of {known}" if known else ""
    port = connection.server.port
    look = f"Check that {application(port)} is running and logged in, and that its API socket port is {port}. "
    if application(port) != "Gateway":
        look += "If both are true, tick Enable ActiveX and Socket Clients (TWS only). "
    if port in RELAY_PORTS:
        look = f"Check that the relay, or its container, is running. {RELAY_KEEPS_PORT} "
    return refused(
        conversation,
        index,
        f"Connection refused: nothing listens on {connection.server}{usual}{tried}.",
        f"{look}{_own_localhost(connection)}".rstrip(),
        causes_of_refusal(port),
    )


def _own_localhost(connection: Connection) -> str:
    """A container and a WSL are Linux: nothing else tells from there."""
    if system(connection) in (System.MACOS, System.WINDOWS):
        return ""
    return (
        "If the program runs in a container or in WSL, localhost is that container or WSL, not the machine around it."
    )
