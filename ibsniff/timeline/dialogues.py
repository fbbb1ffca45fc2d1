"""What the two sides said: the handshake of the API, and messages that stand out."""

from __future__ import annotations

from collections.abc import Iterator

from ibsniff.ib.names import CLIENT_LIBRARIES, LEGACY_CLIENTS
from ibsniff.model import Conversation, Dialect, Dialogue, ErrorTally, Hello, Reply, ReplyKind, Side
from ibsniff.timeline.asked import error_event, kind_of
from ibsniff.timeline.event import DECISIVE, NOTHING, Event, minor

REPLIES: dict[ReplyKind, str] = {
    ReplyKind.UNFINISHED: "the beginning of a reply, and no more",
    ReplyKind.FOREIGN: "a reply in another protocol",
    ReplyKind.NOT_CAPTURED: "the reply, of which too little was captured",
}


def dialogue_events(conversation: Conversation) -> Iterator[Event]:
    """Hello, reply, START_API, errors, and where the messages end."""
    dialogue = conversation.dialogue
    client, server = conversation.connection.from_client, conversation.connection.from_server
    if dialogue.hello is not None:
        yield hello_event(dialogue.hello)
    elif client.first_data is not None:
        yield Event(*client.first_data, Side.CLIENT, "the client's first data", weight=DECISIVE)
    if client.ack_of_first_data is not None:
        data = "the hello" if dialogue.hello and dialogue.hello.is_valid else "this data"
        yield Event(*client.ack_of_first_data, Side.SERVER, f"ACK of {data}: it has arrived", weight=DECISIVE)
    if dialogue.reply is not None:
        yield reply_event(dialogue.reply)
    elif server.first_data is not None:
        yield Event(*server.first_data, Side.SERVER, "the server's first data", weight=DECISIVE)
    yield from _session_events(dialogue)
    yield from _pieces(dialogue)


def _pieces(dialogue: Dialogue) -> Iterator[Event]:
    """The packets of a hello or a reply that came in several."""
    for said, name, side in ((dialogue.hello, "hello", Side.CLIENT), (dialogue.reply, "reply", Side.SERVER)):
        if said is not None and len(said.pieces) > 1:
            for number, piece in enumerate(said.pieces, 1):
                yield minor(piece, side, f"part {number} of {len(said.pieces)} of the {name}")


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
        what = f"not a valid hello ({hello.dialect})" + (f": {hello.detail}" if hello.detail else "")
        if hello.dialect is Dialect.NOT_CAPTURED:
            what = "the hello, of which too little was captured"
    return Event(*hello.complete, Side.CLIENT, what, hello.raw, DECISIVE)


def reply_event(reply: Reply) -> Event:
    """The server's first bytes."""
    if reply.redirect is not None:
        what = f"redirect to {reply.redirect:quoted}"
    elif reply.is_whole:
        time = f"{reply.connection_time:quoted}" if reply.connection_time else "no time"
        what = f"version reply: server version {reply.server_version}, {time}"
    else:
        what = REPLIES[reply.kind] + (f": {reply.service}" if reply.service else "")
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
        yield Event(*moment, side, _unframed(dialogue, side), weight=DECISIVE)
    for side, began in dialogue.unfinished.items():
        yield minor(began, side, "a message begins here, and the rest of it never comes")
    yield from _latest_errors(dialogue)


def _unframed(dialogue: Dialogue, side: Side) -> str:
    detail = dialogue.unframed_detail.get(side, "")
    return "no IB message from here on" + (f": {detail}" if detail else "")


def _error_events(code: int, tally: ErrorTally) -> Iterator[Event]:
    kind = kind_of(code)
    for number, error in enumerate(tally.examples, 1):
        times = f" ({tally.count} times)" if number == 1 and tally.count > 1 else ""
        yield Event(*error.moment, Side.SERVER, f"{kind} {code}{times}: {error.text:quoted}")


def _latest_errors(dialogue: Dialogue) -> Iterator[Event]:
    """Errors that are not among the examples of their codes: the latest of each kind."""
    told = example_packets(dialogue)
    lasts = (*dialogue.farms.values(), *((dialogue.ib_connection,) if dialogue.ib_connection else ()))
    for error in dict.fromkeys((*lasts, *dialogue.latest_errors)):
        if error.moment.packet not in told:
            yield error_event(error)


def example_packets(dialogue: Dialogue) -> set[int]:
    """The packets of the errors that are kept as examples of their codes."""
    return {error.moment.packet for tally in dialogue.errors.values() for error in tally.examples}


def guessed_library(hello: Hello) -> str | None:
    """The client library that offers exactly these versions; a guess, because a range of versions proves no library."""
    if hello.max_version is None or not hello.is_valid:
        return None
    if hello.dialect is Dialect.LEGACY:
        return LEGACY_CLIENTS.get(hello.max_version)
    return CLIENT_LIBRARIES.get((hello.min_version or hello.max_version, hello.max_version))
