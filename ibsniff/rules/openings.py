"""What the rules about a broken opening have in common: when they may speak, and how sure they are."""

from __future__ import annotations

from ibsniff.model import Alternative, Capture, Confidence, Conversation, Dialect, Fault, Hello, Outcome
from ibsniff.rules.closing import closed_before_a_word
from ibsniff.rules.company import welcome_besides
from ibsniff.rules.registry import Statement
from ibsniff.rules.silences import hello_heard
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
    if closed_before_a_word(conversation):
        return None
    client = conversation.connection.from_client
    if hello.dialect in NEEDS_THE_END and client.captured < client.length:
        return None
    return hello if hello_heard(conversation) or conversation.outcome is not Outcome.SILENT else None


def accuse_client(
    conversation: Conversation,
    capture: Capture,
    hello: Hello,
    what: str,
    remedy: str,
    confidence: Confidence = Confidence.HIGH,
) -> Statement:
    """State that the client's opening is wrong; less surely when a remote server hung up, which has other reasons.

    Not at all when the same server answered the very same bytes at another time.
    """
    closed = conversation.outcome in (Outcome.CLOSED, Outcome.RESET)
    understood = _understood_besides(conversation, capture, hello)
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


def _understood_besides(conversation: Conversation, capture: Capture, hello: Hello) -> Conversation | None:
    """Another conversation of the same server in which it answered these bytes."""
    for other in welcome_besides(conversation, capture):
        same = other.dialogue.hello is not None and other.dialogue.hello.raw == hello.raw
        if same and other.outcome is Outcome.REPLIED:
            return other
    return None
