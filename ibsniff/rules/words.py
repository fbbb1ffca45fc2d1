"""What rules say alike: silences, addresses and bytes in words."""

from __future__ import annotations

from ibsniff.formatting import duration, elapsed, seconds
from ibsniff.ib import names
from ibsniff.model import Connection, Conversation, Moment, Side

SHOWN_BYTES = 40
"""Bytes of an offending opening shown in a sentence; the evidence shows more."""


def hexed(raw: bytes) -> str:
    """Bytes as hex; digits that may be part of an account number are not shown.

    A hello holds no account unless in its options, which stand behind a space.
    """
    options = raw.find(b" ", 8) + 1 if raw.startswith(b"API\0") else 0  # a space in the length field is none
    if options:
        raw = raw[:options] + b"*" * len(raw[options:])
    shown = raw[:SHOWN_BYTES].hex(" ")
    return f"{shown} ..." if len(raw) > SHOWN_BYTES else shown


def application(port: int) -> str:
    """What usually listens on a port, or behind the relay that does: they differ in their menus."""
    usual = names.DEFAULT_PORTS.get(port) or names.RELAY_PORTS.get(port, "")
    named = [name for name in ("TWS", "Gateway") if name in usual]
    return named[0] if len(named) == 1 else "TWS or Gateway"


def settings_path(port: int) -> str:
    """Where the API settings are, in the application that usually listens on a port."""
    paths = {
        "TWS": "TWS, Global Configuration > API > Settings",
        "Gateway": "Gateway, Configure > Settings > API > Settings",
    }
    return paths.get(application(port), "TWS (Global Configuration) or Gateway (Configure > Settings), API > Settings")


def auto_restart(port: int) -> str:
    """Where the time of the nightly restart is set."""
    paths = {"TWS": "Global Configuration > Lock and Exit", "Gateway": "Configure > Settings > Lock and Exit"}
    return f"Auto restart under {paths.get(application(port), 'Lock and Exit in its settings')}"


def address_to_trust(connection: Connection) -> str:
    """The address TWS sees, as it must be entered in Trusted IPs."""
    return connection.client.ip


def single_entry(connection: Connection) -> str:
    """How that address is to be entered: the list takes addresses one by one, of each family by itself."""
    return (
        "this one address, no range"
        if len(connection.client.address) == 4
        else "this IPv6 address, no range; an IPv4 entry does not cover it"
    )


def spoke_last(conversation: Conversation) -> Moment:
    """When the client had said what it had to say; sent again is not said again."""
    connection, hello = conversation.connection, conversation.dialogue.hello
    said = hello.complete if hello is not None else connection.from_client.first_data
    return said or connection.established or connection.first


def silence(conversation: Conversation) -> str:
    """Say how long the server was silent, and how it is known."""
    connection, began = conversation.connection, spoke_last(conversation)
    ended = connection.ended
    if ended is not None:
        who = "client" if ended.by is Side.CLIENT else "server"
        if ended.moment.packet < began.packet:  # what came after the end was not waited for
            began = connection.established or connection.first
        return f"{elapsed(began, ended.moment)}, until the {who} closed"
    watched = seconds(conversation.watched_until_ns - began.time_ns)
    return f"{duration(watched)}, as long as was watched"


def packets_of(conversation: Conversation) -> tuple[int | None, ...]:
    """Numbers of the packets every story begins with: SYN, SYN-ACK, hello, and its acknowledgment."""
    connection, hello = conversation.connection, conversation.dialogue.hello
    acknowledged = connection.from_client.ack_of_first_data
    return (
        connection.syns[0].packet if connection.syns else None,
        connection.syn_ack.packet if connection.syn_ack else None,
        *(hello.packets if hello else ()),
        acknowledged.packet if acknowledged else None,
        connection.ended.moment.packet if connection.ended else None,
    )
