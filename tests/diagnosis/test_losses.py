"""A silence within which the capture lost packets proves nothing, unless sequence numbers prove it all the same."""

from __future__ import annotations

import pytest
from ib_bytes import HELLO, READY, REPLY, START
from judging import Watch, codes, findings, judge, only
from rule_wires import local, remote
from wire import START_NS, Wire

from ibsniff.model import NANOSECONDS, Confidence, Fault, Loss, Outcome, Severity, Side
from ibsniff.render.document import document
from ibsniff.render.markdown import markdown
from ibsniff.render.report_view import verdict_line


def at(seconds: float) -> int:
    return START_NS + round(seconds * NANOSECONDS)


def lost(since: float, until: float, ended: float | None = None) -> Watch:
    """Three packets lost between two moments, in seconds after the first packet."""
    return Watch(ended, dropped=3, losses=(Loss(at(since), at(until), 3),))


UNKNOWN_TIME = Watch(20, dropped=3)


def hanging() -> Wire:
    """A client that waits, and never ends the connection."""
    return local().connect().client(HELLO).ack(Side.SERVER)


ENDED = {
    "silent": lambda: hanging().fin_client(after=6),
    "silent, reset": lambda: hanging().rst_client(after=6),
    "not_asked": lambda: local().connect().fin_client(after=6),
    "cut_off": lambda: hanging().server(b"\0\0\0\x1a178\0").ack().fin_client(after=6),
}
OPEN = {
    "silent": hanging,
    "not_asked": lambda: local().connect(),
    "cut_off": lambda: hanging().server(b"\0\0\0\x1a178\0").ack(),
    "unreachable": lambda: remote().syn(),
}


@pytest.mark.parametrize("name", OPEN)
def test_packets_lost_within_a_silence_leave_it_unproven(name: str) -> None:
    assert only(OPEN[name](), Watch(20)).outcome is Outcome(name)
    for watch in (lost(8, 9, 20), UNKNOWN_TIME):
        report = judge(OPEN[name](), watch=watch)
        (conversation,) = report.conversations
        assert (conversation.outcome, conversation.fault) == (Outcome.UNPROVEN, Fault.UNDETERMINED)
        assert codes(report) == {"IBS001", "IBS009"}
        assert "lost 3 packets" in conversation.summary
        assert all(one.severity is not Severity.ERROR for one in findings(report))


@pytest.mark.parametrize("name", OPEN)
def test_a_loss_at_another_time_does_not_matter(name: str) -> None:
    sure, conversation = only(OPEN[name](), Watch(20)), only(OPEN[name](), lost(-3600, -3599, 20))
    assert conversation.outcome is Outcome(name)
    assert conversation.confidence is sure.confidence


@pytest.mark.parametrize("watch", [lost(1, 2), Watch(dropped=3)])
@pytest.mark.parametrize("name", ENDED)
def test_the_end_of_the_client_proves_the_silence_before_it(name: str, watch: Watch) -> None:
    sure, conversation = only(ENDED[name]()), only(ENDED[name](), watch)
    assert conversation.outcome is sure.outcome is Outcome(name.partition(",")[0])
    assert conversation.confidence is sure.confidence
    assert not conversation.lost_in_wait


def test_a_later_packet_that_acknowledges_nothing_new_proves_the_silence_before_it() -> None:
    alive = hanging().keep_alive(Side.CLIENT, after=10)
    assert only(alive, lost(8, 9, 5)).outcome is Outcome.SILENT
    assert only(alive, lost(11, 12, 5)).outcome is Outcome.UNPROVEN
    again = hanging().again(2, after=10)
    assert only(again, lost(8, 9, 5)).outcome is Outcome.SILENT


def test_a_packet_of_the_server_in_sequence_proves_that_it_had_sent_nothing() -> None:
    alive = hanging().ack(Side.SERVER, after=10)
    assert only(alive, lost(8, 9, 5)).outcome is Outcome.SILENT


def test_a_syn_that_is_sent_again_proves_that_no_answer_had_come() -> None:
    wire = remote().syn().syn(after=1).syn(after=2)
    assert only(wire, lost(1.5, 2, 5)).outcome is Outcome.UNREACHABLE
    assert only(wire, lost(4, 5, 5)).outcome is Outcome.UNPROVEN


def test_what_the_client_acknowledges_without_it_being_captured_is_no_silence() -> None:
    wire = hanging().lose().server(b"x" * 30).ack().fin_client(after=6)
    assert only(wire, lost(0, 1)).outcome is Outcome.UNPROVEN


def test_what_was_captured_is_not_in_doubt() -> None:
    for wire, outcome in ((local().syn().refuse(), Outcome.REFUSED), (hanging().fin_server(), Outcome.CLOSED)):
        assert only(wire, UNKNOWN_TIME).outcome is outcome


def test_a_start_api_that_may_be_lost_accuses_no_client() -> None:
    reply = b"\0\0\0\x1a178\x0020260105 09:30:00 EST\0"
    wire = hanging().server(reply).ack()
    blamed = only(wire, Watch(20))
    assert (blamed.fault, blamed.cause and blamed.cause.code) == (Fault.CLIENT, "IBS210")
    conversation = only(wire, lost(8, 9, 20))
    assert (conversation.outcome, conversation.fault) == (Outcome.REPLIED, Fault.UNDETERMINED)
    assert conversation.cause is not None
    assert (conversation.cause.code, conversation.cause.severity) == ("IBS009", Severity.WARNING)
    assert only(wire.fin_client(after=6), lost(1, 2)).fault is Fault.CLIENT


def test_a_proved_silence_is_no_surer_than_without_losses() -> None:
    assert only(ENDED["silent"](), UNKNOWN_TIME).confidence is Confidence.MEDIUM


# -- an interface that was down ----------------------------------------------------------------------------------------


def down(since: float, until: float, ended: float | None = 20) -> Watch:
    return Watch(ended, truncated="eth0 went down", losses=(Loss(at(since), at(until), None),))


def ready() -> Wire:
    return local().connect().client(HELLO).server(REPLY).client(START).server(READY).ack()


@pytest.mark.parametrize("name", OPEN)
def test_a_silence_while_the_interface_was_down_proves_nothing(name: str) -> None:
    for watch in (down(3, 8), down(3, 23)):
        conversation = only(OPEN[name](), watch)
        assert (conversation.outcome, conversation.fault) == (Outcome.UNPROVEN, Fault.UNDETERMINED)
        (finding,) = conversation.findings
        assert finding.code == "IBS009"
        assert "an interface was down while the next step was awaited" in finding.summary
    assert only(OPEN[name](), Watch(20)).outcome.value == name


def test_a_session_that_works_is_not_called_fine_if_the_interface_was_down_since_its_last_packet() -> None:
    report = judge(ready(), watch=down(3, 8))
    assert report.verdict is not None
    assert (report.verdict.outcome, report.verdict.fault) == (Outcome.REPLIED, Fault.UNDETERMINED)
    assert report.verdict.summary.endswith("What happened to it while the interface was down is not known.")
    assert "1 conversation may have gone on while the interface was down" in report.findings[0].summary
    assert "No problem found" not in markdown(report)
    assert verdict_line(report).startswith("replied, cause not determined")
    assert verdict_line(report).endswith("[interface down for 5 s]")
    (loss,) = document(report, "")["inputs"][0]["losses"]
    assert (loss["packets"], loss["since"] < loss["until"]) == (None, True)


def test_a_session_that_goes_on_after_the_outage_has_missed_nothing() -> None:
    wire = ready().server(b"\0\0\0\x0549\x001\x00", after=10).ack()
    assert only(wire, down(3, 8)).fault is Fault.NONE


@pytest.mark.parametrize("watch", [down(3, 8, ended=20), down(-5, -1)])
def test_conversations_before_and_after_an_outage_are_judged_as_without_it(watch: Watch) -> None:
    for wire in (ready().close(after=1), hanging().fin_client(after=2)):
        conversation, without = only(wire, watch), only(wire, Watch(20))
        assert (conversation.outcome, conversation.fault) == (without.outcome, without.fault)


def test_a_session_joined_before_an_outage_is_not_called_fine_either() -> None:
    joined = ready().server(b"\0\0\0\x0549\x001\x00").ack().server(b"\0\0\0\x0549\x001\x00").ack().from_packet(9)
    assert only(joined, Watch(20)).fault is Fault.NONE
    assert only(joined, down(3, 8)).fault is Fault.UNDETERMINED


def test_a_session_that_ended_before_the_outage_is_fine_in_what_was_captured() -> None:
    """Others may have come while the interface was down."""
    wire = ready().close()
    report = judge(wire, watch=down(60, 65, 70))
    assert report.verdict is not None
    assert report.verdict.fault is Fault.NONE
    assert ", no problem found in what was captured: " in verdict_line(report)
