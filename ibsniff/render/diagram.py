"""The sequence diagram of one conversation as a value: what stands in each row, before anybody draws it.

A conversation knows some of its packets one by one, and of the others how many messages they brought and until when. So a
row is a packet, many messages folded into one row, or a time in which nothing came. A silence is a row only where it is
certain: among packets that are not known one by one there may be any pause, and no pause is claimed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from ibsniff.formatting import duration, seconds
from ibsniff.model import (
    Connection,
    Conversation,
    Evidence,
    Outcome,
    Report,
    Side,
)
from ibsniff.render.diagram_bulk import folded, rest_of, with_rest, without_repetitions
from ibsniff.render.diagram_packets import known_rows
from ibsniff.render.diagram_rows import MIN_SILENCE_NS, Diagram, Kind, Row, first_packet
from ibsniff.render.report_view import state_at_end

__all__ = ["Diagram", "Kind", "Row", "diagram", "proof_of"]


def diagram(conversation: Conversation, proof: Iterable[Evidence] = (), *, verbose: bool = False) -> Diagram:
    """What is known of single packets of a conversation, and the rest of them folded.

    ``proof`` are the packets that findings cite; ``verbose`` gives each packet that is known a row of its own.
    """
    connection, rest = conversation.connection, rest_of(conversation)
    cited = {one.packet: one for one in proof if one.conversation in (conversation.id, "")}
    known = sorted(known_rows(conversation, cited, verbose), key=first_packet)
    rows = with_rest(list(known if verbose else without_repetitions(folded(known))), rest)
    drawn = [_with_marks(row, conversation, cited) for row in rows]
    return Diagram(
        id=conversation.id,
        client=connection.client,
        server=connection.server,
        began_ns=connection.first.time_ns,
        rows=tuple(_with_silences([*drawn, *_end(conversation)], _is_itemised(drawn, connection))),
        packets=_packets_of(connection),
        retransmissions=connection.from_client.retransmissions + connection.from_server.retransmissions,
    )


def proof_of(report: Report, conversation: Conversation) -> list[Evidence]:
    """The packets that findings cite: those about this conversation, and those across several with this one."""
    across = (found for found in report.findings if conversation.id in found.conversations)
    return [one for finding in (*conversation.findings, *across) for one in finding.evidence]


def _packets_of(connection: Connection) -> int:
    return connection.from_client.segments + connection.from_server.segments


def _is_itemised(rows: list[Row], connection: Connection) -> bool:
    """Tell whether every packet of the connection has a row, so that a pause between rows is one without any packet."""
    numbers = {row.packets[0] for row in rows if row.kind is Kind.PACKET}
    return 0 < _packets_of(connection) <= len(numbers)


# ---------------------------------------------------------------------------------------------------------------
# Marks, silences, and the end


def _with_marks(row: Row, conversation: Conversation, cited: Collection[int]) -> Row:
    connection, number = conversation.connection, first_packet(row)
    half = connection.from_client if row.side is Side.CLIENT else connection.from_server
    is_packet = row.kind is Kind.PACKET
    repeats = {moment.packet for moment in (*connection.syns[1:], *connection.repeated_syn_acks)}
    stalled = [half.stall] if half.stall and half.stall.repeats and row.side else []
    return row._replace(
        is_resent=is_packet and (number in repeats or any(number == stall.last.packet for stall in stalled)),
        is_unacknowledged=is_packet
        and (
            any(number in (stall.since.packet, stall.last.packet) for stall in stalled)
            or _is_unanswered_attempt(number, conversation)
        ),
        is_the_end=is_packet and number == _end_packet(connection),
        is_cited=any(each in cited for each in row.packets) if row.kind in (Kind.PACKET, Kind.LOSS) else False,
    )


def _is_unanswered_attempt(number: int, conversation: Conversation) -> bool:
    """Tell whether it is a SYN or an ARP request to which nothing came back at all."""
    if conversation.outcome is not Outcome.UNREACHABLE or conversation.connection.unreachable is not None:
        return False
    return any(number == each.packet for each in (*conversation.connection.syns, *conversation.arp_unanswered))


def _end_packet(connection: Connection) -> int | None:
    if connection.ended is not None:
        return connection.ended.moment.packet
    return connection.refusals[-1].packet if connection.refusals else None


def _end(conversation: Conversation) -> Iterator[Row]:
    """What is known of the time after the last packet, if the conversation was still open."""
    if state := state_at_end(conversation):
        yield Row(Kind.END, conversation.watched_until_ns, None, state)


def _with_silences(rows: list[Row], is_itemised: bool) -> Iterator[Row]:
    """The rows, with one for each time of a second or more in which certainly no new data came."""
    quiet_since_ns, last_packet = None, 0
    for row in rows:
        if quiet_since_ns is not None and row.time_ns is not None and row.time_ns - quiet_since_ns >= MIN_SILENCE_NS:
            length = duration(seconds(row.time_ns - quiet_since_ns))
            is_next = row.packets[:1] == (last_packet + 1,)
            what = f"nothing for {length}" if is_itemised or is_next else f"no new data for {length}"
            yield Row(Kind.SILENCE, quiet_since_ns, None, what, until_ns=row.time_ns)
        yield row
        last_packet = max(last_packet, *row.packets) if row.packets else last_packet
        ended = row.time_ns if row.until_ns is None else row.until_ns
        if ended is not None:
            quiet_since_ns = ended if quiet_since_ns is None else max(quiet_since_ns, ended)
