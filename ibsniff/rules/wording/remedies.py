"""Remedies that several rules give."""

from __future__ import annotations

from ibsniff.facts.ports import application
from ibsniff.model import Connection

RELAY_KEEPS_PORT = "A relay usually listens on this port, not TWS, so TWS's own API port needs no change."


def look_into_its_log(connection: Connection) -> str:
    """What to check next. ib-ruby and tws_async quote logs with this line; AutoRevOption's hung TWS logged nothing."""
    capture = "" if connection.same_host else "capture on the server's machine too, and "
    return (
        f"If that does not solve it, {capture}check whether TWS's log says 'Starting new conversation with client on' "
        "at that time; a TWS that hangs is reported to log nothing."
    )


def not_the_checkbox(port: int) -> str:
    """Correct common wrong advice (extrange/ibkr-docker 16 and 48; heshiming/ibga 18: Gateway has no such checkbox)."""
    checkbox = (
        "The reason is not 'Enable ActiveX and Socket Clients': with that checkbox unticked, the port is closed and "
        "connections are refused."
    )
    return f"{checkbox} Gateway has no such checkbox at all." if application(port) == "Gateway" else checkbox
