"""Several clients of one server: what only shows between conversations."""

from __future__ import annotations

from recording.entries import HELLO, IB_ASYNC, SERVER, START_API_TEXT, WSL, Recording, Visitor, framed

OTHER_ID = ("--client-id", "8")
START_OTHER_ID = framed(b"71\x002\x008\0\0")
PROBE = ("raw", HELLO, "1.2s", "bye")
"""Sends a hello, and leaves when no answer has come for a while."""
EMPTY = ("raw", "bye")
HTTP_CHECK = ("raw", b"GET /health HTTP/1.1\r\nHost: gateway:4002\r\n\r\n".hex(), "5s", "bye")
ODD = ("raw", b"API=9.72\0".hex(), "0.5s", "bye")
IMPATIENT = (*IB_ASYNC, "--timeout", "2")


def _windows(name: str, title: str, outcome: str, rung: str, mode: str) -> Recording:
    """WSL's client first, then one on Windows itself; captured on Windows."""
    own = Visitor(5.0, IB_ASYNC, host="127.0.0.1", on=SERVER)
    return Recording(name, title, IB_ASYNC, outcome, rung, mode, {"host": "0.0.0.0"}, network=WSL, interface="any",
                     host="172.24.32.1", company=(own,), watched_on=SERVER, tool="tcpdump")  # fmt: skip


RECORDINGS = (
    Recording("listener-held-by-another",
              "A health check that sends nothing blocks TWS; the bot is answered when it leaves",
              ("raw", "6s", "bye"), "replied", "ready", "one-at-a-time",
              company=(Visitor(1.0, (*IB_ASYNC, "--timeout", "10")),)),
    Recording("deaf-since-a-broken-hello", "After a hand-written client's broken hello, TWS answers no client any more (as AutoRevOption)",
              IB_ASYNC, "silent", "greeted", "wedge", port=4002,
              company=(Visitor(2.0, ODD), *(Visitor(4.0 + 3 * number, IMPATIENT) for number in range(3)))),
    Recording("deaf-to-wsl-too", "From WSL it worked; after a port test that sent nothing, TWS answers no client any more",
              IB_ASYNC, "silent", "greeted", "wedge", network=WSL, interface="eth0", host="172.24.32.1",
              company=(Visitor(2.0, EMPTY), *(Visitor(4.0 + 3 * number, IMPATIENT) for number in range(2)))),
    Recording("queue-filled-by-probes",
              "A probe at regular intervals fills the queue of a hung Gateway; then even SYNs get no answer",
              PROBE, "unreachable", "called", "never-accept", {"backlog": 3}, port=4002,
              company=(*(Visitor(1.5 * number, PROBE) for number in range(1, 4)), Visitor(6.0, IB_ASYNC))),
    Recording("queue-filled-java", "Many connections fill the queue of a Java program that hangs; then SYNs get no answer",
              ("crowd", "51", "6"), "unreachable", "called", "Hung.java", port=4002, company=(Visitor(1.0, IB_ASYNC),)),
    _windows("only-loopback-answered", "TWS answers clients on its own machine; a client in WSL waits for somebody's click",
             "silent", "greeted", "ask"),
    _windows("only-loopback-not-closed", "TWS answers clients on its own machine and closes connections from WSL: localhost only",
             "closed", "greeted", "localhost-only"),
    Recording("client-id-twice",
              "A program reconnects with the same client id and never closed its old socket (as nautilus 4193)",
              (*IB_ASYNC, "--stay", "7"), "replied", "started", "ok", company=(Visitor(2.0, IB_ASYNC),)),
    Recording("client-id-kept-by-zombie",
              "It works sometimes: TWS keeps the client id of a session that its client closed (as nautilus 4412)",
              IB_ASYNC, "replied", "started", "zombie", {"delay": 7.0},
              company=(Visitor(2.0, IB_ASYNC), Visitor(10.0, IB_ASYNC))),
    Recording("client-id-kept-by-lost-goodbye", "The client's FIN is lost on the way, and TWS keeps its client id",
              IB_ASYNC, "replied", "started", "ok", network=WSL, interface="eth0", host="172.24.32.1",
              firewall=("DROP", "--tcp-flags", "FIN", "FIN"), company=(Visitor(2.0, IB_ASYNC),)),
    Recording("http-check-beside-a-hung-gateway",
              "A health check asks a hung Gateway by HTTP; the bot beside it sends a good hello, and neither is answered",
              IB_ASYNC, "silent", "greeted", "silent", port=4002, company=(Visitor(1.0, HTTP_CHECK),)),
    Recording("relay-idle-limit", "socat -T ends two quiet sessions after six seconds; TWS had not closed them",
              ("raw", HELLO, "?", START_API_TEXT, "9s"), "replied", "ready", "ok", {"port": 4002}, port=4004,
              relay=(4004, 4002), relayed_by="socat -T", company=(Visitor(1.0, ("raw", HELLO, "?", START_OTHER_ID, "9s")),)),
    Recording("restart-of-two", "A restart resets two sessions at one instant; both bots try until it is back",
              (*IB_ASYNC, "--attempts", "12", "--timeout", "1"), "refused", "called", "restart", {"delay": 2.0},
              company=(Visitor(0.5, (*IB_ASYNC, *OTHER_ID, "--attempts", "12", "--timeout", "1")),)),
    Recording("reconnect-storm", "A bot connects to a closed port five times a second",
              (*IB_ASYNC, "--attempts", "15", "--pause", "0.2"), "refused", "called"),
    Recording("port-tested-at-a-beat", "A monitor tests the port at regular intervals, and a bot works beside it",
              (*IB_ASYNC, "--stay", "9"), "not_asked", "connected", "ok",
              company=tuple(Visitor(1.0 + 2 * number, EMPTY) for number in range(5))),
)  # fmt: skip
