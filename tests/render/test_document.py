from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from render.build import (
    ACCOUNT,
    at,
    called,
    closed_by_relay,
    connected,
    conversation,
    error,
    facts,
    finding,
    many,
    read_only,
    ready,
    refused,
    report,
    silent,
    unproven,
)
from render.build import (
    shown as printed,
)

from ibsniff.model import (
    Confidence,
    Dialect,
    Dialogue,
    ErrorTally,
    Evidence,
    Fault,
    How,
    Moment,
    Outcome,
    ReplyKind,
    Report,
    Request,
    Requests,
    RequestState,
    Rung,
    Severity,
    Side,
    WireError,
    WireText,
)
from ibsniff.render.document import MAX_CODES, document, document_text
from ibsniff.render.markdown import markdown
from ibsniff.render.request_counts import requests_line
from ibsniff.render.terminal import renderable
from ibsniff.render.text import json_text

# The contract: every key there is, and what may stand there. A tuple is a choice, a list a list of such, a dict an
# object with exactly these keys; `{str: ...}` an object with any keys.
NUMBER = (int, float)
FINDING = {
    "code": str,
    "name": str,
    "severity": set(Severity),
    "fault": set(Fault),
    "confidence": set(Confidence),
    "summary": str,
    "packets": [int],
    "packet_count": int,
    "evidence": [
        {"packet": int, "time": (str, None), "side": ({*Side}, None), "what": str, "conversation": (str, None)}
    ],
    "remedy": str,
    "alternatives": [{"cause": str, "fault": set(Fault), "how_to_tell": str}],
}
MOMENT = {"packet": int, "time": str}
REQUEST = {
    "name": str,
    "request": (int, None),
    "state": set(RequestState),
    "asked": MOMENT,
    "first_answer": (MOMENT, None),
    "last_answer": (MOMENT, None),
    "answers": int,
    "ended": (MOMENT, None),
    "error": ({"code": int, "text": str} | MOMENT, None),
    "modified": int,
    "may_have_missed": bool,
}
SCHEMA: dict[str, Any] = {
    "schema_version": int,
    "tool": {"name": str, "version": str},
    "inputs": [
        {
            "path": str,
            "format": {"pcap", "pcapng"},
            "link_types": [int],
            "link_type_count": int,
            "packets": int,
            "first_time": (str, None),
            "last_time": (str, None),
            "watched_until": (str, None),
            "watched_by": str,
            "truncated": bool,
            "truncated_detail": (str, None),
            "interrupted": bool,
            "dropped": (int, None),
            "losses": [{"since": (str, None), "until": str, "packets": (int, None)}],
            "losses_omitted": int,
            "cut_by_snaplen": int,
            "times_backwards": int,
            "skipped": {str: int},
            "skipped_reasons_omitted": int,
            "notes": [str],
            "notes_omitted": int,
            "machine_reports": [
                {
                    "time": str,
                    "client": str,
                    "server": str,
                    "end": str,
                    "pid": (int, None),
                    "program": (str, None),
                    "close_wait": int,
                    "accept_queue": (int, None),
                    "unread": (int, None),
                }
            ],
            "machine_reports_omitted": int,
        }
    ],
    "verdict": {
        "outcome": ({*Outcome}, None),
        "fault": set(Fault),
        "confidence": set(Confidence),
        "code": (str, None),
        "summary": str,
        "conversation": (str, None),
        "counts": {str: int},
    },
    "findings": [FINDING | {"input": int, "conversations": [str], "conversation_count": int}],
    "problems": [
        {
            "input": int,
            "code": (str, None),
            "name": (str, None),
            "severity": set(Severity),
            "fault": set(Fault),
            "confidence": set(Confidence),
            "summary": str,
            "remedy": str,
            "packets": [int],
            "packet_count": int,
            "conversation": (str, None),
            "conversations": [str],
            "conversation_count": int,
            "servers": [{"ip": str, "port": int}],
            "server_count": int,
            "explains": {str: int},
            "first": (str, None),
            "last": (str, None),
            "is_over": bool,
            "is_partly_over": bool,
        }
    ],
    "problems_omitted": int,
    "outages": [
        {
            "input": int,
            "server": {"ip": str, "port": int},
            "began": str,
            "back": (str, None),
            "ended": [str],
            "ended_count": int,
            "failed": {str: int},
            "back_conversation": (str, None),
            "text": str,
        }
    ],
    "omitted": int,
    "narrowed": ({"chosen_by": str, "left_out": int}, None),
    "conversations": [
        {
            "id": str,
            "input": int,
            "client": {"ip": str, "port": int},
            "server": {"ip": str, "port": int},
            "start": str,
            "end": str,
            "duration": NUMBER,
            "conn_state": str,
            "history": str,
            "outcome": set(Outcome),
            "rung": set(Rung),
            "fault": set(Fault),
            "code": (str, None),
            "confidence": set(Confidence),
            "summary": str,
            "hello": (
                {
                    "dialect": set(Dialect),
                    "min": (int, None),
                    "max": (int, None),
                    "options": (str, None),
                    "client_library": (str, None),
                    "detail": str,
                    "raw": str,
                    "packets": [int],
                    "packet_count": int,
                },
                None,
            ),
            "reply": (
                {
                    "kind": set(ReplyKind),
                    "server_version": (int, None),
                    "connection_time": (str, None),
                    "redirect": (str, None),
                    "service": (str, None),
                    "raw": str,
                    "packets": [int],
                    "packet_count": int,
                },
                None,
            ),
            "client_id": (int, None),
            "accounts": [str],
            "account_count": int,
            "ended": ({"by": set(Side), "how": set(How), "after": NUMBER, "packet": int}, None),
            "timings": {
                "connect": (*NUMBER, None),
                "reply": (*NUMBER, None),
                "ready": (*NUMBER, None),
                "watched": NUMBER,
            },
            "messages": {"client": {str: int}, "server": {str: int}},
            "message_names_omitted": int,
            "errors": [
                {
                    "code": int,
                    "count": int,
                    "examples": [{"id": int, "text": str, "packet": int, "time": str}],
                }
            ],
            "error_codes_omitted": int,
            "requests": {
                "asked": int,
                "open": int,
                "answered": int,
                "rejected": int,
                "cancelled": int,
                "unanswered": int,
                "not_followed": int,
                "open_requests": [REQUEST],
                "open_requests_omitted": int,
                "rejected_requests": [REQUEST],
                "rejected_requests_omitted": int,
            },
            "findings": [FINDING],
        }
    ],
}


def check(value: Any, expected: Any, where: str = "$") -> None:
    """Raise when a value is not what the contract says; every key must be there, and no other."""
    match expected:
        case tuple():
            assert any(fits(value, choice) for choice in expected), f"{where}: {value!r}"
            for choice in expected:
                if isinstance(choice, dict) and isinstance(value, dict):
                    check(value, choice, where)
        case set():
            assert value in expected, f"{where}: {value!r}"
        case list():
            for number, item in enumerate(value):
                check(item, expected[0], f"{where}[{number}]")
        case dict() if str in expected:
            for name, item in value.items():
                check(item, expected[str], f"{where}.{name}")
        case dict():
            assert value.keys() == expected.keys(), where
            for name, item in value.items():
                check(item, expected[name], f"{where}.{name}")
        case _:
            assert fits(value, expected), f"{where}: {value!r}"


def fits(value: Any, choice: Any) -> bool:
    if choice is None:
        return value is None
    if isinstance(choice, type):
        return type(value) is choice
    return isinstance(value, dict) if isinstance(choice, dict) else value in choice


EVERY_REPORT = [
    report(),
    report(findings=(finding(severity=Severity.NOTE, remedy="", conversations=("c1", "c2")),)),
    report(silent()),
    report(refused()),
    report(closed_by_relay()),
    report(ready()),
    report(read_only()),
    report(unproven()),
    many(5),
    Report((), None, (), ()),
    report()._replace(inputs=(facts(first_time_ns=None, last_time_ns=None, watched_until_ns=None, dropped=3),)),
]


@pytest.mark.parametrize("each", EVERY_REPORT)
def test_every_document_follows_the_contract(each: Report) -> None:
    made = document(each, "1.2.3")
    check(made, SCHEMA)
    assert json.loads(json.dumps(made, allow_nan=False)) == made


def test_the_check_itself_finds_a_missing_and_a_wrong_field() -> None:
    made = document(report(silent()), "1")
    for name, value in (("rung", "high"), ("duration", "4"), ("ended", {}), ("hello", 5)):
        broken = document(report(silent()), "1")
        broken["conversations"][0][name] = value
        with pytest.raises(AssertionError):
            check(broken, SCHEMA)
    del made["conversations"][0]["rung"]
    with pytest.raises(AssertionError):
        check(made, SCHEMA)


def test_a_silence() -> None:
    made = document(report(silent()), "1")
    talk = made["conversations"][0]
    assert made["verdict"] == {
        "outcome": "silent",
        "fault": "tws_state",
        "confidence": "medium",
        "code": "IBS301",
        "summary": "TWS took the connection and the hello, and never answered.",
        "conversation": "c1",
        "counts": {"silent": 1},
    }
    assert (talk["conn_state"], talk["history"], talk["rung"]) == ("S2", "ShADaF", "greeted")
    assert talk["ended"] == {"by": "client", "how": "fin", "after": 4.001, "packet": 6}
    assert talk["timings"] == {"connect": 0.00005, "reply": None, "ready": None, "watched": 6.0}
    assert talk["hello"]["raw"] == "41 50 49 00 00 00 00 09 76 31 30 30 2e 2e 31 38 37"
    assert (talk["hello"]["min"], talk["hello"]["max"]) == (100, 187)
    assert talk["start"] == "2026-01-05T09:30:00.000000000Z"


def test_without_any_conversation_the_verdict_is_the_most_severe_finding() -> None:
    note = finding("IBS010", severity=Severity.NOTE)
    warning = finding("IBS006", severity=Severity.WARNING, summary="No API traffic.", confidence=Confidence.HIGH)
    verdict = document(report(findings=(note, warning)), "1")["verdict"]
    assert (verdict["outcome"], verdict["code"], verdict["summary"]) == (None, "IBS006", "No API traffic.")
    assert document(report(), "1")["verdict"]["fault"] == "undetermined"


def test_accounts_are_masked_unless_asked_for() -> None:
    each = report(read_only())
    made = document(each, "1")
    assert ACCOUNT not in json.dumps(made)
    assert made["conversations"][0]["accounts"] == ["DU*****67"]
    assert json.dumps(document(each, "1", show_accounts=True)).count(ACCOUNT) == 3, "named, in an error, and cited"


def test_lists_are_bounded_and_count_what_they_omit() -> None:
    numbers = range(1, 10_001)
    proof = tuple(Evidence(*at(number, number), None, f"packet {number}", "c1") for number in numbers)
    talk = ready(findings=(finding(packets=tuple(numbers), evidence=proof),))
    talk.dialogue.accounts[:] = [WireText(f"DU{number}") for number in range(1_000_000, 1_000_500)]
    talk.dialogue.messages[Side.SERVER] = Counter({f"message {number}": 1 for number in range(MAX_CODES + 7)})
    for code in range(MAX_CODES):
        talk.dialogue.errors[code] = ErrorTally(1, [error(code, "x", at(9, 1))])
    shared = finding("IBS501", conversations=tuple(f"c{number}" for number in range(300)))
    made = document(report(talk, findings=(shared,), omitted=12), "1")
    written = made["conversations"][0]
    check(made, SCHEMA)
    assert (len(written["findings"][0]["packets"]), written["findings"][0]["packet_count"]) == (20, 10_000)
    told = [one["packet"] for one in written["findings"][0]["evidence"]]
    assert told == [*range(1, 15), *range(9_995, 10_001)], "the first and the last"
    assert (len(written["accounts"]), written["account_count"]) == (20, 500)
    assert (len(written["messages"]["server"]), written["message_names_omitted"]) == (MAX_CODES, 7)
    assert (len(written["errors"]), written["error_codes_omitted"]) == (MAX_CODES, 1)
    assert (len(made["findings"][0]["conversations"]), made["findings"][0]["conversation_count"]) == (20, 300)
    assert made["omitted"] == 12


def asked(count: int) -> Requests:
    """So many requests that nothing has answered, and as many that were rejected."""
    error = WireError(1, 200, WireText("No security definition\x1b"), Moment(9, 9))
    lost = Request(3, "REQ_MKT_DATA", Moment(7, 7), ended=Moment(9, 9), state=RequestState.REJECTED, error=error)
    opened = {place: Request(None, "REQ_POSITIONS", Moment(place, place)) for place in range(1, count + 1)}
    streaming = Request(5, "REQ_PNL", Moment(1, 1), Moment(2, 2), Moment(8, 8), answers=4)
    counts = Counter({("REQ_POSITIONS", RequestState.OPEN): count, ("REQ_PNL", RequestState.OPEN): 1})
    counts["REQ_MKT_DATA", RequestState.REJECTED] = count
    rejected = {count + place: lost for place in range(1, count + 1)}
    return Requests(counts, {0: streaming, **opened}, rejected, not_followed=Counter({"REQ_IDS": 2}))


def test_requests_are_counted_and_those_that_went_wrong_are_listed() -> None:
    spoken = replace(Dialogue(), requests=asked(60))
    made = document(report(conversation(connected(), spoken)), "1")
    check(made, SCHEMA)
    written = made["conversations"][0]["requests"]
    counts = {name: value for name, value in written.items() if isinstance(value, int)}
    assert counts == {
        "asked": 123, "open": 61, "answered": 0, "rejected": 60, "cancelled": 0, "unanswered": 60, "not_followed": 2,
        "open_requests_omitted": 11, "rejected_requests_omitted": 10,
    }  # fmt: skip
    assert {request["name"] for request in written["open_requests"]} == {"REQ_POSITIONS"}
    assert written["rejected_requests"][0]["error"]["packet"] == 9
    shown = "123 requests, 60 unanswered, 60 rejected, 2 not followed: too many were open"
    assert requests_line(spoken.requests) == shown
    assert requests_line(Requests()) is None
    assert shown in markdown(report(conversation(connected(), spoken)))
    assert shown in " ".join(printed(renderable(report(conversation(connected(), spoken)))).split())


def test_addresses_have_their_usual_form() -> None:
    made = document(report(conversation(called(ip="2001:db8::7", server="2001:db8::1"))), "1")
    assert made["conversations"][0]["server"] == {"ip": "2001:db8::1", "port": 7497}


def test_documents_and_tickets_do_not_import_rich() -> None:
    script = "import sys; import ibsniff.render.document, ibsniff.render.markdown; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


EMPTY = report(findings=())._replace(inputs=())
LONG = report(silent(), silent(id="c2"), findings=(finding(), finding("IBS503")))


@pytest.mark.parametrize("each", [EMPTY, report(), LONG, many(3)], ids=["empty", "none", "findings", "many"])
def test_the_text_made_in_pieces_is_that_of_the_whole_document(each: Report) -> None:
    assert "".join(document_text(each, "1.2.3")) == json_text(document(each, "1.2.3"), indent=2)


def test_a_line_break_from_the_wire_does_not_move_the_text() -> None:
    each = report(conversation(called(), summary="two\nlines"), inputs=(facts(path="a\nb"),))
    assert "".join(document_text(each, "1")) == json_text(document(each, "1"), indent=2)
