"""TWS accepted the connection from another machine and closed it without sending a byte.

Seen: a complete connection between two machines, and the server's FIN or RST without a byte of data, before or after
the hello.
Meaning: most often TWS rejects the client's address: "Allow connections from localhost only" is ticked, or the
address is not in Trusted IPs (Gateway shows no dialog, it closes the connection). The address that counts is the one
TWS sees: that of WSL, of a container, or an IPv6 address.
How sure: there are several confirmed cases, but a quick relay whose backend refuses or is missing looks the same:
medium. Low when the close came at once, when packets were lost on the way, or when the handshake was not captured.
FIN or RST makes no difference. Undetermined on a relay's port; over a container's bridge, where both are usual; where
neither TWS nor a relay usually listens; later than 0.5 s after the hello, or in the middle of it (after about 2 s on
Windows it may be a netsh portproxy with nothing behind it); when TWS accepted
the same address at another time; when it ended a session at that moment, because it was shutting down; and when the
capture's clock stepped back before the close.
Sources: sparkstartconsulting/IBKR-API-Rust 28, lbilli/Jib.jl 43, ib-controller 197, clifton/docker-ib-gateway 1.
What to do: untick "Allow connections from localhost only", and add this single address to Trusted IPs.
"""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.network_path import System, network_path, system
from ibsniff.facts.opening import opening_packets
from ibsniff.facts.ports import API_PORTS, on_relay_port
from ibsniff.facts.server_close import ServerClose, accepted_at, fin_not_captured, server_close
from ibsniff.facts.timing import clock_stepped_back, packets_were_lost, time_to_server
from ibsniff.formatting import seconds_between
from ibsniff.model import Alternative, Confidence, Connection, Conversation, Fault, How, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.alternatives import too_new
from ibsniff.rules.wording.client_symptom import client_symptom
from ibsniff.rules.wording.commands import on_its_system, who_listens
from ibsniff.rules.wording.endings import closed_or_reset, time_between
from ibsniff.rules.wording.remedies import address_to_trust, settings_path, trusted_entry

CLOSED = (
    ServerClose.BEFORE_HELLO,
    ServerClose.HELLO_UNREAD,
    ServerClose.WITHIN_HELLO,
    ServerClose.UNKNOWN_MOMENT,
    ServerClose.AFTER_HELLO,
)
"""Closes without a byte of data that do not look like a relay's, and do not follow bytes that are not a hello."""

AT_ONCE = 0.002
"""Seconds after the hello within which a close comes too early to be a decision about an address: relays whose backend
refuses took 0.5 to 0.9 ms (measured); TWS takes several milliseconds to reject an address (4 ms in ib_insync 386)."""

DECIDED = 0.5
"""Seconds after the hello until which a close may still be TWS's decision about an address, without the round trip: up
to 50 ms were reported. A later close waited for something, or for someone who clicked No."""

ALIKE = 3
"""Connections ended after about the same time: nobody restarts TWS, or clicks, at such a regular pace."""

PORTPROXY_GIVES_UP = (1.8, 2.5)
"""Seconds after which a netsh portproxy ends the connection when nothing listens behind it: Windows repeats
a SYN that was refused, and reports a closed port only after about 2 s."""

QUICK_RELAY = Alternative(
    "a relay or a container's port map whose backend refuses or is missing",
    Fault.NETWORK,
    "capture behind it: the inner connection is refused; on the server `ss -ltnp` shows no java, tws or ibgateway on "
    "this port",
)
FIREWALL = Alternative(
    "a firewall or VPN in between lets connections through and resets them when it sees their content",
    Fault.NETWORK,
    "capture on the server's machine too: the RST does not come from there, or its TTL differs from the SYN-ACK's",
)
SOMEBODY_CLICKED_NO = Alternative(
    "TWS or Gateway is shutting down or restarting, or someone answered its dialog",
    Fault.TWS_STATE,
    "look at its window; try again in a minute or two",
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """The server closed without a byte of data, between two machines."""
    connection, ended = conversation.connection, conversation.connection.ended
    close = server_close(conversation)
    if ended is None or connection.same_host or close not in CLOSED:
        return None
    at_once = close in (ServerClose.BEFORE_HELLO, ServerClose.HELLO_UNREAD)
    cause = _probable_cause(conversation, index)
    accepted = accepted_at(connection) or connection.first
    doubtful = at_once or _moment_is_unclear(connection) or _too_fast(conversation)
    return Statement(
        f"{connection.server} accepted the connection and {closed_or_reset(ended)} it "
        f"{time_between(accepted, ended.moment)} later without sending a byte: {cause.why}."
        f"{client_symptom(conversation)}",
        cause.fault,
        Confidence.MEDIUM if cause.fault is Fault.TWS_CONFIG and not doubtful else Confidence.LOW,
        packets=opening_packets(conversation),
        remedy=cause.remedy,
        alternatives=(
            *on_its_system((QUICK_RELAY,), connection),
            *((FIREWALL,) if ended.how is How.RST else ()),
            *(() if index.related.closed_alike(conversation) >= ALIKE else (SOMEBODY_CLICKED_NO,)),
            *too_new(conversation),
        ),
        explains=conversation.missing,
    )


READ_ITS_LOG = "Read TWS's log of that time; capture on its machine too."
TRY_AGAIN = f"Try again in a minute or two. {READ_ITS_LOG}"
LOOK_BEHIND_RELAY = "Look behind the relay, and capture there to see which connection was closed first."


class _Cause(NamedTuple):
    """Why the server probably closed the connection, and what to do."""

    why: str
    fault: Fault
    remedy: str


def _probable_cause(conversation: Conversation, index: CaptureIndex) -> _Cause:
    connection, address = conversation.connection, address_to_trust(conversation.connection)
    if on_relay_port(connection):
        return _Cause(
            "a relay usually listens on this port, and its backend closed the connection",
            Fault.UNDETERMINED,
            LOOK_BEHIND_RELAY,
        )
    if server_close(conversation) is ServerClose.WITHIN_HELLO:
        return _Cause("this was while the client was still sending its hello", Fault.UNDETERMINED, READ_ITS_LOG)
    if _clock_stepped_back(conversation):
        why = (
            "how soon is not known, because the capture's clock stepped back, so it is not known either whether the "
            "address was the reason"
        )
        return _Cause(why, Fault.UNDETERMINED, READ_ITS_LOG)
    if _too_late(conversation):
        return _late(conversation, index)
    gone = index.server_history.session_ended_with(conversation)
    if gone is not None:
        return _Cause(f"it ended {gone.id} at that moment too, so it was shutting down", Fault.UNDETERMINED, TRY_AGAIN)
    accepted, answerer = index.server_history.other_not_rejected(conversation), network_path(connection)
    if accepted is not None:
        return _Cause(_accepted_at_another_time(accepted, conversation, address), Fault.UNDETERMINED, READ_ITS_LOG)
    trust = (
        f"{settings_path(connection.server.port)}: untick Allow connections from localhost only, and add "
        f"{trusted_entry(connection)} to Trusted IPs."
    )
    if connection.server.port not in API_PORTS:
        return _Cause(
            f"it is not TWS at all, or does not accept connections from {address}",
            Fault.UNDETERMINED,
            f"Find out which program listens there ({who_listens(connection)}). If it is TWS: {trust}",
        )
    if answerer is not None and answerer.through_container:
        return _Cause(
            f"it does not accept connections from {address}, or it is a relay or port map whose backend refuses or is "
            "missing",
            Fault.UNDETERMINED,
            "Capture inside the container too, or on its host if TWS runs there: that shows which it is. If the "
            f"connection arrives at TWS from {address}: {trust}",
        )
    return _Cause(f"it probably does not accept connections from {address}", Fault.TWS_CONFIG, trust)


def _late(conversation: Conversation, index: CaptureIndex) -> _Cause:
    """It took too long for a decision about the address, which TWS makes at once; a relay may have waited for its server."""
    connection, alike = conversation.connection, index.related.closed_alike(conversation)
    why = "the address is probably not the reason, as TWS rejects an address within half a second"
    if alike >= ALIKE:
        why += (
            f". {alike:,} connections ended like this, after about the same time: so they do when a relay does not reach the "
            "server behind it"
        )
    port = connection.server.port
    listens = f"find out which program listens on port {port} ({who_listens(connection)})"
    behind = "If it is a relay, look whether TWS or Gateway runs behind it; if it is TWS, read its log of that time."
    if not _as_a_portproxy(conversation):
        return _Cause(why, Fault.UNDETERMINED, f"On {connection.server.ip}, {listens}. {behind}")
    return _Cause(
        f"{why}. Windows takes about 2 s to find that a port is closed, so it may be a netsh portproxy with nothing behind it",
        Fault.UNDETERMINED,
        f"On {connection.server.ip}, run `netsh interface portproxy show all`: if it forwards port {port}, check that TWS or "
        f"Gateway is running and listens where it forwards to. Otherwise, {listens}. {behind}",
    )


def _as_a_portproxy(conversation: Conversation) -> bool:
    """A Windows machine ended it after the time that Windows needs to find a port closed."""
    connection, ended = conversation.connection, conversation.connection.ended
    accepted = accepted_at(connection)
    if ended is None or accepted is None or system(connection) is not System.WINDOWS:
        return False
    shortest, longest = PORTPROXY_GIVES_UP
    return shortest <= seconds_between(accepted, ended.moment) - time_to_server(connection) <= longest


def _moment_is_unclear(connection: Connection) -> bool:
    """When the server closed is unclear: the handshake is missing, packets were lost, or no data was acknowledged."""
    syns, syn_ack = connection.syns, connection.syn_ack
    if not syns or syn_ack is None or syns[0].packet > syn_ack.packet or fin_not_captured(connection):
        return True
    return packets_were_lost(connection) or connection.from_client.ack_of_first_data is None


def _too_fast(conversation: Conversation) -> bool:
    """The server closed sooner after the hello than TWS decides anything, without the round trip."""
    hello, ended = conversation.dialogue.hello, conversation.connection.ended
    if hello is None or ended is None:
        return False
    return seconds_between(hello.complete, ended.moment) - time_to_server(conversation.connection) <= AT_ONCE


def _clock_stepped_back(conversation: Conversation) -> bool:
    """It is not known whether the close came soon enough to be a decision about the address."""
    hello, ended = conversation.dialogue.hello, conversation.connection.ended
    if ended is None:
        return False
    began = hello.complete if hello is not None else accepted_at(conversation.connection)
    return began is not None and clock_stepped_back(began, ended.moment)


def _too_late(conversation: Conversation) -> bool:
    """TWS rejects an address within about 50 ms (field reports); a close seconds later has another reason."""
    hello, ended = conversation.dialogue.hello, conversation.connection.ended
    if hello is None or ended is None:
        return False
    return seconds_between(hello.complete, ended.moment) - time_to_server(conversation.connection) > DECIDED


def _accepted_at_another_time(accepted: Conversation, conversation: Conversation, address: str) -> str:
    if accepted.connection.first.time_ns < conversation.connection.first.time_ns:
        return (
            f"probably not because of the address, as it accepted {address} before ({accepted.id}); the packets do not "
            "show why"
        )
    return (
        f"it accepted {address} later ({accepted.id}), so its settings were changed meanwhile, or the address was not "
        "the reason"
    )
