"""A working session fell mute.

Seen: a ready session in which the client asks for the time (or for something else) and gets no byte any more, for
PATIENCE or longer, while nobody has ended the connection.
Meaning: with the requests acknowledged, what listens is frozen or hangs; without, the machine or the path is gone, or a
relay lost its inner side.
How sure: the silence is certain; a frozen process was reproduced with the same picture: medium. Undetermined when the
client had closed its own window, as nobody could tell it anything, and when the server answered its goodbye.
Sources: TraderAlice/OpenAlice 294 (a stopped Gateway process).
What to do: look at TWS's window; restart it; poll the time (``reqCurrentTime``) and reconnect when it is not answered.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.server_silence import closed_after_client
from ibsniff.formatting import duration, seconds_between
from ibsniff.model import NANOSECONDS, PATIENCE, Confidence, Conversation, Dialogue, Fault, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule

ASKED, TOLD = "REQ_CURRENT_TIME", "CURRENT_TIME"
"""The one request that is answered at once, always: what programs poll to see whether TWS lives."""


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Asked for the time, and not told."""
    connection, dialogue = conversation.connection, conversation.dialogue
    asked, heard = connection.from_client.last_data, connection.from_server.last_data
    if dialogue.ready is None or asked is None or heard is None or dialogue.bytes_after_gap:
        return None
    if _since_ready(dialogue, Side.CLIENT, ASKED) <= _since_ready(dialogue, Side.SERVER, TOLD):
        return None
    ended = connection.ended
    until_ns = ended.moment.time_ns if ended is not None else conversation.watched_until_ns
    mute = (until_ns - asked.time_ns) / NANOSECONDS
    if seconds_between(heard, asked) < 0 or mute < PATIENCE or (ended is not None and ended.by is Side.SERVER):
        return None
    client = connection.from_client
    received = client.acked >= client.length or not client.retransmissions  # unacknowledged, it would be sent again
    stuffed, lives = bool(client.zero_windows), closed_after_client(connection)
    what = "what listens there is frozen or hangs" if received else "the way there is broken, or its machine is gone"
    if stuffed:
        what = "but it had closed its window, so nobody could tell it"
    elif lives:
        what = "what listens there does not hang, as it closed its side when the client did"
    return Statement(
        f"The session worked and fell mute: the client asked for the time and heard nothing for {duration(mute)}; {what}.",
        Fault.UNDETERMINED if stuffed or lives else Fault.TWS_STATE if received else Fault.NETWORK,
        Confidence.LOW if stuffed or lives or index.reliability.may_have_missed(conversation) else Confidence.MEDIUM,
        packets=(heard.packet, asked.packet),
        remedy="Look at TWS's or Gateway's window, and restart it if it does not react. Let the program reconnect when "
        "reqCurrentTime is not answered.",
    )


def _since_ready(dialogue: Dialogue, side: Side, name: str) -> int:
    """How many of them came in the session; TWS ignores what it is asked before that ("API is not accepted")."""
    early = [one for one in dialogue.first_messages if one.side is side and one.name == name]
    before = [one for one in early if dialogue.ready and one.moment.time_ns < dialogue.ready.time_ns]
    return dialogue.messages[side][name] - len(before)
