"""What can be behind an error that a program prints: the causes that packets tell apart, each with the codes of its rules."""

from __future__ import annotations

from typing import NamedTuple


class Cause(NamedTuple):
    """One cause; a capture of it gets one of these codes."""

    codes: tuple[str, ...]
    text: str


# -- no connection ------------------------------------------------------------------------------------------------
REFUSED = Cause(
    ("IBS101", "IBS102"),
    "nothing listens on that port: TWS or Gateway is not running, not logged in yet, or restarting; its API is switched "
    "off; or its API port is another one",
)
REJECTED = Cause(("IBS103",), "a firewall rejects the connection attempt")
NO_ROUTE = Cause(("IBS104", "IBS109"), "the server's machine cannot be reached, or is not there: the address is wrong")
UNANSWERED = Cause(
    ("IBS105",), "another machine does not answer the connection attempt: a firewall drops it, or the address is wrong"
)
QUEUE_FULL = Cause(
    ("IBS106", "IBS504"), "TWS or Gateway hangs, and its queue of waiting connections is full (on the same machine)"
)

# -- a connection, and no answer to the hello ----------------------------------------------------------------------
SILENT = Cause(
    ("IBS301", "IBS302"),
    "TWS accepted the connection, received a valid hello and never answered: it hangs or is still starting, or, for a "
    "client on another machine, a dialog on its screen waits for a click",
)
RELAY = Cause(
    ("IBS107", "IBS501", "IBS510"),
    "a relay (socat, docker, ssh) accepted the connection, and TWS behind it cannot be reached or does not answer",
)
CLOSED = Cause(
    ("IBS304", "IBS305"),
    "the server accepted the connection and closed it without a byte: the client's address is not trusted, or TWS "
    "allows connections from its own machine only",
)
FOREIGN = Cause(("IBS306",), "the program on that port is not TWS")
BROKEN_HELLO = Cause(
    ("IBS202", "IBS203", "IBS204", "IBS205", "IBS206"), "the client's first message, its hello, is malformed"
)
CUT_OFF = Cause(("IBS211", "IBS307"), "the version reply came in pieces, or only in part")
LATE = Cause(("IBS214", "IBS313", "IBS314"), "TWS answered late, or the client did not wait long enough")
UNACKNOWLEDGED = Cause(("IBS303", "IBS416"), "packets are lost on the way")

# -- an answer, and no session -------------------------------------------------------------------------------------
ID_IN_USE = Cause(("IBS310", "IBS506"), "another connection holds the client id")
CLOSED_AFTER_REPLY = Cause(("IBS311", "IBS315"), "TWS answered the hello and then closed the connection")
NOT_READY = Cause(("IBS210", "IBS212", "IBS312"), "the session was never started, or never became ready")
VERSIONS = Cause(("IBS308",), "TWS and the client have no version in common")

# -- a session, and its end or a silence within it -----------------------------------------------------------------
ENDED = Cause(("IBS405", "IBS507"), "the server ended a working session, as it does at every restart of TWS")
PORT_CHANGED = Cause(("IBS407",), "the API port was changed in TWS, which drops its connections")
STUCK = Cause(("IBS409", "IBS417"), "TWS stopped answering, or stopped reading, in a working session")
REQUEST_OPEN = Cause(("IBS408", "IBS422"), "a request was answered only in part, or not at all")
READ_ONLY = Cause(("IBS401",), "the API is set to read-only, so requests about orders are refused")
TOO_FAST = Cause(("IBS402",), "the client sends more messages per second than TWS allows")
SLIPPED = Cause(("IBS404", "IBS412"), "the bytes of one side are not, or are no longer, messages of the API")

# -- not the protocol of the API -----------------------------------------------------------------------------------
HTTP = Cause(("IBS207",), "the program speaks HTTP to the API port, which is for the TWS API only")
TLS = Cause(("IBS208",), "the program speaks TLS to the API port, which is not encrypted")
