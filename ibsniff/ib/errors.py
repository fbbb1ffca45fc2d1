"""IB's error numbers: what each one means, what kind of problem it is, and who must act.

TWS sends errors, warnings and plain notices in one message (ERR_MSG). Client libraries report problems of their own with
numbers of the same kind, and operating systems have numbers that look alike: those are in the table too, because
people look them up, and are marked as never sent by TWS. A number alone does not always decide who must act; then the
table says so.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import NamedTuple

from ibsniff.model import Fault

# The numbers that the program itself knows by name

MESSAGE_RATE_EXCEEDED = 100
REQUEST_NOT_READABLE = 320
REQUEST_REFUSED = 321
"""Also what an API in Read-Only mode answers to requests about orders; then its text says so."""
READ_ONLY_TEXT = "read-only"
"""In the lower-cased text of ``REQUEST_REFUSED`` when the API is in Read-Only mode."""
CLIENT_ID_IN_USE = 326

IB_CONNECTION_LOST = 1100
IB_CONNECTION_RESTORED_DATA_LOST = 1101
IB_CONNECTION_RESTORED_DATA_KEPT = 1102
IB_CONNECTION_BROKEN = 2110
API_PORT_CHANGED = 1300

MARKET_DATA_FARM_BROKEN, MARKET_DATA_FARM_OK = 2103, 2104
HISTORICAL_FARM_BROKEN, HISTORICAL_FARM_OK, HISTORICAL_FARM_IDLE = 2105, 2106, 2107
DEFINITION_FARM_BROKEN, DEFINITION_FARM_OK = 2157, 2158

NO_CONTRACT_FOUND = 200
MARKET_DATA_NOT_SUBSCRIBED_FOR_API = 10089
COMPETING_SESSION = 10197

NOTICES: frozenset[int] = frozenset({1101, 1102, 2100, 2104, 2106, 2107, 2108, 2119, 2158})
"""Numbers that are sent as errors but report a state that is well."""


class ErrorClass(StrEnum):
    """What kind of problem an error number reports."""

    SESSION = "session"
    """This client's place beside other clients and logins."""
    PACING = "pacing"
    """More messages or subscriptions than are allowed."""
    CONNECTIVITY = "connectivity"
    """Between TWS and IB's servers."""
    DATA_FARM = "data farm"
    """One of IB's groups of data servers."""
    STATUS_NOTICE = "status notice"
    """Not an error: ``NOTICES``."""
    TWS_SETTING = "TWS setting"
    REQUEST_INVALID = "request invalid"
    CONTRACT = "contract"
    MARKET_DATA = "market data"
    PERMISSION = "permission"
    """What the account may do or has subscribed to."""
    ORDER_REJECTED = "order rejected"
    ORDER_CANCELLED = "order cancelled"
    ADVISORY = "advisory"
    """A remark on a request or an order that may well go on."""
    CLIENT_LIBRARY = "client library"
    """Made by the client library itself; never sent by TWS."""
    OPERATING_SYSTEM = "operating system"
    """Made by the client's operating system; never sent by TWS."""


class ErrorNumber(NamedTuple):
    """One row of the table."""

    code: int
    meaning: str
    """One sentence."""
    error_class: ErrorClass
    fault: Fault
    """Who must act; ``UNDETERMINED`` when the number alone does not decide it."""
    source: str
    """Where this meaning was taken from."""

    @property
    def is_sent_by_tws(self) -> bool:
        """Whether the number is ever on the wire."""
        return self.error_class not in (ErrorClass.CLIENT_LIBRARY, ErrorClass.OPERATING_SYSTEM)


def find_error(code: int) -> ErrorNumber | None:
    """Look up an error number; None when it is not known."""
    return all_errors().get(code)


@cache
def all_errors() -> dict[int, ErrorNumber]:
    """All known error numbers by code. Built at first use: most runs need none."""
    from ibsniff.ib import error_table  # noqa: PLC0415  (400 sentences)

    numbers = [
        ErrorNumber(code, meaning, ErrorClass(error_class), Fault(fault), source)
        for error_class, fault, source, meanings in error_table.GROUPS
        for code, meaning in meanings.items()
    ]
    numbers += [
        ErrorNumber(
            code,
            error_table.NOT_SENT.format(request),
            ErrorClass.CLIENT_LIBRARY,
            Fault.UNDETERMINED,
            error_table.IB_CLIENTS,
        )
        for code, request in error_table.REQUESTS_NOT_SENT.items()
    ]
    return {number.code: number for number in sorted(numbers)}
