"""What TWS said: the errors of one session, or of all sessions of a report, apart from what was only a remark.

TWS sends errors, warnings and plain notices in one message. Here an error that somebody should read has a row with how often
it came, which request it was about, its text and what its number means. Remarks on a request come after them, and notices
of a state that is well ("data farm is OK") are only listed by their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ibsniff.facts.recovery import over_since
from ibsniff.formatting import counted, elapsed
from ibsniff.ib import errors
from ibsniff.model import Conversation, ErrorTally, Moment, Request, Side, WireError, WireText

MAX_MESSAGES = 20
"""Kinds of errors of one report; the stand-in of a hostile peer sends thousands."""
MAX_ROWS, MAX_ROWS_VERBOSE = 6, MAX_MESSAGES
MAX_NAMED = 4
"""Requests, or conversations, that are named of one error."""
MAX_TEXT = 240
"""Characters of TWS's text: longer than almost all of them."""

SHORT_NOTICES = errors.NOTICES - {errors.IB_CONNECTION_RESTORED_DATA_LOST}
"""Notices of which the number is enough: with 1101 subscriptions were lost."""
FARMS_ARE_OK = {errors.MARKET_DATA_FARM_OK, errors.HISTORICAL_FARM_OK, errors.DEFINITION_FARM_OK}
"""What every TWS sends at the beginning of a session."""


class AskedFor(NamedTuple):
    """The request that an error names."""

    number: int | None
    name: str
    """Of the client's message, as ``REQ_MKT_DATA``; empty if the capture does not show it."""

    @property
    def kind(self) -> str:
        """What to call it: its message's name, or ``order``."""
        return "order" if self.name == "PLACE_ORDER" else self.name or "request"


class ServerMessage(NamedTuple):
    """All errors with one number and one text."""

    code: int
    times: int
    text: WireText
    """Of the first one."""
    has_other_texts: bool
    """Further ones, counted here as well, had another text."""
    meaning: str
    """What the number means, in a sentence; empty if it is not known."""
    is_serious: bool
    """Somebody should read it: it is no remark on a request that may well go on."""
    asked: tuple[AskedFor, ...]
    """What the first of them were about; empty if they name no request."""
    first: Moment
    input: int
    conversations: tuple[str, ...]
    """The first conversations in which it came."""
    conversation_count: int
    over: Moment | None
    """When TWS last reported that this was over, in every conversation in which it came."""


class ServerMessages(NamedTuple):
    """Everything that TWS reported."""

    messages: tuple[ServerMessage, ...]
    """Serious ones first, of these the ones that are not over, and each part in the order in which they came."""
    notices: tuple[int, ...]
    """The numbers of the notices (``NOTICES``) that report a state that is well, ascending."""
    omitted: int
    """Kinds of messages beyond those that are kept."""


def server_messages(conversations: Iterable[Conversation]) -> ServerMessages:
    """What TWS said in these conversations, merged by number and text."""
    merged: dict[tuple[int, WireText], ServerMessage] = {}
    notices, omitted = set[int](), 0
    for conversation in conversations:
        omitted += conversation.dialogue.errors_beyond
        for code, tally in conversation.dialogue.errors.items():
            if code in SHORT_NOTICES:
                notices.add(code)
            elif tally.examples:
                said = _said(conversation, code, tally)
                omitted += not _merge(merged, said)
    return ServerMessages(tuple(sorted(merged.values(), key=_gravity)), tuple(sorted(notices)), omitted)


def _merge(merged: dict[tuple[int, WireText], ServerMessage], said: ServerMessage) -> bool:
    """Add a message, unless there are too many kinds already; then it is false."""
    key = said.code, said.text
    before = merged.get(key)
    if before is None and len(merged) >= MAX_MESSAGES:
        return False
    merged[key] = _together(before, said) if before else said
    return True


def _gravity(said: ServerMessage) -> tuple[bool, bool, int, int]:
    """Sort key: what somebody should read first comes first."""
    return not said.is_serious, said.over is not None, said.input, said.first.packet


def _said(conversation: Conversation, code: int, tally: ErrorTally) -> ServerMessage:
    from ibsniff.ib.error_table import find_error, is_serious  # noqa: PLC0415  (large, and most sessions do without)

    first, known = tally.examples[0], find_error(code)
    return ServerMessage(
        code=code,
        times=tally.count,
        text=first.text,
        has_other_texts=any(error.text != first.text for error in tally.examples),
        meaning=known.meaning if known else "",
        is_serious=is_serious(code) and not all(map(errors.is_no_data, tally.examples)),
        asked=_asked(conversation, tally.examples),
        first=first.moment,
        input=conversation.input,
        conversations=(conversation.id,),
        conversation_count=1,
        over=over_since(conversation, tally.examples[-1]),
    )


def _together(before: ServerMessage, said: ServerMessage) -> ServerMessage:
    """The same message in two conversations."""
    over = said.over if before.over is not None and said.over is not None else None
    return before._replace(
        times=before.times + said.times,
        has_other_texts=before.has_other_texts or said.has_other_texts,
        asked=tuple(dict.fromkeys((*before.asked, *said.asked)))[:MAX_NAMED],
        conversations=(*before.conversations, *said.conversations)[:MAX_NAMED],
        conversation_count=before.conversation_count + 1,
        over=over,
    )


def _asked(conversation: Conversation, given: Iterable[WireError]) -> tuple[AskedFor, ...]:
    """Which requests these errors name."""
    requests = conversation.dialogue.requests
    followed: list[Request] = [
        one for kept in (requests.rejected, requests.inactive, requests.ended, requests.open) for one in kept.values()
    ]
    of_error = {one.error.moment.packet: one for one in followed if one.error is not None}
    by_number = {one.number: one.name for one in reversed(followed) if one.number is not None}
    sent = [one for one in conversation.dialogue.first_messages if one.side is Side.CLIENT]
    by_number |= {one.id: one.name for one in reversed(sent) if one.id is not None and one.id not in by_number}
    found: dict[AskedFor, None] = {}
    for error in given:
        request = of_error.get(error.moment.packet)
        if error.request >= 0:
            found[AskedFor(error.request, by_number.get(error.request, ""))] = None
        elif request is not None:
            found[AskedFor(request.number, request.name)] = None
    return tuple(found)[:MAX_NAMED]


# ---------------------------------------------------------------------------------------------------------------
# In words


def label(said: ServerMessage) -> str:
    """``error 201``, or ``remark 399``."""
    return f"{'error' if said.is_serious else 'remark'} {said.code}"


def headline(said: ServerMessage, *, with_conversations: bool = False) -> str:
    """How often, about what, in which conversations: ``3 times, order 4, 5, in c1``; empty for once, about nothing."""
    parts = [f"{said.times:,} times"] if said.times > 1 else []
    if said.asked:
        parts.append(_requests_in_words(said.asked) + (" and more" if said.times > len(said.asked) else ""))
    if with_conversations:
        beyond = said.conversation_count - len(said.conversations)
        parts.append(f"in {', '.join(said.conversations)}" + (f" and {beyond:,} more" if beyond else ""))
    if said.over is not None:
        parts.append(f"over {elapsed(said.first, said.over)} later")
    return ", ".join(parts)


def _requests_in_words(asked: Iterable[AskedFor]) -> str:
    """Each kind with its numbers: ``order 4, 5, REQ_MKT_DATA 6``."""
    kinds: dict[str, list[str]] = {}
    for one in asked:
        kinds.setdefault(one.kind, []).extend([] if one.number is None else [str(one.number)])
    return ", ".join(" ".join(filter(None, (kind, ", ".join(numbers)))) for kind, numbers in kinds.items())


def text_of(said: ServerMessage) -> str:
    """Its own words, quoted."""
    return f'"{said.text:quoted}"' + (" and other texts" if said.has_other_texts else "") if said.text else ""


def notices_line(said: ServerMessages) -> str:
    """The numbers of the notices; empty if there are none."""
    if not said.notices:
        return ""
    listed = ", ".join(map(str, said.notices))
    return f"{listed} (data farms are connected)" if set(said.notices) <= FARMS_ARE_OK else listed


def markdown_items(
    said: ServerMessages, text: Callable[[str], str], *, with_conversations: bool = False, rows: int = MAX_ROWS
) -> Iterator[str]:
    """For Markdown: an item for each error, and one with the notices. ``text`` masks and escapes a line."""
    for one in said.messages[:rows]:
        about = headline(one, with_conversations=with_conversations)
        line = label(one) + (f" ({about})" if about else "")
        quoted, meaning = text_of(one), f" {one.meaning}" if one.meaning else ""
        yield text(f"{line}: {quoted}{meaning}" if quoted else f"{line}.{meaning}")
    if more := max(0, len(said.messages) - rows) + said.omitted:
        yield f"… {counted(more, 'more error number')}"
    if notices := notices_line(said):
        yield f"advisory: {notices}"
