from __future__ import annotations

import pytest
from render.build import (
    at,
    called,
    closed_by_relay,
    connected,
    conversation,
    error,
    hello,
    read_only,
    ready,
    refused,
    reply,
    silent,
    unproven,
)

from ibsniff.model import (
    LADDER,
    Conversation,
    Dialect,
    Dialogue,
    Ended,
    ErrorTally,
    How,
    Outcome,
    ReplyKind,
    Rung,
    Side,
)
from ibsniff.render.ladder import Step, ladder


def reason(talk: Conversation) -> tuple[Rung, str]:
    """The first rung that was not reached, and the reason."""
    missed = [view for view in ladder(talk) if view.step is Step.MISSED]
    assert len(missed) == 1
    return missed[0].rung, missed[0].reason


def test_lower_rungs_are_reached_and_higher_rungs_lie_ahead() -> None:
    steps = [view.step for view in ladder(silent())]
    assert steps == [Step.REACHED] * 3 + [Step.MISSED] + [Step.AHEAD] * 2


def test_every_rung_of_a_ready_session_has_its_packet() -> None:
    assert [view.moment and view.moment.packet for view in ladder(ready())] == [1, 2, 4, 6, 7, 8]


def test_nothing_is_known_of_a_session_joined_in_the_middle() -> None:
    joined = conversation(connected(), outcome=Outcome.JOINED, rung=Rung.UNKNOWN)
    assert {view.step for view in ladder(joined)} == {Step.UNKNOWN}


@pytest.mark.parametrize("rung", [Rung.NOTHING, *LADDER])
def test_there_are_always_six_rungs_in_order(rung: Rung) -> None:
    assert tuple(view.rung for view in ladder(ready()._replace(rung=rung))) == LADDER


def client_id_in_use() -> Conversation:
    talk = ready()
    talk.dialogue.errors[326] = ErrorTally(1, [error(326, "in use", at(9, 12))])
    return talk._replace(rung=Rung.STARTED)


def closed_before_the_hello() -> Conversation:
    talk = silent()._replace(outcome=Outcome.CLOSED)
    talk.connection.ended = Ended(Side.SERVER, How.FIN, talk.connection.first)
    return talk


def closed_after_start() -> Conversation:
    talk = ready()
    talk.connection.ended = Ended(Side.SERVER, How.FIN, at(8, 7.5))
    return talk._replace(rung=Rung.STARTED)


@pytest.mark.parametrize(
    ("talk", "rung", "words"),
    [
        (silent(), Rung.ANSWERED, "no reply in 4 s"),
        (refused(), Rung.CONNECTED, "refused"),
        (closed_by_relay(), Rung.GREETED, "closed after 0.9 ms"),
        (closed_by_relay()._replace(outcome=Outcome.RESET), Rung.GREETED, "reset after 0.9 ms"),
        (unproven(), Rung.ANSWERED, "not seen in 300 ms"),
        (conversation(called(), outcome=Outcome.UNREACHABLE, rung=Rung.CALLED), Rung.CONNECTED, "no answer in 6 s"),
        (conversation(connected(), outcome=Outcome.NOT_ASKED), Rung.GREETED, "nothing was sent"),
        (
            conversation(connected(), Dialogue(hello=hello(dialect=Dialect.UNFRAMED))),
            Rung.GREETED,
            "hello: no API prefix",
        ),
        (
            conversation(
                connected(),
                Dialogue(hello=hello(), reply=reply(kind=ReplyKind.FOREIGN, service="SSH")),
                outcome=Outcome.FOREIGN,
                rung=Rung.GREETED,
            ),
            Rung.ANSWERED,
            "SSH answered",
        ),
        (silent()._replace(outcome=Outcome.CUT_OFF), Rung.ANSWERED, "reply cut off"),
        (
            conversation(
                connected(), Dialogue(hello=hello(), reply=reply()), outcome=Outcome.REPLIED, rung=Rung.ANSWERED
            ),
            Rung.STARTED,
            "no START_API",
        ),
        (ready()._replace(rung=Rung.STARTED), Rung.READY, "not seen in 6 s"),
        (client_id_in_use(), Rung.READY, "error 326"),
        (closed_after_start(), Rung.READY, "closed after 4 ms"),
        (closed_before_the_hello(), Rung.ANSWERED, "closed before that"),
    ],
)
def test_the_missed_rung_says_what_happened_instead(talk: Conversation, rung: Rung, words: str) -> None:
    assert reason(talk) == (rung, words)


def test_a_ready_session_misses_nothing() -> None:
    assert all(view.step is Step.REACHED for view in ladder(read_only()))
