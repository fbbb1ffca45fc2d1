"""How the connection ended."""

from __future__ import annotations

from collections.abc import Iterator

from ibsniff.model import Connection, Moment, Side
from ibsniff.timeline.event import DECISIVE, Event


def closing_events(connection: Connection) -> Iterator[Event]:
    """FIN and RST of both sides."""
    ends: list[tuple[Moment | None, Side, str]] = [
        (connection.from_client.fin, Side.CLIENT, "FIN"),
        (connection.from_client.rst, Side.CLIENT, "RST"),
        (connection.from_server.fin, Side.SERVER, "FIN"),
        (connection.from_server.rst, Side.SERVER, "RST"),
    ]
    refused = {refusal.packet for refusal in connection.refusals}
    ended = connection.ended.moment.packet if connection.ended else None
    for end, side, flag in ends:
        if end is not None and end.packet not in refused:
            if end.packet == ended:
                verb = "closes" if flag == "FIN" else "resets"
                yield Event(*end, side, f"{flag}: the {side} {verb} the connection", weight=DECISIVE)
            else:
                yield Event(*end, side, flag)
