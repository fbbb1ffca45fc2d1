"""TWS took the call from another machine and hung up without a word.

Seen: a complete connection between two machines, and the server's FIN or RST without a byte, before or after the hello.
Meaning: most often TWS rejects the client's address: "Allow connections from localhost only" is ticked, or the address
is not in Trusted IPs (Gateway asks nobody, it hangs up). The address that counts is the one TWS sees: WSL's own, a
container's, an IPv6 one.
How sure: several confirmed cases; a relay with nobody behind it looks alike when it is quick: medium; low when the
close came at once, when packets were lost on the way, or the handshake was not captured. FIN or RST is no difference.
Undetermined on a relay's port; over a container's bridge, where both are usual; where neither TWS nor a relay usually
listens; later than 0.5 s after the hello, or in the middle of it; when TWS let the same address in at another time;
when it ended a session at that moment, as it was going down; and when the capture's clock stepped back before the close.
Sources: sparkstartconsulting/IBKR-API-Rust 28, lbilli/Jib.jl 43, ib-controller 197, clifton/docker-ib-gateway 1.
What to do: untick "Allow connections from localhost only", and add the address to Trusted IPs: this single address.
"""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.facts.evidence import opening_packets
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.network_path import network_path
from ibsniff.facts.ports import API_PORTS, on_relay_port
from ibsniff.facts.server_close import ServerClose, accepted_at, fin_not_captured, server_close
from ibsniff.facts.timing import clock_stepped_back, packets_were_lost, time_to_server
from ibsniff.formatting import seconds_between
from ibsniff.model import Alternative, Confidence, Connection, Conversation, Fault, How, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.alternatives import too_new
from ibsniff.rules.wording.client_symptom import client_symptom
from ibsniff.rules.wording.commands import on_its_system, who_listens
from ibsniff.rules.wording.durations import time_between
from ibsniff.rules.wording.menus import address_to_trust, settings_path, trusted_entry

CLOSED = (
    ServerClose.BEFORE_HELLO,
    ServerClose.HELLO_UNREAD,
    ServerClose.WITHIN_HELLO,
    ServerClose.UNKNOWN_MOMENT,
    ServerClose.AFTER_HELLO,
)
"""Without a byte, and neither as a relay does nor after bytes that are no hello."""

AT_ONCE = 0.002
"""Seconds after the hello within which a hang-up comes too early to be a decision about an address: relays whose backend
refuses took 0.5 to 0.9 ms (measured), a TWS that rejects an address several (4 ms in ib_insync 386)."""

DECIDED = 0.5
"""Seconds after the hello until which a hang-up may still be TWS's decision about an address, the way there and back not
counted: up to 50 ms were reported. What takes longer waited for something, or for somebody's No."""

QUICK_RELAY = Alternative(
    "a relay or a container's port map with nobody behind it",
    Fault.NETWORK,
    "capture behind it: the inner call is refused; on the server `ss -ltnp` shows no java, tws or ibgateway on this port",
)
FIREWALL = Alternative(
    "a firewall or VPN in between lets calls through and resets them when it sees what is said",
    Fault.NETWORK,
    "capture on the server's machine too: the RST does not come from there, or its TTL is another one than the SYN-ACK's",
)
SOMEBODY_CLICKED_NO = Alternative(
    "TWS or Gateway is shutting down or restarting, or someone answered its dialog",
    Fault.TWS_STATE,
    "look at its window; try again in a minute or two",
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Hung up between two machines, without a word."""
    connection, ended = conversation.connection, conversation.connection.ended
    close = server_close(conversation)
    if ended is None or connection.same_host or close not in CLOSED:
        return None
    at_once = close in (ServerClose.BEFORE_HELLO, ServerClose.HELLO_UNREAD)
    reading = _reading(conversation, index)
    stood = accepted_at(connection) or connection.first
    blamed = reading.fault is Fault.TWS_CONFIG and not (at_once or _hazy(connection) or _in_no_time(conversation))
    return Statement(
        f"{connection.server} accepted and hung up {time_between(stood, ended.moment)} later without a word: {reading.why}."
        f"{client_symptom(conversation)}",
        reading.fault,
        Confidence.MEDIUM if blamed else Confidence.LOW,
        packets=opening_packets(conversation),
        remedy=reading.remedy,
        alternatives=(
            *on_its_system((QUICK_RELAY,), connection),
            *((FIREWALL,) if ended.how is How.RST else ()),
            SOMEBODY_CLICKED_NO,
            *too_new(conversation),
        ),
        explains=conversation.missing,
    )


ASK_ITS_LOG = "Try again; capture on its machine too, and read TWS's log of that time."


BEHIND_IT = "Look behind the relay, and capture there: which leg was closed first?"


class _Reading(NamedTuple):
    """What the hang-up probably was, and what to do."""

    why: str
    fault: Fault
    remedy: str


def _reading(conversation: Conversation, index: CaptureIndex) -> _Reading:
    connection, address = conversation.connection, address_to_trust(conversation.connection)
    if on_relay_port(connection):
        return _Reading(
            "a relay usually listens on this port, and its inner side hung up", Fault.UNDETERMINED, BEHIND_IT
        )
    if server_close(conversation) is ServerClose.WITHIN_HELLO:
        return _Reading("while the client was still saying its hello", Fault.UNDETERMINED, ASK_ITS_LOG)
    if _clock_stepped_back(conversation):
        why = (
            "how soon is not known, because the capture's clock stepped back, so neither is whether the address was why"
        )
        return _Reading(why, Fault.UNDETERMINED, ASK_ITS_LOG)
    if _too_late(conversation):
        return _Reading("too late to be a decision about the address", Fault.UNDETERMINED, ASK_ITS_LOG)
    gone = index.server_history.session_ended_with(conversation)
    if gone is not None:
        return _Reading(f"it ended {gone.id} at that moment too, so it was going down", Fault.UNDETERMINED, ASK_ITS_LOG)
    let_in, answerer = index.server_history.other_not_rejected(conversation), network_path(connection)
    if let_in is not None:
        return _Reading(_although(let_in, conversation, address), Fault.UNDETERMINED, ASK_ITS_LOG)
    trust = (
        f"{settings_path(connection.server.port)}: untick Allow connections from localhost only, and add "
        f"{trusted_entry(connection)} to Trusted IPs."
    )
    if connection.server.port not in API_PORTS:
        return _Reading(
            f"it is no TWS at all, or does not take connections from {address}",
            Fault.UNDETERMINED,
            f"See what listens there ({who_listens(connection)}). If it is TWS: {trust}",
        )
    if answerer is not None and answerer.through_container:
        return _Reading(
            f"it does not take connections from {address}, or it is a relay or port map with nobody behind it",
            Fault.UNDETERMINED,
            f"Capture inside the container too, or on its host if TWS runs there: it shows which. If TWS is called there from {address}: {trust}",
        )
    return _Reading(f"probably it does not take connections from {address}", Fault.TWS_CONFIG, trust)


def _hazy(connection: Connection) -> bool:
    """When it hung up, and after what, does not show: the handshake was not captured, packets were lost, nothing arrived."""
    called, accepted = connection.syns, connection.syn_ack
    if not called or accepted is None or called[0].packet > accepted.packet or fin_not_captured(connection):
        return True
    return packets_were_lost(connection) or connection.from_client.ack_of_first_data is None


def _in_no_time(conversation: Conversation) -> bool:
    """Sooner after the hello than TWS decides anything, the way there and back not counted."""
    hello, ended = conversation.dialogue.hello, conversation.connection.ended
    if hello is None or ended is None:
        return False
    return seconds_between(hello.complete, ended.moment) - time_to_server(conversation.connection) <= AT_ONCE


def _clock_stepped_back(conversation: Conversation) -> bool:
    """Whether the close came soon enough to be a decision about the address is not known then."""
    hello, ended = conversation.dialogue.hello, conversation.connection.ended
    if ended is None:
        return False
    began = hello.complete if hello is not None else accepted_at(conversation.connection)
    return began is not None and clock_stepped_back(began, ended.moment)


def _too_late(conversation: Conversation) -> bool:
    """TWS rejects an address within some 50 ms (field reports); what waits for seconds first has another reason."""
    hello, ended = conversation.dialogue.hello, conversation.connection.ended
    if hello is None or ended is None:
        return False
    return seconds_between(hello.complete, ended.moment) - time_to_server(conversation.connection) > DECIDED


def _although(let_in: Conversation, conversation: Conversation, address: str) -> str:
    if let_in.connection.first.time_ns < conversation.connection.first.time_ns:
        return f"hardly because of the address, as it let {address} in before ({let_in.id}); why is not to be seen"
    return (
        f"and it let {address} in later ({let_in.id}): its settings were changed meanwhile, or the address was not why"
    )
