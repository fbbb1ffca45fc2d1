"""The session was started and never became ready.

Seen: START_API in the right form; nextValidId or managedAccounts (or both) did not come.
Meaning: TWS accepted the client and did not finish starting its session. Seen after TWS starts, and with Gateway
10.41, where managedAccounts came and nextValidId did not.
How sure: it is certain that the message is missing; the reason is not established. When START_API is never
acknowledged, it may not have arrived.
Sources: heshiming/ibga 24; ib_insync 303 (the second try works) and 616 (the stable release works).
What to do: try again; wait until TWS has finished starting; restart it if the problem stays.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import opening_packets
from ibsniff.facts.reliability import all_captured
from ibsniff.facts.session import settled_after
from ibsniff.ib import errors
from ibsniff.model import Confidence, Conversation, Fault, Outcome, Rung, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.client_symptom import client_symptom


@conversation_rule(Severity.ERROR, rests_on_absence=True)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """The session was started and is not ready."""
    dialogue, ended = conversation.dialogue, conversation.connection.ended
    start = dialogue.start
    if conversation.outcome is not Outcome.REPLIED or conversation.rung is not Rung.STARTED or start is None:
        return None
    if dialogue.ready is not None:  # it did not reach the client, which IBS416 reports
        return None
    if errors.CLIENT_ID_IN_USE in dialogue.errors or (ended is not None and ended.by is Side.SERVER):
        return None
    if not all_captured(conversation, Side.SERVER) or not settled_after(conversation, start.moment):
        return None
    client = conversation.connection.from_client
    if client.retransmissions and client.acked < client.length:
        return Statement(
            "The client's START_API was retransmitted and never acknowledged: it was lost on the way, or the server "
            "that answered is gone.",
            Fault.NETWORK,
            Confidence.LOW,
            packets=(*opening_packets(conversation), start.moment.packet),
            remedy="Capture on the server's machine too, and check whether START_API arrives there. Look at firewalls, "
            "tunnels and the MTU.",
            explains=Rung.READY,
        )
    came = {"nextValidId": dialogue.next_valid_id, "managedAccounts": dialogue.managed_accounts}
    missing = " and ".join(name for name, moment in came.items() if moment is None)
    return Statement(
        f"The session was started and never became ready: {missing} did not come.{client_symptom(conversation)}",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=(*opening_packets(conversation), start.moment.packet),
        remedy="Try again once TWS has finished starting; restart TWS or Gateway if the problem stays. If only a new "
        "release of it does this, use the stable one.",
        explains=Rung.READY,
    )
