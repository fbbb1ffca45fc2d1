"""The words of the report, each explained in a sentence or two: outcomes, rungs, and terms of TCP and of IB's API."""

from __future__ import annotations

from typing import NamedTuple

OUTCOME, RUNG, FAULT = "outcome of a conversation", "rung of the ladder", "where the problem must be fixed"
SEVERITY, CONFIDENCE = "severity of a finding", "confidence of a finding"
REPORT, TCP, API, MACHINE = "word of the report", "term of TCP", "term of IB's API", "term of systems and networks"


class Word(NamedTuple):
    """A word, the other forms in which a report has it, and what it means."""

    names: tuple[str, ...]
    kind: str
    meaning: str


def _words(kind: str, meanings: dict[str, str]) -> tuple[Word, ...]:
    """Rows of one kind; a key lists the forms of the word, separated by commas."""
    return tuple(Word(tuple(names.split(", ")), kind, meaning) for names, meaning in meanings.items())


WORDS: tuple[Word, ...] = (
    *_words(OUTCOME, {
        "refused": "The server's machine answered the connection attempt with a RST: nothing listens on that port (IBS101, IBS102).",
        "unreachable": "Nothing answered the connection attempt, or a router said that the machine cannot be reached (IBS103 "
        "to IBS106).",
        "silent": "The server accepted the connection, received data, and never sent a byte (IBS301, IBS302).",
        "closed": "The server accepted the connection and closed it (FIN) without an answer (IBS107, IBS304, IBS305).",
        "reset": "The server accepted the connection and ended it abruptly (RST) without an answer (IBS107, IBS304, "
        "IBS305).",
        "foreign": "Something answered that is not TWS, such as a web server (IBS306).",
        "cut_off": "The server stopped in the middle of its version reply (IBS307).",
        "replied": "TWS answered the hello. That does not mean that all is well: the ladder and the findings say how the "
        "session went on.",
        "not_asked": "The client connected and sent nothing, so the server had nothing to answer (IBS201).",
        "joined": "The conversation was already under way when the capture began, so its beginning cannot be judged (IBS008).",
        "unproven": "The capture does not show what happened: it is too short, holds one direction only, or lost packets (IBS009).",
    }),
    *_words(RUNG, {
        "nothing": "Not even a connection attempt was captured.",
        "called": "The client tried to connect (SYN).",
        "connected": "The server's machine accepted the connection (SYN-ACK).",
        "greeted": "The client sent a complete and valid hello.",
        "answered": "The server sent its version reply.",
        "started": "The client sent START_API in the form that the negotiated version requires.",
        "ready": "The server sent nextValidId and managedAccounts: the session works.",
        "unknown": "The beginning was not captured.",
    }),
    *_words(FAULT, {
        "none": "No problem was found.",
        "client": "Your program, or the client library that it uses.",
        "tws_config": "A setting of TWS or IB Gateway.",
        "tws_state": "TWS or IB Gateway itself: it hangs, is starting or restarting, or waits for a click in a dialog.",
        "network": "What lies between: a firewall, a relay, or a wrong address or port.",
        "ib": "IB's servers, or the account.",
        "undetermined": "The packets do not decide who must act; the report says what would.",
    }),
    *_words(SEVERITY, {
        "error": "The connection, the session or a request does not work.",
        "warning": "Something is wrong or will be, or the capture proves less than it seems to.",
        "note": "Worth knowing; no reason to act by itself.",
    }),
    *_words(CONFIDENCE, {
        "high, proved by the packets": "Proved by the packets.",
        "medium, likely, not proved": "Likely: other causes would leave the same packets, and the report names them.",
        "low, a guess": "A guess: the packets fit this cause, and others as well.",
    }),
    *_words(REPORT, {
        "IBS": "The beginning of every rule's code. IBS0xx is about the capture, IBS1xx about the TCP connection, IBS2xx "
        "about the client's hello, IBS3xx about the server's answer, IBS4xx about the session, IBS5xx about several "
        "conversations together.",
        "conversation": "One TCP connection between a client and a server, or the attempt to make one. They are numbered c1, "
        "c2 and so on, in the order of their first packets.",
        "ladder": "The steps from the connection attempt to a working session, and how far a conversation got.",
        "rung": "One step of the ladder: called, connected, greeted, answered, started, ready.",
        "outcome": "What the server did in a conversation, in one word.",
        "problem": "One thing that is wrong, told once, with everything that follows from it. The worst one comes first.",
        "verdict": "The worst problem of a capture, told first.",
        "finding": "What one rule found, with the packets that prove it.",
        "proof, evidence": "The packets that a finding rests on. # is the packet's number, as in Wireshark.",
        "fault, Fix, who must act": "Where a problem must be fixed: in the program, in TWS's settings or its state, in the network, or at IB.",
        "relay": "A program that accepts connections on one port and passes them on to another: socat, docker-proxy, ssh -L, "
        "kubectl port-forward, netsh portproxy. It may accept a connection while TWS behind it is not there.",
        "hang, hangs, wedge": "TWS or Gateway runs and no longer accepts clients. The system's kernel still accepts "
        "connections and acknowledges data for it, so the port looks open. Only a restart is known to cure it.",
        "advisory": "A message that TWS sends in the form of an error and that reports no failure.",
        "patience": "How long ibsniff waits for an answer before it calls a server silent: the client library's own timeout "
        "if it is known, else 5 s; --patience changes it.",
    }),
    *_words(API, {
        "hello": "The client's first message: the bytes API and NUL, a length, and the range of versions it speaks "
        "(v100..187).",
        "version reply": "TWS's first message: the version that both will use, and its clock.",
        "server version": "The version of the API's messages that TWS and the client agreed on. It is not the version of the "
        "program.",
        "START_API": "The client's second message: it asks for a session and names its client id.",
        "nextValidId, NEXT_VALID_ID": "The message with which TWS gives the first order id; with it and managedAccounts a "
        "session is ready.",
        "managedAccounts, MANAGED_ACCTS": "The message in which TWS lists the accounts of the session.",
        "client id": "The number by which TWS tells its API clients apart. Two sessions cannot have the same one.",
        "request id": "The number a client gives a request, so that answers and errors can be matched with it.",
        "Trusted IPs": "TWS's list of addresses that may connect without being asked about. It takes single addresses only.",
        "Read-Only API": "A setting of TWS under which requests about orders get error 321.",
        "data farm": "One of IB's groups of data servers: market data, historical data, security definitions.",
        "pacing": "IB's limits on messages, requests and subscriptions.",
        "Gateway, IB Gateway": "TWS without its trading screens: the same API, on ports 4001 (live) and 4002 (paper).",
        "TWS": "Trader Workstation, IB's trading program. Its API is on ports 7496 (live) and 7497 (paper).",
        "account download": "The account values and positions that TWS sends when a client subscribes to an account.",
    }),
    *_words(TCP, {
        "SYN": "The packet that asks for a connection.",
        "SYN-ACK": "The packet that accepts a connection. The system's kernel sends it, whatever the program does.",
        "ACK": "The acknowledgment of what has arrived. The kernel sends it, even for a program that hangs.",
        "FIN": "The packet with which one side closes its direction of a connection in the normal way.",
        "RST": "The packet that refuses a connection or ends one abruptly.",
        "retransmission, retransmissions": "The same bytes sent again because they were not acknowledged.",
        "out of order": "Packets that arrived in another order than they were sent in.",
        "zero window": "One side says that it cannot take more data, because its program does not read.",
        "Recv-Q": "A column of ss and netstat: data, or connections, that a program has not taken yet.",
        "Send-Q": "A column of ss and netstat: data that the other side has not acknowledged yet; for a listening socket, the "
        "length of its accept queue.",
        "CLOSE_WAIT": "The state of a socket whose other side has closed while its own program has not. Many of them show a "
        "program that hangs or leaks connections.",
        "TIME_WAIT": "The state in which a system remembers a connection that it has closed. It is harmless.",
        "accept queue, backlog": "Connections that the kernel has accepted and the program has not taken. When it is full, "
        "further connection attempts get no answer.",
        "MSS": "The largest piece of data that a side accepts in one packet; it hints at the network it is on.",
        "keep-alive": "A packet without new data that asks whether the other side is still there.",
        "checksum": "A number that detects damaged packets. In captures it is often wrong for the sender's own packets, "
        "because the network card computes it later.",
        "tcp.stream": "Wireshark's number of a TCP conversation, and its display filter for it.",
    }),
    *_words(MACHINE, {
        "loopback, lo": "The interface over which a machine talks to itself: 127.0.0.1 and ::1; lo on Linux, lo0 on macOS.",
        "TTL": "A counter in each packet that every router lowers by one. It begins at 64 on Linux and macOS and at 128 on "
        "Windows, so it tells the system and the distance.",
        "ICMP": "The protocol in which routers and firewalls report that a packet could not be delivered.",
        "ARP": "How a machine finds another one in its own network. No answer: no machine has that address.",
        "WSL": "Linux inside Windows. In its usual mode it has a network of its own, and Windows is another machine there.",
        "snapshot length, snaplen": "How many bytes of each packet a capture keeps; tcpdump -s 0 keeps all.",
        "pcapng": "The newer format of captures; unlike pcap, it can say when a capture ended and how many packets were lost.",
        "Npcap": "The driver with which Windows captures packets.",
        "PROXY protocol": "A header that some relays put in front of a connection. TWS does not understand it.",
    }),
)  # fmt: skip

HISTORY_LETTERS = {
    "s": "SYN: it asked for a connection",
    "h": "SYN-ACK: it accepted the connection",
    "a": "ACK without data",
    "d": "data",
    "f": "FIN: it closed its direction",
    "r": "RST: it refused or reset the connection",
    "t": "data sent again",
    "g": "a gap: bytes are missing from the capture",
    "w": "zero window: it did not read",
    "i": "FIN and RST in one packet",
    "q": "SYN with FIN or RST, which no program sends",
    "^": "the first packet captured was the server's",
}
"""Zeek's history letters, which ``streams`` prints in the order of the events (docs.zeek.org, base/protocols/conn)."""
