from __future__ import annotations

import pytest
from render.build import START_NS, at, called, conversation, hello, ready, refused, reply, silent

from ibsniff.masking.sentence import resolved
from ibsniff.model import (
    Dialect,
    Gap,
    ReplyKind,
    Request,
    Requests,
    RequestState,
    Side,
    Stall,
    Unreachable,
    UnreachableKind,
    WireBytes,
    WireError,
    WireText,
)
from ibsniff.timeline.dialogues import guessed_library, hello_event
from ibsniff.timeline.events import events


def texts(talk: object) -> list[str]:
    return [f"{event.packet} {resolved(event.what, None)}" for event in events(talk)]  # type: ignore[arg-type]


def test_a_silence_packet_by_packet() -> None:
    assert texts(silent()) == [
        "1 SYN: the client asks for a connection",
        "2 SYN-ACK: the server accepts",
        "3 ACK: the connection is open",
        "4 hello, versions 100 to 187 (official client 10.30, or a fork?)",
        "5 ACK of the hello: it has arrived",
        "6 FIN: the client closes the connection",
    ]


def test_a_refusal_is_one_event() -> None:
    assert texts(refused()) == ["1 SYN: the client asks for a connection", "2 RST: connection refused"]


def test_one_packet_is_one_event() -> None:
    assert "8 managedAccounts, nextValidId" in texts(ready())


def test_an_unanswered_connection_attempt() -> None:
    connection = called(server="10.0.0.9")
    connection.syns = [at(1, 0), at(4, 1000), at(5, 3000)]
    connection.syn_count = 4
    client, server = connection.client, connection.server
    connection.unreachable = Unreachable(6, START_NS, client.address, client, server, UnreachableKind.HOST)
    assert texts(conversation(connection, arp_unanswered=(at(2, 0.1), at(3, 900)))) == [
        "1 SYN: the client asks for a connection",
        "2 ARP request for 10.0.0.9",
        "3 ARP request for 10.0.0.9, repeated",
        "4 SYN sent again (2 of 4)",
        "5 SYN sent again (3 of 4)",
        "6 ICMP from 127.0.0.1: host unreachable",
    ]


def test_a_broken_hello_shows_what_is_broken_and_its_bytes() -> None:
    talk = silent()
    talk.dialogue.hello = hello(dialect=Dialect.UNFRAMED, raw=b"\0\0\0\x09v100..187", detail="the API NUL is missing")
    event = next(event for event in events(talk) if event.packet == 4)
    assert event.what == "not a valid hello (no API prefix): the API NUL is missing"
    assert event.raw == WireBytes(b"\0\0\0\x09v100..187")


def test_gaps_and_zero_windows_are_events() -> None:
    talk = ready()
    talk.dialogue.bytes_after_gap[Side.SERVER] = Gap(40, 1460, at(11, 40))
    talk.connection.from_client.first_zero_window = at(12, 50)
    assert "11 1,460 bytes of the server before this packet were not captured" in texts(talk)
    assert "12 zero window: the client's program does not read" in texts(talk)


def test_the_client_library_is_guessed_from_the_versions() -> None:
    assert guessed_library(hello()) == "official client 10.30"
    assert guessed_library(hello(min_version=1, max_version=2)) is None
    assert guessed_library(hello()._replace(dialect=Dialect.LEGACY, min_version=None, max_version=47)) == "IBrokers (R)"
    assert guessed_library(hello(dialect=Dialect.BAD_VERSION)) is None


def test_first_bytes_that_could_not_be_read_are_events_too() -> None:
    talk = silent()
    talk.dialogue.hello = None
    talk.connection.from_server.first_data = at(5, 0.6)
    assert texts(talk)[3:5] == [
        "4 the client's first data",
        "5 ACK of this data: it has arrived, the server's first data",
    ]


def test_a_redirect_shows_its_address() -> None:
    talk = ready()
    talk.dialogue.reply = reply(kind=ReplyKind.REDIRECT, redirect="10.0.0.5:7497")
    assert "6 redirect to 10.0.0.5:7497" in texts(talk)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (157, 178, "versions 157 to 178 (ib_async 2.x, or a fork?)"),
        (157, 225, "versions 157 to 225 (a fork of ib_async?)"),
        (223, 226, "versions 223 to 226 (lbilli/rib (R), or a fork?)"),
        (123, 124, "versions 123 to 124"),
    ],
)
def test_a_range_of_versions_is_only_a_hint_at_a_library(low: int, high: int, words: str) -> None:
    assert hello_event(hello(min_version=low, max_version=high)).what == f"hello, {words}"


def test_a_packet_with_thousands_of_requests_is_told_in_a_few_words() -> None:
    talk = ready()
    asked = {place: Request(place, "REQ_MKT_DATA", at(20, 60)) for place in range(1, 5001)}
    talk.dialogue.requests = Requests(open=asked)
    (told,) = (event.what for event in events(talk) if event.packet == 20)
    assert told.startswith(
        "asked REQ_MKT_DATA 1: no answer, asked REQ_MKT_DATA 2: no answer, the 2nd of these without one"
    )
    assert len(told) < 400


def test_what_became_of_requests_is_told() -> None:
    talk = ready()
    rejected = WireError(6, 200, WireText("No security definition"), at(31, 81))
    talk.dialogue.requests = Requests(
        open={1: Request(5, "REQ_MKT_DATA", at(20, 60), at(21, 61), at(25, 65), 7)},
        rejected={2: Request(6, "REQ_CONTRACT_DATA", at(30, 80), state=RequestState.REJECTED, error=rejected)},
        ended={3: Request(7, "REQ_MKT_DATA", at(40, 90), ended=at(41, 91), state=RequestState.CANCELLED)},
    )
    assert texts(talk)[-7:] == [
        "20 asked REQ_MKT_DATA 5",
        "21 first answer to REQ_MKT_DATA 5",
        "25 last answer of 7 to REQ_MKT_DATA 5",
        "30 asked REQ_CONTRACT_DATA 6, rejected",
        "31 error 200: No security definition",
        "40 asked REQ_MKT_DATA 7, cancelled later",
        "41 cancels REQ_MKT_DATA 7",
    ]


def test_bytes_that_are_never_acknowledged_are_told_where_they_were_sent() -> None:
    talk = silent()
    talk.connection.repeated_syn_acks = (at(8, 1000),)
    talk.connection.from_client.stall = Stall(17, at(9, 2000), 3, at(12, 9000), at(13, 9500))
    assert texts(talk)[-4:] == [
        "8 SYN-ACK sent again: the server has not received the client's ACK",
        "9 data that the server never acknowledges, sent for the first time",
        "12 the same data, sent again for the last time (sent 4 times)",
        "13 the server still asks for the data that came before",
    ]
