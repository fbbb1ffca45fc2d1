"""TWS rejected a request.

Seen: an error that names a request (market data, history, a contract ...) and ends it.
Meaning: the connection works, and TWS has answered: nothing else will come for this request. A program that drops the
error waits until it reports a timeout, although the answer came within milliseconds.
How sure: TWS says so itself. Who must act follows from the number of the error: the request (200: no such contract, 321),
or the account: medium. High where the error names the very cause (354, 10089: no subscription to the market data).
Undetermined and low when the number leaves it open
(162: too many requests, or no permission), when several errors differ in it, and when TWS could not reach IB at
that time.
Sources: IB's API documentation (message codes); QuantConnect Lean.Brokerages.InteractiveBrokers, pull request 248 (of 27
timeouts, IB had answered 25 within milliseconds).
What else: remarks on a request that goes on are no rejection: 10167 and 10091 announce delayed or partial data, and after
10089 delayed ticks may follow. 162 "HMDS query returned no data" is an answer: there is none. Errors 100, 320 and a Read-Only API have rules of their own.
What to do: read the text of the error; pass errors on to whoever waits for the answer.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.rejections import rejections
from ibsniff.model import Conversation, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.rejections import rejected_statement


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """An error ended a request that is no order."""
    found = rejections(conversation, orders=False)
    return rejected_statement(conversation, found, "request", index) if found else None
