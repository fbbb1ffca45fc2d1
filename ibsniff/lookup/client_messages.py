"""What programs print when something is wrong with their connection to TWS, and what can be behind it.

The texts are those of the programs themselves, so that a log line can be looked up. ``...`` stands for what differs from
case to case.
"""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.lookup import causes as why
from ibsniff.lookup.causes import Cause

IB_ASYNC = "ib_async and ib_insync"
IBAPI = "IB's own client libraries (ibapi)"
OPERATING_SYSTEM = "any program; the text is that of the operating system"

BEFORE_AN_ANSWER = (why.SILENT, why.CLOSED, why.RELAY, why.FOREIGN, why.BROKEN_HELLO, why.LATE, why.UNACKNOWLEDGED)
"""Of a client that has a connection and waits for the version reply."""
CLOSED_BY_SERVER = (why.CLOSED, why.RELAY, why.ID_IN_USE, why.CLOSED_AFTER_REPLY, why.ENDED, why.PORT_CHANGED)


class ClientMessage(NamedTuple):
    """One error, in the different words that programs and systems have for it."""

    texts: tuple[str, ...]
    printed_by: str
    meaning: str
    causes: tuple[Cause, ...]
    source: str
    numbers: tuple[int, ...] = ()
    """Error numbers under which client libraries and Windows report the same."""


CLIENT_MESSAGES = (
    ClientMessage(
        ("API connection failed: TimeoutError()", "TimeoutError", "asyncio.exceptions.TimeoutError", "asyncio.TimeoutError"),
        IB_ASYNC,
        "The session was not ready when the client's timeout ended (4 s unless the program sets another). The text does not "
        "say how far it got: these two libraries also wait for their timeout after the server has closed the connection.",
        (*BEFORE_AN_ANSWER, why.QUEUE_FULL, why.UNANSWERED, why.ID_IN_USE, why.CLOSED_AFTER_REPLY, why.NOT_READY),
        "client.py of ib_async 2.1 and ib_insync 0.9.86",
    ),
    ClientMessage(
        (
            "Failed to receive server version information",
            "Interactive Brokers handshake did not complete; server version was not received",
            "Timed out connecting to IB Gateway/TWS after ...",
        ),
        "nautilus_trader",
        "The connection was accepted, but the client did not get the version reply to its hello.",
        (*BEFORE_AN_ANSWER, why.CUT_OFF),
        "nautilus_trader 2841, 4796",
    ),
    ClientMessage(
        (
            "ConnectionRefusedError", "Connection refused", "Connect call failed", "ECONNREFUSED", "Errno 111", "Errno 61",
            "os error 111", "os error 61", "os error 10061", "WinError 10061", "WinError 1225",
            "No connection could be made because the target machine actively refused it",
            "The remote computer refused the network connection", "Make sure API port on TWS/IBG is open",
        ),
        OPERATING_SYSTEM,
        "The connection attempt was refused at once. No byte of the API was sent, so the client id, the trusted addresses "
        "and the client's version are not the cause.",
        (why.REFUSED, why.REJECTED, why.PORT_CHANGED, why.ENDED),
        "errno.h of Linux (111) and macOS (61), Windows Sockets error codes, client.py of ib_async",
        (10061,),
    ),
    ClientMessage(
        (
            "Connection reset by peer", "ConnectionResetError", "ECONNRESET", "Errno 104", "Errno 54", "os error 104",
            "os error 54", "os error 10054", "WinError 10054",
            "An existing connection was forcibly closed by the remote host",
        ),
        OPERATING_SYSTEM,
        "A RST ended a connection that had been accepted. It came from TWS, from a relay in front of it, or from a machine "
        "on the way.",
        (*CLOSED_BY_SERVER, why.BROKEN_HELLO),
        "errno.h of Linux (104) and macOS (54), Windows Sockets error codes",
        (10054,),
    ),
    ClientMessage(
        (
            "Broken pipe", "BrokenPipeError", "EPIPE", "Errno 32", "os error 32", "ConnectionAbortedError", "ECONNABORTED",
            "WinError 10053", "An established connection was aborted by the software in your host machine",
        ),
        OPERATING_SYSTEM,
        "The program sent something on a connection that had ended before. What ended it came earlier.",
        (*CLOSED_BY_SERVER, why.TOO_FAST),
        "errno.h of Linux and macOS, Windows Sockets error codes",
        (10053,),
    ),
    ClientMessage(
        (
            "Connection timed out", "Operation timed out", "ETIMEDOUT", "Errno 110", "Errno 60", "os error 110",
            "os error 60", "os error 10060", "WinError 10060", "WinError 121", "The semaphore timeout period has expired",
            "A connection attempt failed because the connected party did not properly respond after a period of time",
        ),
        OPERATING_SYSTEM,
        "Nothing answered the connection attempt; or, on an open connection, nothing acknowledged what was sent.",
        (why.UNANSWERED, why.QUEUE_FULL, why.UNACKNOWLEDGED),
        "errno.h of Linux (110) and macOS (60), Windows Sockets error codes",
    ),
    ClientMessage(
        (
            "No route to host", "Network is unreachable", "EHOSTUNREACH", "ENETUNREACH", "Errno 113", "Errno 101",
            "Errno 65", "Errno 51", "os error 113", "os error 101", "WinError 10065", "WinError 10051",
            "A socket operation was attempted to an unreachable host",
        ),
        OPERATING_SYSTEM,
        "There is no way to that address, or no machine has it.",
        (why.NO_ROUTE, why.REJECTED),
        "errno.h of Linux (113, 101) and macOS (65, 51), Windows Sockets error codes",
    ),
    ClientMessage(
        (
            "getaddrinfo failed", "Name or service not known", "nodename nor servname provided", "ENOTFOUND",
            "Temporary failure in name resolution", "WinError 11001",
        ),
        OPERATING_SYSTEM,
        "The name of the server could not be resolved. Nothing was sent to TWS, so a capture of the API port shows nothing: "
        "check the name, or use the address.",
        (),
        "getaddrinfo(3), Node.js, Windows Sockets error codes",
    ),
    ClientMessage(
        ("Peer closed connection. clientId ... already in use?",),
        IB_ASYNC,
        "The connection was closed after the version reply and before the session was ready. The client id is only a guess "
        "of the library: it prints this for every such close.",
        (why.ID_IN_USE, why.CLOSED_AFTER_REPLY, why.VERSIONS),
        "client.py of ib_async 2.1, ib_async 152",
    ),
    ClientMessage(
        ("Peer closed connection.", "Socket connection broken while connecting", "Connection watchdog timeout"),
        "ib_async and ib_insync; the last one @stoqey/ib",
        "The connection ended, or went quiet, after the server had answered the hello.",
        (why.ENDED, why.PORT_CHANGED, why.ID_IN_USE, why.STUCK),
        "client.py and ib.py of ib_async 2.1, auto-connection of @stoqey/ib 1.6",
    ),
    ClientMessage(
        (
            "Couldn't connect to TWS.",
            'Confirm that "Enable ActiveX and Socket Clients" is enabled',
            'Confirm that "Enable ActiveX and Socket EClients" is enabled',
            "Confirm that API is enabled",
        ),
        f"{IBAPI}, as error 502; nautilus_trader too",
        "The connection failed. The advice in this text fits one cause only, an API that is switched off, and the library "
        "prints it for all of them.",
        (why.REFUSED, why.REJECTED, why.NO_ROUTE, why.UNANSWERED, why.QUEUE_FULL, why.SILENT, why.CLOSED, why.RELAY),
        "errors.py of ibapi 9.81 and 10.46, nautilus_trader 2841",
        (502,),
    ),
    ClientMessage(
        ("Not connected", "ConnectionError: Not connected", "Cannot send data when disconnected", "not supported between instances of 'NoneType' and 'int'"),
        "all client libraries (error 504)",
        "The program made a request without a session: it did not wait until the connection was ready, the attempt had "
        "failed, or the session had ended. The reason was printed earlier, or not at all.",
        (why.REFUSED, why.SILENT, *CLOSED_BY_SERVER),
        "errors.py of ibapi, client.py of ib_async, controller.js of @stoqey/ib, nautilus_trader 4026",
        (504,),
    ),
    ClientMessage(
        ("Already connected.", "Cannot connect if already connected", "Cannot disconnect if already disconnected"),
        "client libraries (error 501)",
        "The program asked for what it has already. Nothing was sent, and the connection goes on.",
        (),
        "errors.py of ibapi, controller.js of @stoqey/ib",
        (501,),
    ),
    ClientMessage(
        ("The TWS is out of date and must be upgraded", "TWS/gateway version must be >= 972", "Unsupported version"),
        "client libraries (errors 503 and 506)",
        "The server version that TWS answered is too low for the client or for one request, or outside the client's range.",
        (why.VERSIONS, why.FOREIGN),
        "errors.py of ibapi, client.py of ib_async, socket.js of @stoqey/ib",
        (503, 506),
    ),
    ClientMessage(
        ("Bad message length", "Bad message", "Fatal Error: Unknown message id", "exceeded max message length"),
        "client libraries (errors 505, 507 and 508)",
        "The client could not read what came. IB's Java library prints 507 for every connection that ends.",
        (why.SLIPPED, why.ID_IN_USE, why.CLOSED_AFTER_REPLY, why.ENDED, why.FOREIGN),
        "errors.py and EClientErrors of IB's libraries, socket.js of @stoqey/ib",
        (505, 507, 508),
    ),
    ClientMessage(
        (
            "Exception caught while reading socket", "Disconnected; resetting connection", "remote host closed the connection",
            "EOFError", "early eof", "unexpected end of file", "failed to fill whole buffer", "Socket is not connected",
            "ENOTCONN", "os error 57", "Errno 57", "IncompleteReadError",
        ),
        "client libraries in Python, Java, Rust and Julia",
        "The server closed the connection while the client waited for its bytes.",
        CLOSED_BY_SERVER,
        "client.py of ibapi, EClientErrors, IBKR-API-Rust 28, Jib.jl 43",
        (509,),
    ),
    ClientMessage(
        ("socket hang up", "Empty reply from server", "Received HTTP/0.9 when not allowed"),
        "Node.js, curl and other HTTP clients",
        "A program that speaks HTTP got no HTTP answer. The API port is no web server; that of the Client Portal Gateway is.",
        (why.HTTP, why.CLOSED, why.RELAY),
        "Node.js http, curl, ib-gateway-docker 123",
    ),
    ClientMessage(
        ("WRONG_VERSION_NUMBER", "wrong version number", "EPROTO"),
        "programs that use TLS",
        "The answer to a TLS hello was not TLS. TWS's setting Use SSL is about its own connection to IB.",
        (why.TLS, why.FOREIGN),
        "OpenSSL, IBC 55",
    ),
    ClientMessage(
        (
            "positions request timed out", "open orders request timed out", "completed orders request timed out",
            "executions request timed out", "account updates request timed out", "account updates for ... request timed out",
            "request timed out",
        ),
        IB_ASYNC,
        "The session works, but one of the requests that the library makes at its start was not answered to its end.",
        (why.REQUEST_OPEN, why.READ_ONLY, why.STUCK),
        "ib.py of ib_async 2.1, ib_insync 224, 386, 638",
    ),
    ClientMessage(
        ("socat ... Connection refused", "connect(5, AF=2 ...): Connection refused", "connect(6, AF=2 ...): Connection refused"),
        "socat, in most container images of Gateway",
        "The relay accepted a client and found nothing behind it: Gateway is not logged in yet, has ended, or uses another "
        "port. The client itself sees a connection that closes at once.",
        (why.RELAY,),
        "ib-gateway-docker 83",
    ),
    ClientMessage(
        ("This event loop is already running",),
        IB_ASYNC,
        "The program runs inside another event loop, as in Jupyter. It has nothing to do with the connection: call "
        "util.startLoop() first, or use connectAsync().",
        (),
        "documentation of ib_async, notebooks",
    ),
)  # fmt: skip

TWS_TEXTS: dict[int, tuple[str, ...]] = {
    100: ("Max rate of messages per second has been exceeded",),
    162: ("Historical Market Data Service error message",),
    200: ("No security definition has been found for the request",),
    201: ("Order rejected - reason",),
    202: ("Order Canceled - reason",),
    321: ("The API interface is currently in Read-Only mode", "Error validating request"),
    326: ("Unable to connect as the client id is already in use", "Retry with a unique client id"),
    354: ("Requested market data is not subscribed",),
    1100: ("Connectivity between IB and Trader Workstation has been lost", "Connectivity between IBKR and Trader Workstation has been lost"),
    1101: ("has been restored - data lost",),
    1102: ("has been restored - data maintained",),
    1300: ("Socket port has been reset and this connection is being dropped",),
    2103: ("Market data farm connection is broken",),
    2104: ("Market data farm connection is OK",),
    2105: ("HMDS data farm connection is broken",),
    2106: ("HMDS data farm connection is OK",),
    2107: ("HMDS data farm connection is inactive but should be available upon demand",),
    2108: ("Market data farm connection is inactive but should be available upon demand",),
    2110: ("Connectivity between Trader Workstation and server is broken. It will be restored automatically",),
    2119: ("Market data farm is connecting",),
    2157: ("Sec-def data farm connection is broken",),
    2158: ("Sec-def data farm connection is OK",),
    10089: ("Requested market data requires additional subscription for API",),
    10197: ("No market data during competing live session",),
}  # fmt: skip
"""Error number -> the beginning of TWS's own text for it (IB's documentation, and public logs)."""
