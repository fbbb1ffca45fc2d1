"""TWS lost the subscriptions to market data, and the client has not made them again.

Seen: error 1101 in a session with open subscriptions to market data (quotes, depth, bars, ticks), and for 10 s or longer
neither a tick for them nor as many new subscriptions of the same kind.
Meaning: TWS was cut off from IB, and when it came back, IB's servers did not know these subscriptions any more. The
connection works, and no data will come until the program asks for it again.
How sure: TWS says that the data is lost, and everybody who subscribes can see that nothing comes: medium. Low when some
were made again, as the program may not need the others any more; and where the capture joined a session that brought data,
and in which nothing was subscribed to.
Sources: IB's API documentation (message codes 1101 and 1102).
What else: after 1102 TWS has kept the subscriptions. A program that connects anew and subscribes there has made them again.
What to do: on error 1101, cancel all subscriptions to market data and make them again.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.subscriptions import (
    LostSubscriptions,
    lost_before_capture,
    lost_subscriptions,
    subscribed_again_later,
)
from ibsniff.formatting import counted, duration
from ibsniff.model import Confidence, Conversation, Fault, Severity, WireError
from ibsniff.rules.registry import Statement, cited, conversation_rule
from ibsniff.timeline.asked import name_of

MAX_NAMED = 4
"""Ids named in the sentence."""


@conversation_rule(Severity.WARNING, rests_on_absence=True)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """1101 came, and the subscriptions of before are not there any more."""
    found = lost_subscriptions(conversation)
    if found is None and (before := lost_before_capture(conversation)) is not None:
        return _before_capture(conversation, index, *before)
    if found is None or any(one.may_have_missed for one in found.lost):
        return None
    if subscribed_again_later(conversation, index.conversations):
        return None
    return Statement(
        f"TWS lost {counted(len(found.lost), 'subscription')} to market data when it was cut off from IB (error 1101), and "
        f"{_what_was_done(found)}.",
        Fault.CLIENT,
        Confidence.LOW if found.again else Confidence.MEDIUM,
        packets=(
            found.said.moment.packet,
            *(
                cited(conversation, one.asked, f"asked {name_of(one)}: nothing came for it after the error")
                for one in found.lost[:MAX_NAMED]
            ),
        ),
        remedy=f"Let the program make its subscriptions again whenever it receives error 1101: here {_named(found)}.",
    )


def _before_capture(conversation: Conversation, index: CaptureIndex, said: WireError, since: float) -> Statement | None:
    """What was subscribed to before the capture began was lost, and nothing was subscribed to since then."""
    if subscribed_again_later(conversation, index.conversations):
        return None
    return Statement(
        "TWS lost the subscriptions to market data when it was cut off from IB (error 1101), and within "
        f"{duration(since)} the client made none again. They were made before the capture began, so which they are is not "
        "known.",
        Fault.CLIENT,
        Confidence.LOW,
        packets=(said.moment.packet,),
        remedy="Let the program make its subscriptions again whenever it receives error 1101. Look whether its quotes still "
        "move.",
    )


def _what_was_done(found: LostSubscriptions) -> str:
    since = f"within {duration(found.seconds)}"
    if found.again:
        return f"{since} the client made only {found.again:,} again"
    return f"{since} the client did not make {'it' if len(found.lost) == 1 else 'them'} again: no data comes"


def _named(found: LostSubscriptions) -> str:
    names = [f"{one.name} {one.number}" for one in found.lost]
    more = f" and {counted(len(names) - MAX_NAMED, 'other')}" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
