"""TWS reported an error that nothing else explains.

Seen: in a session that works, an error number of TWS that is no remark, that no other rule tells, and of which TWS did not
report that it was over: it names no request, or one that was not seen in the capture.
Meaning: TWS refused something, or cannot deliver it. The session goes on, so a program that drops errors shows nothing.
How sure: that TWS reported it is certain. Whether your program needs what the error is about is not known. Who must act
follows from the number: the program for what is wrong in a request, IB for what the account may not do or has not
subscribed to: medium. Undetermined and low when the number leaves it open, when several errors differ in it, and for numbers
that are not known. Low when an error names no request, and when messages are missing from the capture, as one that settles
it may be among them.
Sources: IB's API documentation (message codes); rust-ibapi docs/wire-facts (ids that TWS names as -1 in its errors).
What else: left out is what programs cause in the normal course of things. Cancellations, and changes of filled orders, that
come too late (104, 135, 136, 137, 161, 300, 310, 365, 366, 10147, 10148, 10280, 10284): what was to end had ended already.
162 for a query that the client cancelled, or that has no data. 202 without a reason, or in a session in which the client
cancels orders. Remarks (399, 10167, 10349), partial data (10090, 10091), warnings between 2100 and 2199 that are not known, and
refusals that an answer took back (10089, and then delayed data). Left out as well is what other rules tell: rejected orders and
requests (IBS420, IBS421), a Read-Only API (IBS401), the message rate (IBS402), IB's servers and data farms (IBS403, IBS410,
IBS423), and look-ups and data that failed while these could not be reached; a competing session (IBS411).
What to do: read the text of the error, and find in the program's log what it had asked for at that time.
"""

from __future__ import annotations

from collections.abc import Sequence

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted
from ibsniff.ib import errors
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, cited, conversation_rule
from ibsniff.rules.wording.endings import session_works
from ibsniff.rules.wording.rejections import MAX_CODES, MAX_IDS, advice_on, error_in_words, judged
from ibsniff.rules.wording.reported_errors import ReportedError, reported_errors

MAX_CITED = 20
"""Errors that are cited: as many as a report shows."""
MORE_THAN_ONE_MEANING = frozenset({errors.REQUEST_REFUSED, errors.CLIENT_ID_IN_USE})
"""321 without a request may be a Read-Only API; 326 in a session that TWS accepted is not explained anywhere."""


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """A serious error that is not over, in a session that works."""
    found = reported_errors(conversation)
    if not found:
        return None
    faults = {_fault(one) for one in found}
    fault = faults.pop() if len(faults) == 1 else Fault.UNDETERMINED
    names_requests = all(error.request >= 0 for one in found for error in one.examples)
    is_likely = fault is not Fault.UNDETERMINED and names_requests and not conversation.dialogue.bytes_after_gap
    return Statement(
        f"{session_works(conversation)}TWS reported {_named(found)}. That TWS reported it is certain; whether your program "
        "needs what it is about, the packets do not show.",
        fault,
        Confidence.MEDIUM if is_likely else Confidence.LOW,
        packets=[cited(conversation, error.moment) for one in found for error in one.examples][:MAX_CITED],
        remedy=advice_on([one.code for one in found]),
    )


def _fault(reported: ReportedError) -> Fault:
    if reported.code in MORE_THAN_ONE_MEANING and all(one.request < 0 for one in reported.examples):
        return Fault.UNDETERMINED
    fault = judged(reported.code).fault
    return Fault.UNDETERMINED if fault is Fault.NONE else fault


def _named(found: Sequence[ReportedError]) -> str:
    """``error 354: not subscribed (3 times, request 7)``, of the first."""
    named = [f"{error_in_words(one.examples[0])}{_about(one)}" for one in found[:MAX_CODES]]
    if len(found) > MAX_CODES:
        named.append(f"{counted(len(found) - MAX_CODES, 'other error number')}")
    return " and ".join(filter(None, ("; ".join(named[:-1]), named[-1])))


def _about(reported: ReportedError) -> str:
    ids = list(dict.fromkeys(str(one.request) for one in reported.examples if one.request >= 0))[:MAX_IDS]
    more = " and more" if ids and reported.times > len(reported.examples) else ""
    parts = [f"{reported.times:,} times"] if reported.times > 1 else []
    parts += [f"{'request' if len(ids) == 1 else 'requests'} {', '.join(ids)}{more}"] if ids else []
    return f" ({', '.join(parts)})" if parts else ""
