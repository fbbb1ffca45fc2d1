"""The first line of every report: does it work now, must you act, and on which machine.

It answers three questions in plain words, before anything else is said. What failed and what proves it come after it.
"""

from __future__ import annotations

from ibsniff.formatting import counted, time_of_day
from ibsniff.ib import errors
from ibsniff.model import (
    Confidence,
    Connection,
    Conversation,
    Endpoint,
    Fault,
    Finding,
    Outcome,
    Problem,
    Report,
    Rung,
    Severity,
    Side,
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

WHERE: dict[Fault, str] = {
    Fault.NONE: "nothing to fix",
    Fault.CLIENT: "your program",
    Fault.TWS_CONFIG: "a TWS setting",
    Fault.TWS_STATE: "TWS or Gateway",
    Fault.NETWORK: "network or relay",
    Fault.IB: "your IB account",
    Fault.UNDETERMINED: "look further",
}
"""Where something has to be fixed, in two or three words."""

ABOUT_A_SESSION = "IBS4"
"""Findings of this family are about sessions that work."""

DROPPED = ("IBS103", "IBS105")
"""Findings about connection attempts that something on the way, or the server's machine, does not let through."""

ORDER_REMARK = 399
"""TWS's remark on an order, for example that it waits until the market opens."""

AT_IB = ("IBS403", "IBS410")
"""Findings about the connection between TWS and IB's servers."""


def actor(finding: Finding) -> str:
    """Who must act and where, for a column of a table."""
    if finding.code in AT_IB:
        return "IB, or your internet"
    return "nobody" if finding.fault is Fault.NONE else f"you: {WHERE[finding.fault]}"


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
        return f"{_state(problem, shown_by)} {action_on(problem, shown_by.connection)}"
    verdict = report.verdict
    shown = by_id.get(verdict.conversation) if verdict is not None and verdict.conversation else None
    if shown is None:
        return no_conversation(report)
    return " ".join(filter(None, (_good_state(shown), _others_too(report), _nothing_to_do(report, shown))))


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
    if problem.is_partly_over:
        return f"It works again for some clients of {where}, but not for all."
    if shown_by.outcome is Outcome.UNPROVEN:
        return f"This capture does not show whether {where} works."
    if shown_by.rung is not Rung.READY and shown_by.outcome is not Outcome.JOINED:
        return f"It does not work: the program gets no API session with {where}."
    return _state_of_session(problem, shown_by, where)


def _state_of_session(problem: Problem, session: Conversation, where: str) -> str:
    """Whether a session that had begun works."""
    ended = session.connection.ended
    if ended is not None and ended.by is Side.SERVER:
        return f"It worked until {time_of_day(ended.moment.time_ns)}; then {where} ended the API session."
    if problem.finding.severity is Severity.ERROR:
        return f"It no longer works: the API session with {where} has failed."
    if ended is not None:
        return f"The API session with {where} worked until the client ended it, but not everything in it worked."
    return f"The API session with {where} is up, but not everything works."


def _servers(servers: tuple[Endpoint, ...]) -> str:
    if len(servers) <= 2:
        return " and ".join(map(str, servers))
    return f"{servers[0]} and {counted(len(servers) - 1, 'more server')}"


def action_on(problem: Problem, connection: Connection) -> str:
    """Whether somebody must act, and on which machine."""
    here, there = _client_machine(connection), _server_machine(connection)
    if problem.is_over:
        return "You need not act now; read on to prevent it next time."
    must = MUST_ACT[problem.finding.confidence]
    match problem.finding.fault:
        case Fault.CLIENT:
            return f"{must} change your program, {here}."
        case Fault.TWS_CONFIG:
            return f"{must} change a setting of TWS, {there}."
        case Fault.TWS_STATE:
            return f"{must} look after TWS or Gateway, {there}."
        case Fault.NETWORK if problem.finding.code in DROPPED and not connection.same_host:
            return f"{must} look at the address, the port and the firewall, {there} or on the way to it."
        case Fault.NETWORK if connection.same_host:
            return f"{must} the address, the port or a relay is wrong, {there}."
        case Fault.NETWORK:
            return f"{must} something between {connection.client.ip} and {connection.server.ip} is wrong."
        case Fault.IB if problem.finding.code in AT_IB:
            return f"Wait, and check the internet connection of TWS, {there}: its connection to IB's servers was lost."
        case Fault.IB:
            return f"{must} look at your IB account: its subscriptions, permissions, funds and other logins."
        case _:
            return "You must look further: these packets alone do not show who is to blame."


def _server_machine(connection: Connection) -> str:
    return "on the machine where both run" if connection.same_host else f"on the machine {connection.server.ip}"


def _client_machine(connection: Connection) -> str:
    return "on the machine where both run" if connection.same_host else f"on the machine {connection.client.ip}"


def _good_state(shown: Conversation) -> str:
    """What is shown of a capture in which nothing is wrong."""
    connection = shown.connection
    server, heard, ended = connection.server, connection.from_server.last_data, connection.ended
    if shown.rung is not Rung.READY and shown.outcome is not Outcome.JOINED:
        return f"Nothing is wrong with {server}, and no API session was needed there."
    if heard is not None and shown.confidence is not Confidence.HIGH:
        when = time_of_day(heard.time_ns)
        return f"It worked until {when}: the API session with {server} was in order, and then fell idle."
    if ended is not None:
        when = time_of_day(ended.moment.time_ns)
        return f"It worked: the API session with {server} was in order until the client ended it at {when}."
    return f"It works: the API session with {server} is in order."


def _others_too(report: Report) -> str:
    """That the other sessions were in order, too, if all of them were shown to be and none is only counted."""
    sessions = [one for one in report.conversations if one.rung is Rung.READY or one.outcome is Outcome.JOINED]
    if len(sessions) < 2 or report.omitted or any(one.confidence is not Confidence.HIGH for one in sessions):
        return ""
    return "So were all other sessions of the capture."


def _nothing_to_do(report: Report, shown: Conversation) -> str:
    """That nobody must act, unless there is something that should be read first."""
    if any(loss.packets is None for facts in report.inputs for loss in facts.losses):
        return "That is what was captured: what happened while the interface was down is not known."
    lost = (one.dialogue.errors.get(errors.IB_CONNECTION_RESTORED_DATA_LOST) for one in report.conversations)
    if any(lost):
        return "TWS lost subscriptions to market data (error 1101): check that your program made them again."
    if any(ORDER_REMARK in one.dialogue.errors for one in report.conversations):
        return "TWS made a remark on an order (399): see 'What TWS said'."
    if any(found.fault is not Fault.NONE and found.code.startswith(ABOUT_A_SESSION) for found in shown.findings):
        return "Before you rely on it, read 'Also noticed'."
    return "You need not do anything." if shown.confidence is Confidence.HIGH else "Nothing shows that you must act."
