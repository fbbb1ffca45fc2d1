"""The messages that TWS sends, in the form of each server version.

There are three forms. Below server version 201 a message is text: NUL-terminated fields, the id first. From 201 on the id
is a raw 32-bit integer before the fields. And from 201 to 213 one message after the other got protobuf fields; its id is
then larger by 200. The tables of these versions are in ``ib.names``.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import NamedTuple

from ibsniff.ib import errors, names
from ibsniff.standin import protobuf
from ibsniff.standin.protobuf import Value
from ibsniff.standin.requests import NO_REQUEST, Request

ACCOUNTS = "DU0000001,DU0000002"
"""Stand-ins for two paper accounts, in the form of ``ib.accounts``."""


def frame(payload: bytes) -> bytes:
    """A payload after its length: the form of everything but the legacy protocol."""
    return struct.pack(">I", len(payload)) + payload


def text_fields(*values: Value) -> bytes:
    """Values as NUL-terminated text."""
    return b"".join(str(value).encode() + b"\0" for value in values)


class Message(NamedTuple):
    """One server message. Its values are the text fields after the version, or the protobuf fields from 1 on."""

    id: int
    version: int | None
    """The message's own version field, which only the text form has; None for messages that never had one."""
    values: tuple[Value, ...]

    def encode(self, server_version: int) -> bytes:
        """The payload (without its length) as this server version sends it."""
        if server_version >= names.SERVER_PROTOBUF_SINCE.get(self.id, server_version + 1):
            values = self._error_fields() if self.id == names.ERR_MSG else self.values
            return struct.pack(">I", self.id + names.PROTOBUF_ID_OFFSET) + protobuf.encode(values)
        text = text_fields(*self._text_values(server_version))
        if server_version >= names.PROTOBUF:
            return struct.pack(">I", self.id) + text
        return text_fields(self.id) + text

    def _text_values(self, server_version: int) -> tuple[Value, ...]:
        version = () if self.version is None else (self.version,)
        if self.id != names.ERR_MSG or server_version < names.ADVANCED_ORDER_REJECT:
            return version + self.values
        if server_version < names.ERROR_TIME:
            return (*version, *self.values, "")
        return (*self.values, "", time.time_ns() // 1_000_000)

    def _error_fields(self) -> tuple[Value, ...]:
        request, code, text = self.values
        return (request, time.time_ns() // 1_000_000, code, text)


def version_reply(server_version: int | str, detail: str | None = None) -> bytes:
    """The answer to a hello: version and connection time, always as text; the caller frames it."""
    return text_fields(server_version, detail or time.strftime("%Y%m%d %H:%M:%S UTC", time.gmtime()))


def error(code: int, text: str, request: int = NO_REQUEST) -> Message:
    """ERR_MSG, which is also used for notices."""
    return Message(names.ERR_MSG, 2, (request, code, text))


def ready() -> tuple[Message, ...]:
    """The messages that TWS sends unasked after START_API, in the order seen in field traces."""
    return (
        Message(names.MANAGED_ACCTS, 1, (ACCOUNTS,)),
        Message(names.NEXT_VALID_ID, 1, (1,)),
        error(errors.MARKET_DATA_FARM_OK, "Market data farm connection is OK:usfarm"),
        error(errors.HISTORICAL_FARM_OK, "HMDS data farm connection is OK:ushmds"),
        error(errors.DEFINITION_FARM_OK, "Sec-def data farm connection is OK:secdefil"),
    )


_IDS = {name: number for number, name in names.SERVER_MESSAGES.items()}


def _message(name: str, *values: Value, version: int | None = 1) -> Message:
    return Message(_IDS[name], version, values)


_TICKS = ((1, 187.31), (2, 187.33), (4, 187.32))
"""Tick types bid, ask and last, with invented prices."""


def _tick(request: int, tick_type: int, price: float) -> Message:
    return _message("TICK_PRICE", request, tick_type, price, "100", 0, version=6)


def last_price(request: int) -> Message:
    """A tick, as a stream of market data has many."""
    return _tick(request, *_TICKS[-1])


def _account_download() -> tuple[Message, ...]:
    account = ACCOUNTS.partition(",")[0]
    return (
        _message("ACCT_VALUE", "NetLiquidation", "1000000.00", "USD", account, version=2),
        _message("ACCT_UPDATE_TIME", "09:30"),
        _message("ACCT_DOWNLOAD_END", account),
    )


_ANSWERS: dict[str, Callable[[int], tuple[Message, ...]]] = {
    "REQ_MKT_DATA": lambda number: (
        _message("MARKET_DATA_TYPE", number, 1),
        *(_tick(number, tick_type, price) for tick_type, price in _TICKS),
    ),
    "REQ_OPEN_ORDERS": lambda _: (_message("OPEN_ORDER_END"),),
    "REQ_ALL_OPEN_ORDERS": lambda _: (_message("OPEN_ORDER_END"),),
    "REQ_ACCT_DATA": lambda _: _account_download(),
    "REQ_EXECUTIONS": lambda number: (_message("EXECUTION_DATA_END", number),),
    "REQ_IDS": lambda _: (_message("NEXT_VALID_ID", 1),),
    "REQ_CONTRACT_DATA": lambda number: (
        error(errors.NO_CONTRACT_FOUND, "No security definition has been found for the request", number),
    ),
    "REQ_MANAGED_ACCTS": lambda _: (_message("MANAGED_ACCTS", ACCOUNTS),),
    "REQ_CURRENT_TIME": lambda _: (_message("CURRENT_TIME", int(time.time())),),
    "REQ_POSITIONS": lambda _: (_message("POSITION_END"),),
    "REQ_ACCOUNT_SUMMARY": lambda number: (_message("ACCOUNT_SUMMARY_END", number),),
    "REQ_POSITIONS_MULTI": lambda number: (_message("POSITION_MULTI_END", number),),
    "REQ_ACCOUNT_UPDATES_MULTI": lambda number: (_message("ACCOUNT_UPDATE_MULTI_END", number),),
    "REQ_COMPLETED_ORDERS": lambda _: (_message("COMPLETED_ORDERS_END", version=None),),
}


def answers(request: Request) -> tuple[Message, ...]:
    """The answers to the requests that clients make when they start, and to a few others; empty for the rest."""
    answer = _ANSWERS.get(request.name)
    return answer(request.number) if answer else ()
