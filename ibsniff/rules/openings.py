"""What the rules about a broken opening have in common: when they may speak, and how sure they are."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from ibsniff.model import Alternative, Capture, Confidence, Conversation, Dialect, Fault, Hello, Outcome, Side
from ibsniff.rules.closing import closed_before_a_word, cut_short
from ibsniff.rules.registry import Statement
from ibsniff.rules.session import all_captured
from ibsniff.rules.silences import hello_heard
from ibsniff.rules.spans import Least
from ibsniff.rules.words import hexed, packets_of

RIGHT_BYTES = "41 50 49 00, then the length of the version range as 4 bytes big-endian, then for example v100..187"
"""A hello a TWS understands, in words."""

UNJUDGED = (Outcome.UNPROVEN, Outcome.REPLIED, Outcome.FOREIGN)
"""Outcomes under which an odd opening explains nothing: too early to say, or the server did answer, or it is no TWS."""

NEEDS_THE_END = (Dialect.INCOMPLETE, Dialect.BAD_LENGTH)
"""Only certain when all the client sent was captured: a hole may not be given up yet while a live capture runs."""

UNTRUSTED = Alternative(
    "TWS closes to this address whatever it says (localhost only, or not in Trusted IPs)",
    Fault.TWS_CONFIG,
    "mend the hello first; if it is still closed, the address is the reason",
)


def broken_opening(conversation: Conversation, *dialects: Dialect) -> Hello | None:
    """The client's opening, if it is one of these and the server did not understand it."""
    hello = conversation.dialogue.hello
    if hello is None or hello.dialect not in dialects or conversation.outcome in UNJUDGED:
        return None
    if closed_before_a_word(conversation) or cut_short(conversation):
        return None
    if hello.dialect in NEEDS_THE_END and not _said_all(conversation):
        return None
    return hello if hello_heard(conversation) or conversation.outcome is not Outcome.SILENT else None


def _said_all(conversation: Conversation) -> bool:
    """Nothing of it is missing, nor held back: a kernel whose packets are not acknowledged sends no further small ones."""
    client = conversation.connection.from_client
    stuck = client.retransmissions > 0 and client.acked < client.length
    return all_captured(conversation, Side.CLIENT) and not stuck


def accuse_client(
    conversation: Conversation,
    capture: Capture,
    hello: Hello,
    what: str,
    remedy: str,
    confidence: Confidence = Confidence.HIGH,
) -> Statement:
    """State that the client's opening is wrong; less surely when a remote server hung up, which has other reasons.

    Not at all when the very same bytes were answered at another time.
    """
    closed = conversation.outcome in (Outcome.CLOSED, Outcome.RESET)
    understood = _understood_besides(capture, hello)
    if understood is not None:
        return Statement(
            f"{what}; but the same bytes were answered in {understood.id}, so they are not the reason.",
            Fault.UNDETERMINED,
            Confidence.LOW,
            packets=packets_of(conversation),
            remedy="Look for what was different: is TWS starting, or hung? Mend the bytes all the same.",
            explains=conversation.missing,
        )
    doubt = closed and not conversation.connection.same_host
    did = "hung up" if closed else "does not answer"
    return Statement(
        f"{what}; the server {did}. The bytes: {hexed(hello.raw)}",
        Fault.CLIENT,
        Confidence.MEDIUM if doubt and confidence is Confidence.HIGH else confidence,
        packets=packets_of(conversation),
        remedy=remedy,
        alternatives=(UNTRUSTED,) if doubt else (),
        explains=conversation.missing,
    )


def _understood_besides(capture: Capture, hello: Hello) -> Conversation | None:
    """Another conversation in which a TWS answered these bytes, whatever followed them there."""
    answered = _answered(capture).get(hello.dialect)
    place = answered.first_that_begins_with(hello.raw) if answered else None
    return None if place is None else capture.conversations[place]


class _Answered:
    """Openings that were answered, and their places in the capture."""

    def __init__(self, openings: Iterable[tuple[bytes, int]]) -> None:
        ordered = sorted(openings)
        self._raw = [raw for raw, _ in ordered]
        self._places = Least(place for _, place in ordered)

    def first_that_begins_with(self, raw: bytes) -> int | None:
        begins = bisect_left(self._raw, raw)
        return self._places.between(begins, bisect_right(self._raw, raw, begins, key=lambda one: one[: len(raw)]))


@lru_cache(maxsize=1)
def _answered(capture: Capture) -> dict[Dialect, _Answered]:
    """By dialect, the openings that were answered: what thousands of unanswered ones are each held against."""
    found: dict[Dialect, list[tuple[bytes, int]]] = defaultdict(list)
    for place, one in enumerate(capture.conversations):
        if one.outcome is Outcome.REPLIED and one.dialogue.hello is not None:
            found[one.dialogue.hello.dialect].append((one.dialogue.hello.raw, place))
    return {dialect: _Answered(openings) for dialect, openings in found.items()}
