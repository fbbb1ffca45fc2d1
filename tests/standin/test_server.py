from __future__ import annotations

import socket
import threading

import pytest
from standin_server import HELLO, PATIENCE, Caller, running

from ibsniff import standin
from ibsniff.model import ExitCode, UserError


def test_many_clients_at_once() -> None:
    with running("ok") as server:
        callers = [Caller(server.port) for _ in range(20)]
        for caller in callers:
            caller.send(HELLO)
        for caller in callers:
            with caller:
                assert caller.take_frame().startswith(b"178\0")


def test_stopping_closes_every_connection() -> None:
    with running("ok") as server:
        caller = Caller(server.port)
        caller.greet()
    with caller:
        assert caller.rest() == b""


def test_the_connection_of_a_client_that_resets_is_ended() -> None:
    with running("ok") as server:
        caller = Caller(server.port)
        caller.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        server.wait_for("connected")
        caller.socket.close()
        server.wait_for("connection ended")


def test_listens_on_ipv6() -> None:
    with running("ok", host="::1") as server, Caller(server.port, "::1") as caller:
        assert server.events_seen == [f"listening on [::1]:{server.port}"]
        assert caller.greet()[0] == b"178"


def test_ready_is_set_when_the_socket_listens() -> None:
    ready, stop = threading.Event(), threading.Event()
    thread = threading.Thread(
        target=standin.serve, args=("silent", "127.0.0.1", 0), kwargs={"ready": ready, "stop": stop}
    )
    thread.start()
    assert ready.wait(PATIENCE)
    stop.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def refusal(mode: str = "ok", host: str = "127.0.0.1", port: int = 0) -> UserError:
    with pytest.raises(UserError) as caught:
        standin.serve(mode, host, port)
    return caught.value


def test_a_port_in_use_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        problem = refusal(port=taken.getsockname()[1])
    assert "already in use" in problem.what


def test_for_an_unknown_mode_a_similar_one_is_suggested() -> None:
    problem = refusal("slient")
    assert problem.exit_code is ExitCode.USAGE
    assert problem.what_to_do == "Perhaps you mean silent; 'ibsniff simulate list' lists all modes"
    assert refusal("sulk").what_to_do == "'ibsniff simulate list' lists all modes"


def test_an_address_of_another_machine_is_refused() -> None:
    assert refusal(host="192.0.2.1").what.startswith("cannot listen on 192.0.2.1")
    assert refusal(host="192.0.2.1").what.count("192.0.2.1") == 1


def test_a_missing_permission_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "create_server", forbidden)
    problem = refusal(port=80)
    assert problem.exit_code is ExitCode.PERMISSION
    assert "1023" in problem.what_to_do


def test_a_host_name_that_does_not_resolve_is_reported() -> None:
    problem = refusal(host="no such host.invalid")
    assert problem.what.startswith("cannot listen on")
    assert "Unknown error" not in problem.what
