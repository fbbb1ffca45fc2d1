"""What happened in a conversation, packet by packet: the events worth showing, each with a weight.

The texts quote the wire between marks; the renderers mask, shorten and escape what is quoted (see `text`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ibsniff.ib.names import CLIENT_LIBRARIES, LEGACY_CLIENTS
from ibsniff.model import (
    Connection,
    Conversation,
    Dialect,
    Dialogue,
    ErrorTally,
    Finding,
    Hello,
    Moment,
    Reply,
    Side,
    WireBytes,
)

DECISIVE, DETAIL = 2, 1
"""Weights: an event that decides the verdict, and one that only explains it."""


NOTHING = WireBytes(b"")


class Event(NamedTuple):
    """One packet and its meaning."""

    packet: int
    time_ns: int | None
    """None if only the number of the packet is known."""
    side: Side | None
    """Who sent it; None if neither of the two did."""
    what: str
    raw: WireBytes = NOTHING
    """The decisive bytes, shown in hex."""
    weight: int = DETAIL


def events(conversation: Conversation) -> list[Event]:
    """All that is known of single packets, in packet order; one packet makes one event."""
    merged: dict[tuple[int, Side | None], Event] = {}
    of_dialogue = _dialogue_events(conversation)
    for event in (*_opening_events(conversation), *of_dialogue, *_closing_events(conversation.connection)):
        before = merged.get((event.packet, event.side))
        merged[event.packet, event.side] = _joined(before, event) if before else event
    return sorted(merged.values(), key=lambda event: event.packet)


def decisive_events(known: list[Event], finding: Finding | None, rows: int) -> list[Event]:
    """The ``rows`` most important events: packets of the finding, decisive ones, details; earlier ones first.

    A packet of the finding without a known event is listed with its number alone, if decisive events leave room for it.
    """
    cited = dict.fromkeys(finding.packets[:rows]) if finding else {}
    numbers = {event.packet for event in known}
    code = finding.code if finding else ""
    unknown = [Event(packet, None, None, f"evidence for {code}") for packet in cited if packet not in numbers]
    ordered = sorted(known, key=lambda event: (event.packet not in cited, -event.weight, event.packet))
    details = [event for event in ordered if event.packet not in cited and event.weight < DECISIVE]
    ranked = [*ordered[: len(ordered) - len(details)], *unknown, *details]
    return sorted(ranked[:rows], key=lambda event: event.packet)


def guessed_library(hello: Hello) -> str | None:
    """The client library that offers exactly these versions; a guess, because a range of versions proves no library."""
    if hello.max_version is None or not hello.is_valid:
        return None
    if hello.dialect is Dialect.LEGACY:
        return LEGACY_CLIENTS.get(hello.max_version)
    return CLIENT_LIBRARIES.get((hello.min_version or hello.max_version, hello.max_version))


def _joined(first: Event, second: Event) -> Event:
    return first._replace(
        what=f"{first.what}, {second.what}",
        raw=first.raw or second.raw,
        weight=max(first.weight, second.weight),
    )


def _opening_events(conversation: Conversation) -> Iterator[Event]:
    connection = conversation.connection
    for number, arp in enumerate(conversation.arp_unanswered[:2], 1):
        yield Event(
            *arp, Side.CLIENT, f"ARP request for {connection.server.ip}" + ", repeated" * (number > 1), weight=DECISIVE
        )
    for number, syn in enumerate(connection.syns, 1):
        repeated = f", repeated ({number} of {connection.syn_count})" if number > 1 else ""
        yield Event(*syn, Side.CLIENT, f"SYN{repeated}", weight=DETAIL if repeated else DECISIVE)
    for number, refusal in enumerate(connection.refusals, 1):
        yield Event(*refusal, Side.SERVER, "RST: connection refused", weight=DECISIVE if number == 1 else DETAIL)
    if connection.unreachable is not None:
        about = connection.unreachable
        yield Event(about.packet, about.time_ns, None, f"ICMP: {about.kind}", weight=DECISIVE)
    if connection.syn_ack is not None:
        yield Event(*connection.syn_ack, Side.SERVER, "SYN-ACK", weight=DECISIVE)
    if connection.established is not None:
        yield Event(*connection.established, Side.CLIENT, "ACK")


def _dialogue_events(conversation: Conversation) -> Iterator[Event]:
    dialogue = conversation.dialogue
    client, server = conversation.connection.from_client, conversation.connection.from_server
    if dialogue.hello is not None:
        yield hello_event(dialogue.hello)
    elif client.first_data is not None:
        yield Event(*client.first_data, Side.CLIENT, "first data", weight=DECISIVE)
    if client.ack_of_first_data is not None:
        data = "the hello" if dialogue.hello and dialogue.hello.is_valid else "this data"
        yield Event(*client.ack_of_first_data, Side.SERVER, f"ACK of {data}", weight=DECISIVE)
    if dialogue.reply is not None:
        yield reply_event(dialogue.reply)
    elif server.first_data is not None:
        yield Event(*server.first_data, Side.SERVER, "first data", weight=DECISIVE)
    yield from _session_events(dialogue)
    for side, half in ((Side.CLIENT, client), (Side.SERVER, server)):
        if half.first_zero_window is not None:
            yield Event(*half.first_zero_window, side, f"zero window: the {side} does not read")


def _perhaps(library: str | None) -> str:
    """The library that may have sent a hello: a range of versions is a hint, and a fork sends what its original does."""
    if library is None:
        return ""
    return f" ({library}?)" if "fork" in library else f" ({library}, or a fork?)"


def hello_event(hello: Hello) -> Event:
    """The client's first bytes: the versions they offer, or what is wrong with them."""
    if hello.is_valid:
        low, high, library = hello.min_version, hello.max_version, guessed_library(hello)
        versions = f"version {high}" if low is None or low == high else f"versions {low} to {high}"
        options = f", options {hello.options:quoted}" if hello.options else ""
        legacy = "legacy " if hello.dialect is Dialect.LEGACY else ""
        what = f"{legacy}hello, {versions}{options}" + _perhaps(library)
    else:
        what = f"{hello.dialect}: {hello.detail}" if hello.detail else f"hello: {hello.dialect}"
    return Event(*hello.complete, Side.CLIENT, what, hello.raw, DECISIVE)


def reply_event(reply: Reply) -> Event:
    """The server's first bytes."""
    if reply.redirect is not None:
        what = f"redirect to {reply.redirect:quoted}"
    elif reply.is_whole:
        time = f"{reply.connection_time:quoted}" if reply.connection_time else "no time"
        what = f"version reply: server version {reply.server_version}, {time}"
    else:
        what = f"{reply.kind} reply" + (f": {reply.service}" if reply.service else "")
    return Event(*reply.complete, Side.SERVER, what, NOTHING if reply.is_whole else reply.raw, DECISIVE)


def _session_events(dialogue: Dialogue) -> Iterator[Event]:
    if dialogue.start is not None:
        start = dialogue.start
        early = ", before the reply" if start.before_reply else ""
        client_id = "" if start.client_id is None else f" client id {start.client_id}"
        yield Event(*start.moment, Side.CLIENT, f"START_API{client_id} ({start.form}{early})", start.raw, DECISIVE)
    if dialogue.managed_accounts is not None:
        yield Event(*dialogue.managed_accounts, Side.SERVER, "managedAccounts", weight=DECISIVE)
    if dialogue.next_valid_id is not None:
        yield Event(*dialogue.next_valid_id, Side.SERVER, "nextValidId", weight=DECISIVE)
    for code, tally in dialogue.errors.items():
        yield from _error_events(code, tally)
    for side, moment in dialogue.unframed.items():
        yield Event(
            *moment, side, dialogue.unframed_detail.get(side, "") or "no IB message from here on", weight=DECISIVE
        )
    for side, gap in dialogue.bytes_after_gap.items():
        yield Event(*gap.noticed, side, f"{gap.length} bytes before this packet were not captured")


def _error_events(code: int, tally: ErrorTally) -> Iterator[Event]:
    for number, error in enumerate(tally.examples, 1):
        times = f" ({tally.count} times)" if number == 1 and tally.count > 1 else ""
        yield Event(*error.moment, Side.SERVER, f"error {code}{times}: {error.text:quoted}")


def _closing_events(connection: Connection) -> Iterator[Event]:
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
