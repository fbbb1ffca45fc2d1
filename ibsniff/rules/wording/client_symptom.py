"""What a client library usually reports in such a case, besides what the packets show.

What this user's program really reported is not known. Taken from the source code of the libraries: ib_async and
ib_insync raise ``TimeoutError`` after 4 s (their default) whether the server was silent or closed at once; IB's own
clients and @stoqey/ib have no timeout during the handshake and wait forever.
"""

from __future__ import annotations

from ibsniff.ib import names
from ibsniff.model import Conversation, Outcome, Side
from ibsniff.rules.wording.endings import closed_or_reset, time_between

RAISES_TIMEOUT = ("ib_async", "ib_insync")
WAITS_FOREVER = ("official client", "ibapi", "@stoqey/ib")


def client_symptom(conversation: Conversation) -> str:
    """What a client with this hello reports, as a sentence with a space in front; empty when that is not known."""
    guess, ended = _library(conversation) or "", conversation.connection.ended
    raises = next((name for name in RAISES_TIMEOUT if guess.startswith(name)), None)
    if raises is not None:
        symptom = f"{raises}, which sends a hello like this, reports TimeoutError"
        if ended is not None and ended.by is Side.SERVER:
            after = time_between(conversation.connection.first, ended.moment)
            verb = closed_or_reset(ended)
            return f" {symptom} after 4 s, its default; the server had {verb} the connection {after} after its start."
        return f" {symptom}."
    waits = ended is None and conversation.outcome is Outcome.SILENT
    if waits and any(guess.startswith(name) for name in WAITS_FOREVER):
        return (
            " A client that sends a hello like this usually has no timeout here: it waits forever and reports nothing."
        )
    return ""


def _library(conversation: Conversation) -> str | None:
    """Guess the client library from the versions its hello offers."""
    hello = conversation.dialogue.hello
    if hello is None or hello.min_version is None or hello.max_version is None:
        return None
    return names.CLIENT_LIBRARIES.get((hello.min_version, hello.max_version))
