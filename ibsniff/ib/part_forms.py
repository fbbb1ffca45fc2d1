"""How the parts of answers are written: what suffices to find the request that one belongs to.

In most sessions nearly every message is a part of an answer: a tick, a bar, a position. Neither lane reads more of one than
its id.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from ibsniff.ib import id_fields, messages, names, protobuf
from ibsniff.ib.request_table import ANSWERS, ORDER_MESSAGES, REQUESTS, WHOLE_UNTIL, AnswerTo
from ibsniff.model import Side


def _is_part(name: str) -> bool:
    """Whether a server message is never more than a part of an answer, and has its id in the usual place."""
    if name in WHOLE_UNTIL or name in ORDER_MESSAGES:
        return False
    answers = ANSWERS.get(name, ())
    return bool(answers) and all(not one.is_end or REQUESTS[one.request].part_is_whole for one in answers)


PART_NAMES = frozenset(filter(_is_part, names.SERVER_MESSAGES.values()))


class PartForm(NamedTuple):
    """One form of one of these messages, at one server version."""

    answers: tuple[AnswerTo, ...]
    start: int
    """Where its first field begins, after the id of the message."""
    is_protobuf: bool
    has_id: bool
    has_version_field: bool
    """Before the id, in text."""

    def id_in(self, fields: bytes) -> int | None:
        """The id among the fields of a message of this form; None if there is nothing that is an id."""
        if self.is_protobuf:
            return protobuf.first_integer(fields)
        found = fields.split(b"\0", 2)
        if self.has_version_field:
            del found[0]
        return id_fields.parse_id(found[0]) if len(found) > 1 else None


@cache
def part_forms(server_version: int | None) -> dict[bytes, PartForm]:
    """The bytes of a message id -> how a part that begins with them is written."""
    return {
        head: _form(name, head, server_version)
        for head, name in messages.COUNTED_NAMES[Side.SERVER].items()
        if name in PART_NAMES
    }


def _form(name: str, head: bytes, server_version: int | None) -> PartForm:
    number, is_raw, is_protobuf, _ = messages.split_payload(head)
    has_id = number is not None and number not in id_fields.WITHOUT_ID[Side.SERVER]
    has_version_field = number is not None and id_fields.has_version_field(Side.SERVER, number, is_raw, server_version)
    return PartForm(ANSWERS[name], len(head), is_protobuf, has_id, has_version_field and not is_protobuf)
