from __future__ import annotations

import struct
from collections import Counter

from live_events import events
from wire import START_NS, Wire

from ibsniff.analysis.following import Follower, Limits, follow
from ibsniff.analysis.pipeline import Analysis
from ibsniff.capture.input_record import InputRecord
from ibsniff.ib.message_summary import MAX_LATEST_ERRORS
from ibsniff.model import NANOSECONDS, Side
from ibsniff.screens import MessageLines
from ibsniff.screens.messages import MAX_SINGLE_LINES, CountedMessages

HELLO = b"API\0\0\0\0\x09v157..178"


def frame(*fields: object) -> bytes:
    payload = b"".join(str(field).encode() + b"\0" for field in fields)
    return struct.pack(">I", len(payload)) + payload


def session() -> Wire:
    return (
        Wire()
        .connect()
        .client(HELLO)
        .server(frame(178, "20260105 09:30:00 EST"))
        .client(frame(71, 2, 5, ""))
        .server(frame(15, 1, "DU1234567,"))
        .server(frame(9, 1, 1))
        .server(frame(4, 2, -1, 2104, "Market data farm connection is OK:\x1b[31musfarm", ""))
    )


def followed(wire: Wire, watched: float = 3.0, show_accounts: bool = False) -> list[str]:
    printed: list[str] = []
    record = InputRecord("lo", is_live=True)
    with MessageLines(printed.append, printed.append, show_accounts, lambda: "") as lines:
        follow(events(record, wire, watched), Follower(Analysis(record), lines, Limits()))
    return printed


def test_a_session_message_by_message() -> None:
    printed = [line.partition(" c1 ")[2] for line in followed(session())]
    assert [line for line in printed if line[0] in "→←"] == [
        "→ hello, versions 157 to 178 (ib_async 2.x, or a fork?)",
        "← version reply: server version 178, 20260105 09:30:00 EST",
        "→ START_API, 8 bytes: client id 5 (text with capabilities)",
        "← MANAGED_ACCTS, 16 bytes: DU*****67",
        "← NEXT_VALID_ID, 6 bytes",
        "← ERR_MSG 2104: Market data farm connection is OK:\\x1b[31musfarm",
    ]


def test_the_connection_comes_before_its_messages_and_the_rung_after_them() -> None:
    printed = followed(Wire().connect().wait(0.5).client(HELLO))
    assert "c1 conversation: " in printed[0]
    (hello,) = (number for number, line in enumerate(printed) if "hello, versions" in line)
    (greeted,) = (number for number, line in enumerate(printed) if "rung: greeted" in line)
    assert greeted == hello + 1


def test_times_are_relative_to_the_first_packet() -> None:
    wire = Wire().connect().wait(1.5).client(HELLO)
    (hello,) = (line for line in followed(wire) if "hello, versions" in line)
    assert hello.startswith("+1.5")


def test_accounts_are_shown_only_when_asked_for() -> None:
    assert "DU1234567" in "\n".join(followed(session(), show_accounts=True))


def test_many_messages_are_counted_by_the_second() -> None:
    wire = session()
    for _ in range(200):
        wire.server(frame(1, 6, 9, 1, 100.0, 5, 0) * 5, after=0.01)
    printed = [line for line in followed(wire, watched=3) if "TICK_PRICE" in line]
    alone = [line for line in printed if "TICK_PRICE, " in line]
    together = [line for line in printed if " in " in line]
    assert 25 <= len(alone) <= 40, "these were kept with their times"
    assert 1 <= len(together) <= 4
    counted = sum(int(line.split("← ")[1].split()[0].replace(",", "")) for line in printed if line not in alone)
    assert counted + len(alone) == 1000, "none is lost, and none is printed twice"


def refused(*requests: int) -> bytes:
    return b"".join(frame(4, 2, request, 200, f"No security definition {request}", "") for request in requests)


def errors_in(printed: list[str], code: int) -> list[str]:
    return [line.partition(f"← ERR_MSG {code}, ")[2] for line in printed if f"ERR_MSG {code}" in line]


def test_each_of_five_equal_errors_in_a_segment_is_printed() -> None:
    for before in ((), (1,), (1, 2, 3), (1, 2, 3, 4, 5)):
        wire = session()
        if before:
            wire.server(refused(*before))
        printed = errors_in(followed(wire.wait(1.0).server(refused(6, 7, 8, 9, 10))), 200)
        assert printed == [f"request {number}: No security definition {number}" for number in (*before, 6, 7, 8, 9, 10)]


def test_of_very_many_errors_at_once_the_latest_are_printed_and_the_others_counted() -> None:
    requests = range(1, MAX_LATEST_ERRORS + 9)
    printed = errors_in(followed(session().server(refused(*requests))), 200)
    assert printed[0] == "8 more times"
    assert [line.partition(":")[0] for line in printed[1:]] == [f"request {number}" for number in requests[8:]]
    assert not [line for line in followed(session().server(refused(*requests))) if line.endswith(" ERR_MSG")]


def test_an_unfinished_hello_is_not_printed_before_it_is_whole() -> None:
    printed = followed(Wire().connect().client(HELLO[:6]).wait(1).client(HELLO[6:]))
    assert len([line for line in printed if "hello" in line and "→" in line]) == 1


def test_messages_held_back_are_printed_at_the_end() -> None:
    counted_messages = CountedMessages()

    def take(count: int, after: float) -> list[str]:
        counts = {Side.CLIENT: Counter[str](), Side.SERVER: Counter({"TICK_PRICE": count})}
        return [entry.text for entry in counted_messages.take(counts, START_NS + round(after * NANOSECONDS))]

    assert take(0, 0.0) == []
    assert take(1, 0.1) == ["TICK_PRICE"]
    assert take(3, 0.2) == ["2 TICK_PRICE"]
    assert take(3 + MAX_SINGLE_LINES, 0.3) == []
    assert take(1000, 0.9) == []
    assert take(1204, 1.1) == ["1,201 TICK_PRICE in 1.1 s"]
    assert take(1205, 1.2) == [], "after a busy second, messages are held for the next one"
    assert [entry.text for entry in counted_messages.release(START_NS + 3 * NANOSECONDS // 2)] == [
        "TICK_PRICE in 400 ms"
    ]
