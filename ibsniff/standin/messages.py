"""What TWS says, in the form each server version gives it.

There have been three eras. Below server version 201 a message is text: fields, each ended by a NUL, the id first.
From 201 the id stands in front as a raw 32-bit integer. And message by message, from 201 to 213, the fields became
protobuf, which shows in the id: it grows by 200. The tables that say when are in ``ib.names``.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import NamedTuple

from ibsniff.ib import names
from ibsniff.standin import protobuf
from ibsniff.standin.protobuf import Value
from ibsniff.standin.requests import NO_REQUEST, Request

ACCOUNTS = "DU0000001,DU0000002"
"""Stand-ins for two paper accounts, in the form of ``ib.accounts``."""


def frame(payload: bytes) -> bytes:
    """A payload behind its length, as everything but the legacy dialect travels."""
    return struct.pack(">I", len(payload)) + payload


def text_fields(*values: Value) -> bytes:
    """Values as text, each ended by a NUL."""
    return b"".join(str(value).encode() + b"\0" for value in values)


class Message(NamedTuple):
    """One server message. Its values are the text fields behind the version, and the protobuf fields from 1 on."""

    id: int
    version: int | None
    """The message's own version field, which only the text form carries; None for messages born without."""
    values: tuple[Value, ...]

    def encode(self, server_version: int) -> bytes:
        """The payload (no length in front) as this server version sends it."""
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
    """What answers a hello: the version and the connection time; always text, and framed by the caller."""
    return text_fields(server_version, detail or time.strftime("%Y%m%d %H:%M:%S UTC", time.gmtime()))


def error(code: int, text: str, request: int = NO_REQUEST) -> Message:
    """ERR_MSG, which carries notices as well."""
    return Message(names.ERR_MSG, 2, (request, code, text))


def ready() -> tuple[Message, ...]:
    """What TWS says of its own accord after START_API; the order was seen in field traces."""
    return (
        Message(names.MANAGED_ACCTS, 1, (ACCOUNTS,)),
        Message(names.NEXT_VALID_ID, 1, (1,)),
        error(2104, "Market data farm connection is OK:usfarm"),
        error(2106, "HMDS data farm connection is OK:ushmds"),
        error(2158, "Sec-def data farm connection is OK:secdefil"),
    )


_IDS = {name: number for number, name in names.SERVER_MESSAGES.items()}


def _say(name: str, *values: Value, version: int | None = 1) -> Message:
    return Message(_IDS[name], version, values)


_TICKS = ((1, 187.31), (2, 187.33), (4, 187.32))
"""Tick types bid, ask and last, with invented prices."""


def _tick(request: int, tick_type: int, price: float) -> Message:
    return _say("TICK_PRICE", request, tick_type, price, "100", 0, version=6)


def last_price(request: int) -> Message:
    """A tick of the kind a stream is made of."""
    return _tick(request, *_TICKS[-1])


def _account_download() -> tuple[Message, ...]:
    account = ACCOUNTS.partition(",")[0]
    return (
        _say("ACCT_VALUE", "NetLiquidation", "1000000.00", "USD", account, version=2),
        _say("ACCT_UPDATE_TIME", "09:30"),
        _say("ACCT_DOWNLOAD_END", account),
    )


_ANSWERS: dict[str, Callable[[int], tuple[Message, ...]]] = {
    "REQ_MKT_DATA": lambda number: (
        _say("MARKET_DATA_TYPE", number, 1),
        *(_tick(number, tick_type, price) for tick_type, price in _TICKS),
    ),
    "REQ_OPEN_ORDERS": lambda _: (_say("OPEN_ORDER_END"),),
    "REQ_ALL_OPEN_ORDERS": lambda _: (_say("OPEN_ORDER_END"),),
    "REQ_ACCT_DATA": lambda _: _account_download(),
    "REQ_EXECUTIONS": lambda number: (_say("EXECUTION_DATA_END", number),),
    "REQ_IDS": lambda _: (_say("NEXT_VALID_ID", 1),),
    "REQ_CONTRACT_DATA": lambda number: (error(200, "No security definition has been found for the request", number),),
    "REQ_MANAGED_ACCTS": lambda _: (_say("MANAGED_ACCTS", ACCOUNTS),),
    "REQ_CURRENT_TIME": lambda _: (_say("CURRENT_TIME", int(time.time())),),
    "REQ_POSITIONS": lambda _: (_say("POSITION_END"),),
    "REQ_ACCOUNT_SUMMARY": lambda number: (_say("ACCOUNT_SUMMARY_END", number),),
    "REQ_POSITIONS_MULTI": lambda number: (_say("POSITION_MULTI_END", number),),
    "REQ_ACCOUNT_UPDATES_MULTI": lambda number: (_say("ACCOUNT_UPDATE_MULTI_END", number),),
    "REQ_COMPLETED_ORDERS": lambda _: (_say("COMPLETED_ORDERS_END", version=None),),
}


def answers(request: Request) -> tuple[Message, ...]:
    """What TWS answers to what clients ask when they start, and to a little more; empty when it answers nothing."""
    answer = _ANSWERS.get(request.name)
    return answer(request.number) if answer else ()
