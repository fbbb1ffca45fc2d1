from __future__ import annotations

from render.build import START_NS, at, called, conversation, finding, hello, ready, refused, reply, silent

from ibsniff.model import Dialect, Gap, ReplyKind, Side, Unreachable, UnreachableKind
from ibsniff.render.timeline import LANDMARK, decisive, events, guessed_library


def told(talk: object) -> list[str]:
    return [f"{event.packet} {event.what}" for event in events(talk)]  # type: ignore[arg-type]


def test_a_silence_packet_by_packet() -> None:
    assert told(silent()) == [
        "1 SYN",
        "2 SYN-ACK",
        "3 ACK",
        "4 hello, versions 100 to 187 (official client 10.30?)",
        "5 ACK of the hello",
        "6 FIN: the client ends it",
    ]


def test_a_refusal_is_told_once() -> None:
    assert told(refused()) == ["1 SYN", "2 RST: refused"]


def test_what_came_in_one_packet_is_one_event() -> None:
    assert "8 managedAccounts, nextValidId" in told(ready())


def test_a_call_nobody_answers() -> None:
    connection = called(server="10.0.0.9")
    connection.syns = [at(1, 0), at(4, 1000), at(5, 3000)]
    connection.syn_count = 4
    client, server = connection.client, connection.server
    connection.unreachable = Unreachable(6, START_NS, client.address, client, server, UnreachableKind.HOST)
    assert told(conversation(connection, arp_unanswered=(at(2, 0.1), at(3, 900)))) == [
        "1 SYN",
        "2 ARP for 10.0.0.9",
        "3 ARP for 10.0.0.9 again",
        "4 SYN again (2 of 4)",
        "5 SYN again (3 of 4)",
        "6 ICMP: host unreachable",
    ]


def test_a_broken_hello_shows_what_is_broken_and_its_bytes() -> None:
    talk = silent()
    talk.dialogue.hello = hello(dialect=Dialect.UNFRAMED, raw=b"\0\0\0\x09v100..187", detail="the API NUL is missing")
    event = next(event for event in events(talk) if event.packet == 4)
    assert event.what == "no API prefix: the API NUL is missing"
    assert event.raw == b"\0\0\0\x09v100..187"


def test_holes_and_zero_windows_are_told() -> None:
    talk = ready()
    talk.dialogue.bytes_after_gap[Side.SERVER] = Gap(40, 1460, at(11, 40))
    talk.connection.from_client.first_zero_window = at(12, 50)
    assert "11 1460 bytes before this packet were not captured" in told(talk)
    assert "12 window 0: it does not read" in told(talk)


def test_cited_packets_come_before_landmarks_and_landmarks_before_details() -> None:
    chosen = decisive(events(ready()), finding(packets=(9,)), rows=3)
    assert [event.packet for event in chosen] == [1, 2, 9]


def test_a_cited_packet_nothing_is_known_of_keeps_its_number() -> None:
    chosen = decisive(events(silent()), finding(packets=(77,)), rows=10)
    assert (chosen[-1].packet, chosen[-1].time_ns, chosen[-1].what) == (77, None, "cited by IBS301")


def test_bare_numbers_never_crowd_out_the_landmarks() -> None:
    chosen = decisive(events(ready()), finding(packets=tuple(range(100, 130))), rows=10)
    landmarks = [event for event in events(ready()) if event.weight == LANDMARK]
    assert set(landmarks) <= set(chosen)
    assert len(chosen) == 10


def test_no_finding_cites_more_rows_than_there_are() -> None:
    assert len(decisive(events(silent()), finding(packets=tuple(range(1000))), rows=8)) == 8


def test_the_client_library_is_guessed_from_the_versions() -> None:
    assert guessed_library(hello()) == "official client 10.30"
    assert guessed_library(hello(min_version=1, max_version=2)) is None
    assert guessed_library(hello()._replace(dialect=Dialect.LEGACY, min_version=None, max_version=47)) == "IBrokers (R)"
    assert guessed_library(hello(dialect=Dialect.BAD_VERSION)) is None


def test_first_bytes_nobody_could_read_are_told_all_the_same() -> None:
    talk = silent()
    talk.dialogue.hello = None
    talk.connection.from_server.first_data = at(5, 0.6)
    assert told(talk)[3:5] == ["4 first data", "5 ACK of these bytes, first data"]


def test_a_redirect_names_where_to() -> None:
    talk = ready()
    talk.dialogue.reply = reply(kind=ReplyKind.REDIRECT, redirect="10.0.0.5:7497")
    assert "6 redirect to 10.0.0.5:7497" in told(talk)
