"""Every pattern and every client mistake of the field notes: the rules that say it, and the captures that show it.

P1 to P26 are ways a connection fails on the wire; the mistakes are what clients do wrong. What is not a rule stands
here too, with its reason: mostly that nobody knows what a TWS does then, and the tool says only what is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from field.families import THREADS
from ib_bytes import BROKEN_HELLOS, GOOD_HELLOS, TRAILING_HELLOS, fields, frame, hello, reply, start_api
from judging import codes, judge
from synthesise import CAPTURES
from wire import Wire

from ibsniff import regression
from ibsniff.rules import all_rules

PROMISED = {scenario.folder.name: set(scenario.promise.codes) for scenario in regression.find_scenarios(CAPTURES)}
CODES = {rule.code.removeprefix("IBS") for rule in all_rules()}
HELLOS = BROKEN_HELLOS | TRAILING_HELLOS | GOOD_HELLOS


@dataclass(frozen=True)
class Row:
    """What it is, which rules say it, which scenarios promise one of them, and what is left unsaid, and why."""

    what: str
    codes: str
    scenarios: str = ""
    hellos: tuple[str, ...] = ()
    """Openings (``ib_bytes``) that are this mistake; silence after them has one of the codes."""
    not_a_rule: str = ""


PATTERNS: dict[str, Row] = {
    "P1": Row("SYN, RST at once", "101 102 103", "refused-loopback refused-wsl rejected-port-wsl refused-three-times"),
    "P2": Row("SYN unanswered, another machine", "104 105 109", "dropped-wsl host-unreachable no-such-host-wsl"),
    "P3": Row("SYN unanswered on loopback", "106 504", "backlog-full-loopback queue-filled-by-probes"),
    "P4": Row("closed at once: a relay", "107 501", "closed-by-relay-socat closed-on-accept-loopback"),
    "P5": Row(
        "closed after accept, another machine",
        "110 305 505",
        "closed-at-once-wsl only-loopback-answered",
        not_a_rule="FIN or RST: no difference is known; it is a race with unread bytes",
    ),
    "P6": Row(
        "acknowledged and silent",
        "110 301 302 503 510",
        "silent-ib-async-loopback silent-ib-async-wsl silent-macos-loopback silent-behind-relay-socat",
        not_a_rule="frozen or hung: the kernel answers alike for both",
    ),
    "P7": Row("silent until another one leaves", "502", "listener-held-by-another"),
    "P8": Row("one dot, reset", "205", "hello-one-dot"),
    "P9": Row("no API NUL", "202", "hello-without-prefix"),
    "P10": Row("no START_API, or requests before", "210 213", "no-start-api request-before-next-valid-id"),
    "P11": Row("326", "310 506", "client-id-in-use-ib-async client-id-kept-by-zombie client-id-kept-by-lost-goodbye"),
    "P12": Row(
        "closed after START_API",
        "213 311",
        "closed-after-start-ib-async reset-after-start-nautilus-ibapi request-before-next-valid-id",
        not_a_rule="its cause: open in all four threads",
    ),
    "P13": Row("TWS too old", "308", "too-old-ib-async too-old-stoqey legacy-reply-ib-async"),
    "P14": Row("201 and above, wrong framing", "212 404", "start-api-wrong-form request-not-understood"),
    "P15": Row("a request without its end", "401 403 408", "account-download-without-end read-only-ib-async"),
    "P16": Row("read-only", "401", "read-only-ib-async"),
    "P17": Row("pacing", "402", "pacing-ib-async"),
    "P18": Row("restart", "405 507", "restart-ib-async"),
    "P19": Row("1100 to 1102", "403", "lost-connectivity-ib-async"),
    "P20": Row("1300", "407", "api-port-changed"),
    "P21": Row(
        "zero window",
        "406 417",
        "client-stopped-reading client-stopped-reading-for-good server-stopped-reading",
        not_a_rule="that TWS hangs up over it: no report says so",
    ),
    "P22": Row("another service answers", "306", "http-ib-async tls-alert-ib-async ssh-ib-async"),
    "P23": Row("TLS or HTTP to the API port", "207 208", "http-client-silent tls-client-silent"),
    "P24": Row("empty connections at a beat", "201 509", "empty-client-silent port-tested-at-a-beat"),
    "P25": Row("SYN-ACK rejected, or on another interface", "004 108", "syn-ack-rejected-by-client one-way-ib-async"),
    "P26": Row(
        "segments split anywhere", "211", "one-byte-ibapi", not_a_rule="for clients that reassemble: one-byte-ib-async"
    ),
    "1d": Row("rejected, and dropped by the client", "420 421", "order-rejected-ib-async no-such-contract-ib-async"),
    "1f": Row(
        "an order is never answered",
        "422",
        "order-never-answered-ib-async",
        not_a_rule="orders that TWS is to hold, and that it did not say a word about",
    ),
    "1e": Row(
        "the socket lives, the data is dead",
        "403 410 423 424",
        "subscriptions-not-made-again streams-dead-after-a-blip",
        not_a_rule="streams that stop without an event: a quiet market looks the same",
    ),
    "1c": Row("established, then mute", "409 416", "session-fell-mute session-cut-off long-requests-lost"),
}

UNKNOWN = "what a TWS does then is not known"

MISTAKES: dict[int, Row] = {
    1: Row("no prefix", "202", "hello-without-prefix", ("1 no prefix",)),
    2: Row("no length", "203", "hello-without-length", ("2 no length",)),
    3: Row("little-endian length", "203", "hello-little-endian", ("3 little-endian length",)),
    4: Row(
        "the length counts itself or the prefix",
        "203",
        "hello-wrong-length",
        ("4 length counts itself", "4 length counts prefix and itself"),
    ),
    5: Row("the prefix framed too", "202", "hello-framed-prefix", ("5 prefix framed too",)),
    6: Row("only the prefix", "204", "hello-prefix-only", ("6 only the prefix",)),
    7: Row(
        "prefix escaped wrong, or in UTF-16",
        "202",
        "hello-escaped-nul hello-utf-16",
        ("7 prefix escaped wrong", "7 a zero for the NUL", "7 no NUL", "7 all of it in UTF-16"),
    ),
    8: Row("trailing NUL or line end", "206", "hello-trailing-nul", ("8 trailing NUL", "8 trailing newline")),
    9: Row("one dot or a dash", "205", "hello-one-dot hello-dash", ("9 one dot", "9 a dash", "9 in UTF-16")),
    10: Row(
        "lowest version above the server's",
        "308",
        "too-old-ib-async",
        not_a_rule=f"without a reply: {UNKNOWN}; then silence or hang-up speak (301 to 305)",
    ),
    11: Row("highest version below 100", "", hellos=("11 below 100",), not_a_rule=UNKNOWN),
    12: Row(
        "START_API before the reply",
        "212",
        "start-api-wrong-form",
        not_a_rule="in the right form it works (start-api-before-reply)",
    ),
    13: Row("text START_API from 201 on", "212", "start-api-wrong-form"),
    14: Row(
        "raw id and text from 213 on",
        "212",
        "start-api-raw-id-too-late",
        not_a_rule="if the session gets ready all the same",
    ),
    15: Row("raw id below 201", "212", "start-api-raw-id-too-early"),
    16: Row("no START_API", "210", "no-start-api"),
    17: Row("START_API without capabilities", "212", "start-api-without-capabilities"),
    18: Row("START_API without its last NUL", "212", "start-api-without-last-nul"),
    19: Row("client id twice", "310 311 506", "client-id-twice closed-after-start-ib-async"),
    20: Row("requests before nextValidId", "213 408", "request-before-next-valid-id"),
    21: Row("too many messages", "402", "pacing-ib-async", not_a_rule="when TWS delays them silently: no fault"),
    22: Row(
        "malformed fields",
        "404 405",
        "request-not-understood",
        not_a_rule="321 of other kinds: TWS's answer stands by itself",
    ),
    23: Row("frame length 0 or too large", "412", "client-frame-broken"),
    24: Row(
        "connections left open, probes",
        "201 502 503 504 509",
        "listener-held-by-another deaf-since-a-broken-hello queue-filled-by-probes",
        not_a_rule="32 clients: nobody has seen the 33rd on the wire",
    ),
    25: Row("closes before the reply", "214 314", "client-gave-up-early slow-gave-up-ib-async"),
    26: Row("does not read", "406", "client-stopped-reading"),
    27: Row("HTTP", "207", "http-client-silent", ("27 HTTP GET", "27 HTTP POST", "27 HTTP/2")),
    28: Row("TLS", "208", "tls-client-silent", ("28 TLS 1.0 record", "28 TLS 1.2 record")),
    29: Row("FIX", "209", "fix-client-silent", ("29 FIX",)),
    30: Row("WebSocket", "207", "websocket-client-silent", ("30 WebSocket",)),
    31: Row("telnet, empty", "201 209", "empty-client-silent crlf-client-silent"),
    32: Row(
        "legacy hello",
        "210 308",
        "legacy-reply-ib-async",
        ("32 legacy 66", "legacy 9.70"),
        not_a_rule="as such it works (ok-npm-ib-legacy)",
    ),
    33: Row("text that is not ASCII", "404", "request-not-understood", not_a_rule=f"without a 320: {UNKNOWN}"),
    34: Row("split or joined segments", "", "one-byte-ib-async", not_a_rule="it is no mistake"),
}

MEASURED_IN_THE_OFFICIAL_CLIENT: dict[str, Row] = {
    "reply split over reads": Row("", "211", "one-byte-ibapi"),
    "reply and a frame in one segment": Row("", "", not_a_rule="no TWS sends a frame before START_API"),
    "bursts of a multiple of 4096 bytes": Row(
        "", "", not_a_rule="lost inside the client: the wire is right, and single reads do not show on it"
    ),
    "partial send": Row("", "412", "client-frame-broken"),
    "version not checked": Row("", "308", "too-old-ib-async"),
}

ROWS = {
    **PATTERNS,
    **{str(number): row for number, row in MISTAKES.items()},
    **MEASURED_IN_THE_OFFICIAL_CLIENT,
}


def test_the_lists_are_complete() -> None:
    assert [name for name in PATTERNS if name.startswith("P")] == [f"P{number}" for number in range(1, 27)]
    assert list(MISTAKES) == list(range(1, 35))
    assert len(THREADS) == 70


@pytest.mark.parametrize("name", ROWS)
def test_what_a_row_names_exists(name: str) -> None:
    row = ROWS[name]
    assert set(row.codes.split()) <= CODES
    assert set(row.scenarios.split()) <= PROMISED.keys()
    assert row.codes or row.not_a_rule, "a row without a rule says why"
    assert not row.codes or row.scenarios or row.hellos, "a rule is shown by something"


@pytest.mark.parametrize("name", ROWS)
def test_every_scenario_of_a_row_promises_one_of_its_codes(name: str) -> None:
    row = ROWS[name]
    if not row.codes:
        return
    wanted = {f"IBS{code}" for code in row.codes.split()}
    for scenario in row.scenarios.split():
        assert PROMISED[scenario] & wanted, (scenario, PROMISED[scenario])


@pytest.mark.parametrize("number", [number for number, row in MISTAKES.items() if row.hellos])
def test_an_opening_of_a_row_has_its_code(number: int) -> None:
    row = MISTAKES[number]
    for name in row.hellos:
        found = codes(judge(Wire().connect().client(HELLOS[name]).fin_client(after=4.0)))
        if name in GOOD_HELLOS:
            assert found == {"IBS301"}, "a hello TWS may understand is not blamed for the silence"
        else:
            assert found == {f"IBS{row.codes}"}, name


STARTS: dict[int, tuple[int, bytes]] = {
    13: (203, start_api(178)),
    14: (225, start_api(203)),
    15: (178, start_api(203)),
    17: (178, frame(fields(71, 2, 7))),
    18: (178, frame(fields(71, 2, 7)[:-1])),
}
"""Mistakes of START_API: the negotiated version and the bytes."""


@pytest.mark.parametrize("number", STARTS)
def test_a_start_of_a_row_has_its_code(number: int) -> None:
    version, raw = STARTS[number]
    wire = Wire().connect().client(hello(100, 225)).server(reply(version)).client(raw).fin_client(after=6.0)
    assert codes(judge(wire)) == {f"IBS{MISTAKES[number].codes}"}
