"""How a conversation began: how the SYN was repeated, whether a hello was sent and arrived, and the packets of all that."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise

from ibsniff.facts.timing import client_finished, end_of_wait_ns, round_trip
from ibsniff.formatting import seconds_between
from ibsniff.model import NANOSECONDS, Capture, Connection, Conversation, Dialect, Moment, Outcome

AFTER_SILENCE = 0.8
"""Seconds before a SYN is repeated when nothing came back: at least 1 (RFC 6298, 2.1), less the error of a clock.
Windows connects again half a second after a refusal."""


RETRANSMITTED_AFTER, AFTER_LOST_SYN = 1.0, 3.0
"""Seconds after which a kernel retransmits data that was not acknowledged; the second number applies when its SYN was
lost before (RFC 6298, 2.1 and 5.7)."""

AT_LEAST, RETRY = 0.5, 3.0
"""Seconds after which, and within which, a kernel repeats an ARP request that nobody answered (Linux and Windows: 1 s).
Requests of other machines may be minutes apart, and the answers to them do not reach the place of the capture."""
MOST_ADDRESSES = 3
"""More addresses than this are not those of one program's connection attempt."""


class SynPattern(StrEnum):
    """How the client's kernel repeated its SYN."""

    SENT_ONCE = "sent once"
    """The program gave up before a repeat was due, or something did answer."""
    REPEATED_SOON = "repeated too soon"
    """Sooner than a kernel repeats an unanswered SYN: an answer came that was not captured."""
    REPEATED_AFTER_SILENCE = "repeated after silence"


def syn_pattern(connection: Connection) -> SynPattern:
    """How the SYN was repeated, which shows whether nothing came back."""
    if connection.syn_count < 2:
        return SynPattern.SENT_ONCE
    if any(seconds_between(first, again) < AFTER_SILENCE for first, again in pairwise(connection.syns)):
        return SynPattern.REPEATED_SOON
    return SynPattern.REPEATED_AFTER_SILENCE


def hello_acknowledged(conversation: Conversation) -> bool:
    """Tell whether the server's kernel acknowledged the hello: it arrived.

    A capture may miss that ACK. The client's kernel received it if it retransmits nothing: without an ACK it would
    retransmit after a second or three round trips (RFC 6298, 2.1 to 2.3), or after three seconds if its SYN was lost
    before.
    """
    connection = conversation.connection
    client = connection.from_client
    if client.ack_of_first_data is not None or client.retransmissions:
        return client.ack_of_first_data is not None
    due = (AFTER_LOST_SYN if connection.syn_count > 1 else RETRANSMITTED_AFTER) + 3 * round_trip(connection)
    waited_ns = end_of_wait_ns(conversation) - client_finished(conversation).time_ns
    return connection.same_host or waited_ns >= due * NANOSECONDS


def sent_no_hello(conversation: Conversation) -> bool:
    """Tell whether the client connected without sending a hello: suspected of making TWS stop answering."""
    connection, hello = conversation.connection, conversation.dialogue.hello
    if connection.established is None or conversation.outcome in (Outcome.REPLIED, Outcome.FOREIGN, Outcome.JOINED):
        return False
    return hello is None or (not hello.is_valid and hello.dialect is not Dialect.NOT_CAPTURED)


def opening_packets(conversation: Conversation) -> tuple[Moment, ...]:
    """SYN, SYN-ACK, hello, its acknowledgment, and the end, as far as they are in the capture; else its first packet."""
    connection, hello = conversation.connection, conversation.dialogue.hello
    known = (
        *connection.syns[:1],
        connection.syn_ack,
        *(hello.pieces if hello else ()),
        connection.from_client.ack_of_first_data,
        connection.ended.moment if connection.ended else None,
    )
    return tuple(moment for moment in known if moment is not None) or (connection.first,)


def addresses_nobody_has(capture: Capture) -> list[tuple[bytes, tuple[Moment, ...]]]:
    """The addresses that a machine asked for by ARP again and again without an answer, with its requests.

    None where there is a conversation, and none when they are many: that is a scan of the network.
    """
    asked = [(address, requests) for address, requests in capture.unanswered_arp if _repeated_soon(requests)]
    return [] if capture.conversations or len(asked) > MOST_ADDRESSES else asked


def _repeated_soon(requests: tuple[Moment, ...]) -> bool:
    return any(AT_LEAST <= seconds_between(first, again) <= RETRY for first, again in pairwise(requests))
