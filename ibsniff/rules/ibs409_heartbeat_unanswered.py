"""TWS stopped answering in a working session.

Seen: a ready session in which the client asks for the time (or for something else) and receives no more data for 5 s
or longer, while nobody has ended the connection.
Meaning: when the requests are acknowledged, the program that listens is frozen or hangs. When they are not, the
machine or the path is gone, or a relay lost its backend.
How sure: the silence is certain; a frozen process was reproduced and gave the same picture: medium. Undetermined when
the client had closed its own window, as then nobody could send it anything, and when the server answered its FIN.
Sources: TraderAlice/OpenAlice 294 (a stopped Gateway process).
What to do: look at TWS's window; restart it; request the time regularly (``reqCurrentTime``) and reconnect when there
is no answer.
"""

from __future__ import annotations

from ibsniff.facts.delivery import unacknowledged, undelivered
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.liveness import unanswered
from ibsniff.facts.server_silence import closed_after_client
from ibsniff.formatting import duration
from ibsniff.model import Confidence, Conversation, Fault, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule

LOOK_AT_TWS = "Look at the TWS or Gateway window, and restart it if it does not respond."
LOOK_AT_PATH = (
    "Check whether the server's machine is up and can be reached; look at firewalls, VPNs and tunnels on the way, and "
    "capture on that machine too."
)


@conversation_rule(Severity.ERROR, rests_on_absence=True)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """The client asked for the time, and got no answer."""
    connection, question = conversation.connection, unanswered(conversation)
    received, ended = connection.from_server.last_data, connection.ended
    if question is None or received is None or (ended is not None and ended.by is Side.SERVER):
        return None
    if undelivered(connection, Side.CLIENT) is not None or unacknowledged(connection, Side.SERVER) is not None:
        return None  # IBS416 reports what was lost on the way
    arrived = unacknowledged(connection, Side.CLIENT) is None
    window_closed, reads = connection.from_client.window_closed is not None, closed_after_client(connection)
    what = "The program that listens there is frozen or hangs"
    if not arrived:
        what = "The path to it is broken, or its machine is gone"
    if window_closed:
        what = "The client had closed its TCP window, so nothing could be sent to it"
    elif reads:
        what = "The program that listens there does not hang, because it closed its side when the client did"
    return Statement(
        "The session worked, and then TWS stopped answering: the client asked for the time and received nothing for "
        f"{duration(question.seconds)}. {what}.",
        Fault.UNDETERMINED if window_closed or reads else Fault.TWS_STATE if arrived else Fault.NETWORK,
        Confidence.LOW
        if window_closed or reads or index.reliability.may_have_missed(conversation)
        else Confidence.MEDIUM,
        packets=(received.packet, question.asked.packet),
        remedy=f"{LOOK_AT_TWS if arrived else LOOK_AT_PATH} Let the program reconnect when reqCurrentTime is not "
        "answered.",
    )
