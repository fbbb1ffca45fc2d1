"""Zeek's connection states: one abbreviation for how a connection went (docs.zeek.org, base/protocols/conn: conn_state)."""

from __future__ import annotations

from ibsniff.model import Connection, Half

MEANINGS = {
    "S0": "attempt seen, no reply",
    "S1": "established, not ended",
    "SF": "established and ended by both",
    "REJ": "attempt rejected",
    "S2": "established, only the client closed",
    "S3": "established, only the server closed",
    "RSTO": "established, the client reset it",
    "RSTR": "the server reset it",
    "RSTOS0": "SYN and RST of the client, no SYN-ACK",
    "RSTRH": "SYN-ACK and RST of the server, no SYN",
    "SH": "SYN and FIN of the client, no SYN-ACK",
    "SHR": "SYN-ACK and FIN of the server, no SYN",
    "OTH": "joined in the middle",
}


def conn_state(connection: Connection) -> str:
    """Give one of ``MEANINGS`` for any connection.

    As in Zeek, the server's RST counts where both sides reset, and none counts after both FINs.
    """
    has_syn = connection.syn_count > 0
    # a SYN-ACK that the capture missed must have been sent if the server sent something later
    server_sent = connection.established is not None and connection.from_server.segments > 0
    has_answer = connection.syn_ack is not None or server_sent
    if has_syn and has_answer:
        return _state_of_established(connection)
    if has_syn:
        return _state_of_attempt(connection)
    if has_answer:
        return _state_without_syn(connection)
    return "OTH"


def _state_of_established(connection: Connection) -> str:
    client, server = connection.from_client, connection.from_server
    if _ended_by_both(client, server):
        return "SF"
    if server.rst:
        return "RSTR"
    if client.rst:
        return "RSTO"
    if client.fin:
        return "S2"
    return "S3" if server.fin else "S1"


def _ended_by_both(client: Half, server: Half) -> bool:
    """Both sides sent a FIN, and neither a RST before that: a later one changes nothing."""
    if client.fin is None or server.fin is None:
        return False
    both_ended = max(client.fin.packet, server.fin.packet)
    return all(half.rst is None or half.rst.packet > both_ended for half in (client, server))


def _state_of_attempt(connection: Connection) -> str:
    if connection.refusals:
        return "REJ"
    if connection.from_client.rst:
        return "RSTOS0"
    if connection.from_client.fin:
        return "SH"
    return "OTH" if connection.from_server.segments else "S0"


def _state_without_syn(connection: Connection) -> str:
    client, server = connection.from_client, connection.from_server
    if client.segments:
        return "OTH"
    if server.rst:
        return "RSTRH"
    return "SHR" if server.fin else "OTH"
