"""The statement about a hello that TWS cannot understand."""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import opening_packets
from ibsniff.facts.server_close import closed_without_reply
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Hello
from ibsniff.rules.registry import Statement
from ibsniff.rules.wording.endings import closed_or_reset

RIGHT_BYTES = (
    "the bytes 41 50 49 00 (API and a zero byte), then the length of the version range as a 4-byte number with the highest "
    "byte first, then the version range (for v100..187, which has 9 bytes, the length is 00 00 00 09)"
)
"""A description of a hello that TWS understands."""

LIBRARIES_DO = "IB's own client and libraries such as ib_async send this by themselves."
"""For those who did not write these bytes on purpose."""

UNTRUSTED = Alternative(
    "TWS closes every connection from this address, whatever the client sends (localhost only, or not in Trusted IPs)",
    Fault.TWS_CONFIG,
    "fix the hello first; if TWS still closes the connection, the address is the reason",
)


def blame_broken_hello(
    conversation: Conversation,
    index: CaptureIndex,
    hello: Hello,
    what: str,
    remedy: str,
    confidence: Confidence = Confidence.HIGH,
) -> Statement:
    """State that the client's hello is wrong; less surely when a remote server closed, as it may have other reasons.

    When the same bytes were answered at another time, the client is not blamed.
    """
    ended = closed_without_reply(conversation)
    understood = index.answered_hellos.same_bytes(hello)
    if understood is not None:
        return Statement(
            f"{what}. However, the same bytes were answered in {understood.id}, so they are not the reason.",
            Fault.UNDETERMINED,
            Confidence.LOW,
            packets=opening_packets(conversation),
            remedy="Find out what was different: is TWS starting, or does it hang? Fix the bytes in any case.",
            explains=conversation.missing,
        )
    doubt = ended is not None and not conversation.connection.same_host
    reaction = f"{closed_or_reset(ended)} the connection" if ended else "does not answer"
    return Statement(
        f"{what}. The server {reaction}.",
        Fault.CLIENT,
        Confidence.MEDIUM if doubt and confidence is Confidence.HIGH else confidence,
        packets=opening_packets(conversation),
        remedy=remedy,
        alternatives=(UNTRUSTED,) if doubt else (),
        explains=conversation.missing,
    )
