"""The statement about a hello that TWS cannot understand."""

from __future__ import annotations

from ibsniff.facts.evidence import opening_packets
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.server_close import closed_without_reply
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Hello
from ibsniff.rules.registry import Statement
from ibsniff.rules.wording.hex_bytes import in_hex

RIGHT_BYTES = "41 50 49 00, then the length of the version range as 4 bytes big-endian, then for example v100..187"
"""A hello that TWS understands, in words."""

UNTRUSTED = Alternative(
    "TWS closes to this address whatever it says (localhost only, or not in Trusted IPs)",
    Fault.TWS_CONFIG,
    "mend the hello first; if it is still closed, the address is the reason",
)


def blame_broken_hello(
    conversation: Conversation,
    index: CaptureIndex,
    hello: Hello,
    what: str,
    remedy: str,
    confidence: Confidence = Confidence.HIGH,
) -> Statement:
    """State that the client's hello is wrong; less surely when a remote server closed, which has other reasons.

    Not at all when the very same bytes were answered at another time.
    """
    closed = closed_without_reply(conversation) is not None
    understood = index.answered_hellos.same_bytes(hello)
    if understood is not None:
        return Statement(
            f"{what}; but the same bytes were answered in {understood.id}, so they are not the reason.",
            Fault.UNDETERMINED,
            Confidence.LOW,
            packets=opening_packets(conversation),
            remedy="Look for what was different: is TWS starting, or hung? Mend the bytes all the same.",
            explains=conversation.missing,
        )
    doubt = closed and not conversation.connection.same_host
    did = "hung up" if closed else "does not answer"
    return Statement(
        f"{what}; the server {did}. The bytes: {in_hex(hello.raw)}",
        Fault.CLIENT,
        Confidence.MEDIUM if doubt and confidence is Confidence.HIGH else confidence,
        packets=opening_packets(conversation),
        remedy=remedy,
        alternatives=(UNTRUSTED,) if doubt else (),
        explains=conversation.missing,
    )
