"""TWS took the call on the same machine, heard a good hello, and said nothing.

Seen: a complete connection between two ends of one machine, a valid hello, the kernel's acknowledgment of it, and
then nothing from the server until the client gave up or PATIENCE passed.
Meaning: the kernel accepts and acknowledges for a program that no longer reads. TWS or Gateway hangs ("wedge", seen
with 10.40 and 10.41), is frozen, or still starting. Not the client: its hello is right. Not a setting: "Enable
ActiveX and Socket Clients" unticked refuses the call; Trusted IPs and the question whether to accept a connection
concern other addresses than the loopback; they may concern another one of this machine, if that was called.
How sure: that it was silent to a valid hello is certain; that it hangs is the commonest cause, not proved: medium.
Sources: gnzsnz/ib-gateway-docker 336, nautilus_trader 4796, ib_insync 386 (wedge on loopback); ib_insync 578 (port 6985
was a Client Portal Gateway).
What else: a relay whose inner side is silent; another program on the port. Where neither TWS nor a relay usually
listens that is as likely, and nobody's turn is known. When the server closed its side as soon as the client did, it is a
guess: a kernel alone does not, so a program reads there, and does not hang. Undetermined when the same port of this machine
is served over the other IP version.
What to do: look at the TWS window for a dialog; ``ss -ltn`` for a growing Recv-Q; restart Gateway or TWS; then find
what connects and never closes, or connects and says nothing.
"""

from __future__ import annotations

from ibsniff.facts.evidence import opening_packets
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.ports import API_PORTS
from ibsniff.facts.server_silence import closed_after_client, silent_to_valid_hello
from ibsniff.model import Confidence, Connection, Conversation, Fault, Rung, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.alternatives import causes_of_silence
from ibsniff.rules.wording.client_symptom import client_symptom
from ibsniff.rules.wording.commands import accepts_no_more, who_listens
from ibsniff.rules.wording.durations import silence
from ibsniff.rules.wording.remedies import look_into_its_log, not_the_checkbox

HANGS = "What listens there hangs or is still starting"
HANGS_OR_ASKS = "What listens there hangs, is still starting, or asks whether to take a call of this address"
LIVES = (
    "What listens there does not hang, as it closed its side when the client did: a relay with a silent inner side, "
    "another program, or TWS still starting"
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Silence to a good hello, on one machine."""
    if not silent_to_valid_hello(conversation) or not conversation.connection.same_host:
        return None
    port = conversation.connection.server.port
    usual, lives = port in API_PORTS, closed_after_client(conversation.connection)
    hangs = HANGS if conversation.connection.client.is_loopback else HANGS_OR_ASKS
    what = LIVES if lives else hangs if usual else f"{hangs}, or it is no TWS at all"
    besides = index.server_history.session_over_other_ip_version(conversation)
    if besides is not None:
        what = (
            f"At {besides.connection.server} TWS serves calls ({besides.id}): what listens here is another program, a relay "
            "perhaps, or it woke meanwhile"
        )
    doubted = lives or besides is not None
    return Statement(
        f"{conversation.connection.server} took the call, received a good hello, and said nothing "
        f"({silence(conversation)}). {what}; the client did its part.{client_symptom(conversation)}",
        Fault.TWS_STATE if usual and besides is None else Fault.UNDETERMINED,
        Confidence.LOW if doubted else index.reliability.confidence_in_silence(conversation.connection),
        packets=opening_packets(conversation),
        remedy=f"{_instead(besides)}{_first_look(conversation.connection, lives=doubted)} {not_the_checkbox(port)} "
        f"{look_into_its_log(conversation.connection)}",
        alternatives=causes_of_silence(conversation),
        explains=Rung.ANSWERED,
    )


def _instead(besides: Conversation | None) -> str:
    return "" if besides is None else f"Call {besides.connection.server.ip} instead. "


def _first_look(connection: Connection, *, lives: bool) -> str:
    if lives:
        return f"See what listens there ({who_listens(connection)}); if it is a relay, capture behind it; if it is TWS, try again."
    return (
        f"Look at the TWS or Gateway window for a dialog that waits, and at {accepts_no_more(connection)} means it no "
        "longer takes calls, and only a restart of it helps."
    )
