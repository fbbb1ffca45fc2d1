"""However a conversation is cut into packets, it is read in the same way, and nobody is blamed for bytes not captured."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import ib_bytes
import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory import bytes_kept, size_kept

from ibsniff.ib import frames, message_summary, names
from ibsniff.ib.dialogue import MAX_OPENING, DialogueReader
from ibsniff.ib.legacy import MAX_FIELD_BYTES
from ibsniff.model import (
    NANOSECONDS,
    Dialect,
    Dialogue,
    ErrorTally,
    Gap,
    Mark,
    Moment,
    ReplyKind,
    Request,
    Run,
    Side,
    StartForm,
    WireText,
)

NOWHERE = Moment(0, 0)
CLIENT, SERVER = Side.CLIENT, Side.SERVER
Turn = tuple[Side, bytes]


@dataclass
class Feed:
    """Feeds turns to a reader, cut into packets, and remembers which packet carried which byte."""

    seen_from_start: bool = True
    packet: int = 0
    owner: dict[Side, list[int | None]] = field(default_factory=lambda: {side: [] for side in Side})

    def __post_init__(self) -> None:
        self.reader = DialogueReader(self.seen_from_start)

    @property
    def dialogue(self) -> Dialogue:
        return self.reader.dialogue

    def turn(self, side: Side, data: bytes, cuts: list[int] | None = None, *, joined: bool = False) -> Feed:
        """One run a packet, or (``joined``) one run of all packets."""
        places = [0, *sorted(set(cuts or [])), len(data)]
        start, marks = len(self.owner[side]), []
        for low, high in pairwise(places):
            self.packet += 1
            mark = Mark(start + low, self.packet, self.packet * NANOSECONDS)
            self.owner[side] += [self.packet] * (high - low)
            marks.append(mark)
            if not joined:
                self.reader.take(side, Run(start + low, data[low:high], (mark,)))
        if joined:
            self.reader.take(side, Run(start, data, tuple(marks)))
        return self

    def lose(self, side: Side, length: int) -> Feed:
        self.packet += 1
        start = len(self.owner[side])
        self.owner[side] += [None] * length
        self.reader.take(side, Gap(start, length, Moment(self.packet, self.packet * NANOSECONDS)))
        return self


def essence(dialogue: Dialogue) -> Dialogue:
    """The same without moments and packets."""
    hello, reply, start = dialogue.hello, dialogue.reply, dialogue.start
    return replace(
        dialogue,
        hello=hello and hello._replace(pieces=(), began=NOWHERE, complete=NOWHERE),
        reply=reply and reply._replace(pieces=(), began=NOWHERE, complete=NOWHERE),
        start=start and start._replace(moment=NOWHERE),
        next_valid_id=dialogue.next_valid_id and NOWHERE,
        managed_accounts=dialogue.managed_accounts and NOWHERE,
        ready=dialogue.ready and NOWHERE,
        first_messages=[message._replace(moment=NOWHERE) for message in dialogue.first_messages],
        errors={
            code: ErrorTally(tally.count, [error._replace(moment=NOWHERE) for error in tally.examples])
            for code, tally in dialogue.errors.items()
        },
        latest_errors=tuple(error._replace(moment=NOWHERE) for error in dialogue.latest_errors),
        farms={farm: last._replace(moment=NOWHERE) for farm, last in dialogue.farms.items()},
        ib_connection=dialogue.ib_connection and dialogue.ib_connection._replace(moment=NOWHERE),
        unframed=dict.fromkeys(dialogue.unframed, NOWHERE),
        requests=replace(
            dialogue.requests,
            open={place: without_moments(request) for place, request in dialogue.requests.open.items()},
            rejected={place: without_moments(request) for place, request in dialogue.requests.rejected.items()},
        ),
    )


def without_moments(request: Request) -> Request:
    return request._replace(
        asked=NOWHERE,
        first_answer=request.first_answer and NOWHERE,
        last_answer=request.last_answer and NOWHERE,
        ended=request.ended and NOWHERE,
        error=request.error and request.error._replace(moment=NOWHERE),
    )


def session(version: int, greeting: bytes | None = None) -> list[Turn]:
    """A whole session of this server version, with errors and requests."""
    found = [
        ib_bytes.error(version, 326, "Unable to connect as the client id is already in use."),
        ib_bytes.error(version, 100, "Max rate of messages per second has been exceeded", 5),
    ]
    request = ib_bytes.text(version, 49, 1)
    return [
        (CLIENT, greeting or ib_bytes.hello(100, version)),
        (SERVER, ib_bytes.reply(version)),
        (CLIENT, ib_bytes.start_api(version) + (b"" if version < 100 else request)),
        (SERVER, ib_bytes.ready(version) + b"".join(found)),
    ]


DIALOGUES: dict[str, list[Turn]] = {
    "text 178": session(178),
    "text 151, no reject field": session(151),
    "text 196, no version in errors": session(196),
    "raw ids 201": session(201),
    "raw ids 203, protobuf errors": session(203),
    "raw ids 207, protobuf accounts": session(207),
    "protobuf 213": session(213),
    "protobuf 225": session(225),
    "legacy 76": session(76, ib_bytes.legacy_hello(66)),
    "with options": session(225, ib_bytes.hello(100, 225, "+PACEAPI")),
    "redirect": [(CLIENT, ib_bytes.HELLO), (SERVER, ib_bytes.reply(-1, "10.0.0.5:7497"))],
    "legacy reply to a modern hello": [(CLIENT, ib_bytes.HELLO), (SERVER, ib_bytes.reply(76))],
    "start before the reply": [
        (CLIENT, ib_bytes.HELLO + ib_bytes.START),
        (SERVER, ib_bytes.REPLY + ib_bytes.READY),
    ],
    "a message ahead of the reply": [
        (CLIENT, ib_bytes.HELLO),
        (SERVER, ib_bytes.next_valid_id(178) + ib_bytes.REPLY),
        (CLIENT, ib_bytes.START),
        (SERVER, ib_bytes.READY),
    ],
    "a message and no reply": [(CLIENT, ib_bytes.HELLO), (SERVER, ib_bytes.next_valid_id(178))],
    "a long message and no reply": [
        (CLIENT, ib_bytes.HELLO),
        (SERVER, ib_bytes.text(178, 14, 1, 1, 1, "news " * 1000, "X")),
    ],
    "an odd hello that is answered": [
        (CLIENT, ib_bytes.TRAILING_HELLOS["8 trailing NUL"]),
        (SERVER, ib_bytes.REPLY),
        (CLIENT, ib_bytes.START),
        (SERVER, ib_bytes.READY),
    ],
    "an odd hello with START_API at once": [
        (CLIENT, ib_bytes.TRAILING_HELLOS["8 trailing NUL"] + ib_bytes.START),
        (SERVER, ib_bytes.REPLY + ib_bytes.READY),
    ],
    "an unframed START_API": [
        (CLIENT, ib_bytes.HELLO),
        (SERVER, ib_bytes.REPLY),
        (CLIENT, ib_bytes.fields(71, 2, 7, "")),
    ],
    "an empty frame": [(CLIENT, ib_bytes.HELLO), (SERVER, ib_bytes.REPLY), (CLIENT, bytes(4) + ib_bytes.START)],
    "HTTP both ways": [
        (CLIENT, b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n" * 3),
        (SERVER, b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nContent-Type: text/plain\r\n\r\nNot Found"),
    ],
    "TLS alert": [(CLIENT, ib_bytes.HELLO), (SERVER, bytes.fromhex("15030300020246"))],
    **{f"broken: {name}": [(CLIENT, raw)] for name, raw in (ib_bytes.BROKEN_HELLOS | ib_bytes.TRAILING_HELLOS).items()},
}


def whole(turns: list[Turn]) -> Dialogue:
    feed = Feed()
    for side, data in turns:
        feed.turn(side, data)
    return feed.dialogue


# -- what is understood ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "form"),
    [
        (151, StartForm.TEXT_CAPABILITIES),
        (178, StartForm.TEXT_CAPABILITIES),
        (196, StartForm.TEXT_CAPABILITIES),
        (201, StartForm.RAW_ID),
        (203, StartForm.RAW_ID),
        (207, StartForm.RAW_ID),
        (213, StartForm.PROTOBUF),
        (225, StartForm.PROTOBUF),
    ],
)
def test_a_session_of_each_server_version_is_understood(version: int, form: StartForm) -> None:
    found = whole(session(version))
    assert found.hello is not None
    assert (found.hello.dialect, found.hello.max_version) == (Dialect.V100PLUS, version)
    assert found.reply is not None
    assert (found.reply.kind, found.reply.server_version) == (ReplyKind.FRAMED, version)
    assert found.start is not None
    assert (found.start.form, found.start.client_id, found.start.before_reply) == (form, 7, False)
    assert found.start.fits
    assert found.ready is not None
    assert found.accounts == [WireText(ib_bytes.ACCOUNTS)]
    assert sorted(found.errors) == [100, 326, 2104]
    assert found.messages[CLIENT] == {"START_API": 1, "REQ_CURRENT_TIME": 1}
    assert found.messages[SERVER] == {"MANAGED_ACCTS": 1, "NEXT_VALID_ID": 1, "ERR_MSG": 3}
    assert found.first_speaker is CLIENT
    assert not found.unframed


def test_a_legacy_session_is_understood() -> None:
    found = whole(DIALOGUES["legacy 76"])
    assert found.reply is not None
    assert (found.reply.kind, found.reply.server_version) == (ReplyKind.LEGACY, 76)
    assert found.start is not None
    assert (found.start.form, found.start.client_id) == (StartForm.TEXT_CAPABILITIES, 7)
    assert found.start.fits
    assert found.ready is not None
    assert found.accounts == [WireText(ib_bytes.ACCOUNTS)]


@pytest.mark.parametrize("start", [b"71\x001\x007\x00", b"71\x002\x007\x00\x00", b"7\x00"])
@pytest.mark.parametrize("at_once", [False, True], ids=["after the reply", "with the hello"])
def test_legacy_clients_of_every_version_fit(start: bytes, at_once: bool) -> None:
    hello, reply = ib_bytes.legacy_hello(63), ib_bytes.reply(76)
    turns = (
        [(CLIENT, hello + start), (SERVER, reply)] if at_once else [(CLIENT, hello), (SERVER, reply), (CLIENT, start)]
    )
    found = whole(turns)
    assert found.start is not None
    assert (found.start.client_id, found.start.before_reply) == (7, at_once)
    assert found.start.fits


def test_start_api_before_the_reply_is_marked() -> None:
    found = whole(DIALOGUES["start before the reply"])
    assert found.start is not None
    assert found.start.before_reply
    assert found.start.fits
    too_new = whole([(CLIENT, ib_bytes.hello(100, 225) + ib_bytes.START), (SERVER, ib_bytes.reply(225))])
    assert too_new.start is not None
    assert not too_new.start.fits


@pytest.mark.parametrize(
    ("version", "start"),
    [
        (203, ib_bytes.start_api(178)),
        (225, ib_bytes.start_api(203)),
        (178, ib_bytes.start_api(203)),
        (178, ib_bytes.frame(ib_bytes.start_api(71))),
        (178, ib_bytes.frame(b"71\x002\x007")),
        (178, ib_bytes.start_api(225)),
    ],
)
def test_start_api_in_another_form_does_not_fit(version: int, start: bytes) -> None:
    found = whole([(CLIENT, ib_bytes.HELLO), (SERVER, ib_bytes.reply(version)), (CLIENT, start)])
    assert found.start is not None
    assert not found.start.fits


def test_messages_after_an_odd_hello_are_read_once_it_is_answered() -> None:
    found = whole(DIALOGUES["an odd hello with START_API at once"])
    assert found.start is not None
    assert found.start.client_id == 7
    assert found.start.fits


def test_an_early_message_is_no_reply() -> None:
    found = whole(DIALOGUES["a message and no reply"])
    assert found.reply is None
    assert found.next_valid_id is not None


@pytest.mark.parametrize(
    ("name", "words"), [("an unframed START_API", "925,958,194"), ("an empty frame", "length of 0")]
)
def test_the_place_where_frames_end_is_recorded(name: str, words: str) -> None:
    found = whole(DIALOGUES[name])
    assert found.unframed[CLIENT].packet == 3
    assert words in found.unframed_detail[CLIENT]
    assert found.start is None


# -- cut anywhere ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DIALOGUES)
def test_byte_by_byte_is_the_same(name: str) -> None:
    feed = Feed()
    for side, data in DIALOGUES[name]:
        feed.turn(side, data, list(range(1, len(data))))
    assert essence(feed.dialogue) == essence(whole(DIALOGUES[name]))


def draw_cuts(data: st.DataObject, raw: bytes) -> list[int]:
    return data.draw(st.lists(st.integers(1, len(raw) - 1), max_size=8)) if len(raw) > 1 else []


@given(st.sampled_from(sorted(DIALOGUES)), st.data())
def test_cut_anywhere_is_the_same(name: str, data: st.DataObject) -> None:
    feed = Feed()
    for side, raw in DIALOGUES[name]:
        feed.turn(side, raw, draw_cuts(data, raw), joined=data.draw(st.booleans()))
    assert essence(feed.dialogue) == essence(whole(DIALOGUES[name]))


# -- provenance -----------------------------------------------------------------------------------------------------


@given(st.sampled_from([151, 178, 203, 213]), st.data())
def test_every_moment_names_the_packet_that_carried_the_byte(version: int, data: st.DataObject) -> None:
    hello, reply, start = ib_bytes.hello(100, version), ib_bytes.reply(version), ib_bytes.start_api(version)
    accounts, next_id = ib_bytes.managed_accounts(version), ib_bytes.next_valid_id(version)
    error = ib_bytes.error(version, 326, "in use")
    feed = Feed()
    for side, raw in [(CLIENT, hello), (SERVER, reply), (CLIENT, start), (SERVER, accounts + next_id + error)]:
        feed.turn(side, raw, draw_cuts(data, raw), joined=data.draw(st.booleans()))
    found, client, server = feed.dialogue, feed.owner[CLIENT], feed.owner[SERVER]

    def moment(owner: list[int | None], index: int) -> Moment:
        packet = owner[index]
        assert packet is not None
        return Moment(packet, packet * NANOSECONDS)

    assert found.hello is not None
    assert (found.hello.began, found.hello.complete) == (moment(client, 0), moment(client, len(hello) - 1))
    assert found.hello.packets == tuple(dict.fromkeys(client[: len(hello)]))
    assert found.reply is not None
    assert (found.reply.began, found.reply.complete) == (moment(server, 0), moment(server, len(reply) - 1))
    assert found.reply.packets == tuple(dict.fromkeys(server[: len(reply)]))
    assert found.start is not None
    assert found.start.moment == moment(client, len(hello))
    assert found.managed_accounts == moment(server, len(reply))
    assert found.next_valid_id == moment(server, len(reply + accounts))
    assert found.errors[326].examples[0].moment == moment(server, len(reply + accounts + next_id))
    assert [message.moment for message in found.first_messages] == [
        found.start.moment,
        found.managed_accounts,
        found.next_valid_id,
        found.errors[326].examples[0].moment,
    ]


# -- what was not captured ------------------------------------------------------------------------------------------

GOOD = ["text 178", "raw ids 203, protobuf errors", "protobuf 225", "legacy 76", "with options"]


@given(st.sampled_from(GOOD), st.data())
def test_a_gap_anywhere_accuses_nobody(name: str, data: st.DataObject) -> None:
    feed = Feed()
    for side, raw in DIALOGUES[name]:
        for low, high in pairwise([0, *sorted(set(draw_cuts(data, raw))), len(raw)]):
            if data.draw(st.booleans()):
                feed.turn(side, raw[low:high])
            else:
                feed.lose(side, high - low)
    found, expected = feed.dialogue, whole(DIALOGUES[name])
    assert expected.hello is not None
    assert expected.reply is not None
    if found.hello is not None:
        assert found.hello.dialect in (expected.hello.dialect, Dialect.NOT_CAPTURED)
    if found.reply is not None:
        assert found.reply.kind in (expected.reply.kind, ReplyKind.NOT_CAPTURED)
        assert found.reply.server_version in (expected.reply.server_version, None)
    for side in Side:
        assert (side in found.bytes_after_gap) == (None in feed.owner[side])


@pytest.mark.parametrize("lost", range(1, len(ib_bytes.HELLO)))
def test_half_a_hello_is_not_judged(lost: int) -> None:
    feed = Feed().turn(CLIENT, ib_bytes.HELLO[:-lost]).lose(CLIENT, lost)
    assert feed.dialogue.hello is not None
    assert feed.dialogue.hello.dialect is Dialect.NOT_CAPTURED
    assert feed.dialogue.hello.packets == (1,)


@pytest.mark.parametrize(
    ("raw", "dialect"),
    [
        (b"GET / HTTP/1.1\r\nHost: loc", Dialect.HTTP),
        (b"\x16\x03\x01\x02\x00\x01", Dialect.TLS),
        (b"8=FIX.4.2\x01", Dialect.FIX),
        (b"SSH-2.0-Open", Dialect.SSH),
    ],
)
def test_another_protocol_shows_in_its_first_bytes_though_the_rest_was_cut_off(raw: bytes, dialect: Dialect) -> None:
    feed = Feed().turn(CLIENT, raw).lose(CLIENT, 400)
    assert feed.dialogue.hello is not None
    assert feed.dialogue.hello.dialect is dialect


def test_another_service_shows_in_its_first_bytes_though_the_rest_was_cut_off() -> None:
    feed = Feed().turn(CLIENT, ib_bytes.HELLO).turn(SERVER, b"HTTP/1.1 400 Bad Request").lose(SERVER, 400)
    assert feed.dialogue.reply is not None
    assert (feed.dialogue.reply.kind, feed.dialogue.reply.service) == (ReplyKind.FOREIGN, "HTTP")


def test_frames_are_found_again_after_a_gap() -> None:
    feed = Feed().turn(CLIENT, ib_bytes.HELLO).turn(SERVER, ib_bytes.REPLY).turn(CLIENT, ib_bytes.START)
    feed.lose(SERVER, 100).turn(SERVER, b"the rest of a message").turn(SERVER, ib_bytes.READY)
    assert feed.dialogue.ready is not None
    assert feed.dialogue.bytes_after_gap[SERVER].length == 100


def test_joined_in_the_middle() -> None:
    feed = Feed(seen_from_start=False).turn(SERVER, b"tail of a message").turn(SERVER, ib_bytes.READY)
    assert feed.dialogue.mid_stream_frames == 1
    assert feed.dialogue.reply is None
    assert feed.dialogue.messages[SERVER]["MANAGED_ACCTS"] == 1


def test_joined_between_handshake_and_hello() -> None:
    feed = Feed(seen_from_start=False)
    for side, raw in session(178):
        feed.turn(side, raw)
    assert essence(feed.dialogue) == essence(whole(session(178)))


# -- any bytes, and bounds ------------------------------------------------------------------------------------------

BYTES = st.one_of(
    st.binary(min_size=1, max_size=60),
    st.binary(min_size=1, max_size=40).map(ib_bytes.frame),
    st.sampled_from([ib_bytes.HELLO, ib_bytes.REPLY, ib_bytes.START, ib_bytes.READY, b"66\0", ib_bytes.reply(76)]),
)


@given(st.booleans(), st.lists(st.tuples(st.sampled_from(Side), st.one_of(BYTES, st.integers(1, 50))), max_size=12))
def test_any_bytes_on_both_sides_are_read(seen: bool, pieces: list[tuple[Side, bytes | int]]) -> None:
    feed = Feed(seen)
    for side, piece in pieces:
        if isinstance(piece, int):
            feed.lose(side, piece)
        else:
            feed.turn(side, piece)
    assert feed.dialogue.messages.keys() == set(Side)


@pytest.mark.parametrize("cuts", [[], [3], [4], [5], [2000], [4099], [4100], [4101], [9000], [4099, 4100, 9000]])
@pytest.mark.parametrize("opened", [True, False], ids=["after the reply", "before the reply"])
def test_of_a_long_frame_only_the_beginning_is_kept(opened: bool, cuts: list[int]) -> None:
    feed = Feed().turn(CLIENT, ib_bytes.HELLO)
    if opened:
        feed.turn(SERVER, ib_bytes.REPLY)
    long = ib_bytes.error(178, 326, "x" * 20_000)
    before = bytes_kept(feed.reader)
    for piece in range(0, len(long), 3000):
        feed.turn(SERVER, long[piece : piece + 3000], [cut - piece for cut in cuts if 0 < cut - piece < 3000])
        assert bytes_kept(feed.reader) <= before + frames.MAX_BEGINNING + 10
    feed.turn(SERVER, ib_bytes.READY if opened else ib_bytes.REPLY + ib_bytes.READY)
    assert feed.dialogue.errors[326].count == 1
    assert feed.dialogue.errors[326].examples[0].text == WireText("x" * 400, is_cut=True)
    assert feed.dialogue.first_messages[0].length == len(long) - 4
    assert feed.dialogue.ready is not None


def test_a_hole_in_the_rest_of_a_long_frame_is_a_hole() -> None:
    feed = Feed().turn(CLIENT, ib_bytes.HELLO).turn(SERVER, ib_bytes.REPLY)
    feed.turn(SERVER, ib_bytes.error(178, 326, "x" * 20_000)[:10_000]).lose(SERVER, 10_000).turn(SERVER, ib_bytes.READY)
    assert feed.dialogue.ready is not None
    assert SERVER in feed.dialogue.bytes_after_gap


def test_errors_of_too_many_codes_are_still_counted() -> None:
    feed = Feed().turn(CLIENT, ib_bytes.HELLO).turn(SERVER, ib_bytes.REPLY)
    for code in range(1000, 1000 + message_summary.MAX_ERROR_CODES + 3):
        feed.turn(SERVER, ib_bytes.error(178, code, "x"))
    assert len(feed.dialogue.errors) == message_summary.MAX_ERROR_CODES
    assert feed.dialogue.errors_beyond == 3


ENDLESS: dict[str, tuple[list[Turn], Side, bytes]] = {
    "a client that is no client": ([], CLIENT, b"GET /" + b"x" * 1000),
    "half a hello": ([(CLIENT, b"API\0\0\0\x0f\xff")], CLIENT, b"v" * 1000),
    "a server that is no TWS": ([(CLIENT, ib_bytes.HELLO)], SERVER, b"x" * 1000),
    "an endless reply": ([(CLIENT, ib_bytes.HELLO), (SERVER, b"\0\0\x0f\xff178\0")], SERVER, b"x" * 1000),
    "a legacy stream without NUL": ([(CLIENT, b"66\0"), (SERVER, ib_bytes.reply(76))], SERVER, b"4" * 1000),
    "a legacy message without end": (
        [(CLIENT, b"66\0"), (SERVER, ib_bytes.reply(76) + ib_bytes.fields(4, 2, -1, 326))],
        SERVER,
        b"x" * 1000,
    ),
    "a legacy client without NUL": ([(CLIENT, b"66\0"), (SERVER, ib_bytes.reply(76))], CLIENT, b"7" * 1000),
    "messages": (session(178), SERVER, ib_bytes.text(178, 1, 6, 5, 1, "100.5") * 30),
    "bytes that are no frames, joined in the middle": ([], SERVER, b"\xff" * 1000),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_is_not_read_is_not_kept(name: str) -> None:
    turns, side, endless = ENDLESS[name]
    feed = Feed()
    for who, raw in turns:
        feed.turn(who, raw)
    sizes = []
    for _ in range(100):
        feed.turn(side, endless)
        sizes.append(size_kept(feed.reader))
        assert bytes_kept(feed.reader) < 2 * max(MAX_OPENING, MAX_FIELD_BYTES)
    assert max(sizes[10:]) <= 1.1 * max(sizes[:10])


def test_errors_and_messages_are_counted_not_kept() -> None:
    feed = Feed()
    for side, raw in session(178):
        feed.turn(side, raw)
    for code in range(1000, 1000 + 2 * message_summary.MAX_ERROR_CODES):
        feed.turn(SERVER, ib_bytes.error(178, code, "text"))
    for number in range(50):
        feed.turn(SERVER, ib_bytes.error(178, 1000, f"text {number}"))
    found = feed.dialogue
    assert len(found.errors) == message_summary.MAX_ERROR_CODES
    assert len(found.first_messages) == message_summary.MAX_FIRST_MESSAGES
    tally = found.errors[1000]
    assert tally.count == 51
    assert [error.text.unmasked for error in tally.examples] == ["text", "text 0", "text 1", "text 49"]
    assert found.messages[SERVER]["ERR_MSG"] == 3 + 2 * message_summary.MAX_ERROR_CODES + 50


def test_the_number_of_accounts_is_bounded() -> None:
    accounts = ",".join([f"DU{number:07}" for number in range(1000)] + ["x" * 1000])
    feed = Feed().turn(CLIENT, ib_bytes.HELLO).turn(SERVER, ib_bytes.REPLY)
    feed.turn(SERVER, ib_bytes.managed_accounts(178, accounts))
    assert 0 < len(feed.dialogue.accounts) < 100
    feed = Feed(seen_from_start=False).turn(SERVER, ib_bytes.managed_accounts(178, "x" * 1000))
    assert [len(account) for account in feed.dialogue.accounts] == [32]


def test_message_names_are_those_of_ib() -> None:
    assert names.CLIENT_MESSAGES[names.START_API] == "START_API"
    assert names.SERVER_MESSAGES[names.NEXT_VALID_ID] == "NEXT_VALID_ID"
    assert names.SERVER_MESSAGES[names.MANAGED_ACCTS] == "MANAGED_ACCTS"
    assert names.SERVER_MESSAGES[names.ERR_MSG] == "ERR_MSG"


PAYLOADS = st.one_of(
    st.binary(min_size=1, max_size=9),
    st.builds(lambda number, rest: b"%d\0" % number + rest, st.integers(0, 1200), st.binary(max_size=6)),
    st.builds(lambda number, rest: number.to_bytes(4, "big") + rest, st.integers(0, 400), st.binary(max_size=6)),
)


@given(st.lists(PAYLOADS, max_size=12))
def test_counting_only_gives_the_same_counts_as_reading(payloads: list[bytes]) -> None:
    found = b"".join(len(payload).to_bytes(4, "big") + payload for payload in payloads)
    counts = []
    for kept in (0, 10_000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(message_summary, "MAX_FIRST_MESSAGES", kept)
            reader = DialogueReader(seen_from_start=True)
            reader.take(Side.SERVER, Run(0, ib_bytes.REPLY + found, (Mark(0, 1, 0),)))
            counts.append((reader.dialogue.messages, reader.dialogue.errors, reader.dialogue.ready))
    assert counts[0] == counts[1]
