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

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.server_silence import closed_after_client
from ibsniff.formatting import duration, seconds_between
from ibsniff.model import NANOSECONDS, PATIENCE, Confidence, Conversation, Dialogue, Fault, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule

REQUEST, ANSWER = "REQ_CURRENT_TIME", "CURRENT_TIME"
"""The one request that is always answered at once: programs poll it to check whether TWS responds."""


@conversation_rule(Severity.ERROR, rests_on_absence=True)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """The client asked for the time, and got no answer."""
    connection, dialogue = conversation.connection, conversation.dialogue
    asked, received = connection.from_client.last_data, connection.from_server.last_data
    if dialogue.ready is None or asked is None or received is None or dialogue.bytes_after_gap:
        return None
    if _since_ready(dialogue, Side.CLIENT, REQUEST) <= _since_ready(dialogue, Side.SERVER, ANSWER):
        return None
    ended = connection.ended
    until_ns = ended.moment.time_ns if ended is not None else conversation.watched_until_ns
    silent = (until_ns - asked.time_ns) / NANOSECONDS
    if seconds_between(received, asked) < 0 or silent < PATIENCE or (ended is not None and ended.by is Side.SERVER):
        return None
    client = connection.from_client
    arrived = client.acked >= client.length or not client.retransmissions  # else it would be retransmitted
    window_closed, reads = bool(client.zero_windows), closed_after_client(connection)
    what = "The program that listens there is frozen or hangs"
    if not arrived:
        what = "The path to it is broken, or its machine is gone"
    if window_closed:
        what = "The client had closed its TCP window, so nothing could be sent to it"
    elif reads:
        what = "The program that listens there does not hang, because it closed its side when the client did"
    return Statement(
        "The session worked, and then TWS stopped answering: the client asked for the time and received nothing for "
        f"{duration(silent)}. {what}.",
        Fault.UNDETERMINED if window_closed or reads else Fault.TWS_STATE if arrived else Fault.NETWORK,
        Confidence.LOW
        if window_closed or reads or index.reliability.may_have_missed(conversation)
        else Confidence.MEDIUM,
        packets=(received.packet, asked.packet),
        remedy="Look at the TWS or Gateway window, and restart it if it does not respond. Let the program reconnect "
        "when reqCurrentTime is not answered.",
    )


def _since_ready(dialogue: Dialogue, side: Side, name: str) -> int:
    """How many such messages came in the session; TWS ignores requests before it is ready ("API is not accepted")."""
    early = [one for one in dialogue.first_messages if one.side is side and one.name == name]
    before = [one for one in early if dialogue.ready and one.moment.time_ns < dialogue.ready.time_ns]
    return dialogue.messages[side][name] - len(before)
