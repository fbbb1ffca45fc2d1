"""The sequence diagram as a value: which rows there are, what is folded, and where nothing came."""

from __future__ import annotations

from render.build import START_NS, at, called, conversation, finding, ready, refused, report, silent

from ibsniff.masking.sentence import resolved
from ibsniff.model import (
    NANOSECONDS,
    Conversation,
    Evidence,
    Gap,
    Message,
    Moment,
    Outcome,
    Request,
    Requests,
    RequestState,
    Side,
    Stall,
)
from ibsniff.render.diagram import Kind, Row, diagram, proof_of


def rows(talk: Conversation, *, verbose: bool = False) -> list[Row]:
    return list(diagram(talk, verbose=verbose).rows)


def texts(talk: Conversation, *, verbose: bool = False) -> list[str]:
    return [f"{row.kind.value}: {resolved(row.what, None)}" for row in rows(talk, verbose=verbose)]


def message(name: str, moment: Moment, side: Side = Side.SERVER) -> Message:
    return Message(side, name, None, moment, 20)


def test_a_silence_is_a_row_with_its_length() -> None:
    talk = silent()
    talk.connection.from_client.segments, talk.connection.from_server.segments = 4, 2
    told = texts(talk)
    assert told[-2:] == ["silence: nothing for 4 s", "packet: FIN: the client closes the connection"]
    (pause,) = (row for row in rows(silent()) if row.kind is Kind.SILENCE)
    assert (pause.time_ns, pause.length_ns) == (START_NS + 500_000, 4 * NANOSECONDS + 500_000)


def test_packets_that_are_not_known_one_by_one_may_have_come_in_a_silence() -> None:
    talk = silent()
    talk.connection.from_client.segments, talk.connection.from_client.fin = 9, at(12, 4001)
    talk.connection.ended = talk.connection.ended and talk.connection.ended._replace(moment=at(12, 4001))
    assert "silence: no new data for 4 s" in texts(talk)


def test_the_end_of_a_conversation_is_marked_and_no_silence_follows_it() -> None:
    *_, last = rows(silent(watched_until_ns=START_NS + 3600 * NANOSECONDS))
    assert (last.packets, last.is_the_end) == ((6,), True)
    assert [row.is_the_end for row in rows(refused())] == [False, True]


def test_a_conversation_that_goes_on_ends_with_the_capture() -> None:
    told = texts(ready())
    assert told[-2:] == [
        "silence: no new data for 6 s",
        "end: still open until the capture's end (stated by the file)",
    ]


def test_messages_one_after_the_other_are_folded_and_counted() -> None:
    talk = ready()
    talk.dialogue.first_messages = [
        message("REQ_POSITIONS", at(11, 40), Side.CLIENT),
        *(message("POSITION", at(12 + n, 41 + n)) for n in range(5)),
        message("POSITION_END", at(17, 50)),
    ]
    folded = [row for row in rows(talk) if row.kind is Kind.MESSAGES]
    assert [row.what for row in folded] == ["7 messages both ways: 5 POSITION, REQ_POSITIONS, POSITION_END"]
    assert folded[0].packets == (11, 17)
    one_by_one = [row for row in rows(talk, verbose=True) if row.kind is Kind.MESSAGES]
    assert [row.packets for row in one_by_one] == [(n,) for n in range(11, 18)]


def test_the_same_messages_again_and_again_are_one_row() -> None:
    talk = ready()
    for n in range(5):
        asked = message("REQ_CURRENT_TIME", at(20 + 2 * n, 1000 * (n + 1)), Side.CLIENT)
        talk.dialogue.first_messages += [asked, message("CURRENT_TIME", at(21 + 2 * n, 1000 * (n + 1) + 1))]
    assert "messages: 5 times, every 1 s: REQ_CURRENT_TIME, CURRENT_TIME" in texts(talk)
    talk.dialogue.first_messages = talk.dialogue.first_messages[:4]
    assert sum("REQ_CURRENT_TIME" in text for text in texts(talk)) == 2


def test_messages_are_not_folded_over_a_silence() -> None:
    talk = ready()
    talk.dialogue.first_messages = [message("POSITION", at(11, 40)), message("POSITION", at(12, 3040))]
    assert texts(talk)[-5:-2] == ["messages: POSITION", "silence: nothing for 3 s", "messages: POSITION"]


def with_many_messages() -> Conversation:
    """A hundred prices between 40 ms and 41 s, only the first kept; an error among them; the client closes after 60 s."""
    talk = ready()
    talk.dialogue.first_messages = [message("TICK_PRICE", at(11, 40))]
    talk.dialogue.messages[Side.SERVER].update({"TICK_PRICE": 1_205, "ERR_MSG": -2})
    talk.dialogue.messages[Side.CLIENT].clear()
    talk.connection.from_server.last_data = at(500, 41_040)
    talk.connection.from_client.rst = at(501, 60_000)
    talk.dialogue.errors[2104].examples.append(talk.dialogue.errors[2104].examples[0]._replace(moment=at(300, 20_000)))
    return talk._replace(watched_until_ns=START_NS + 60 * NANOSECONDS)


def test_bulk_is_one_row_and_no_pause_is_claimed_within_it() -> None:
    talk = with_many_messages()
    talk.dialogue.errors[2104].examples.pop()
    assert texts(talk)[-4:] == [
        "bulk: 1,204 messages in 41 s: 1,204 TICK_PRICE",
        "silence: nothing for 19 s",
        "packet: RST",
        "end: still open until the capture's end (stated by the file)",
    ]


def test_bulk_goes_on_behind_a_packet_that_is_known_among_it_so_that_time_runs_down() -> None:
    drawn = rows(with_many_messages())
    bulk = [(row.time_ns, row.until_ns) for row in drawn if row.kind is Kind.BULK]
    assert bulk == [(at(0, 40).time_ns, at(0, 20_000).time_ns), (at(0, 20_000).time_ns, at(0, 41_040).time_ns)]
    assert texts(with_many_messages())[-6:-3] == [
        "bulk: 1,204 messages in 41 s: 1,204 TICK_PRICE (up to #500)",
        "packet: notice 2104: Market data farm connection is OK:usfarm",
        "bulk: the last of the messages up to #500, within 21 s",
    ]
    times = [row.time_ns for row in drawn if row.time_ns is not None]
    assert times == sorted(times)


def test_what_came_between_two_packets_that_are_known_among_many_is_left_open() -> None:
    talk = with_many_messages()
    late = talk.dialogue.errors[2104].examples[-1]._replace(moment=at(400, 30_000))
    talk.dialogue.errors[2104].examples.append(late)
    assert "bulk: 10 s, perhaps with more of the messages up to #500" in texts(talk)


def test_data_without_messages_is_told_as_data() -> None:
    talk = silent()
    talk.connection.from_client.last_data = at(40, 2000)
    assert "bulk: more data in 2 s, not shown packet by packet (up to #40)" in texts(talk)


def test_data_of_which_the_last_packet_is_known_is_no_bulk_unless_it_lasts() -> None:
    talk = silent()
    talk.connection.from_client.last_data = at(6, 700)
    assert "bulk" not in " ".join(texts(talk))


def test_an_attempt_that_nothing_answers_is_sent_again_and_not_acknowledged() -> None:
    connection = called()
    connection.syns, connection.syn_count = [at(1, 0), at(2, 1000)], 2
    talk = conversation(connection, outcome=Outcome.UNREACHABLE)
    syns = [row for row in rows(talk) if row.kind is Kind.PACKET]
    assert [(row.is_resent, row.is_unacknowledged) for row in syns] == [(False, True), (True, True)]
    unproven = [row for row in rows(talk._replace(outcome=Outcome.UNPROVEN)) if row.kind is Kind.PACKET]
    assert not any(row.is_unacknowledged for row in unproven)


def test_a_hello_that_is_never_acknowledged_does_not_arrive() -> None:
    talk = silent()
    talk.connection.from_client.stall = Stall(0, at(4, 0.4), 2, at(8, 900))
    assert [row.packets for row in rows(talk) if row.is_unacknowledged] == [(4,)]


def test_bytes_that_were_not_captured_are_a_row() -> None:
    talk = ready()
    talk.connection.from_server.gaps.append(Gap(80, 1448, at(15, 90)))
    assert "loss: 1,448 bytes of the server before this packet were not captured" in texts(talk)


def asked(number: int, state: RequestState, packet: int) -> Request:
    return Request(number, "REQ_MKT_DATA", at(packet, packet), state=state)


def test_requests_without_an_answer_and_rejected_ones_have_a_row() -> None:
    talk = ready()
    opened, rejected = asked(5, RequestState.OPEN, 40), asked(6, RequestState.REJECTED, 41)
    cancelled = asked(7, RequestState.CANCELLED, 42)
    talk.dialogue.requests = Requests(open={1: opened}, rejected={2: rejected}, ended={2: rejected, 3: cancelled})
    assert [text for text in texts(talk) if "REQ" in text] == [
        "packet: REQ_MKT_DATA 5: never answered",
        "packet: REQ_MKT_DATA 6: rejected",
    ]
    assert "packet: REQ_MKT_DATA 7: cancelled" in texts(talk, verbose=True)


def evidence(packet: int, what: str, conversation: str = "c7") -> Evidence:
    return Evidence(packet, START_NS + packet, Side.CLIENT, what, conversation)


def test_the_packets_that_findings_cite_are_marked_and_told_in_their_words() -> None:
    own = finding(evidence=(evidence(4, "the hello"), evidence(6, "")))
    across = finding(
        "IBS507", evidence=(evidence(1, "SYN"), evidence(90, "elsewhere", "c3")), conversations=("c3", "c7")
    )
    others = finding("IBS507", evidence=(evidence(2, "SYN-ACK"),), conversations=("c3",))
    talk = silent(id="c7", findings=(own,))
    proof = proof_of(report(talk, findings=(across, others)), talk)
    cited = [row for row in diagram(talk, proof).rows if row.is_cited]
    assert [(row.packets, row.what) for row in cited] == [
        ((1,), "SYN"),
        ((4,), "the hello"),
        ((6,), "FIN: the client closes the connection"),
    ]
    assert cited[1].raw == talk.dialogue.hello.raw  # type: ignore[union-attr]


def test_minor_packets_are_drawn_only_if_they_are_cited_or_everything_is() -> None:
    connection = called(server="10.0.0.9")
    talk = conversation(connection, arp_unanswered=tuple(at(2 + n, n) for n in range(4)))
    assert len(rows(talk, verbose=True)) - len(rows(talk)) == 2
    cited = diagram(talk, [evidence(5, "ARP request", "c1")])
    assert [row.what for row in cited.rows if row.packets == (5,)] == ["ARP request"]


def test_a_part_of_the_time() -> None:
    late = diagram(silent()).within(lambda time_ns: time_ns > START_NS + NANOSECONDS)
    assert [row.kind for row in late.rows] == [Kind.SILENCE, Kind.PACKET]
