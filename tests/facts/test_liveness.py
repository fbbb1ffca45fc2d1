"""When a session is dead, when it is only quiet, and when it was shown to work until its end."""

from __future__ import annotations

import pytest
from ib_bytes import frame
from judging import Watch, judge
from rule_wires import LONG, local, polled, remote, session, text
from wire import Wire

from ibsniff.facts.liveness import Standing, half_message, standing, unanswered
from ibsniff.facts.questions import QUESTIONS
from ibsniff.ib.names import CLIENT_MESSAGES
from ibsniff.ib.request_table import SHOW_LIFE
from ibsniff.model import ACK, Confidence, Conversation, Fault, Side

CLOCK, TOLD = text("49", "1"), text("49", "1", "1790000000")
NUMBERS = {name: number for number, name in CLIENT_MESSAGES.items()}


def only(wire: Wire, watch: Watch | None = None) -> Conversation:
    (conversation,) = judge(wire, watch=watch).conversations
    return conversation


# -- silence counts from the first question since the server's last byte -------------------------------------------------


def test_polling_on_does_not_restart_the_wait() -> None:
    question = unanswered(only(polled(4.0, 5, 5), Watch(ended=1.0)))
    assert question is not None
    assert (question.asked_again, question.is_sure) == (4, True)
    assert round(question.seconds) == 17


def test_any_byte_of_the_server_restarts_it() -> None:
    assert unanswered(only(polled(4.0, 5, 5).server(text("1", "6", "5")), LONG)) is None


def test_one_request_for_the_time_at_a_pace_that_was_answered_is_a_doubtful_sign() -> None:
    question = unanswered(only(polled(1.0, 5, 1), LONG))
    assert question is not None
    assert not question.is_sure
    assert only(polled(1.0, 5, 1), LONG).confidence is Confidence.LOW


def test_what_was_asked_before_a_loss_of_the_capture_proves_nothing() -> None:
    wire = session(local()).client(CLOCK, after=20.0).lose().server(TOLD, ack=False).ack().ack(after=0.1)
    assert unanswered(only(wire, LONG)) is None


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_question_has_its_own_patience(name: str) -> None:
    asked = session(local(), 187).client(text(str(NUMBERS[name]), "1", "7" if "ACCT" not in name else "1"), after=20.0)
    patience = QUESTIONS[name].patience
    assert unanswered(only(asked, Watch(ended=patience - 0.5))) is None
    assert unanswered(only(asked, Watch(ended=patience + 0.5))) is not None


@pytest.mark.parametrize("name", sorted(set(NUMBERS) - set(QUESTIONS) - {"START_API"}))
def test_no_other_message_proves_anything(name: str) -> None:
    asked = session(local()).client(text(str(NUMBERS[name]), "1", "7"), after=20.0)
    assert unanswered(only(asked, Watch(ended=3_000.0))) is None


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (text("8", "1", "1"), text("4", "2", "-1", "321", "The API interface is currently in Read-Only mode.")),
        (
            text("62", "1", str(2**31 - 1)),
            text("4", "2", "-1", "322", "Maximum number of account summary requests exceeded"),
        ),
    ],
)
def test_an_error_without_the_id_is_an_answer(asked: bytes, told: bytes) -> None:
    refused = session(local()).client(asked, after=20.0).server(told)
    assert unanswered(only(refused, Watch(ended=60.0))) is None


def test_half_a_message_between_two_machines_may_be_lost_on_the_way() -> None:
    for wire, fault in ((session(local()), Fault.TWS_STATE), (session(remote()), Fault.UNDETERMINED)):
        conversation = only(wire.server(frame(b"x" * 40)[:20]), LONG)
        assert half_message(conversation) is not None
        assert conversation.fault is fault
    assert half_message(only(session(local()).server(frame(b"x" * 40)[:20]), Watch(ended=2.0))) is None


def test_the_rest_of_a_long_message_is_awaited_too() -> None:
    began = session(local()).server(frame(b"4\0" + b"x" * 60_000)[:9_000])
    assert half_message(only(began, LONG)) is not None


def test_every_question_has_a_place_in_the_ledger_of_its_own() -> None:
    assert QUESTIONS.keys() == SHOW_LIFE


# -- standing at the end -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wire", "ended", "expected"),
    [
        pytest.param(polled(20.0, 1, 0).close(after=60.0), 0.0, Standing.CLOSED, id="closed by both"),
        pytest.param(polled(20.0, 1, 0).fin_client(after=60.0), 9.0, Standing.IDLE, id="closed by the client alone"),
        pytest.param(polled(20.0, 1, 0), 4.9, Standing.HEARD, id="heard just before the end"),
        pytest.param(polled(20.0, 1, 0), 5.1, Standing.IDLE, id="idle"),
        pytest.param(polled(20.0, 1, 1), 1.0, Standing.PENDING, id="asked just before the end"),
        pytest.param(polled(20.0, 1, 0).rst_client(after=1.0), 0.0, Standing.RESET, id="reset by the client"),
        pytest.param(
            polled(20.0, 1, 0).segment(Side.CLIENT, ACK, text("2", "1", "7"), after=1.0),
            2.0,
            Standing.HEARD,
            id="cancelled",
        ),
    ],
)
def test_a_session_is_shown_to_work_by_its_end(wire: Wire, ended: float, expected: Standing) -> None:
    conversation = only(wire, Watch(ended=ended))
    shown = expected in (Standing.CLOSED, Standing.HEARD)
    assert standing(conversation) is expected
    assert (conversation.fault, conversation.confidence) == (
        Fault.NONE,
        Confidence.HIGH if shown else Confidence.MEDIUM,
    )
    assert conversation.summary.endswith("(server version 178).") is shown


def test_an_idle_session_says_since_when() -> None:
    assert (
        "After 14:13:40 UTC nothing came from the server for 35 s"
        in only(polled(20.0, 1, 0), Watch(ended=35.0)).summary
    )
