"""The modes that concern the whole server."""

from __future__ import annotations

from pathlib import Path

import pytest
from standin_server import HELLO, Caller, running

from ibsniff.standin.server_modes import SERVER_MODES

START = b"71\0002\0007\0\0"


def test_never_accept_completes_connections_and_reads_nothing() -> None:
    with running("never-accept") as server:
        caller = Caller(server.port)
        caller.send(HELLO)
    # Only the end of the process ends what was never accepted, and the kernel does it with RST.
    with caller, pytest.raises(ConnectionResetError):
        caller.rest()
    assert server.events.empty()


def test_restart_resets_refuses_is_silent_and_comes_back() -> None:
    seen: dict[str, object] = {}

    def witness(event: str) -> None:
        if event.startswith("down"):
            with pytest.raises(ConnectionRefusedError):
                Caller(server.port)
            seen["refused"] = True
        if event.startswith("starting"):
            seen["early"] = Caller(server.port)

    with running("restart", witness=witness, delay=0.1) as server, Caller(server.port) as caller:
        caller.greet()
        caller.frame(START)
        with pytest.raises(ConnectionResetError):
            caller.rest()
        server.wait_for("up again")
        assert seen["refused"]
        with Caller(server.port) as again:
            assert again.greet()[0] == b"178"
        early = seen["early"]
        assert isinstance(early, Caller)
        with early:
            early.send(HELLO)
            assert early.is_ignored(server)


def test_one_at_a_time_answers_the_second_client_when_the_first_has_closed() -> None:
    with running("one-at-a-time") as server:
        with Caller(server.port):
            server.wait_for("connected")
            caller = Caller(server.port)
            caller.send(HELLO)
            server.wait_for("connected")
        server.wait_for("hello: versions")
        assert any(event.endswith("connection ended") for event in server.events_seen), (
            "the idle client had closed before"
        )
        with caller:
            assert caller.take_frame().startswith(b"178\0")
            caller.frame(START)
            assert caller.take_frame().startswith(b"15\0")


def test_wedge_works_until_a_client_closes_without_a_hello() -> None:
    with running("wedge") as server:
        with Caller(server.port) as caller:
            assert caller.greet()[0] == b"178"
        with Caller(server.port) as odd:
            odd.send(b"API=9.72\0")
        server.wait_for("the client has closed")
        silent = Caller(server.port)
        silent.send(HELLO)
        server.wait_for("connected")
    # Only the end of the process closes what was left open.
    with silent:
        assert silent.rest() == b""


def test_port_changed_sends_the_error_and_refuses() -> None:
    with running("port-changed", delay=0.01) as server, Caller(server.port) as caller:
        caller.greet()
        caller.frame(START)
        sent = [caller.take_frame() for _ in range(6)][-1].split(b"\0")
        assert sent[3] == b"1300"
        assert sent[4].endswith(b"new port - %d" % (server.port + 1))
        assert caller.rest() == b""
        with pytest.raises(ConnectionRefusedError):
            Caller(server.port)


def test_every_server_mode_is_tried_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert all(f'"{name}"' in text for name in SERVER_MODES)
