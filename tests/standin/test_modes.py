"""Every mode, as a plain socket sees it. Silence is proved by closing the client's side first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from standin_server import HELLO, Caller, running

from ibsniff import standin
from ibsniff.standin import modes, session_modes
from ibsniff.standin.connection import Connection
from ibsniff.standin.server_modes import SERVER_MODES

QUOTES = b"1\00011\0003\0"
START = b"71\0002\0007\0\0"
REPLY = re.compile(rb"\0\0\0.178\0\d{8} \d\d:\d\d:\d\d UTC\0", re.DOTALL)


def became_ready(caller: Caller, start: bytes = START) -> list[bytes]:
    """START_API, then the five messages of a session that is ready."""
    caller.frame(start)
    sent = [caller.take_frame() for _ in range(5)]
    assert sent[0].startswith(b"15\0")
    assert sent[1] == b"9\0001\0001\0"
    return sent


def codes(payloads: list[bytes]) -> list[bytes]:
    return [payload.split(b"\0")[3] for payload in payloads]


@pytest.mark.parametrize(
    ("server_version", "hello", "negotiated"),
    [(178, HELLO, b"178"), (225, b"API\0\0\0\0\x09v157..176", b"176"), (178, b"API\0\0\0\0\x04v151", b"151")],
)
def test_ok_negotiates_the_lower_maximum(server_version: int, hello: bytes, negotiated: bytes) -> None:
    with running("ok", server_version=server_version) as server, Caller(server.port) as caller:
        assert caller.greet(hello)[0] == negotiated


def test_ok_becomes_ready_and_answers() -> None:
    with running("ok") as server, Caller(server.port) as caller:
        assert len(caller.greet()) == 2
        assert codes(became_ready(caller)[2:]) == [b"2104", b"2106", b"2158"]
        caller.frame(b"61\0001\0")
        assert caller.take_frame() == b"62\0001\0"
        server.wait_for("REQ_POSITIONS")


@pytest.mark.parametrize(
    ("version", "start", "first"),
    [
        (203, b"\0\0\0\x472\0007\0\0", b"\0\0\0\x0f1\0DU"),
        (212, b"\0\0\0\x472\0007\0\0", b"\0\0\0\xd7\x0a\x13DU"),
        (225, b"\0\0\x01\x0f\x08\x07", b"\0\0\0\xd7\x0a\x13DU"),
    ],
)
def test_ok_supports_every_server_version(version: int, start: bytes, first: bytes) -> None:
    with running("ok", server_version=version) as server, Caller(server.port) as caller:
        caller.greet()
        caller.frame(start)
        assert caller.take_frame().startswith(first)


def test_ok_ignores_and_logs_a_start_in_another_form() -> None:
    with running("ok", server_version=213) as server, Caller(server.port) as caller:
        caller.greet()
        caller.frame(START)
        caller.frame(b"\0\0\0\x472\0007\0\0")
        server.wait_for(r"message 925957994 instead of START_API in the form of version 213: ignored")
        server.wait_for(r"START_API instead of START_API in the form of version 213: ignored")
        assert caller.rest_after_closing() == b""


def test_ok_ignores_requests_before_start_and_bytes_that_are_no_request() -> None:
    with running("ok") as server, Caller(server.port) as caller:
        caller.greet()
        caller.frame(b"61\0001\0")
        server.wait_for("REQ_POSITIONS instead of START_API")
        caller.frame(b"?")
        server.wait_for("bytes instead of START_API")
        became_ready(caller)
        caller.frame(b"")
        caller.frame(b"?")
        server.wait_for("not in the form of version 178")
        assert codes([caller.take_frame()]) == [b"320"]


@pytest.mark.parametrize("start", [b"71\0002\0007\0\0", b"71\0001\0007\0"])
def test_ok_serves_a_legacy_client_unframed(start: bytes) -> None:
    with running("ok") as server, Caller(server.port) as caller:
        caller.send(b"66\0")
        assert re.fullmatch(rb"76\0\d{8} \d\d:\d\d:\d\d UTC\0", caller.take(25))
        caller.send(start)
        server.wait_for("legacy start with client id 7")
        sent = b"15\0001\0DU0000001,DU0000002\0009\0001\0001\0004\0002\0-1\0002104\0"
        assert caller.take(len(sent)) == sent


def test_a_client_id_of_thousands_of_digits_is_none() -> None:
    with running("ok") as server, Caller(server.port) as caller:
        caller.send(b"62\0" + b"9" * 5000 + b"\0")
        server.wait_for("ready")


def test_ok_takes_the_bare_client_id_of_an_old_legacy_client() -> None:
    with running("ok") as server, Caller(server.port) as caller:
        caller.send(b"62\0")
        caller.take(25)
        caller.send(b"71\0")
        server.wait_for("legacy start with client id 71")
        assert caller.take(3) == b"15\0"


@pytest.mark.parametrize(
    "hello",
    [
        b"API\0v100..187",
        b"API=9.72\0",
        b"API\0\x09\0\0\0v100..187",
        b"API\\0\0\0\0\x09v100..187",
        b"API\0\0\0\0\x08v100-187",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01",
        b"8=FIX.4.2\0",
    ],
)
def test_ok_does_not_answer_a_broken_hello(hello: bytes) -> None:
    with running("ok") as server, Caller(server.port) as caller:
        caller.send(hello)
        assert caller.is_ignored(server)


def test_ok_closes_on_a_hello_without_prefix() -> None:
    with running("ok") as server, Caller(server.port) as caller:
        caller.send(b"\0\0\0\x09v100..187")
        assert caller.rest() == b""


def test_ok_resets_on_one_dot() -> None:
    with running("ok") as server, Caller(server.port) as caller:
        caller.send(b"API\0\0\0\0\x08v100.200")
        with pytest.raises(ConnectionResetError):
            caller.rest()


def test_a_client_id_is_used_by_one_session_at_a_time() -> None:
    with running("ok") as server:
        with Caller(server.port) as first:
            first.greet()
            became_ready(first)
            with Caller(server.port) as second:
                second.greet()
                second.frame(START)
                assert codes([second.take_frame()]) == [b"326"]
                assert second.rest() == b""
        server.wait_for("connection ended")
        server.wait_for("connection ended")
        with Caller(server.port) as third:
            third.greet()
            became_ready(third)


def test_zombie_keeps_the_client_id_after_the_client_has_closed() -> None:
    with running("zombie", delay=60) as server:
        with Caller(server.port) as first:
            first.greet()
            became_ready(first)
        with Caller(server.port) as second:
            second.greet()
            second.frame(START)
            assert codes([second.take_frame()]) == [b"326"]


def test_slow_answers_after_its_delay() -> None:
    with running("slow", delay=0.01) as server, Caller(server.port) as caller:
        assert caller.greet()[0] == b"178"
        became_ready(caller)


def test_one_byte_at_a_time_is_still_a_whole_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modes, "BYTE_PAUSE", 0)
    with running("one-byte") as server, Caller(server.port) as caller:
        assert caller.greet()[0] == b"178"
        became_ready(caller)


def test_legacy_answers_even_a_framed_client_unframed() -> None:
    with running("legacy") as server, Caller(server.port) as caller:
        caller.send(HELLO)
        assert caller.take(3) == b"76\0"


def test_silent_sends_nothing() -> None:
    with running("silent") as server, Caller(server.port) as caller:
        caller.send(HELLO)
        assert caller.is_ignored(server)


@pytest.mark.parametrize(
    ("mode", "hello", "sent"),
    [
        ("close-on-accept", b"", rb""),
        ("close-after-hello", HELLO, rb""),
        ("close-after-start", HELLO, REPLY.pattern),
        ("client-id-in-use", HELLO, REPLY.pattern + rb"\0\0\0.4\0002\0-1\000326\0Unable to connect.*\0"),
        ("http", HELLO, rb"HTTP/1.1 400 .*\r\n\r\n"),
        ("tls-alert", HELLO, rb"\x15\x03\x03\0\x02\x02\x46"),
        ("ssh", HELLO, rb"SSH-2.0-.*\r\nInvalid SSH identification string.\r\n"),
    ],
)
def test_modes_that_close_do_so_with_fin(mode: str, hello: bytes, sent: bytes) -> None:
    with running(mode) as server, Caller(server.port) as caller:
        if hello:
            caller.send(hello)
        if b"178" in sent:
            server.wait_for("answering")
            caller.frame(START)
        assert re.fullmatch(sent, caller.rest(), re.DOTALL)


def test_reset_on_accept() -> None:
    # The RST may be there before connect() has returned.
    with running("reset-on-accept") as server, pytest.raises(ConnectionResetError), Caller(server.port) as caller:
        caller.rest()


def test_reset_after_hello() -> None:
    with running("reset-after-hello") as server, Caller(server.port) as caller:
        caller.send(HELLO)
        with pytest.raises(ConnectionResetError):
            caller.rest()


def test_reset_after_start() -> None:
    with running("reset-after-start") as server, Caller(server.port) as caller:
        caller.greet()
        caller.frame(START)
        with pytest.raises(ConnectionResetError):
            caller.rest()


@pytest.mark.parametrize("mode", ["ask", "localhost-only"])
def test_modes_that_serve_only_their_own_machine(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(mode) as server:
        with Caller(server.port) as caller:
            assert caller.greet()[0] == b"178"
        monkeypatch.setattr(Connection, "is_from_this_machine", False)
        with Caller(server.port) as caller:
            assert caller.is_ignored(server) if mode == "ask" else caller.rest() == b""


def test_close_after_reply() -> None:
    with running("close-after-reply") as server, Caller(server.port) as caller:
        assert caller.greet()[0] == b"178"
        assert caller.rest() == b""


def test_half_a_reply_is_all_there_is() -> None:
    with running("half-reply") as server, Caller(server.port) as caller:
        caller.send(HELLO)
        server.wait_for("answering")
        sent = caller.rest_after_closing()
        assert sent.startswith(b"\0\0\0\x1a178\0")
        assert len(sent) == 15


def test_half_an_answer_is_all_there_is() -> None:
    with running("half-answer") as server, Caller(server.port) as caller:
        caller.greet()
        became_ready(caller)
        caller.frame(b"61\0001\0")
        assert caller.rest_after_closing() == b"\0\0\0\x05"


def test_redirect_names_another_address() -> None:
    with running("redirect") as server, Caller(server.port) as caller:
        assert caller.greet() == [b"-1", b"192.0.2.5:7497"]
        assert caller.rest_after_closing() == b""


def test_too_old_is_older_than_the_client_asked_for() -> None:
    with running("too-old") as server, Caller(server.port) as caller:
        assert caller.greet()[0] == b"76"
        became_ready(caller)


def test_read_only_refuses_orders_and_serves_the_rest() -> None:
    with running("read-only") as server, Caller(server.port) as caller:
        caller.greet()
        became_ready(caller)
        for request in (b"5\0001\0", b"61\0001\0"):
            caller.frame(request)
        refusal = caller.take_frame()
        assert codes([refusal]) == [b"321"]
        assert b"Read-Only" in refusal
        assert caller.take_frame() == b"62\0001\0"


@pytest.mark.parametrize(
    ("mode", "sent"),
    [
        ("lost-connectivity", [b"1100", b"1102"]),
        ("lost-subscriptions", [b"1100", b"1101"]),
        ("lost-farm", [b"2103", b"2104"]),
    ],
)
def test_a_lost_connection_or_farm_is_restored(mode: str, sent: list[bytes]) -> None:
    with running(mode, delay=0.01) as server, Caller(server.port) as caller:
        caller.greet()
        became_ready(caller)
        assert codes([caller.take_frame(), caller.take_frame()]) == sent
        caller.frame(b"61\0001\0")
        assert caller.take_frame() == b"62\0001\0"


def test_nothing_is_restored_for_a_client_that_closes() -> None:
    with running("lost-farm", delay=60) as server, Caller(server.port) as caller:
        caller.greet()
        became_ready(caller)
        assert codes([caller.take_frame()]) == [b"2103"]
        assert caller.rest_after_closing() == b""


@pytest.mark.parametrize(("mode", "code"), [("competing-session", b"10197"), ("not-subscribed", b"10089")])
def test_modes_without_market_data_serve_the_rest(mode: str, code: bytes) -> None:
    with running(mode) as server, Caller(server.port) as caller:
        caller.greet()
        became_ready(caller)
        caller.frame(QUOTES)
        assert caller.take_frame().split(b"\0")[2:4] == [b"3", code]
        caller.frame(b"61\0001\0")
        assert caller.take_frame() == b"62\0001\0"


@pytest.mark.parametrize(("version", "order"), [(178, b"3\0007\0x\0"), (144, b"3\00045\0007\0x\0")])
def test_rejected_orders_are_named(version: int, order: bytes) -> None:
    with running("rejected-orders", server_version=version) as server, Caller(server.port) as caller:
        caller.greet()
        became_ready(caller)
        caller.frame(order)
        assert caller.take_frame().split(b"\0")[2:4] == [b"7", b"201"]
        caller.frame(b"61\0001\0")
        assert caller.take_frame() == b"62\0001\0"


def test_dead_streams_stop_with_the_farm_and_stay_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_modes, "FARM_PAUSE", 0)
    with running("dead-streams", delay=0) as server, Caller(server.port) as caller:
        caller.greet()
        became_ready(caller)
        caller.frame(QUOTES)
        frames = iter(caller.take_frame, None)
        assert any(frame.split(b"\0")[3:4] == [b"2103"] for frame in frames)
        assert codes([caller.take_frame()]) == [b"2104"]
        caller.frame(b"61\0001\0")
        assert caller.take_frame() == b"62\0001\0"


def test_stream_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_modes, "BURST_PAUSE", 0)
    with running("stream") as server, Caller(server.port) as caller:
        caller.greet()
        became_ready(caller)
        caller.frame(QUOTES)
        sent = [caller.take_frame() for _ in range(4 + 3 * session_modes.BURST)]
        assert sent[0].startswith(b"58\0")
        assert set(sent[4:]) == {sent[3]}


def test_never_ready_sends_accounts_and_nothing_more() -> None:
    with running("never-ready") as server, Caller(server.port) as caller:
        caller.greet()
        caller.frame(START)
        assert caller.take_frame().startswith(b"15\0")
        assert caller.rest_after_closing() == b""


def test_endless_account_leaves_out_the_end() -> None:
    with running("endless-account") as server, Caller(server.port) as caller:
        caller.greet()
        became_ready(caller)
        for request in (b"6\0002\0001\0DU0000001\0", b"76\0001\0003\0\0\0000\0", b"61\0001\0"):
            caller.frame(request)
        sent = [caller.take_frame() for _ in range(3)]
        assert [payload.partition(b"\0")[0] for payload in sent] == [b"6", b"8", b"62"]


def test_pacing_closes_at_the_third_strike() -> None:
    with running("pacing") as server, Caller(server.port) as caller:
        caller.greet()
        became_ready(caller)
        for _ in range(3):
            caller.frame(b"49\0001\0")
            assert codes([caller.take_frame()]) == [b"100"]
        assert caller.rest() == b""


def test_every_mode_has_a_one_line_description_and_is_tried_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    for mode, line in standin.MODES.items():
        assert line.endswith("."), mode
        assert mode in SERVER_MODES or f'"{mode}"' in text, mode
