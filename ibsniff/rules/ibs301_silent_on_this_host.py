"""TWS on the same machine accepted the connection, received a valid hello, and did not answer.

Seen: a complete connection between two endpoints on one machine, a valid hello, the kernel's acknowledgment of it,
and then no data from the server until the client closed, or for long enough (5 s, unless the timeout of the client's
library is known).
Meaning: the kernel accepts connections and acknowledges data even for a program that no longer reads. TWS or Gateway
hangs (the "wedge", seen with 10.40 and 10.41), is frozen, or is still starting. The client is not the cause: its
hello is valid. A setting is not the cause: when "Enable ActiveX and Socket Clients" is unticked, the connection is
refused. Trusted IPs and the dialog that asks whether to accept a connection concern addresses other than the
loopback; they may apply when the client connected to another address of this machine.
How sure: it is certain that a valid hello got no answer. A hang is the commonest cause, but it is not proved: medium.
Undetermined on a port where neither TWS nor a relay usually listens. Low, a guess, when the server closed its side as
soon as the client did: a kernel does not do that by itself, so a program reads there and does not hang. Undetermined
when the same port of this machine is served over the other IP version.
Sources: gnzsnz/ib-gateway-docker 336, nautilus_trader 4796, ib_insync 386 (wedge on loopback); ib_insync 578 (port
6985 was a Client Portal Gateway).
What else: a relay whose backend does not answer; another program on the port. Where neither TWS nor a relay usually
listens, these are as likely.
What to do: look at the TWS window for a dialog; look for a growing Recv-Q in ``ss -ltn``; restart Gateway or TWS;
then find the program that connects and never closes, or connects and sends nothing.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import opening_packets
from ibsniff.facts.ports import API_PORTS
from ibsniff.facts.server_silence import silent_to_valid_hello
from ibsniff.facts.timing import closed_after_client
from ibsniff.model import Confidence, Connection, Conversation, Fault, Rung, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.alternatives import causes_of_silence
from ibsniff.rules.wording.client_symptom import client_symptom
from ibsniff.rules.wording.commands import accepts_no_more, who_listens
from ibsniff.rules.wording.endings import silence
from ibsniff.rules.wording.remedies import look_into_its_log, not_the_checkbox

HANGS = "The program that listens there hangs or is still starting"
HANGS_OR_ASKS = (
    "The program that listens there hangs, is still starting, or shows a dialog that asks whether to accept "
    "connections from this address"
)
DOES_NOT_HANG = (
    "The program that listens there does not hang, because it closed its side when the client did: it is a relay whose "
    "backend does not answer, another program, or TWS that is still starting"
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """A valid hello got no answer, on one machine."""
    if not silent_to_valid_hello(conversation) or not conversation.connection.same_host:
        return None
    port = conversation.connection.server.port
    usual, reads = port in API_PORTS, closed_after_client(conversation.connection)
    hangs = HANGS if conversation.connection.client.is_loopback else HANGS_OR_ASKS
    what = DOES_NOT_HANG if reads else hangs if usual else f"{hangs}, or it is not TWS at all"
    elsewhere = index.server_history.session_over_other_ip_version(conversation)
    if elsewhere is not None:
        what = (
            f"At {elsewhere.connection.server} TWS serves sessions ({elsewhere.id}): the program that listens here is "
            "another one, perhaps a relay, or TWS has recovered since"
        )
    doubtful = reads or elsewhere is not None
    return Statement(
        f"{conversation.connection.server} accepted the connection and received a valid hello, but did not answer "
        f"({silence(conversation)}). {what}. The client did its part.{client_symptom(conversation)}",
        Fault.TWS_STATE if usual and elsewhere is None else Fault.UNDETERMINED,
        Confidence.LOW if doubtful else index.reliability.confidence_in_silence(conversation.connection),
        packets=opening_packets(conversation),
        remedy=f"{_other_address(elsewhere)}{_first_look(conversation.connection, may_not_hang=doubtful)} "
        f"{not_the_checkbox(port)} {look_into_its_log(conversation.connection)}",
        alternatives=causes_of_silence(conversation),
        explains=Rung.ANSWERED,
    )


def _other_address(elsewhere: Conversation | None) -> str:
    """Advise to use the address at which TWS serves sessions, if there is one."""
    return "" if elsewhere is None else f"Connect to {elsewhere.connection.server.ip} instead. "


def _first_look(connection: Connection, *, may_not_hang: bool) -> str:
    if may_not_hang:
        return (
            f"Find out which program listens there ({who_listens(connection)}); if it is a relay, capture behind it; "
            "if it is TWS, try again."
        )
    return (
        f"Look for an open dialog in the TWS or Gateway window, and check {accepts_no_more(connection)} would mean "
        "that it no longer accepts connections, and that only a restart of it helps."
    )
