"""Another machine does not answer the connection attempt at all.

Seen: the SYN is sent again and again, and nothing comes back: no SYN-ACK, no RST, no ICMP.
Meaning: most often a firewall drops the packets silently (Windows Defender treats WSL's network as public), or no
machine is at that address. TWS accepts or refuses at once; it never leaves a SYN unanswered while it runs well. A machine
is there when it answers on another port meanwhile, or has answered ARP: then it is the firewall, its own or one on the way.
How sure: it is certain that nothing came back here; this side does not show where it was lost. A kernel repeats a SYN
that nothing answers, after a second or more: if it was sent only once, or again sooner, the cause is undetermined. It
is also undetermined when the same address got through before: then a firewall rule was not the reason, and the address
was right. And when another client was not answered either, or a connection attempt on TWS's own machine: then TWS may
hang.
It is only a note, with nothing to fix, when the program then tried the name's address of the other IP version.
Sources: microsoft/WSL 4139, 4585 (Windows firewall); mementum/backtrader 217 (mistyped address).
What to do: check address and port; allow the port in the server's firewall; capture on the server's machine too.
"""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.network_path import System, may_be_from_wsl, system
from ibsniff.ib.names import DEFAULT_PORTS
from ibsniff.model import Alternative, Confidence, Connection, Conversation, Fault, Outcome, Rung, Severity
from ibsniff.rules.registry import Citation, Statement, cited, conversation_rule
from ibsniff.rules.wording.alternatives import ASLEEP
from ibsniff.rules.wording.commands import queue_is_full
from ibsniff.rules.wording.unanswered import syns_sent, unless_other_ip_version_followed, why_in_doubt

NO_HOST = b"\0"
"""First byte of 0.0.0.0/8, which is no machine's address (RFC 1122, 3.2.1.3): 127.0.0.1 or another was mistyped."""
WRONG_ADDRESS = Alternative(
    "the address is wrong or out of date",
    Fault.NETWORK,
    "ping it; compare it with what the server's own machine shows (`ip address`; on Windows `ipconfig`)",
)
WRONG_ADDRESS_FROM_WSL = Alternative(
    "the address is wrong or out of date (a WSL host's address changes with a restart)",
    Fault.NETWORK,
    "ping it; compare it with `ip route show default`",
)
HANGS = "TWS hangs and its accept queue is full"
RESTART_IF_HUNG = "Look at the TWS or Gateway window; if it does not respond, restart it. Otherwise, "


class _Why(NamedTuple):
    """Why nothing answered, as far as the rest of the capture shows."""

    text: str
    """A sentence, without its full stop where a doubt may follow."""
    remedy: str
    alternatives: tuple[Alternative, ...]
    fault: Fault = Fault.NETWORK
    packets: tuple[Citation | None, ...] = ()


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find a SYN to another machine that nothing answers."""
    connection = conversation.connection
    if conversation.outcome is not Outcome.UNREACHABLE or connection.same_host:
        return None
    if connection.unreachable is not None or conversation.arp_unanswered:
        return None
    doubt, why = why_in_doubt(connection), _why(conversation, index)
    fault = Fault.UNDETERMINED if doubt else why.fault
    statement = Statement(
        f"No answer at all from {connection.server}, not even a refusal ({syns_sent(conversation)}). {why.text}{doubt}.",
        fault,
        Confidence.MEDIUM if fault is Fault.NETWORK else Confidence.LOW,
        packets=(*(moment.packet for moment in connection.syns), *why.packets),
        remedy=why.remedy,
        alternatives=why.alternatives,
        explains=Rung.CONNECTED,
    )
    return unless_other_ip_version_followed(statement, conversation, index)


def _why(conversation: Conversation, index: CaptureIndex) -> _Why:
    connection = conversation.connection
    hung = Alternative(
        HANGS,
        Fault.TWS_STATE,
        f"earlier connections were accepted and never answered; on the server {queue_is_full(connection)}",
    )
    before, silent = index.related.accepted_before(conversation), index.related.other_unanswered(conversation)
    if before is not None:
        return _Why(
            f"It accepted a connection from {connection.client.ip} before ({before.id}): since then it hangs, sleeps "
            "or is cut off",
            "Check that the server's machine and TWS are still running.",
            (hung, ASLEEP),
            Fault.UNDETERMINED,
        )
    if silent is not None:
        return _Why(
            f"Another client was not answered either ({silent.id}): TWS hangs, or each has its own reason",
            RESTART_IF_HUNG + _allow(connection),
            (hung, _wrong_address(connection)),
            Fault.UNDETERMINED,
        )
    if len(connection.server.address) == 4 and connection.server.address.startswith(NO_HOST):
        return _Why("That cannot be a machine's address", "Check the address.", (_wrong_address(connection),))
    return _machine_is_there(conversation, index) or _Why(
        "A firewall drops the packets, or no machine is there",
        f"Check that {connection.server.ip} is the address of TWS's machine, and that this machine is on (ping it). Then, "
        + _allow(connection),
        (_wrong_address(connection), _hangs_since_before(connection)),
    )


def _machine_is_there(conversation: Conversation, index: CaptureIndex) -> _Why | None:
    """What shows that the address is right: then something drops what is sent to this port."""
    connection, alive = conversation.connection, index.related.alive_meanwhile(conversation)
    port, server = connection.server.port, connection.server.ip
    if alive is not None:
        other, answer = alive.connection.server.port, alive.connection.syn_ack
        hangs = () if system(alive.connection) is System.WINDOWS else (_hangs_since_before(connection),)
        return _Why(
            f"The machine is there: it {_answers(alive)} ({alive.id}). A firewall, its own or one on the way, drops what is "
            f"sent to port {port}",
            (_check_the_port(port, other) if alive.rung is Rung.READY else "")
            + _allow(connection, is_windows=system(alive.connection) is System.WINDOWS),
            hangs,
            packets=(cited(alive, answer or next(iter(alive.connection.refusals), None)),),
        )
    seen = conversation.arp_answered
    if seen is None:
        return None
    return _Why(
        f"A machine has this address (it sent ARP), so a firewall, most likely its own, drops what is sent to port {port}",
        f"Check that {server} is still the address of TWS's machine. Then, " + _allow(connection),
        (_wrong_address(connection), _hangs_since_before(connection)),
        packets=(cited(conversation, seen, f"ARP from {server}: a machine has this address"),),
    )


def _answers(alive: Conversation) -> str:
    port = alive.connection.server.port
    if alive.rung is Rung.READY:
        return f"served a client on port {port}"
    return f"{'accepted' if alive.connection.syn_ack else 'refused'} a connection on port {port}"


def _check_the_port(port: int, other: int) -> str:
    usual = f" (usually {DEFAULT_PORTS[other]})" if other in DEFAULT_PORTS else ""
    return f"Check that port {port} is the one you mean: on port {other}{usual} a client was served. If it is, "


def _allow(connection: Connection, *, is_windows: bool = False) -> str:
    rule = ""
    if may_be_from_wsl(connection):
        rule = " (a Windows Defender rule for the vEthernet (WSL) network)"
    elif is_windows:
        rule = " (Windows Defender Firewall: an inbound rule)"
    client, server = connection.client.ip, connection.server
    return f"on {server.ip}, allow inbound TCP port {server.port} from {client} in the firewall{rule}."


def _wrong_address(connection: Connection) -> Alternative:
    return WRONG_ADDRESS_FROM_WSL if may_be_from_wsl(connection) else WRONG_ADDRESS


def _hangs_since_before(connection: Connection) -> Alternative:
    """Less to read where nobody was accepted in the capture."""
    port = connection.server.port
    return Alternative(
        f"{HANGS} since before this capture",
        Fault.TWS_STATE,
        f"a client on {connection.server.ip} itself gets no answer on port {port} either",
    )
