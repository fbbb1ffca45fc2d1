"""Which findings follow from another one, and are no problems of their own.

A restart explains the connection attempts that were refused meanwhile, a full accept queue the connections that wait in it.
The table says which finding explains which others, and where: only there are they its consequences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from typing import NamedTuple

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Conversation, Fault, Finding


class Where(Enum):
    """Where the findings stand that another one explains."""

    SAME_CONVERSATION = auto()
    LISTED = auto()
    """In the conversations that the finding lists."""
    SAME_CLIENT = auto()
    """In all connections between the same two machines to the same port."""
    SAME_SERVER = auto()
    """In all connections to the same servers."""
    SAME_SERVER_LATER = auto()
    """In the connections to the same server that began later."""
    OUTAGES = auto()
    """In the connections that failed or ended while that server served nobody."""


class Explains(NamedTuple):
    """A row of the table."""

    where: Where
    codes: frozenset[str]
    fault: Fault | None = None
    """It explains them only if this is its fault."""


NOT_CONNECTED = frozenset({"IBS101", "IBS102", "IBS103", "IBS104", "IBS105", "IBS106", "IBS107"})
"""The connection was not established, or ended at once."""

NOT_ANSWERED = frozenset({"IBS301", "IBS302", "IBS303", "IBS304", "IBS305", "IBS307", "IBS314"})
"""A hello was not answered."""

NOT_READY = frozenset({"IBS310", "IBS311", "IBS312", "IBS315"})
"""The session did not become ready."""

OVERDUE = frozenset({"IBS408", "IBS422", "IBS424"})
"""Something that the server should have sent in a session did not come."""

SESSION_LOST = frozenset({"IBS405", "IBS409", "IBS416", "IBS417"})
"""The session ended, or one side is gone."""

TABLE: dict[str, tuple[Explains, ...]] = {
    "IBS107": (Explains(Where.SAME_SERVER, frozenset({"IBS405"})),),
    "IBS303": (Explains(Where.SAME_SERVER, frozenset({"IBS301", "IBS302"}), Fault.TWS_STATE),),
    "IBS403": (Explains(Where.SAME_CONVERSATION, frozenset({"IBS410"}) | OVERDUE),),
    "IBS405": (Explains(Where.SAME_CONVERSATION, OVERDUE),),
    "IBS407": (Explains(Where.SAME_SERVER_LATER, frozenset({"IBS101", "IBS102"})),),
    "IBS409": (
        Explains(Where.SAME_CONVERSATION, OVERDUE),
        Explains(Where.SAME_SERVER_LATER, NOT_ANSWERED | {"IBS106"}, Fault.TWS_STATE),
    ),
    "IBS416": (Explains(Where.SAME_CONVERSATION, OVERDUE | {"IBS405", "IBS409"}),),
    "IBS417": (Explains(Where.SAME_CONVERSATION, OVERDUE | {"IBS405", "IBS409"}),),
    "IBS501": (Explains(Where.SAME_SERVER, NOT_CONNECTED | {"IBS304", "IBS305"}),),
    "IBS502": (Explains(Where.LISTED, frozenset({"IBS201", "IBS301", "IBS302"})),),
    "IBS503": (
        Explains(Where.LISTED, NOT_CONNECTED | NOT_ANSWERED | {"IBS201"}),
        Explains(Where.SAME_SERVER, OVERDUE | {"IBS409"}),
    ),
    "IBS504": (
        Explains(Where.LISTED, NOT_CONNECTED | NOT_ANSWERED | {"IBS201", "IBS503", "IBS508"}),
        Explains(Where.SAME_SERVER, OVERDUE | {"IBS409"}),
    ),
    "IBS505": (Explains(Where.SAME_CLIENT, NOT_ANSWERED),),
    "IBS506": (
        Explains(Where.SAME_CLIENT, frozenset({"IBS310", "IBS311"})),
        Explains(Where.LISTED, SESSION_LOST | OVERDUE),
    ),
    "IBS507": (Explains(Where.OUTAGES, NOT_CONNECTED | NOT_ANSWERED | NOT_READY | SESSION_LOST | OVERDUE),),
    "IBS510": (Explains(Where.SAME_SERVER, NOT_ANSWERED | {"IBS311", "IBS312"}),),
}
"""By the code of the finding that explains."""

Place = tuple[object, ...]
"""Where a finding stands: a conversation, a server, or a client and a server; each with the code."""


class Explanation(NamedTuple):
    """A finding that explains others, and the conversation in which it stands; None if it is about several."""

    finding: Finding
    conversation: Conversation | None


class Explanations:
    """The findings of one capture that explain others."""

    def __init__(self, index: CaptureIndex, shared: Sequence[Finding]) -> None:
        """``shared`` are the findings about several conversations; the others stand in the conversations of the index."""
        self._by_id = index.by_id
        self._places: dict[Place, Explanation] = {}
        self._later: dict[Place, tuple[int, Explanation]] = {}
        self._firsts: dict[int, Finding] = {}
        """By the ``id`` of a finding that stands in one of those, and so lives as long."""
        for finding in shared:
            concerned = [self._by_id[name] for name in finding.conversations if name in self._by_id]
            self._add(Explanation(finding, None), concerned, index)
        for one in index.conversations:
            for finding in one.findings:
                self._add(Explanation(finding, one), [one], index)

    def of(self, finding: Finding, conversation: Conversation) -> Finding | None:
        """The finding that explains this one of a conversation; None if it is a problem of its own."""
        for place in _places(finding.code, conversation):
            if (explains := self._places.get(place)) is not None and explains.finding != finding:
                return self._first(explains)
        since, later = self._later.get((conversation.connection.server, finding.code), (0, None))
        began_ns = conversation.connection.first.time_ns
        return self._first(later) if later is not None and began_ns > since else None

    def of_shared(self, finding: Finding) -> Finding | None:
        """The same for a finding about several conversations."""
        for name in finding.conversations:
            if name in self._by_id and (explains := self.of(finding, self._by_id[name])) is not None:
                return explains
        return None

    def _first(self, explains: Explanation) -> Finding:
        """The finding at the beginning: one that explains may itself be explained. It is looked for once."""
        finding, conversation = explains
        if id(finding) not in self._firsts:
            above = self.of_shared(finding) if conversation is None else self.of(finding, conversation)
            self._firsts[id(finding)] = finding if above is None else above
        return self._firsts[id(finding)]

    def _add(self, explains: Explanation, concerned: list[Conversation], index: CaptureIndex) -> None:
        for row in TABLE.get(explains.finding.code, ()):
            if row.fault not in (None, explains.finding.fault):
                continue
            for one in _standing(row.where, concerned, index):
                self._note(row, explains, one)

    def _note(self, row: Explains, explains: Explanation, one: Conversation) -> None:
        for code in row.codes:
            by_client, by_conversation, by_server = _places(code, one)
            match row.where:
                case Where.SAME_SERVER:
                    self._places.setdefault(by_server, explains)
                case Where.SAME_CLIENT:
                    self._places.setdefault(by_client, explains)
                case Where.SAME_SERVER_LATER:
                    self._later.setdefault(by_server, (one.connection.first.time_ns, explains))
                case _:
                    self._places.setdefault(by_conversation, explains)


def _places(code: str, one: Conversation) -> tuple[Place, Place, Place]:
    """Where a finding with this code stands, the place that says most first: what is wrong between these two machines."""
    connection = one.connection
    return (connection.client.address, connection.server, code), (one.id, code), (connection.server, code)


def _standing(where: Where, concerned: Iterable[Conversation], index: CaptureIndex) -> Iterator[Conversation]:
    """The conversations that stand for the place."""
    if where is not Where.OUTAGES:
        yield from concerned
        return
    servers = {one.connection.server for one in concerned}
    for _, outages in index.outages:
        for outage in outages:
            if outage.server in servers:
                yield from (*outage.ended, *outage.failed)
