"""What the other conversations of a capture show about one of them."""

from __future__ import annotations

from ibsniff.model import Alternative, Capture, Confidence, Conversation, Fault, Rung
from ibsniff.rules.registry import Statement


def served_besides(conversation: Conversation, capture: Capture) -> Conversation | None:
    """A session of the same server and port that was ready at another time of this capture."""
    server = conversation.connection.server
    others = (one for one in capture.conversations if one.id != conversation.id and one.connection.server == server)
    return next((one for one in others if one.rung is Rung.READY), None)


def refused(
    conversation: Conversation, capture: Capture, summary: str, remedy: str, causes: tuple[Alternative, ...]
) -> Statement:
    """State a refusal: nobody's turn is known, unless TWS served that very port at another time of the capture."""
    connection = conversation.connection
    served = served_besides(conversation, capture)
    calls = zip(connection.syns, connection.refusals, strict=False)
    if served is not None:
        summary = f"{summary} TWS served this port at another time ({served.id}): it was down or restarting."
        remedy = "Let the program call again with growing pauses; see TWS's auto restart time."
        causes = ()
    return Statement(
        summary,
        Fault.TWS_STATE if served is not None else Fault.UNDETERMINED,
        Confidence.MEDIUM if served is not None else Confidence.HIGH,
        packets=[moment.packet for call in calls for moment in call],
        remedy=remedy,
        alternatives=causes,
        explains=Rung.CONNECTED,
    )
