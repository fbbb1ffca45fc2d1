"""What to do, where several rules advise it."""

from __future__ import annotations

from ibsniff.facts.ports import application
from ibsniff.model import Connection

RELAY_KEEPS_PORT = "A relay usually listens there, not TWS: TWS's own API port needs no change."


def look_into_its_log(connection: Connection) -> str:
    """Say what to collect next: the line stands in the logs ib-ruby and tws_async quote; AutoRevOption's hung one was mute."""
    capture = "" if connection.same_host else "capture on its machine too, and "
    return (
        f"If that does not settle it: {capture}see whether its log says 'Starting new conversation with client on' at that "
        "time; a TWS that hangs is said to log nothing."
    )


def not_the_checkbox(port: int) -> str:
    """Answer the common wrong advice (extrange/ibkr-docker 16 and 48; heshiming/ibga 18: Gateway has no such box)."""
    box = (
        "It is not 'Enable ActiveX and Socket Clients': with that box unticked the port is closed and the call refused."
    )
    return f"{box} Gateway has no such box at all." if application(port) == "Gateway" else box
