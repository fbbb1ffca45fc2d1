"""The first line of every report: does it work now, must you act, and on which machine.

It answers three questions in plain words, before anything else is said. What failed and what proves it come after it.
"""

from __future__ import annotations

from ibsniff.formatting import counted, time_of_day
from ibsniff.model import (
    Confidence,
    Connection,
    Conversation,
    Endpoint,
    Fault,
    Outcome,
    Problem,
    Report,
    Rung,
    Severity,
)

NO_CONVERSATION = "The capture contains no conversation with TWS or IB Gateway."

NONE_CHOSEN = "None of its conversations is chosen by"
"""Said before the options that chose none."""

CONFIDENCE: dict[Confidence, str] = {
    Confidence.HIGH: "the packets prove it",
    Confidence.MEDIUM: "likely, not proved",
    Confidence.LOW: "only a guess",
}
"""How sure a cause is, in words."""

MUST_ACT: dict[Confidence, str] = {
    Confidence.HIGH: "You must act:",
    Confidence.MEDIUM: "You probably must act:",
    Confidence.LOW: "A guess where to look first:",
}
"""Whether somebody must act, by how sure the cause is."""

ACTORS: dict[Fault, str] = {
    Fault.NONE: "nobody",
    Fault.CLIENT: "your program",
    Fault.TWS_CONFIG: "TWS: a setting",
    Fault.TWS_STATE: "TWS or Gateway",
    Fault.NETWORK: "network or relay",
    Fault.IB: "IB or the account",
    Fault.UNDETERMINED: "not decided",
}
"""Who must act, for a column of a table."""


def no_conversation(report: Report) -> str:
    """What is said of a report without any conversation."""
    return NO_CONVERSATION if report.narrowed is None else f"{NONE_CHOSEN} {report.narrowed.chosen_by}."


def left_out(report: Report) -> str | None:
    """What is said of a report that was narrowed; None for one on all conversations."""
    if report.narrowed is None:
        return None
    there_are = "conversation is" if report.narrowed.left_out == 1 else "conversations are"
    return f"Only {report.narrowed.chosen_by}: {report.narrowed.left_out:,} other {there_are} left out."


def headline(report: Report, problem: Problem | None) -> str:
    """Does it work, must you act, on which machine; about this problem, or about a capture without any."""
    by_id = {one.id: one for one in report.conversations}
    if problem is not None and problem.conversation in by_id:
        shown_by = by_id[problem.conversation]
        return f"{_state(problem, shown_by)} {_action(problem, shown_by.connection)}"
    verdict = report.verdict
    shown = by_id.get(verdict.conversation) if verdict is not None and verdict.conversation else None
    return no_conversation(report) if shown is None else f"{_good_state(shown)} {_nothing_to_do(shown)}"


def sureness(problem: Problem) -> str:
    """How sure the cause is; of an undetermined one, what is sure and what is not."""
    finding = problem.finding
    if finding.fault is not Fault.UNDETERMINED:
        return CONFIDENCE[finding.confidence]
    if finding.confidence is Confidence.HIGH:
        return "what happened is proved, its cause is not decided"
    return "the cause is not decided"


def _state(problem: Problem, shown_by: Conversation) -> str:
    """Whether it works now."""
    where = _servers(problem.servers)
    if problem.is_over:
        return f"It works again: {where} had a problem, and serves its clients now."
    if shown_by.outcome is Outcome.UNPROVEN:
        return f"This capture does not show whether {where} works."
    if shown_by.rung is not Rung.READY and shown_by.outcome is not Outcome.JOINED:
        return f"It does not work: the program gets no API session with {where}."
    if problem.finding.severity is Severity.WARNING:
        return f"The API session with {where} is up, but not everything works."
    return f"It no longer works: the API session with {where} has failed."


def _servers(servers: tuple[Endpoint, ...]) -> str:
    if len(servers) <= 2:
        return " and ".join(map(str, servers))
    return f"{servers[0]} and {counted(len(servers) - 1, 'more server')}"


def _action(problem: Problem, connection: Connection) -> str:
    """Whether somebody must act, and on which machine."""
    here, there = _client_machine(connection), _server_machine(connection)
    if problem.is_over:
        return "You need not act now; read on to prevent it next time."
    must = MUST_ACT[problem.finding.confidence]
    match problem.finding.fault:
        case Fault.CLIENT:
            return f"{must} your program is to be changed, {here}."
        case Fault.TWS_CONFIG:
            return f"{must} a setting of TWS is to be changed, {there}."
        case Fault.TWS_STATE:
            return f"{must} look after TWS or Gateway, {there}."
        case Fault.NETWORK if connection.same_host:
            return f"{must} the address, the port or a relay is wrong, {there}."
        case Fault.NETWORK:
            return f"{must} something between {connection.client.ip} and {connection.server.ip} is wrong."
        case Fault.IB:
            return "Nothing is wrong on your machines: IB's servers or your account need attention."
        case _:
            return "You must look further: these packets alone do not show who is to blame."


def _server_machine(connection: Connection) -> str:
    return "on the machine where both run" if connection.same_host else f"on the machine {connection.server.ip}"


def _client_machine(connection: Connection) -> str:
    return "on the machine where both run" if connection.same_host else f"on the machine {connection.client.ip}"


def _good_state(shown: Conversation) -> str:
    """What is shown of a capture in which nothing is wrong."""
    server, heard = shown.connection.server, shown.connection.from_server.last_data
    if shown.rung is not Rung.READY and shown.outcome is not Outcome.JOINED:
        return f"Nothing is wrong with {server}, and no API session was needed there."
    if shown.confidence is Confidence.HIGH or heard is None:
        return f"It works: the API session with {server} is in order."
    return (
        f"It worked until {time_of_day(heard.time_ns)}: the API session with {server} was in order, and then fell idle."
    )


def _nothing_to_do(shown: Conversation) -> str:
    return "You need not do anything." if shown.confidence is Confidence.HIGH else "Nothing shows that you must act."
