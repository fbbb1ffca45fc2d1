"""What is asked, and what is found: codes, numbers, words, and log lines as they are pasted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibsniff.ib.error_table import ErrorNumber, all_errors
from ibsniff.lookup.client_messages import CLIENT_MESSAGES, TWS_TEXTS, ClientMessage
from ibsniff.lookup.search import MAX_FOUND, Answer, History, MessageName, StreamState, find, names, suggestions
from ibsniff.lookup.words import WORDS, Word
from ibsniff.rules import all_rules
from ibsniff.rules.registry import Rule
from ibsniff.tcp.state import MEANINGS


def short(answer: Answer) -> str:
    match answer:
        case Rule():
            return answer.code
        case ErrorNumber():
            return str(answer.code)
        case ClientMessage():
            return answer.texts[0]
        case Word():
            return answer.names[0]
        case StreamState() | MessageName():
            return answer.name
        case History():
            return answer.letters


def found(query: str) -> list[str]:
    return [short(answer) for answer in find(query)]


TIMEOUT, REFUSED, RESET = "API connection failed: TimeoutError()", "ConnectionRefusedError", "Connection reset by peer"
ID_IN_USE, FAILED = "Peer closed connection. clientId ... already in use?", "Couldn't connect to TWS."


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("IBS301", ["IBS301"]),
        ("ibs 301", ["IBS301"]),
        ("'IBS301'", ["IBS301"]),
        ("silent-on-this-host", ["IBS301"]),
        ("Silent on this host", ["IBS301"]),
        ("ibs301_silent_on_this_host.py", ["IBS301"]),
        ("Fix: TWS (its state) · medium confidence · IBS302 · silent", ["IBS302"]),
        ("326", ["326"]),
        ("no-route-to-host", ["No route to host", "IBS104"]),
        ("error 326", ["326"]),
        ("504", ["504", "IBS504"]),
        ("-1", ["-1"]),
        ("silent", ["silent"]),
        ("cut off", ["cut_off"]),
        ("NOT_ASKED", ["not_asked"]),
        ("IBS", ["IBS"]),
        ("REQ_MKT_DATA", ["REQ_MKT_DATA"]),
        ("reqMktData", ["REQ_MKT_DATA"]),
        ("not proved", ["medium"]),
        ("who must act", ["fault"]),
        ("S0", ["S0"]),
        ("rstos0", ["RSTOS0"]),
        ("SH", ["SH"]),
        ("Sh", ["Sh"]),
        ("S2 ShADaF", ["S2", "ShADaF"]),
        ("^hA", ["^hA"]),
        ("TimeoutError", [TIMEOUT]),
        ("2024-05-06 14:04:25,274 ib_async.client ERROR API connection failed: TimeoutError()", [TIMEOUT]),
        (
            """API connection failed: ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 7497)")""",
            [REFUSED],
        ),
        ("[Errno 111] Connect call failed ('127.0.0.1', 7497)", [REFUSED]),
        ("errno 111", [REFUSED]),
        ("WinError 10061", [REFUSED]),
        ("Error: connect ECONNREFUSED 127.0.0.1:7497", [REFUSED]),
        ("[Errno 104] Connection reset by peer", [RESET]),
        ("Error: read ECONNRESET", [RESET]),
        ("ERROR Peer closed connection. clientId 17 already in use?", [ID_IN_USE]),
        ("ERROR Peer closed connection.", ["Peer closed connection."]),
        (
            "[WARN] Failed to receive server version information, retries remaining: 4",
            ["Failed to receive server version information"],
        ),
        ("Couldn\N{RIGHT SINGLE QUOTATION MARK}t connect to TWS. Confirm that API is enabled", [FAILED]),
        (
            'Couldn\'t connect to TWS. Confirm that "Enable ActiveX and Socket EClients"  is enabled (code: 502, req_id=-1)',
            [FAILED, "502"],
        ),
        ("ERROR -1 504 Not connected", ["Not connected", "504"]),
        ("socket hang up", ["socket hang up"]),
        ("ERROR -1 2104 Market data farm connection is OK:usfarm", ["2104"]),
        (
            "Error 326, reqId -1: Unable to connect as the client id is already in use. Retry with a unique client id.",
            ["326"],
        ),
        ("Error. Id: -1, Code: 1100, Msg: Connectivity between IB and Trader Workstation has been lost.", ["1100"]),
        ("2107 HMDS data farm connection is inactive but should be available upon demand.euhmds", ["2107"]),
        ("E connect(5, AF=2 127.0.0.1:4001, 16): Connection refused", ["connect"]),
    ],
)
def test_what_is_found(query: str, expected: list[str]) -> None:
    if expected == ["connect"]:
        expected = ["socat ... Connection refused"]
    assert found(query) == expected


@pytest.mark.parametrize("message", CLIENT_MESSAGES, ids=lambda message: message.texts[0])
def test_each_text_is_found_alone_and_within_a_log_line(message: ClientMessage) -> None:
    for text in message.texts:
        printed = text.replace("...", "4002")
        for line in (printed, printed.upper(), f'2026-01-05 10:00:00 [ERROR] bot: "{printed}" (7497)'):
            assert find(line)[0] == message, line


@pytest.mark.parametrize("code", TWS_TEXTS)
def test_each_text_of_tws_leads_to_its_number(code: int) -> None:
    for text in TWS_TEXTS[code]:
        assert find(f"it said: {text}:usfarm")[0] == all_errors()[code]


def test_everything_that_has_a_name_is_found_by_it() -> None:
    for name in names():
        assert find(name.replace("...", "7")), name


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.names[0])
def test_a_word_is_found_in_each_of_its_forms(word: Word) -> None:
    assert all(word in find(name) for name in word.names)


def test_every_rule_and_every_state_is_found() -> None:
    for rule in all_rules():
        assert find(rule.code)[-1] == rule
        assert rule in find(rule.name)
    assert [short(find(state)[0]) for state in MEANINGS] == list(MEANINGS)


@pytest.mark.parametrize(
    "query", ["", " ", "xyzzy", "99999", "1" * 50, "IBS326", "\uff13\uff12\uff16", "`", "\x1b[31m"]
)
def test_what_is_unknown_is_not_found(query: str) -> None:
    assert find(query) == ()


@pytest.mark.parametrize(
    ("query", "nearest"),
    [
        ("silnt", "silent"),
        ("conection refused", "Connection refused"),
        ("silent-on-that-host", "silent-on-this-host"),
        ("the handshake with the version server failed", "version reply"),
    ],
)
def test_the_nearest_is_suggested(query: str, nearest: str) -> None:
    assert find(query) == ()
    assert nearest in suggestions(query)


@given(st.text(st.characters(), max_size=300))
def test_any_text_can_be_asked(query: str) -> None:
    assert len(find(query)) <= MAX_FOUND * 10
    suggestions(query)


def test_a_long_traceback_gives_few_answers() -> None:
    everything = "\n".join(text for message in CLIENT_MESSAGES for text in message.texts)
    assert 0 < len(find(everything)) <= MAX_FOUND
