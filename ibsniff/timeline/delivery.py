"""What the packets show of the way between the two sides: closed windows, bytes sent again, and bytes that are missing."""

from __future__ import annotations

from collections.abc import Iterator

from ibsniff.formatting import counted
from ibsniff.model import Connection, Conversation, Gap, Half, Side
from ibsniff.timeline.event import Event, minor

OTHER = {Side.CLIENT: Side.SERVER, Side.SERVER: Side.CLIENT}


def delivery_events(conversation: Conversation) -> Iterator[Event]:
    """Closed windows, bytes that are not acknowledged, gaps, and segments that the capture cut."""
    connection, after_gap = conversation.connection, conversation.dialogue.bytes_after_gap
    for side, half in halves(connection):
        yield from _windows(side, half)
        yield from _stall(side, half)
        gaps = [*half.gaps, *([after_gap[side]] if side in after_gap and after_gap[side] not in half.gaps else [])]
        for gap in gaps:
            yield _gap_event(gap, side, is_detail=gap == after_gap.get(side))


def halves(connection: Connection) -> tuple[tuple[Side, Half], ...]:
    """Both sides with what they sent."""
    return (Side.CLIENT, connection.from_client), (Side.SERVER, connection.from_server)


def _windows(side: Side, half: Half) -> Iterator[Event]:
    if half.first_zero_window is not None:
        yield Event(*half.first_zero_window, side, f"zero window: the {side}'s program does not read")
    if half.window_closed is not None:
        yield minor(half.window_closed, side, "its window stays closed from here on")


def _stall(side: Side, half: Half) -> Iterator[Event]:
    stall, receiver = half.stall, OTHER[side]
    if stall is None:
        return
    if stall.repeats:
        yield minor(stall.since, side, f"data that the {receiver} never acknowledges, sent for the first time")
        yield minor(stall.last, side, f"the same data, sent again for the last time (sent {stall.repeats + 1} times)")
    else:
        yield minor(stall.since, None, f"the first packet which shows that data of the {side} is missing")
        if stall.last != stall.since:
            yield minor(stall.last, None, f"data of the {side} is still missing")
    if stall.below is not None:
        yield minor(stall.below, receiver, f"the {receiver} still asks for the data that came before")


def _gap_event(gap: Gap, side: Side, *, is_detail: bool) -> Event:
    """Either side may have sent the packet that shows it."""
    event = minor(
        gap.noticed, None, f"{counted(gap.length, 'byte')} of the {side} before this packet were not captured"
    )
    return event._replace(weight=1) if is_detail else event


def other_packets(conversation: Conversation) -> Iterator[Event]:
    """Packets that stand out only by their place: of use where nothing else is known of them."""
    connection, dialogue = conversation.connection, conversation.dialogue
    for side, half in halves(connection):
        if half.ack_of_first_data is not None:
            yield minor(half.ack_of_first_data, OTHER[side], f"ACK of the {side}'s first data")
        if half.ack_of_fin is not None:
            yield minor(half.ack_of_fin, OTHER[side], f"ACK of the {side}'s FIN")
    for message in dialogue.first_messages:
        yield minor(message.moment, message.side, message.name)
    for side, half in halves(connection):
        if half.last_data is not None:
            yield minor(half.last_data, side, f"the last data of the {side}")
        if half.first_packet is not None:
            yield minor(half.first_packet, side, f"the first packet of the {side} in this capture")
    yield minor(connection.first, None, "the first packet of this conversation in the capture")
    yield minor(connection.last, None, "the last packet of this conversation in the capture")
