"""No plain text in what a renderer sees comes from the wire: every ``str`` and ``bytes`` of a report is accounted for."""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Iterator

from ibsniff import model
from ibsniff.masking.wire_text import WireBytes, WireText
from ibsniff.model import streams

OURS = {
    ("Hello", "detail"): "sentences of ib.hello, with numbers and with white space in hex",
    ("Reply", "service"): "a name from the table in ib.reply",
    ("Message", "name"): "a name from the table in ib.names",
    ("Dialogue", "messages"): "the same",
    ("Request", "name"): "the same",
    ("LateAnswer", "name"): "the same",
    ("Requests", "counts"): "the same",
    ("Requests", "not_followed"): "the same",
    ("Requests", "settled"): "the same",
    ("Dialogue", "unframed_detail"): "a sentence of ib.frames, with a number",
    ("Endpoint", "address"): "four or sixteen bytes of an IP header, shown as an IP address",
    ("Unreachable", "reporter"): "the same",
    ("Connection", "history"): "letters of tcp.history",
    ("Conversation", "id"): "made by analysis.tracking",
    ("Conversation", "conn_state"): "made by tcp.state",
    ("Conversation", "summary"): "a Sentence, or our own words",
    ("Finding", "code"): "the file name of a rule",
    ("Finding", "name"): "the same",
    ("Finding", "title"): "the first sentence of a rule's documentation",
    ("Finding", "summary"): "a Sentence, or our own words",
    ("Finding", "remedy"): "the same",
    ("Finding", "conversations"): "ids of conversations",
    ("Evidence", "what"): "a Sentence, or our own words",
    ("Evidence", "conversation"): "the id of a conversation",
    ("Problem", "conversation"): "the same",
    ("Problem", "conversations"): "the same",
    ("Problem", "explained"): "codes of findings",
    ("Alternative", "cause"): "a Sentence, or our own words",
    ("Alternative", "how_to_tell"): "the same",
    ("ServerOutage", "ended"): "ids of conversations",
    ("ServerOutage", "back"): "the id of a conversation",
    ("ServerOutage", "text"): "a Sentence, or our own words",
    ("Narrowed", "chosen_by"): "options and addresses that the user gave, in our own words",
    ("Verdict", "code"): "the code of a finding",
    ("Verdict", "summary"): "a Sentence, or our own words",
    ("Verdict", "conversation"): "the id of a conversation",
    ("InputFacts", "path"): "what the user typed; renderers quote it",
    ("InputFacts", "format"): "pcap or pcapng",
    ("InputFacts", "truncated"): "a Sentence, or our own words",
    ("InputFacts", "skipped"): "reasons from net.skip",
    ("InputFacts", "notes"): "Sentences, or our own words",
    ("InputFacts", "events"): "the same",
    ("Stream", "conn_state"): "made by tcp.state",
    ("Stream", "sha256"): "a digest",
    ("StreamList", "unlisted"): "counted by conn_state",
}
"""Every field of plain text or bytes, and where it comes from."""


def fields_of(kind: type) -> dict[str, object]:
    return typing.get_type_hints(kind, vars(model) | vars(streams))


def parts(hint: object) -> Iterator[object]:
    """A type, and those that it is made of."""
    yield hint
    for part in typing.get_args(hint):
        yield from parts(part)


def reachable(*starts: type) -> dict[str, type]:
    found: dict[str, type] = {}
    waiting = list(starts)
    while waiting:
        kind = waiting.pop()
        if kind.__name__ in found or issubclass(kind, enum.Enum):
            continue
        found[kind.__name__] = kind
        for hint in fields_of(kind).values():
            ours = (part for part in parts(hint) if isinstance(part, type) and not isinstance(part, types.GenericAlias))
            waiting += [part for part in ours if dataclasses.is_dataclass(part) or hasattr(part, "_fields")]
    return found


def plain(kinds: dict[str, type]) -> set[tuple[str, str]]:
    return {
        (name, field)
        for name, kind in kinds.items()
        for field, hint in fields_of(kind).items()
        if {str, bytes} & {part for part in parts(hint) if isinstance(part, type)}
    }


def test_every_text_a_renderer_sees_is_ours_or_wire_text() -> None:
    kinds = reachable(model.Report, streams.StreamList, streams.Chunk)
    assert {"WireError", "Hello", "Reply", "Start", "Chunk", "Connection"} <= kinds.keys()
    assert plain(kinds) == OURS.keys()


def test_what_the_wire_says_has_types_of_its_own() -> None:
    kinds = reachable(model.Report, streams.StreamList, streams.Chunk)
    wire = {
        (name, field)
        for name, kind in kinds.items()
        for field, hint in fields_of(kind).items()
        if {WireText, WireBytes} & set(parts(hint))
    }
    assert wire == {
        ("Hello", "raw"),
        ("Hello", "options"),
        ("Reply", "raw"),
        ("Reply", "connection_time"),
        ("MachineReport", "program"),
        ("Reply", "redirect"),
        ("Start", "raw"),
        ("WireError", "text"),
        ("DataFarm", "name"),
        ("DataFarm", "name"),
        ("Dialogue", "accounts"),
        ("Chunk", "data"),
    }
