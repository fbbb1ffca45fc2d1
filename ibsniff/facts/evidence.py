"""The packets that show how a conversation began and ended."""

from __future__ import annotations

from ibsniff.model import Conversation


def opening_packets(conversation: Conversation) -> tuple[int | None, ...]:
    """Numbers of SYN, SYN-ACK, hello, its acknowledgment, and the end; None for what is not in the capture."""
    connection, hello = conversation.connection, conversation.dialogue.hello
    acknowledged = connection.from_client.ack_of_first_data
    return (
        connection.syns[0].packet if connection.syns else None,
        connection.syn_ack.packet if connection.syn_ack else None,
        *(hello.packets if hello else ()),
        acknowledged.packet if acknowledged else None,
        connection.ended.moment.packet if connection.ended else None,
    )
