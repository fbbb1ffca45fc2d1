"""What TWS rejected, in words: which requests, with which error, and who must act."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.rejections import ORDERS, Rejection, all_of, ib_was_out_of_reach, is_guess, nothing_followed
from ibsniff.facts.timing import end_of_wait_ns
from ibsniff.formatting import counted, duration, seconds
from ibsniff.ib import errors
from ibsniff.model import PATIENCE, Alternative, Confidence, Conversation, Evidence, FarmKind, Fault, Request, WireError
from ibsniff.rules.registry import Statement, cited
from ibsniff.rules.wording.endings import session_works, time_between
from ibsniff.rules.wording.rejection_reasons import reason_of
from ibsniff.timeline.asked import name_of

if TYPE_CHECKING:
    from ibsniff.ib.error_table import ErrorNumber

MAX_CODES, MAX_IDS = 3, 4
"""Error numbers and ids named in a sentence."""
MAX_END = 40
"""Characters of the end of a text in which two texts of the same error differ: the name of an instrument."""

NOT_CONNECTED = Alternative(
    "TWS had lost its connection to IB or to a data farm at that time, and could not look it up",
    Fault.IB,
    "the same request is accepted once TWS reports that the connection is back (1102, 2104, 2106, 2158)",
)
DELAYED_DATA_HELPS = frozenset({354, errors.MARKET_DATA_NOT_SUBSCRIBED_FOR_API, 10168, 10186})
"""Live data is not subscribed to, and delayed data was not asked for."""
ABOUT_CANCELLATIONS = frozenset({135, 136, 137, 161, 10147, 10148})
"""They refuse a cancellation, usually because the order had just been filled."""
UNKNOWN_NUMBER = "The text says what TWS objects to; this error number is not documented."


class Judged(NamedTuple):
    """An error number: who must act, and what to do."""

    fault: Fault
    advice: str
    """A sentence or two."""
    farms: tuple[FarmKind, ...] = ()
    """Farms without which TWS gives this error, too."""


def judged(code: int) -> Judged:
    """Look up who must act on an error that rejected a request."""
    from ibsniff.ib.error_table import ErrorClass, find_error  # noqa: PLC0415  (large, and seldom needed)

    known = find_error(code)
    if known is None:
        return Judged(Fault.UNDETERMINED, UNKNOWN_NUMBER)
    farms: tuple[FarmKind, ...] = ()
    if known.error_class is ErrorClass.CONTRACT:
        farms = (FarmKind.SECURITY_DEFINITIONS,)
    elif known.error_class in (ErrorClass.MARKET_DATA, ErrorClass.DATA_FARM):
        farms = (FarmKind.MARKET_DATA, FarmKind.HISTORICAL_DATA)
    elif known.error_class is ErrorClass.CONNECTIVITY:
        farms = tuple(FarmKind)
    fault = Fault.CLIENT if code == errors.REQUEST_REFUSED else known.fault  # Read-Only refusals are IBS401
    return Judged(fault, _what_to_do(known, fault), farms)


def judged_by_text(rejection: Rejection) -> Judged:
    """The same for rejected requests, where the texts of their errors all name one known reason."""
    by_number, reasons = judged(rejection.code), {reason_of(error) for _, error in rejection.requests}
    reason = reasons.pop() if len(reasons) == 1 else None
    return by_number if reason is None else by_number._replace(fault=reason.fault, advice=reason.advice)


def advice_on(codes: Sequence[int]) -> str:
    """What to do about the first of these error numbers; those about which there is the same to say stand together."""
    return _advice((code, judged(code)) for code in codes[:MAX_CODES])


def _advice(by_code: Iterable[tuple[int, Judged]]) -> str:
    by_advice: dict[str, list[str]] = {}
    for code, each in by_code:
        by_advice.setdefault(each.advice, []).append(str(code))
    return " ".join(
        f"{'Error' if len(same) == 1 else 'Errors'} {', '.join(same)}: {advice}" for advice, same in by_advice.items()
    )


def refuses_change(code: int) -> bool:
    """Tell whether an error that names an open order refuses what the client wanted to change in it.

    Not so remarks, and cancellations that came too late for a filled order, which are usual.
    """
    from ibsniff.ib.error_table import ErrorClass, find_error  # noqa: PLC0415  (large, and seldom needed)

    known = find_error(code)
    refusing = (ErrorClass.ORDER_REJECTED, ErrorClass.REQUEST_INVALID, ErrorClass.TWS_SETTING, ErrorClass.PERMISSION)
    return known is not None and known.error_class in refusing and code not in ABOUT_CANCELLATIONS


def _what_to_do(known: ErrorNumber, fault: Fault) -> str:
    from ibsniff.ib.error_table import ErrorClass  # noqa: PLC0415  (large, and seldom needed)

    code, meaning = known.code, known.meaning
    if code == errors.REQUEST_REFUSED:
        return "TWS read the request and refused it; the text says what to correct in it."
    if fault is Fault.UNDETERMINED:
        return meaning
    if known.error_class is ErrorClass.PACING:
        return f"{meaning} Cancel what is not needed before asking for more."
    if fault is Fault.CLIENT:
        return f"{meaning} Correct what the program sends."
    if code in DELAYED_DATA_HELPS:
        return f"{meaning} Subscribe to it in IB's Client Portal, or ask for delayed data: reqMarketDataType(3)."
    if fault is Fault.TWS_CONFIG:
        return f"{meaning} Look at this setting of TWS."
    if known.error_class in (ErrorClass.CONNECTIVITY, ErrorClass.DATA_FARM):
        return f"{meaning} Ask again once TWS reports that the connection is back (1101, 1102, 2104, 2106, 2158)."
    if known.error_class is ErrorClass.MARKET_DATA:
        return f"{meaning} Ask for it again."
    return f"{meaning} Check the account's permissions and market data subscriptions in IB's Client Portal."


def rejected_statement(
    conversation: Conversation, found: Sequence[Rejection], what: str, index: CaptureIndex
) -> Statement:
    """State that TWS rejected these; ``what`` they are: ``order`` or ``request``."""
    by_code = [(one, judged_by_text(one)) for one in found]
    faults = {each.fault for _, each in by_code}
    out_of_reach = any(ib_was_out_of_reach(conversation, one.requests, each.farms) for one, each in by_code)
    requests = all_of(found)
    is_doubtful = out_of_reach or any(is_guess(*each) for each in requests)
    is_decided = len(faults) == 1 and Fault.UNDETERMINED not in faults and not is_doubtful
    is_proved = is_decided and {one.code for one in found} <= DELAYED_DATA_HELPS  # the error names the very cause
    return Statement(
        _summary(conversation, found, requests, what, index),
        faults.pop() if is_decided else Fault.UNDETERMINED,
        Confidence.HIGH if is_proved else Confidence.MEDIUM if is_decided else Confidence.LOW,
        packets=[one for request, error in requests[:MAX_IDS] for one in _cited(conversation, request, error)],
        remedy=_advice((one.code, each) for one, each in by_code[:MAX_CODES]),
        alternatives=(NOT_CONNECTED,) if out_of_reach else (),
    )


def _cited(conversation: Conversation, request: Request, error: WireError) -> tuple[Evidence | None, Evidence | None]:
    """What was asked, and the error that rejected it."""
    said = f"error {error.code} to {name_of(request)}: {error.text:quoted}"
    return cited(conversation, request.asked, f"asked {name_of(request)}"), cited(conversation, error.moment, said)


def _summary(
    conversation: Conversation,
    found: Sequence[Rejection],
    requests: Sequence[tuple[Request, WireError]],
    what: str,
    index: CaptureIndex,
) -> str:
    latest = max((error.moment for _, error in requests), key=lambda moment: moment.packet)
    quiet = seconds(end_of_wait_ns(conversation) - latest.time_ns)
    is_certain = nothing_followed(conversation, requests)
    of_all = _of_all(conversation, what)
    told = _one(*requests[0], what, of_all) if len(requests) == 1 else _many(conversation, found, len(requests), of_all)
    told = f"{session_works(conversation)}{told}"
    if not is_certain or quiet < PATIENCE or index.reliability.may_have_missed(conversation):
        return f"{told}."
    it = "it" if len(requests) == 1 else "them"
    return (
        f"{told}; nothing more was said about {it} for {duration(quiet)}. A program that reports a timeout here ignores the "
        "errors that TWS sends."
    )


def _of_all(conversation: Conversation, what: str) -> str:
    """``2 orders``: how many of this kind there were."""
    requests = conversation.dialogue.requests
    named = [*((name, count) for (name, _), count in requests.counts.items()), *requests.not_followed.items()]
    return counted(sum(count for name, count in named if (name in ORDERS) is (what == "order")), what)


def _one(request: Request, error: WireError, what: str, of_all: str) -> str:
    after = time_between(request.asked, error.moment)
    if not request.answers:
        which = f"{_named(request, what)} ({error_in_words(error)}) after {after}"
        return f"TWS rejected {which}" if of_all.startswith("1 ") else f"TWS rejected 1 of {of_all}: {which}"
    return f"TWS ended {_named(request, what)} ({error_in_words(error)}), {after} after it was asked"


def _named(request: Request, what: str) -> str:
    number = "" if request.number is None else f" {request.number}"
    return f"{what if what == 'order' else request.name}{number}"


def _many(conversation: Conversation, found: Sequence[Rejection], total: int, of_all: str) -> str:
    beyond = conversation.dialogue.requests.rejected_beyond
    at_least = "at least " if beyond else ""
    groups = [_group(one) for one in found[:MAX_CODES]]
    if len(found) > MAX_CODES:
        groups.append(f"{sum(len(one.requests) for one in found[MAX_CODES:]):,} with other errors")
    how_many = f"{total:,} of {of_all}" if not of_all.startswith(f"{total:,} ") else of_all
    return f"TWS rejected {at_least}{how_many}: {'; '.join(groups)}"


def _group(rejection: Rejection) -> str:
    """The requests that were rejected with one error number, and its text; it may differ from one to the next."""
    errors_given = [error for _, error in rejection.requests]
    names = list(dict.fromkeys(map(_id_in_list, (request for request, _ in rejection.requests))))
    more = f" and {len(names) - MAX_IDS:,} more" if len(names) > MAX_IDS else ""
    kinds = {request.name for request, _ in rejection.requests} - ORDERS
    kind = f"{kinds.pop()} " if len(kinds) == 1 and names[0].isdecimal() else ""
    return f"{kind}{', '.join(names[:MAX_IDS])}{more} ({error_in_words(errors_given[0])}{_other_texts(rejection)})"


def _id_in_list(request: Request) -> str:
    return request.name if request.number is None else str(request.number)


def _other_texts(rejection: Rejection) -> str:
    """What the texts of the same error say differently of other requests: usually the instrument, at the end."""
    first = rejection.requests[0][1].text
    others = [(request, error.text) for request, error in rejection.requests if error.text != first]
    if not others:
        return ""
    ends = [(request, text.after_common_words(first)) for request, text in others[:MAX_IDS]]
    if len(others) > MAX_IDS or any(not end or len(end) > MAX_END for _, end in ends):
        return "; other texts too"
    return "".join(f"; for {_id_in_list(request)}: {end:quoted}" for request, end in ends)


def error_in_words(error: WireError) -> str:
    """An error's number and its text."""
    return f"error {error.code}: {error.text:quoted}" if error.text else f"error {error.code}"
