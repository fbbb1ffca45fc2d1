"""What once accused the wrong side although TWS had answered: the session's end, its silences, and the client's turn."""

from __future__ import annotations

import ib_bytes
import pytest
from field.accusing import ASK, REMOTE, START, TIME, TWS, accused
from field.thread import answered, call, local, request, session, short, started, told
from ib_bytes import HELLO
from judging import Watch, findings, judge
from wire import Wire

from ibsniff.analysis.pipeline import Analysis
from ibsniff.masking.sentence import resolved
from ibsniff.model import ACK, FIN, Confidence, Fault, Side, WatchedBy

# -- who ended the session --------------------------------------------------------------------------------------------


def test_a_client_that_stopped_reading_may_be_why_it_was_ended() -> None:
    """A debugger holds the client, which reads nothing; what TWS does about a full client is not known."""
    report = judge(session(Wire()).server(TIME).ack(window=0, after=3.0).rst_server(after=20.0))
    assert (short(report), accused(report)) == ("405 406", {Fault.CLIENT: "IBS406"})


@pytest.mark.parametrize("last", [ASK, ib_bytes.frame(b"3\0" + b"x" * 40)])
def test_a_hang_up_right_after_the_clients_word_may_be_its_answer(last: bytes) -> None:
    report = judge(session(Wire()).client(last, after=60.0).fin_server(after=0.004))
    assert accused(report) == {}
    assert "after the client's last message" in told(report)
    assert accused(judge(session(Wire()).client(last).server(TIME).fin_server(after=60.0))) == {
        Fault.TWS_STATE: "IBS405"
    }


def test_what_told_of_the_end_may_not_have_been_captured() -> None:
    told_why = ib_bytes.error(178, 1300, "The socket port has been changed.")
    wire = session(Wire()).lose(2).server(told_why).fin_server(after=0.01).ack()
    assert accused(judge(wire)) == {}


def test_a_relays_end_is_not_that_of_tws() -> None:
    assert accused(judge(session(call(REMOTE, "192.168.1.5:4004")).rst_server(after=60.0))) == {}


def test_a_port_that_was_changed_is_no_restart() -> None:
    changed = session(local(0)).server(ib_bytes.error(178, 1300, "changed")).fin_server(after=0.01)
    calls = [local(6.0 + 5 * number).syn().refuse() for number in range(3)]
    report = judge(changed, *calls)
    assert accused(report) == {Fault.TWS_CONFIG: "IBS407"}
    assert "507" not in short(report)
    assert "restart" not in told(report)


# -- a session that fell mute -----------------------------------------------------------------------------------------


def test_a_question_asked_too_early_is_not_what_a_quiet_session_is_about() -> None:
    """Asked before START_API, and ignored; hours later a request that is never answered, and a quiet market."""
    early = answered(Wire()).client(ASK).client(START).server(ib_bytes.ready(178))
    report = judge(early.server(TIME, after=1.0).client(request(2, 1, 5), after=3.0), watch=Watch(ended=10.0))
    assert "409" not in short(report)
    asked_again = answered(Wire()).client(ASK).client(START).server(ib_bytes.ready(178)).client(ASK, after=3.0)
    assert accused(judge(asked_again, watch=Watch(ended=10.0))) == {Fault.TWS_STATE: "IBS409"}


def test_what_answers_a_goodbye_is_not_frozen() -> None:
    mute = session(Wire()).client(ASK).fin_client(after=20.0)
    assert accused(judge(mute)) == {Fault.TWS_STATE: "IBS409"}
    assert accused(judge(mute.fin_server(after=0.01).ack())) == {}


# -- the client's turn ------------------------------------------------------------------------------------------------

ABSENT = {"START_API": answered(Wire()), "the time": session(Wire()).client(ASK)}


@pytest.mark.parametrize("name", ABSENT)
@pytest.mark.parametrize(
    "watch",
    [Watch(ended=10.0, dropped=3), Watch(ended=10.0, skipped={"link type 147": 4}), Watch(ended=10.0, untimed=2)],
)
def test_what_was_sent_and_not_captured_is_not_missed(name: str, watch: Watch) -> None:
    assert accused(judge(ABSENT[name], watch=watch)) == {}


def test_on_the_users_word_nobody_is_certainly_at_fault() -> None:
    report = judge(answered(Wire()), watch=Watch(ended=10.0, by=WatchedBy.USER))
    assert all(finding.confidence is not Confidence.HIGH for one in report.conversations for finding in one.findings)


def test_a_client_whose_patience_ended_just_then_did_not_refuse_to_go_on() -> None:
    """ib_async's four seconds are over a moment after the reply is whole."""
    reply = ib_bytes.reply(178)
    wire = Wire().connect().client(HELLO).server(reply[:10], after=0.003).server(reply[10:], after=3.9)
    assert accused(judge(wire.fin_client(after=0.003).ack(Side.SERVER))) == {}


def test_a_reply_in_pieces_is_not_said_to_have_been_misread() -> None:
    wire = Wire().connect().client(HELLO).server(ib_bytes.reply(178), mss=10, after=0.003)
    report = judge(wire.fin_client(after=3.0))
    assert short(report) == "211"
    assert "or it stops here by itself" in told(report)


@pytest.mark.parametrize("version", [188, 225, 999_999])
def test_a_version_beyond_what_was_offered_is_refused_rightly(version: int) -> None:
    """IB's own clients hang up on it (506), and have no START_API for it."""
    for wire in (answered(Wire(), version), answered(Wire(), version).client(START)):
        report = judge(wire.fin_client(after=6.0))
        assert (short(report)[:3], accused(report)) == ("308", {})


def test_two_openings_at_the_same_place_leave_open_which_was_read() -> None:
    other = b"GET / HTTP/1.1\r\n\r\n"[: len(HELLO)]
    wire = Wire(REMOTE, TWS).connect().segment(Side.CLIENT, ACK, other, advance=False).client(HELLO)
    assert accused(judge(wire.fin_client(after=5.0))) == {}


def test_a_range_that_runs_backwards_is_no_good_hello() -> None:
    report = judge(Wire().connect().client(ib_bytes.hello(187, 100)).fin_client(after=5.0))
    assert accused(report) == {Fault.CLIENT: "IBS205"}
    assert "runs backwards" in told(report)


def test_a_range_without_end_is_two_dots_all_the_same() -> None:
    report = judge(Wire().connect().client(ib_bytes.hello(100, 65_535)).fin_client(after=5.0))
    assert accused(report) == {Fault.TWS_STATE: "IBS301"}


def test_a_client_that_left_does_not_wait_for_ever() -> None:
    wire = Wire().connect().client(HELLO)
    assert "waits forever" in told(judge(wire, watch=Watch(ended=9.0)))
    assert "waits forever" not in told(judge(wire.fin_client(after=4.0)))


@pytest.mark.parametrize("broken", ib_bytes.BROKEN_HELLOS)
def test_bytes_that_were_answered_elsewhere_are_not_the_reason(broken: str) -> None:
    """By the same machine under its other address, and whatever followed them there."""
    raw = ib_bytes.BROKEN_HELLOS[broken]
    served = Wire().connect().client(raw).server(ib_bytes.reply(178)).client(START).server(ib_bytes.ready(178))
    refused = call(REMOTE, TWS, 20.0).connect().client(raw).fin_client(after=4.0)
    understood = broken != "6 only the prefix"  # what followed there belongs to it
    assert (Fault.CLIENT not in accused(judge(served, refused))) is understood


def test_started_sessions_are_not_measured_by_their_start() -> None:
    assert accused(judge(started(Wire()), watch=Watch(ended=10.0, dropped=1))) == {}


# -- what the last packets tell ---------------------------------------------------------------------------------------


def test_a_goodbye_that_met_the_answer_on_its_way_did_not_know_of_it() -> None:
    """Captured near the server: the client's FIN was sent before the answer was there, and does not acknowledge it."""
    wire = Wire(REMOTE, TWS).connect().client(HELLO).server(ib_bytes.reply(178), ack=False, after=0.003)
    wire.segment(Side.CLIENT, FIN | ACK, ack=900_001, after=0.01).ack(Side.SERVER).fin_server().ack()
    assert accused(judge(wire)) == {}


@pytest.mark.parametrize("ends", [("127.0.0.1:50001", "127.0.0.1:7497"), (REMOTE, TWS)])
def test_a_reset_tells_of_a_hello_that_was_not_captured(ends: tuple[str, str]) -> None:
    wire = Wire(*ends).connect().lose(2).client(HELLO).rst_client(after=4.0)
    assert (short(judge(wire)), accused(judge(wire))) == ("005", {})
    said_nothing = Wire(*ends).connect().rst_client(after=4.0)
    assert accused(judge(said_nothing)) == {Fault.CLIENT: "IBS201"}


def test_a_reset_tells_of_a_start_that_was_not_captured() -> None:
    wire = answered(Wire()).lose(2).client(START).rst_client(after=4.0)
    assert accused(judge(wire)) == {}


def test_what_the_server_said_after_its_reply_came_for_a_start() -> None:
    wire = answered(Wire()).lose(4).client(START).server(ib_bytes.ready(178)).ack(after=5.0)
    assert "210" not in short(judge(wire, watch=Watch(ended=9.0)))


def test_a_hello_that_was_sent_again_is_not_said_to_be_followed_by_something() -> None:
    wire = Wire(REMOTE, TWS).connect().client(HELLO).again(2, after=1.0).server(ib_bytes.reply(178))
    report = judge(wire, watch=Watch(ended=9.0))
    assert "never sent START_API" in told(report)
    assert "not a complete message" not in told(report)


def test_a_session_cut_off_is_mute_since_it_asked_and_not_since_it_asked_again() -> None:
    wire = session(Wire(REMOTE, TWS)).client(ASK, ack=False)
    for pause in (0.2, 0.4, 0.8, 1.6, 3.2):
        wire.again(1, after=pause)
    assert accused(judge(wire, watch=Watch(ended=1.0))) == {Fault.NETWORK: "IBS409"}


@pytest.mark.parametrize("ends", [("127.0.0.1:50001", "127.0.0.1:7497"), (REMOTE, TWS), (REMOTE, "192.168.1.5:4004")])
def test_a_hello_the_server_did_not_wait_for_is_no_half_hello(ends: tuple[str, str]) -> None:
    """A relay hangs up while the client is still saying it, in pieces."""
    wire = Wire(*ends).connect().client(HELLO[:5]).client(HELLO[5:10])
    hung_up = judge(wire.fin_server(after=0.000_2).rst_client())
    assert Fault.CLIENT not in accused(hung_up)
    assert Fault.TWS_CONFIG not in accused(hung_up)


def test_a_hello_held_back_for_want_of_an_ack_is_no_half_hello() -> None:
    """Nagle: while the first piece is not acknowledged the second is not sent."""
    wire = Wire(REMOTE, TWS).connect().client(HELLO[:4]).client(HELLO[4:9], ack=False)
    assert "204" not in short(judge(wire.again(1, after=0.3).again(2, after=0.6).fin_client(after=5.0)))


def test_a_farm_that_may_be_back_is_not_lost_for_certain() -> None:
    wire = session(Wire()).server(ib_bytes.error(178, 2103, "broken:usfarm"))
    assert accused(judge(wire.fin_client(after=9.0))) == {Fault.IB: "IBS410"}
    mended = session(Wire()).server(ib_bytes.error(178, 2103, "broken:usfarm"))
    mended.lose(2).server(ib_bytes.error(178, 2104, "OK:usfarm")).server(TIME).fin_client(after=9.0)
    assert accused(judge(mended)) == {}


@pytest.mark.parametrize(("patience", "sure"), [(0.01, False), (0.5, False), (2.0, True)])
def test_less_patience_than_a_tws_needs_makes_a_guess(patience: float, sure: bool) -> None:
    frames = Wire().connect().client(HELLO).frames()
    analysis = Analysis(Watch(ended=patience).record(frames), patience=patience)
    analysis.run(frames)
    assert bool(accused(analysis.report())) is sure


def notices(*told: tuple[int, str]) -> Wire:
    """A session with these system messages, all in one segment."""
    return (
        session(Wire()).server(b"".join(ib_bytes.error(178, code, text) for code, text in told)).fin_client(after=9.0)
    )


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ([(2103, "broken:usbond"), (2104, "OK:usfarm")], "usbond (market data)"),
        ([(2103, "broken:usfarm"), (2104, "OK:usfarm")], ""),
        ([(2104, "OK:usfarm"), (2103, "broken:usfarm")], "usfarm (market data)"),
        ([(2105, "broken:ushmds"), (2107, "inactive but should be available upon demand.ushmds")], ""),
        ([(2103, "broken:usfarm"), (2108, "inactive but should be available upon demand.usfarm")], ""),
        ([(2103, "broken:a"), (2103, "broken:b"), (2104, "OK:a")], "b (market data)"),
    ],
)
def test_each_data_farm_has_a_state_of_its_own(told: list[tuple[int, str]], named: str) -> None:
    """In the order of the messages: several stand in one segment, and have one time."""
    lost = [found for found in findings(judge(notices(*told))) if found.code == "IBS410"]
    assert [resolved(found.summary, None) for found in lost] == (
        [f"TWS has lost its connection to one of IB's data farms: {named} (error 2103)."] if named else []
    )


@pytest.mark.parametrize(
    ("told", "back"), [([(1102, "restored"), (1100, "lost")], False), ([(1100, "lost"), (1102, "restored")], True)]
)
def test_the_last_message_about_the_connection_to_ib_counts(told: list[tuple[int, str]], back: bool) -> None:
    (lost,) = (found for found in findings(judge(notices(*told))) if found.code == "IBS403")
    assert ("and has it back" in lost.summary) == back


def test_a_session_that_ends_after_the_loss_does_not_stay_open() -> None:
    wire = session(Wire()).server(ib_bytes.error(178, 1100, "lost")).fin_server(after=1.5)
    (lost,) = (found for found in findings(judge(wire)) if found.code == "IBS403")
    assert "1.5 s later the server ended the API session" in lost.summary


def test_a_health_check_does_not_outrank_a_session_that_died() -> None:
    polls = session(call("127.0.0.1:50001", "127.0.0.1:7497"))
    for number in range(3):
        polls.client(request(49, 1), after=10.0).server(request(49, 1, 1767605400 + number), after=0.002)
    for _ in range(5):
        polls.client(request(49, 1), after=10.0)
    checks = [
        call(f"127.0.0.1:{50_010 + number}", "127.0.0.1:7497", 40.0 + 15 * number)
        .connect()
        .client(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .fin_client(after=5.0)
        .ack(Side.SERVER)
        for number in range(3)
    ]
    report = judge(polls, *checks, watch=Watch(ended=30.0))
    assert report.verdict is not None
    assert (report.verdict.code, report.verdict.fault) == ("IBS409", Fault.TWS_STATE)
    alone = judge(*checks)
    assert alone.verdict is not None
    assert alone.verdict.code == "IBS207"


def test_a_reset_long_after_a_question_may_be_that_of_a_machine_that_slept() -> None:
    wire = session(call(REMOTE, TWS)).client(request(49, 1)).server(request(49, 1, 1767605400), after=0.002)
    wire.client(request(49, 1), after=10.0, ack=False).again(1, after=3600.0).rst_server(after=0.002)
    ended = [found for found in findings(judge(wire)) if found.code == "IBS405"]
    assert [found.fault for found in ended] == [Fault.UNDETERMINED]


def test_another_login_of_the_user_is_no_fault_of_tws() -> None:
    (found,) = (one for one in findings(judge(notices((10197, "competing live session")))) if one.code == "IBS411")
    assert found.fault is Fault.IB


def test_a_reset_after_a_goodbye_that_was_not_captured_blames_nobody() -> None:
    """The server's ACK number covers the FIN."""
    wire = session(Wire()).client(request(49, 1), after=5.0).server(request(49, 1, 1767605400), after=0.002)
    wire.wait(30).lose().fin_client().ack(Side.SERVER).rst_server(after=0.01)
    (ended,) = (found for found in findings(judge(wire)) if found.code == "IBS405")
    assert ended.fault is Fault.UNDETERMINED
    assert "probably the client's own FIN" in ended.summary
