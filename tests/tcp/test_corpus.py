"""Foreign captures: the same streams as those on which tshark, tcpflow and tcptrace agree."""

from __future__ import annotations

import hashlib
import ipaddress
from collections import Counter, defaultdict

import pytest
from corpus import CORPUS, needs_corpus, truth
from tcp_replay import Replay

from ibsniff.capture.files import open_capture
from ibsniff.model import Connection, Gap, Run, Segment, Side
from ibsniff.net import Dissector
from ibsniff.tcp import conn_state

OTHER_LINK_TYPES = {
    "tcpdump/tests/ipoib.pcap": "IP over InfiniBand",
    "tcpdump/tests/bgp-aigp.pcap": "Juniper Ethernet",
    "tcpdump/tests/bgp_vpn_attrset.pcap": "PPP",
    "tcpdump/tests/lspping-fec-ldp.pcap": "PPP",
    "libpcap/tests/filter/arcnet-rfc1051-arp-icmp-http.pcap": "ARCNET",
}
"""Nothing that carries TWS traffic: not read."""

UNSEEN_TAIL = {
    "tcpdump/tests/bgp-enhanced-route-refresh-subtype.pcapng": "the other side acknowledges more than was captured",
    "tcpdump/tests/bgp-cease-hard-reset.pcap": "the other side acknowledges more than was captured",
}
"""A stream of ours ends in a gap here: bytes that were sent as far as one can know. The tools count what they saw."""

RST_AFTER_BOTH_FINS = {
    "gopacket/pcapgo/tests/le/test300.pcapng",
    "gopacket/pcapgo/tests/le/test301.pcapng",
}
"""There both sides ended the connection before the RSTs came, which Zeek calls SF; the stored state counts RSTs alone."""

pytestmark = needs_corpus


def replay(name: str) -> Replay:
    dissector = Dissector(ports=None, skipped=Counter())
    with open_capture(str(CORPUS / name)) as capture:
        packets = [dissector.dissect(frame) for frame in capture.frames()]
    return Replay(packet for packet in packets if isinstance(packet, Segment))


def directions(connections: list[Connection]) -> dict[tuple[str, int, str, int], list[tuple[Connection, Side]]]:
    """By sender and receiver, in order: what a row of the truth means."""
    found = defaultdict(list)
    for connection in connections:
        client, server = connection.client, connection.server
        found[client.ip, client.port, server.ip, server.port].append((connection, Side.CLIENT))
        found[server.ip, server.port, client.ip, client.port].append((connection, Side.SERVER))
    return found


@pytest.mark.parametrize("name", sorted(set(truth()) - set(OTHER_LINK_TYPES)))
def test_streams_are_those_the_tools_agree_on(name: str) -> None:
    replayed = replay(name)
    found = directions(replayed.connections)
    for row in truth()[name]:
        ips = [str(ipaddress.ip_address(row[end])) for end in ("src", "dst")]
        connection, side = found[ips[0], int(row["sport"]), ips[1], int(row["dport"])].pop(0)
        events = replayed.of(side, connection)
        if name in UNSEEN_TAIL and events and isinstance(events[-1], Gap):
            events.pop()
        stream = b"".join(event.data if isinstance(event, Run) else bytes(event.length) for event in events)
        gap_bytes = sum(event.length for event in events if isinstance(event, Gap))
        assert (len(stream), gap_bytes) == (int(row["bytes"]), int(row["gapbytes_zero_filled"])), row
        assert hashlib.sha256(stream).hexdigest() == row["sha256"], row
        assert conn_state(connection) == ("SF" if name in RST_AFTER_BOTH_FINS else row["conn_state"]), row


def test_the_exceptions_are_about_files_that_are_there() -> None:
    assert set(OTHER_LINK_TYPES) | set(UNSEEN_TAIL) <= set(truth())
