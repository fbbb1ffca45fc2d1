from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from judging import Watch, judge
from standin_server import HELLO, Caller, running
from wire import Wire, endpoint

from ibsniff.capture import processes
from ibsniff.capture.processes import LocalProcess, ProcessWatcher
from ibsniff.capture.procfs import TcpSocket, TcpState
from ibsniff.masking.sentence import sentence
from ibsniff.model import Conversation, Side, UserError, WireText
from ibsniff.render.machine_reports import in_words

CLIENT, SERVER = ("127.0.0.1", 50000), ("127.0.0.1", 7497)


def address(pair: tuple[str, int] | None) -> object:
    return SimpleNamespace(ip=pair[0], port=pair[1]) if pair else ()


def socket(local: tuple[str, int], remote: tuple[str, int] | None, status: str, pid: int | None) -> object:
    return SimpleNamespace(laddr=address(local), raddr=address(remote), status=status, pid=pid)


class Psutil:
    """The tables of a machine, as psutil returns them."""

    class Error(Exception):
        pass

    def __init__(self, sockets: Sequence[object]) -> None:
        self.sockets = sockets
        self.looks = 0

    def net_connections(self, kind: str) -> Sequence[object]:
        assert kind == "tcp"
        self.looks += 1
        return self.sockets

    def Process(self, pid: int) -> object:
        if pid == 13:
            raise self.Error
        names, commands = {7: "java", 8: "python3.12"}, {8: ["python3.12", "-u", "/opt/bot.py", "--password", "x"]}
        return SimpleNamespace(name=lambda: names[pid], cmdline=lambda: commands.get(pid, []))


def conversation(*, ended: bool = False, server: str = "127.0.0.1:7497") -> Conversation:
    wire = Wire(client="127.0.0.1:50000", server=server).connect().client(HELLO)
    return judge(wire.fin_client() if ended else wire).conversations[0]


def look(
    monkeypatch: pytest.MonkeyPatch,
    sockets: Sequence[object],
    waiting: Sequence[TcpSocket] = (),
    one: Conversation | None = None,
) -> tuple[LocalProcess, ...]:
    monkeypatch.setattr(processes, "load_psutil", lambda: Psutil(sockets))
    monkeypatch.setattr(processes, "tcp_sockets", lambda: iter(waiting))
    return ProcessWatcher().refresh([one or conversation()]).get("c1", ())


def said(end: LocalProcess) -> str:
    """What a report says of it."""
    return str(sentence(in_words(end.report(conversation(), 0), dated=False)))


def test_both_ends_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    client, server = look(
        monkeypatch,
        [
            socket(CLIENT, SERVER, "ESTABLISHED", 8),
            socket(SERVER, CLIENT, "ESTABLISHED", 7),
            socket(SERVER, None, "LISTEN", 7),
        ],
    )
    assert said(client) == "client 127.0.0.1:50000 is python bot.py, process 8"
    assert said(server) == "server 127.0.0.1:7497 is java, process 7"


def test_the_queues_of_a_hanging_tws_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection was not accepted, so it has the listener's process. Java listens through IPv6."""
    mapped = "::ffff:127.0.0.1"
    tws, client = endpoint("127.0.0.1:7497"), endpoint("127.0.0.1:50000")
    waiting = [
        TcpSocket(tws, client, TcpState.ESTABLISHED, 17),
        TcpSocket(client, tws, TcpState.ESTABLISHED, 0),
        TcpSocket(tws, endpoint("0.0.0.0:0"), TcpState.LISTEN, 51),
    ]
    _, server = look(
        monkeypatch,
        [
            socket(CLIENT, SERVER, "ESTABLISHED", 8),
            socket((mapped, 7497), (mapped, 50000), "ESTABLISHED", None),
            socket((mapped, 7497), (mapped, 49000), "CLOSE_WAIT", 7),
            socket((mapped, 7497), (mapped, 49001), "CLOSE_WAIT", None),
            socket(("::", 7497), None, "LISTEN", 7),
        ],
        waiting,
    )
    assert said(server) == (
        "server 127.0.0.1:7497 is java, process 7; 17 bytes of this conversation have arrived but it has not read them "
        "(Recv-Q); 51 connections wait to be accepted (Recv-Q of its listening socket); 1 of its sockets is in CLOSE_WAIT: "
        "only the other side has closed"
    )
    assert server.row()["accept_queue"] == 51
    assert "; 1 connection waits to be accepted (" in said(server._replace(accept_queue=1))


def test_another_users_process_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    sockets = [socket(SERVER, None, "LISTEN", None), socket(SERVER, ("127.0.0.1", 4), "CLOSE_WAIT", None)]
    (server,) = look(monkeypatch, sockets)
    assert (server.name, server.close_wait) == (None, 1)
    assert "a process of another user" in said(server)


def test_a_process_that_has_just_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    (client,) = look(monkeypatch, [socket(CLIENT, SERVER, "ESTABLISHED", 13)])
    assert client.name == WireText("already gone")


def test_a_server_on_another_machine_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    there = conversation(server="192.0.2.1:7497")
    assert look(monkeypatch, [socket(SERVER, None, "LISTEN", 7)], one=there) == ()


def test_the_tables_are_read_at_intervals_and_ended_processes_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    psutil, now = Psutil([socket(CLIENT, SERVER, "ESTABLISHED", 8)]), 100.0
    monkeypatch.setattr(processes, "load_psutil", lambda: psutil)
    monkeypatch.setattr(processes.time, "monotonic", lambda: now)
    seen = ProcessWatcher()
    assert seen.refresh([conversation()])
    assert seen.refresh([conversation()]) == {}
    assert psutil.looks == 1
    now, psutil.sockets = 103.0, []
    assert seen.refresh([conversation(ended=True)]) == {}, "known already, and over"
    assert [end.side for end in seen.ends["c1"]] == [Side.CLIENT]
    now = 106.0
    seen.refresh([conversation()])
    assert [end.side for end in seen.ends["c1"]] == [Side.CLIENT], "its sockets are gone; who it was is known"
    assert psutil.looks == 2


def test_a_machine_without_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mute(Psutil):
        def net_connections(self, kind: str) -> Sequence[object]:
            raise PermissionError

    monkeypatch.setattr(processes, "load_psutil", lambda: Mute([]))
    assert ProcessWatcher().refresh([conversation()]) == {}


def test_without_psutil_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(UserError, match="psutil") as caught:
        ProcessWatcher()
    assert "pip install 'ibsniff[process]'" in caught.value.what_to_do


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc/net/tcp")
def test_the_queues_of_a_real_unread_hello() -> None:
    pytest.importorskip("psutil", reason="needs psutil")
    with running("never-accept") as server, Caller(server.port) as caller:
        caller.send(HELLO)
        port = caller.socket.getsockname()[1]
        wire = Wire(client=f"127.0.0.1:{port}", server=f"127.0.0.1:{server.port}").connect().client(HELLO)
        found = ProcessWatcher()
        found.refresh(judge(wire, watch=Watch(any_port=True)).conversations)
        ends = {end.side: end for end in found.ends["c1"]}
    assert ends[Side.CLIENT].pid == os.getpid()
    assert ends[Side.SERVER].unread == len(HELLO)
    assert ends[Side.SERVER].accept_queue == 1
