"""What the two sides said: the handshake of the API, and messages that stand out."""

from __future__ import annotations

from collections.abc import Iterator

from ibsniff.ib.names import CLIENT_LIBRARIES, LEGACY_CLIENTS
from ibsniff.model import Conversation, Dialect, Dialogue, ErrorTally, Hello, Reply, Side
from ibsniff.timeline.event import DECISIVE, NOTHING, Event


def dialogue_events(conversation: Conversation) -> Iterator[Event]:
    """Hello, reply, START_API, errors, and where the messages end."""
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


def guessed_library(hello: Hello) -> str | None:
    """The client library that offers exactly these versions; a guess, because a range of versions proves no library."""
    if hello.max_version is None or not hello.is_valid:
        return None
    if hello.dialect is Dialect.LEGACY:
        return LEGACY_CLIENTS.get(hello.max_version)
    return CLIENT_LIBRARIES.get((hello.min_version or hello.max_version, hello.max_version))
