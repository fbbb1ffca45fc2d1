"""What the client asked TWS for, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator

from ibsniff.ib import errors
from ibsniff.model import Dialogue, Moment, Request, RequestState, Side, WireError
from ibsniff.timeline.event import Event, minor

BECAME: dict[RequestState, str] = {
    RequestState.ANSWERED: "answered",
    RequestState.REJECTED: "rejected",
    RequestState.CANCELLED: "cancelled later",
}


def request_events(dialogue: Dialogue, told: Container[int]) -> Iterator[Event]:
    """Requests, their first and last answers, and their ends; of errors those whose packets are not in ``told``."""
    requests, unanswered = dialogue.requests, Counter[str]()
    followed = sorted((requests.open | requests.rejected | requests.ended | requests.inactive).items())
    for _, request in followed:
        unanswered[request.name] += request.is_unanswered
        yield minor(request.asked, Side.CLIENT, _asked(request, unanswered[request.name]))
        yield from _answers(request)
        if request.error is not None and request.error.moment.packet not in told:
            yield error_event(request.error)


def name_of(request: Request) -> str:
    """The request as people find it in a log: ``REQ_MKT_DATA 7``."""
    return request.name if request.number is None else f"{request.name} {request.number}"


def error_event(error: WireError) -> Event:
    """An error or an advisory message, with its number and text."""
    return minor(error.moment, Side.SERVER, f"{kind_of(error.code)} {error.code}: {error.text:quoted}")


def kind_of(code: int) -> str:
    """What TWS tells with this number: not everything that it sends as an error is one."""
    return "notice" if code in errors.NOTICES else "error"


def _asked(request: Request, place: int) -> str:
    asked = f"asked {name_of(request)}"
    if request.is_unanswered:
        if request.may_have_missed:
            return f"{asked}: no answer was captured"
        return f"{asked}: no answer" + (f", the {ordinal(place)} of these without one" if place > 1 else "")
    if request.state is RequestState.OPEN:
        return asked
    return f"{asked}, {BECAME[request.state]}"


def _answers(request: Request) -> Iterator[Event]:
    first, last, ended = request.first_answer, request.last_answer, request.ended
    if first is not None and first != last:
        yield minor(first, Side.SERVER, f"first answer to {name_of(request)}")
    if last is not None:
        of_all = f" of {request.answers:,}" if request.answers > 1 else ""
        yield minor(last, Side.SERVER, f"{'last answer' + of_all if of_all else 'answer'} to {name_of(request)}")
    if request.state is RequestState.CANCELLED and ended is not None:
        yield minor(ended, Side.CLIENT, f"cancels {name_of(request)}")
    elif ended is not None and _is_alone(ended, request):
        yield minor(ended, Side.SERVER, f"{name_of(request)} ends")


def _is_alone(ended: Moment, request: Request) -> bool:
    """The end has a packet of its own, which is neither an answer nor the error."""
    error = request.error.moment if request.error is not None else None
    return ended not in (request.first_answer, request.last_answer, error)


def ordinal(number: int) -> str:
    """The number as a place in a row: 2nd, 3rd, 11th."""
    teens = 10 <= number % 100 <= 20
    ending = "th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"
