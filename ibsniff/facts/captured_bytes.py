"""Whether the capture holds all bytes that one side sent."""

from __future__ import annotations

from ibsniff.model import Conversation, Half, Side


def missing_before_reset(half: Half) -> int:
    """Bytes this side sent that were not captured, by the number of its RST, less one, which may be its FIN."""
    if half.reset_at is None or half.fin is not None:
        return 0
    return max(0, half.reset_at - half.length - 1)


def all_captured(conversation: Conversation, side: Side) -> bool:
    """Tell whether no byte of this side is missing in the capture or still awaited."""
    connection = conversation.connection
    half = connection.from_client if side is Side.CLIENT else connection.from_server
    return half.captured >= half.length and not missing_before_reset(half)
