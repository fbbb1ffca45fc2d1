"""What ``record.py`` records: a scenario an entry, with what is known of its outcome from how it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

LOOPBACK, WSL = "loopback", "wsl"
"""Networks: one namespace with ``lo``; or a user's WSL (172.24.46.63) beside its Windows host (172.24.32.1)."""
SNAPLEN = 262_144
"""More than any packet has."""


@dataclass(frozen=True)
class Recording:
    name: str
    title: str
    client: tuple[str, ...]
    """A key of ``libraries.CLIENTS`` and further arguments."""
    outcome: str
    rung: str
    mode: str | None = None
    """Of the stand-in; None when nothing listens."""
    options: dict[str, Any] = field(default_factory=dict)
    """More for ``standin.serve``."""
    network: str = LOOPBACK
    interface: str = "lo"
    host: str = "127.0.0.1"
    port: int = 7497
    tool: str = "dumpcap"
    """``dumpcap`` writes pcapng with statistics (and so how long it watched), ``tcpdump`` pcap in nanoseconds."""
    snaplen: int = SNAPLEN
    unseen: str = ""
    """Filter expression for packets the capture must miss."""
    hang: float | None = None
    """Stop the capture while the client still waits, this many seconds after its hello; None: the client ends."""
    firewall: tuple[str, ...] = ()
    """iptables target and options for what arrives at the server's port."""
    relay: tuple[int, int] | None = None
    """socat from one port to another."""
    crowd: int = 0
    """Connections made before the capture that nobody accepts."""
    joins_late: bool = False
    """The capture begins when the session is ready."""


HANGS = 7.0
"""Seconds we watch a client that would wait for ever."""

IB_ASYNC, IB_INSYNC, IBAPI, NAUTILUS = ("ib_async",), ("ib_insync",), ("ibapi",), ("nautilus-ibapi",)
STOQEY, NPM_IB = ("@stoqey/ib",), ("ib",)
HELLO = "4150490000000009763130302e2e313837"
"""The hello of an official client 10.30: API, NUL, 9, ``v100..187``."""

START_API_TEXT = "000000083731003200370000"
"""START_API for client id 7 as server versions 72 to 200 want it."""


def _windows(name: str, title: str, outcome: str, rung: str, **more: Any) -> Recording:
    return Recording(
        name, title, IB_ASYNC, outcome, rung, network=WSL, interface="eth0", host="172.24.32.1", **more
    )  # fmt: skip


WORKS = [
    Recording("ok-ib-async-loopback", "ib_async connects, becomes ready, asks the time and leaves",
              IB_ASYNC, "replied", "ready", "ok"),
    Recording("ok-ib-insync-loopback", "ib_insync connects, becomes ready, asks the time and leaves",
              IB_INSYNC, "replied", "ready", "ok"),
    Recording("ok-ibapi-loopback", "The official Python client 9.81 becomes ready",
              IBAPI, "replied", "ready", "ok", tool="tcpdump"),
    Recording("ok-nautilus-ibapi-loopback", "nautilus-ibapi 10.46 becomes ready in protobuf",
              NAUTILUS, "replied", "ready", "ok", {"server_version": 225}),
    Recording("ok-nautilus-ibapi-raw-ids", "nautilus-ibapi becomes ready with a 10.37 Gateway: raw ids, text fields",
              NAUTILUS, "replied", "ready", "ok", {"server_version": 203}),
    Recording("ok-stoqey-loopback", "@stoqey/ib becomes ready",
              STOQEY, "replied", "ready", "ok", {"server_version": 193}),
    Recording("ok-npm-ib-legacy", "npm ib becomes ready in the legacy dialect",
              NPM_IB, "replied", "ready", "ok"),
    Recording("ok-ib-async-ipv6", "ib_async becomes ready over ::1",
              IB_ASYNC, "replied", "ready", "ok", host="::1", tool="tcpdump"),
    Recording("ok-ib-async-any", "ib_async becomes ready, captured on the pseudo-interface any",
              IB_ASYNC, "replied", "ready", "ok", interface="any", tool="tcpdump"),
    Recording("joined-ib-async", "The capture begins in the middle of a working session",
              (*IB_ASYNC, "1", "3"), "joined", "unknown", "ok", joins_late=True),
    Recording("slow-ib-async", "The Gateway takes three seconds to answer, and ib_async waits",
              IB_ASYNC, "replied", "ready", "slow", {"delay": 3.0}),
    Recording("slow-gave-up-ib-async", "The Gateway answers after five seconds, one second after ib_async gave up",
              IB_ASYNC, "replied", "answered", "slow", {"delay": 5.0}, hang=6.0),
    Recording("one-byte-ib-async", "The version reply comes one byte at a time, and ib_async copes",
              IB_ASYNC, "replied", "ready", "one-byte"),
    Recording("one-byte-ibapi", "The version reply comes one byte at a time, and the official Python client loses it",
              IBAPI, "replied", "answered", "one-byte", hang=HANGS),
    Recording("lost-connectivity-ib-async", "TWS loses IB's servers and finds them again",
              ("ib_async", "1", "2"), "replied", "ready", "lost-connectivity", {"delay": 1.0}),
]  # fmt: skip

SILENT = [
    Recording("silent-ib-async-loopback", "ib_async times out because the Gateway never answers",
              IB_ASYNC, "silent", "greeted", "silent", tool="tcpdump"),
    Recording("silent-ib-insync-loopback", "ib_insync times out because the Gateway never answers",
              IB_INSYNC, "silent", "greeted", "silent"),
    Recording("silent-ibapi-loopback", "The official Python client 9.81 waits for ever for an answer",
              IBAPI, "silent", "greeted", "silent", hang=HANGS),
    Recording("silent-nautilus-ibapi-loopback", "nautilus-ibapi waits for ever for an answer",
              NAUTILUS, "silent", "greeted", "silent", hang=HANGS),
    Recording("silent-stoqey-loopback", "@stoqey/ib waits for ever for an answer",
              STOQEY, "silent", "greeted", "silent", hang=HANGS),
    Recording("silent-npm-ib-loopback", "npm ib waits for ever for an answer to its legacy hello",
              NPM_IB, "silent", "greeted", "silent", hang=HANGS),
    Recording("silent-ib-async-ipv6", "ib_async times out over ::1",
              IB_ASYNC, "silent", "greeted", "silent", host="::1"),
    Recording("silent-ib-async-any", "ib_async times out, captured on the pseudo-interface any",
              IB_ASYNC, "silent", "greeted", "silent", interface="any", tool="tcpdump"),
    Recording("never-accepted-ib-async", "The Gateway listens and never accepts: the kernel answers for it",
              IB_ASYNC, "silent", "greeted", "never-accept"),
    Recording("never-accepted-three-times", "ib_async tries three times, and the Gateway never accepts",
              (*IB_ASYNC, "3"), "silent", "greeted", "never-accept"),
    Recording("backlog-full-loopback", "The Gateway never accepts, its queue is full: calls on loopback go unanswered",
              IB_ASYNC, "unreachable", "called", "never-accept", {"backlog": 0}, crowd=1),
    Recording("unproven-stopped-early", "The capture was stopped 0.3 s after the hello",
              IB_ASYNC, "unproven", "greeted", "silent", tool="tcpdump", hang=0.3),
    Recording("half-reply-ib-async", "Half of the version reply comes, and nothing more",
              IB_ASYNC, "cut_off", "greeted", "half-reply"),
]  # fmt: skip

HUNG_UP = [
    Recording("refused-loopback", "ib_async calls a port nobody listens on",
              IB_ASYNC, "refused", "called"),
    Recording("closed-on-accept-loopback", "The Gateway closes as soon as it has accepted",
              IB_ASYNC, "closed", "connected", "close-on-accept"),
    Recording("reset-on-accept-loopback", "The Gateway resets as soon as it has accepted",
              IB_ASYNC, "reset", "connected", "reset-on-accept"),
    Recording("closed-after-hello-loopback", "The Gateway hears the hello and closes; ib_async says TimeoutError",
              IB_ASYNC, "closed", "greeted", "close-after-hello"),
    Recording("reset-after-hello-ibapi", "The Gateway resets when it has heard the hello",
              IBAPI, "reset", "greeted", "reset-after-hello"),
    Recording("closed-after-start-ib-async", "The Gateway answers, then closes on START_API",
              IB_ASYNC, "replied", "started", "close-after-start"),
    Recording("reset-after-start-nautilus-ibapi", "The Gateway answers, then resets on START_API",
              NAUTILUS, "replied", "started", "reset-after-start", {"server_version": 225}),
    Recording("restart-ib-async", "A working session is cut by a restart; refused, then silent, then fine again",
              (*IB_ASYNC, "12", "0", "1"), "refused", "called", "restart", {"delay": 1.5}),
]  # fmt: skip

REPLIED_AND_WRONG = [
    Recording("client-id-in-use-ib-async", "The client id is in use: error 326, then the end",
              IB_ASYNC, "replied", "started", "client-id-in-use"),
    Recording("client-id-in-use-nautilus-ibapi", "The client id is in use: error 326 in protobuf, then the end",
              NAUTILUS, "replied", "started", "client-id-in-use", {"server_version": 225}),
    Recording("too-old-ib-async", "The server version lies below what ib_async accepts",
              IB_ASYNC, "replied", "answered", "too-old"),
    Recording("too-old-stoqey", "The server version lies below what @stoqey/ib accepts",
              STOQEY, "replied", "answered", "too-old"),
    Recording("read-only-ib-async", "The API is read-only: 321 instead of open orders",
              IB_ASYNC, "replied", "ready", "read-only"),
    Recording("pacing-ib-async", "Too many messages a second: error 100 three times, then the end",
              IB_ASYNC, "replied", "ready", "pacing"),
    Recording("redirect-ib-async", "The reply sends the client to another address",
              IB_ASYNC, "replied", "answered", "redirect"),
    Recording("legacy-reply-ib-async", "The reply is in the legacy dialect, and ib_async takes its text for a length",
              IB_ASYNC, "replied", "answered", "legacy"),
    Recording("http-ib-async", "A web server listens on the port",
              IB_ASYNC, "foreign", "greeted", "http"),
    Recording("tls-alert-ib-async", "A TLS server listens on the port",
              IB_ASYNC, "foreign", "greeted", "tls-alert"),
    Recording("ssh-ib-async", "An SSH server listens on the port",
              IB_ASYNC, "foreign", "greeted", "ssh"),
]  # fmt: skip

POORLY_CAPTURED = [
    Recording("gap-ib-async", "The capture misses what the Gateway says in longer packets",
              IB_ASYNC, "replied", "ready", "ok", unseen="src port 7497 and greater 110"),
    Recording("one-way-ib-async", "The capture sees only what the client sends",
              IB_ASYNC, "unproven", "greeted", "ok", unseen="src port 7497"),
    Recording("snaplen-ib-async", "The capture keeps no more than the headers of a working session",
              IB_ASYNC, "unproven", "connected", "ok", snaplen=66, tool="tcpdump"),
    Recording("snaplen-silent-ib-async", "The capture keeps no more than the headers, and the Gateway never answers",
              IB_ASYNC, "silent", "connected", "silent", snaplen=66),
]  # fmt: skip

MISUSED = [
    Recording("http-client-silent", "curl calls the API port",
              ("curl",), "silent", "connected", "silent"),
    Recording("tls-client-silent", "A TLS client calls the API port",
              ("openssl",), "silent", "connected", "silent", hang=HANGS),
    Recording("crlf-client-silent", "Somebody presses Enter in telnet",
              ("raw", "0d0a"), "silent", "connected", "silent", hang=HANGS),
    Recording("empty-client-silent", "A port check connects and says nothing",
              ("raw", ""), "not_asked", "connected", "silent", hang=HANGS),
    Recording("hello-without-prefix", "A hand-written client sends the version range without API and NUL in front",
              ("raw", HELLO[8:]), "silent", "connected", "silent", hang=HANGS),
    Recording("hello-little-endian", "A hand-written client sends the length with the wrong byte order",
              ("raw", HELLO.replace("00000009", "09000000")), "silent", "connected", "silent", hang=HANGS),
    Recording("hello-wrong-length", "A hand-written client counts the prefix into the length",
              ("raw", HELLO.replace("00000009", "0000000d")), "silent", "connected", "silent", hang=HANGS),
    Recording("no-start-api", "A hand-written client waits for nextValidId and never sends START_API",
              ("raw", HELLO), "replied", "answered", "ok", hang=HANGS),
    Recording("start-api-wrong-form", "A hand-written client sends the text START_API to a server of the protobuf era",
              ("raw", HELLO.replace("313837", "323235"), START_API_TEXT),
              "replied", "answered", "ok", {"server_version": 225}, hang=HANGS),
]  # fmt: skip

REMOTE = [
    _windows("ok-ib-async-wsl", "From WSL, ib_async becomes ready with TWS on the Windows host",
             "replied", "ready", mode="ok"),
    _windows("silent-ib-async-wsl", "From WSL, TWS on the Windows host never answers",
             "silent", "greeted", mode="silent", tool="tcpdump"),
    _windows("closed-at-once-wsl", "From WSL, TWS on the Windows host closes at once",
             "closed", "connected", mode="close-on-accept"),
    _windows("refused-wsl", "From WSL, nothing listens on the Windows host's port",
             "refused", "called"),
    _windows("dropped-wsl", "From WSL, the Windows firewall drops the call",
             "unreachable", "called", mode="ok", firewall=("DROP",)),
    _windows("rejected-port-wsl", "From WSL, a firewall rejects the call: ICMP port unreachable",
             "refused", "called", mode="ok", firewall=("REJECT",)),
    _windows("rejected-prohibited-wsl", "From WSL, a firewall rejects the call: ICMP administratively prohibited",
             "unreachable", "called", mode="ok", tool="tcpdump",
             firewall=("REJECT", "--reject-with", "icmp-admin-prohibited")),
    Recording("no-such-host-wsl", "From WSL, ib_async calls an address nobody has: ARP goes unanswered",
              IB_ASYNC, "none", "none", network=WSL, interface="eth0", host="172.24.32.99"),
    Recording("closed-by-relay-socat", "socat accepts for a Gateway that does not run",
              IB_ASYNC, "closed", "greeted", port=4004, relay=(4004, 4002)),
    Recording("silent-behind-relay-socat", "socat accepts for a Gateway that never answers",
              IB_ASYNC, "silent", "greeted", "silent", {"port": 4002}, port=4004, relay=(4004, 4002)),
]  # fmt: skip

RECORDINGS = {
    each.name: each for each in (*WORKS, *SILENT, *HUNG_UP, *REPLIED_AND_WRONG, *POORLY_CAPTURED, *MISUSED, *REMOTE)
}
