"""Everything that is wrong is told once: what is gathered into one problem, what follows from another, what is worst."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ib_bytes import HELLO, READY, REPLY, start_api, text
from judging import Watch, judge
from rule_wires import asked, queue_full, said, session, silent
from wire import START_NS, Wire

from ibsniff.diagnosis.explained import TABLE, Explanations, Where
from ibsniff.diagnosis.problems import problems_of
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import (
    NANOSECONDS,
    Capture,
    Confidence,
    Conversation,
    Fault,
    Finding,
    Outcome,
    Problem,
    Report,
    Severity,
)
from ibsniff.rules.registry import all_rules

LONG = Watch(ended=6)


def at(seconds: float, client: str = "127.0.0.1:51000", server: str = "127.0.0.1:7497") -> Wire:
    return Wire(client, server, start_ns=START_NS + round(seconds * NANOSECONDS))


def codes(report: Report) -> list[str]:
    return [problem.finding.code for problem in report.problems]


def four_problems() -> Report:
    """One port is refused, one silent, one is asked by HTTP, and one works."""
    return judge(
        at(0, "127.0.0.1:51001", "127.0.0.1:7497").syn().refuse(),
        silent(at(1, "127.0.0.1:51002", "127.0.0.1:4002")),
        at(2, "127.0.0.1:51003", "127.0.0.1:4001").connect().client(b"GET / HTTP/1.1\r\n\r\n").fin_client(after=5),
        session(at(3, "127.0.0.1:51004", "127.0.0.1:7496")),
        watch=LONG,
    )


def test_each_problem_is_told_once_and_the_worst_first() -> None:
    report = four_problems()
    assert codes(report) == ["IBS101", "IBS301", "IBS207"]
    assert [problem.conversation for problem in report.problems] == ["c1", "c2", "c3"]
    assert report.verdict is not None
    assert (report.verdict.code, report.verdict.conversation) == ("IBS101", "c1")


def test_the_same_at_several_servers_is_one_problem_with_a_list_of_servers() -> None:
    ports = (7497, 7496)
    refused = [at(n, f"127.0.0.1:{51000 + n}", f"127.0.0.1:{port}").syn().refuse() for n, port in enumerate(ports)]
    (problem,) = judge(*refused).problems
    assert [server.port for server in problem.servers] == [*ports]
    assert (problem.total, problem.conversations, problem.conversation) == (2, ("c1", "c2"), "c2")
    assert problem.first_ns == START_NS
    assert problem.last_ns == START_NS + NANOSECONDS


def test_tws_and_gateway_that_do_not_listen_are_two_problems() -> None:
    """One is started, or configured, without the other."""
    refused = [at(n, server=f"127.0.0.1:{port}").syn().refuse() for n, port in enumerate((7497, 4002))]
    assert codes(judge(*refused)) == ["IBS101", "IBS101"]


def test_clients_at_two_addresses_have_two_things_to_do() -> None:
    """Each address must be allowed on its own."""
    rejected = [silent(at(9 * n, f"172.24.46.{63 + n}:51000", "172.24.32.1:7497")) for n in range(2)]
    served = session(at(1, "172.24.32.1:51000", "172.24.32.1:7497"))
    assert codes(judge(served, *rejected)) == ["IBS505", "IBS505"]


def test_a_problem_is_over_when_the_same_client_works_again() -> None:
    again = judge(silent(at(0)), session(at(30, "127.0.0.1:51001")), watch=LONG)
    assert [problem.is_over for problem in again.problems] == [True]
    assert again.verdict is not None
    assert "it has worked since then" in again.verdict.summary


@pytest.mark.parametrize(
    "later", [at(30, "172.24.46.9:51001"), at(30, "127.0.0.1:51001", "127.0.0.1:7496"), at(-30, "127.0.0.1:51001")]
)
def test_a_problem_is_not_over_when_another_client_or_server_works_or_the_same_did_before(later: Wire) -> None:
    report = judge(silent(at(0)), session(later), watch=LONG)
    assert [problem.is_over for problem in report.problems] == [False]


def test_a_session_that_went_on_meanwhile_does_not_show_that_another_one_works_again() -> None:
    other = session(at(0, "127.0.0.1:51001")).server(text(49, 1, 1_790_000_000), after=60)
    report = judge(session(at(-1)).rst_server(after=20), other, watch=LONG)
    assert [(one.finding.code, one.is_over) for one in report.problems] == [("IBS405", False)]


@pytest.mark.parametrize(("client_id", "is_over"), [(7, True), (8, False)])
def test_a_program_works_again_when_its_client_id_does(client_id: int, is_over: bool) -> None:
    died = session(at(-1)).rst_server(after=20)
    started = start_api(178, client_id)
    later = at(40, "127.0.0.1:51001").connect().client(HELLO).server(REPLY).client(started).server(READY)
    report = judge(died, later, watch=LONG)
    assert [(one.finding.code, one.is_over) for one in report.problems] == [("IBS405", is_over)]


def test_a_problem_is_partly_over_when_some_of_its_clients_work_again() -> None:
    both = [at(0, "127.0.0.1:51000").syn().refuse(), at(1, "127.0.0.2:51000").syn().refuse()]
    (problem,) = judge(*both, session(at(30, "127.0.0.1:51001")), watch=LONG).problems
    assert (problem.is_over, problem.is_partly_over) == (False, True)


def test_a_later_session_does_not_show_that_what_was_rejected_is_accepted_now() -> None:
    asks = session(at(0)).client(asked("REQ_MKT_DATA", 4)).server(said(10089, "No subscription", request=4))
    report = judge(asks.fin_client(after=8), session(at(60, "127.0.0.1:51001")), watch=LONG)
    assert [(one.finding.code, one.is_over) for one in report.problems] == [("IBS421", False)]
    assert report.verdict is not None
    assert "worked since" not in report.verdict.summary


def test_a_bot_that_works_does_not_show_that_a_health_check_beside_it_is_gone() -> None:
    check = at(0).connect().client(b"GET /health HTTP/1.1\r\n\r\n").fin_client(after=5)
    report = judge(check, session(at(30, "127.0.0.1:51001")), watch=LONG)
    assert [(one.finding.code, one.is_over) for one in report.problems] == [("IBS207", False)]


def test_what_is_not_over_comes_first() -> None:
    """A port that was refused, and serves now, against one that is silent now."""
    refused = at(0, server="127.0.0.1:4002").syn().refuse()
    works = session(at(30, "127.0.0.1:51001", "127.0.0.1:4002"))
    report = judge(refused, works, silent(at(40, "127.0.0.1:51002")), watch=LONG)
    assert [(problem.finding.code, problem.is_over) for problem in report.problems] == [
        ("IBS301", False),
        ("IBS101", True),
    ]


def test_a_conversation_that_no_rule_explains_is_a_problem_too() -> None:
    index, conversation = faked()
    unexplained = conversation._replace(
        outcome=Outcome.REPLIED, findings=(), cause=None, fault=Fault.UNDETERMINED, summary="It got as far as this."
    )
    (_, problem), *others = problems_of(whole([unexplained]), [])
    assert not others
    assert (problem.finding.code, problem.finding.summary) == ("", "It got as far as this.")
    assert index.conversations


def test_doubts_about_the_capture_are_no_problems_beside_a_conversation() -> None:
    report = judge(silent(at(0)), watch=Watch(ended=6, truncated="the file ends inside a packet"))
    assert codes(report) == ["IBS301"]
    assert "IBS002" in {finding.code for finding in report.findings}


def test_the_accept_queue_explains_those_that_wait_in_it() -> None:
    (problem,) = judge(queue_full(3)).problems
    assert (problem.finding.code, problem.explained, problem.total) == ("IBS303", {"IBS302": 3}, 4)


# -- the table of what explains what ------------------------------------------------------------------------------------


def faked() -> tuple[CaptureIndex, Conversation]:
    report = judge(silent(at(0)), watch=LONG)
    return whole(report.conversations), report.conversations[0]


def whole(conversations: list[Conversation] | tuple[Conversation, ...]) -> CaptureIndex:
    return CaptureIndex(Capture(0, LONG.facts([]), tuple(conversations)))


def finding(code: str, fault: Fault = Fault.CLIENT, *listed: str) -> Finding:
    return Finding(
        code, "", Severity.ERROR, fault, Confidence.HIGH, "It failed.", remedy=f"Fix {code}", conversations=listed
    )


def company() -> dict[str, Conversation]:
    """A restart, with attempts beside it: by the same client, by another one, and at another server."""
    wires = {
        "listed": session(at(0)).rst_server(after=1),
        "same client": at(10, "127.0.0.1:51001").syn().refuse(),
        "other client": silent(at(-40, "127.0.0.2:51002")),
        "other server": silent(at(20, "127.0.0.1:51003", "127.0.0.1:4002")),
    }
    report = judge(*wires.values(), watch=LONG)
    by_port = {one.connection.client.port: one for one in report.conversations}
    return dict(zip(wires, (by_port[51000], by_port[51001], by_port[51002], by_port[51003]), strict=True))


REACH = {
    Where.SAME_CONVERSATION: {"listed"},
    Where.LISTED: {"listed"},
    Where.SAME_CLIENT: {"listed", "same client"},
    Where.SAME_SERVER: {"listed", "same client", "other client"},
    Where.SAME_SERVER_LATER: {"same client"},
    Where.OUTAGES: {"listed", "same client"},
}
"""Where a finding about the conversation ``listed`` explains others."""


def rows() -> Iterator[tuple[str, Where, str, Fault]]:
    for code, explained in TABLE.items():
        for row in explained:
            for consequence in sorted(row.codes):
                yield code, row.where, consequence, row.fault or Fault.CLIENT


@pytest.mark.parametrize(("code", "where", "consequence", "fault"), [*rows()])
def test_a_finding_explains_its_consequences_where_the_table_says_and_nowhere_else(
    code: str, where: Where, consequence: str, fault: Fault
) -> None:
    beside = company()
    is_shared = code >= "IBS5"
    cause = finding(code, fault, *([beside["listed"].id] if is_shared else []))
    own = () if is_shared else (cause,)
    beside["listed"] = beside["listed"]._replace(findings=own)
    index = whole([*beside.values()])
    explanations = Explanations(index, [cause] if is_shared else [])
    explained = {name for name, one in beside.items() if explanations.of(finding(consequence), one) is not None}
    reach = REACH[where] | {
        name
        for row in TABLE[code]
        if consequence in row.codes and row.fault in (None, fault)
        for name in REACH[row.where]
    }
    assert explained == reach


def test_a_row_with_a_fault_explains_nothing_where_the_fault_is_another() -> None:
    index, conversation = faked()
    elsewhere = conversation._replace(findings=(finding("IBS303", Fault.NETWORK),))
    assert Explanations(whole([elsewhere]), []).of(finding("IBS301"), elsewhere) is None
    assert index.conversations


def test_the_codes_of_the_table_exist_and_explain_no_chain_back_to_themselves() -> None:
    known = {rule.code for rule in all_rules()}
    reached = {code: {one for row in rows for one in row.codes} for code, rows in TABLE.items()}
    assert known >= set(TABLE)
    assert all(known >= codes for codes in reached.values())
    for code in reached:
        behind, waiting = set[str](), [code]
        while waiting:
            follow = reached.get(waiting.pop(), set()) - behind
            behind |= follow
            waiting += follow
        assert code not in behind


def test_of_two_that_explain_each_other_in_a_chain_the_first_cause_gets_it_all() -> None:
    _, conversation = faked()
    conversation = conversation._replace(findings=(finding("IBS301"),), cause=finding("IBS301"))
    queue, since = (
        finding("IBS504", Fault.TWS_STATE, conversation.id),
        finding("IBS503", Fault.TWS_STATE, conversation.id),
    )
    found: list[Problem] = [problem for _, problem in problems_of(whole([conversation]), [since, queue])]
    assert [(one.finding.code, one.explained) for one in found] == [("IBS504", {"IBS503": 1, "IBS301": 1})]
