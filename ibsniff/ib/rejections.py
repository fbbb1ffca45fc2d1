"""Which errors end the request that they name, and which are only remarks about it."""

from __future__ import annotations

from functools import cache

from ibsniff.ib.errors import ANSWERS_TO_OTHER_MESSAGES, PARTIAL, WARNINGS
from ibsniff.model import Request

REFUSED_CHANGES = frozenset({104, 105})
"""Of those, the ones about a change of an order. An order that had ended before the client placed it again is another
order for the ledger, and is rejected by them."""
ENDS_ACCEPTED_ORDERS = frozenset({201, 202, 203})
"""They end an order that TWS had accepted; other errors then refuse a change or warn of something."""


def rejects(code: int, request: Request) -> bool:
    """Whether an error ends this request, which it names."""
    if code in REFUSED_CHANGES and request.name == "PLACE_ORDER" and not (request.modified or request.answers):
        return True
    if code in WARNINGS or code in ANSWERS_TO_OTHER_MESSAGES or code in PARTIAL:
        return False
    if request.name in ("PLACE_ORDER", "EXERCISE_OPTIONS") and (request.modified or request.answers):
        return code in ENDS_ACCEPTED_ORDERS
    return not _is_only_a_remark(code)


def is_about_orders(code: int) -> bool:
    """Whether only orders get this error."""
    from ibsniff.ib.error_table import ErrorClass, find_error  # noqa: PLC0415  (large, and seldom needed)

    error = find_error(code)
    return error is not None and error.error_class in (ErrorClass.ORDER_REJECTED, ErrorClass.ORDER_CANCELLED)


@cache
def _is_only_a_remark(code: int) -> bool:
    """An advisory, or news about something else than the request: connections, other sessions."""
    from ibsniff.ib.error_table import ErrorClass, find_error  # noqa: PLC0415  (large, and seldom needed)

    error = find_error(code)
    remarks = (
        ErrorClass.ADVISORY,
        ErrorClass.STATUS_NOTICE,
        ErrorClass.CONNECTIVITY,
        ErrorClass.DATA_FARM,
        ErrorClass.SESSION,
    )
    return error is not None and error.error_class in remarks
