from __future__ import annotations

from dataclasses import replace

import pytest
from render.build import ACCOUNT, at, error, read_only, shown
from render.scenarios import conversation_of, report_of, scenario_names

from ibsniff.ib.error_table import is_serious
from ibsniff.masking.sentence import safe
from ibsniff.model import Conversation, ErrorTally
from ibsniff.render.screen import ConsoleWriter
from ibsniff.render.sections import server_message_rows
from ibsniff.render.server_messages import (
    MAX_MESSAGES,
    MAX_ROWS,
    ServerMessages,
    headline,
    markdown_items,
    notices_line,
    server_messages,
)
from ibsniff.render.text import Masker


def screen_of(said: ServerMessages, *, with_conversations: bool = False) -> str:
    writer = ConsoleWriter(Masker(), ascii_only=False)
    return "".join(
        shown(row, width=100) for row in server_message_rows(said, writer, with_conversations=with_conversations)
    )


def with_errors(conversation: Conversation, errors: dict[int, ErrorTally]) -> Conversation:
    return conversation._replace(dialogue=replace(conversation.dialogue, errors=errors))


@pytest.mark.parametrize("code", [201, 202, 354, 10089, 10168, 1100, 1101, 2103, 326, 321, 99_999])
def test_these_need_somebody_to_read_them(code: int) -> None:
    assert is_serious(code)


@pytest.mark.parametrize("code", [1102, 2104, 2106, 2107, 2108, 2119, 2158, 399, 10167])
def test_these_come_in_sessions_in_which_nothing_is_wrong(code: int) -> None:
    assert not is_serious(code)


def test_an_order_that_was_rejected() -> None:
    said = server_messages([conversation_of("order-rejected-ib-async")])
    assert screen_of(said).splitlines()[0].startswith('error 201  order 4: "Order rejected - reason:We are unable to')
    assert "The order was rejected; the text says why." in screen_of(said)
    assert notices_line(said) == "2104, 2106, 2158 (data farms are connected)"


def test_one_number_for_several_requests() -> None:
    (message,) = server_messages([conversation_of("no-such-contract-ib-async")]).messages
    assert headline(message) == "3 times, REQ_CONTRACT_DATA 4, 5, 6"


def test_requests_without_an_id_are_named_too() -> None:
    (message,) = server_messages([conversation_of("read-only-ib-async")]).messages
    assert headline(message) == "2 times, REQ_OPEN_ORDERS, REQ_COMPLETED_ORDERS"


def test_a_connection_that_came_back_is_told_as_over() -> None:
    (lost,) = server_messages([conversation_of("lost-connectivity-ib-async")]).messages
    assert lost.code == 1100
    assert headline(lost) == "over 1 s later"
    (farm,) = server_messages([conversation_of("data-farm-back")]).messages
    assert headline(farm) == "over 1 s later"
    (still,) = server_messages([conversation_of("data-farm-broken")]).messages
    assert still.over is None


def test_a_remark_comes_after_the_errors() -> None:
    conversation = conversation_of("order-rejected-ib-async")
    remark = ErrorTally(1, [error(399, "held until the market opens", at(1, 0), 5)])
    said = server_messages([with_errors(conversation, {399: remark, **conversation.dialogue.errors})])
    assert [one.code for one in said.messages] == [201, 399]
    assert "remark 399" in screen_of(said)


def test_the_same_error_in_several_sessions_is_told_once() -> None:
    (message,) = server_messages(report_of("week-of-restarts").conversations).messages
    assert (message.code, message.times, message.conversation_count) == (326, 7, 7)
    assert headline(message, with_conversations=True) == "7 times, in c5, c10, c15, c20 and 3 more"


def test_a_hostile_number_of_errors_is_bounded() -> None:
    said = server_messages([conversation_of("errors-of-more-codes-than-there-are")])
    assert len(said.messages) == MAX_MESSAGES
    assert said.omitted > 100
    assert f"{said.omitted + MAX_MESSAGES - MAX_ROWS} more error numbers" in screen_of(said)


def test_nothing_was_said() -> None:
    said = server_messages([conversation_of("silent-ib-async-any")])
    assert said == ServerMessages((), (), 0)
    assert not screen_of(said)
    assert not list(markdown_items(said, str))


def test_accounts_are_masked_in_what_is_quoted() -> None:
    said = server_messages([read_only()])
    assert said.messages
    assert ACCOUNT not in screen_of(said)
    assert ACCOUNT not in "".join(markdown_items(said, Masker().visible_line))


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_is_told_within_bounds(name: str) -> None:
    report = report_of(name)
    said = server_messages(report.conversations)
    sent = sum(len(one.dialogue.errors) for one in report.conversations)
    assert len(said.messages) <= MAX_MESSAGES
    assert bool(said.messages or said.notices) is bool(sent)
    assert len(list(markdown_items(said, safe))) <= MAX_ROWS + 2
    assert len(screen_of(said, with_conversations=True).splitlines()) <= 6 * MAX_ROWS + 2
