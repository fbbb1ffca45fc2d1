"""Which part of a capture a command shows: the same options, with the same meaning, in every command that has them."""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime, time
from fnmatch import fnmatchcase
from typing import Annotated, NamedTuple

import typer

from ibsniff.analysis.narrowing import Narrowing
from ibsniff.cli.usage import usage
from ibsniff.clock import UTC_CLOCK, Clock
from ibsniff.model import (
    NANOSECONDS,
    Connection,
    Conversation,
    Endpoint,
    InputFacts,
    Outcome,
    Side,
)

RELATIVE = re.compile(r"\+(\d{1,12}(?:\.\d{1,9})?)(ms|s|min|h|d)?")
"""A time after the beginning of the capture."""
UNITS = {"ms": 0.001, None: 1, "s": 1, "min": 60, "h": 3600, "d": 86_400}
TIME_OF_DAY = re.compile(r"(\d{1,2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?")

ConversationOption = Annotated[
    list[str] | None,
    typer.Option("--conversation", metavar="cN", help="Only this conversation, numbered as in reports; repeatable."),
]
ClientOption = Annotated[
    str | None, typer.Option("--client", metavar="IP[:PORT]", help="Only conversations of this client.")
]
ServerOption = Annotated[
    str | None, typer.Option("--server", metavar="IP[:PORT]", help="Only conversations with this server.")
]
SideOption = Annotated[Side | None, typer.Option("--side", help="Only what this side sent.")]
RequestOption = Annotated[
    int | None, typer.Option("--request", metavar="ID", help="Only what belongs to this request id or order id.")
]
NameOption = Annotated[
    str | None,
    typer.Option("--name", metavar="PATTERN", help="Only messages with this name, such as REQ_MKT_DATA or 'REQ_*'."),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="TIME",
        help="Not before this time: 09:30 (on the first day), '2026-01-05 09:30', or +90s after the beginning. "
        "It is local time as on the screen (UTC with --utc), unless it names a zone: 2026-01-05T09:30:00Z.",
    ),
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Not after this time.")]


class EndpointPattern(NamedTuple):
    """An address, with or without a port."""

    address: bytes
    port: int | None

    def matches(self, endpoint: Endpoint) -> bool:
        """Tell whether this is that endpoint, or one at that address."""
        return endpoint.address == self.address and self.port in (None, endpoint.port)


class TimeLimit(NamedTuple):
    """A moment that may depend on when the capture begins."""

    moment_ns: int | None = None
    after_beginning_ns: int | None = None
    of_day: time | None = None
    clock: Clock = UTC_CLOCK
    """By which a time of day is read."""

    def at(self, beginning_ns: int) -> int:
        """Nanoseconds since 1970, for a capture that begins then."""
        if self.moment_ns is not None:
            return self.moment_ns
        if self.of_day is not None:
            return self.clock.read_time_of_day(self.of_day, beginning_ns)
        return beginning_ns + (self.after_beginning_ns or 0)


class Filters(NamedTuple):
    """What the user chose; what is None leaves everything."""

    conversations: frozenset[str] | None = None
    client: EndpointPattern | None = None
    server: EndpointPattern | None = None
    side: Side | None = None
    request: int | None = None
    name: str | None = None
    since: TimeLimit | None = None
    until: TimeLimit | None = None

    def takes_conversation(self, name: str, connection: Connection) -> bool:
        """Tell whether this conversation is chosen; ``name`` is its id, as ``c1``."""
        return (
            (self.conversations is None or name in self.conversations)
            and (self.client is None or self.client.matches(connection.client))
            and (self.server is None or self.server.matches(connection.server))
        )

    def takes(self, conversation: Conversation, facts: InputFacts) -> bool:
        """Tell whether a conversation of this input is chosen: also by its time, in which it must have been active."""
        return self.takes_conversation(conversation.id, conversation.connection) and (
            (self.since is None or _active_until_ns(conversation) >= self.since.at(facts.first_time_ns or 0))
            and (self.until is None or conversation.connection.first.time_ns <= self.until.at(facts.first_time_ns or 0))
        )

    def takes_request(self, number: int | None, name: str) -> bool:
        """Tell whether a request, or a message that belongs to one, is chosen by its id and name."""
        return self.request in (None, number) and (self.name is None or fnmatchcase(name, self.name.upper()))

    def takes_time(self, time_ns: int, beginning_ns: int) -> bool:
        """Tell whether that moment lies within the chosen time of a capture that begins then."""
        return (self.since is None or time_ns >= self.since.at(beginning_ns)) and (
            self.until is None or time_ns <= self.until.at(beginning_ns)
        )


def _active_until_ns(conversation: Conversation) -> int:
    """When a conversation was last active: one that was not closed is so until the end of the capture."""
    connection = conversation.connection
    is_over = connection.ended is not None or conversation.outcome in (Outcome.REFUSED, Outcome.UNREACHABLE)
    return connection.last.time_ns if is_over else max(connection.last.time_ns, conversation.watched_until_ns)


def filters_of(
    conversations: list[str] | None,
    client: str | None,
    server: str | None,
    since: str | None,
    until: str | None,
    clock: Clock,
) -> Filters:
    """What these options choose. Raises UserError for what cannot be understood."""
    return Filters(
        conversations=parse_conversations(conversations),
        client=parse_endpoint("--client", client),
        server=parse_endpoint("--server", server),
        since=parse_time("--from", since, clock),
        until=parse_time("--to", until, clock),
    )


def narrowing_of(
    conversations: list[str] | None,
    client: str | None,
    server: str | None,
    since: str | None,
    until: str | None,
    clock: Clock,
) -> Narrowing | None:
    """What a report is restricted to by these options; None without any. Raises UserError for what cannot be understood."""
    filters = filters_of(conversations, client, server, since, until, clock)
    named = [("--conversation", name) for name in conversations or ()]
    given = [*named, ("--client", client), ("--server", server), ("--from", since), ("--to", until)]
    options = " ".join(f"{option} {value}" for option, value in given if value is not None)
    return Narrowing(filters.takes, options) if options else None


def parse_conversations(names: list[str] | None) -> frozenset[str] | None:
    """Understand ``c1``. Raises UserError for anything else."""
    for name in names or ():
        if not re.fullmatch(r"c[1-9]\d{0,8}", name):
            raise usage(f"--conversation {name}: no conversation is called that", "Give its id in the report, as c1")
    return frozenset(names) if names else None


def parse_endpoint(option: str, text: str | None) -> EndpointPattern | None:
    """Understand ``192.168.1.20``, ``192.168.1.20:7497``, ``::1`` and ``[::1]:7497``. Raises UserError for anything else."""
    if text is None:
        return None
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::(\d{1,5}))?", text)
    plain = re.fullmatch(r"([^:]+)(?::(\d{1,5}))?", text)
    address, port = bracketed.groups() if bracketed else plain.groups() if plain else (text, None)
    try:
        found = EndpointPattern(ipaddress.ip_address(address).packed, int(port) if port else None)
    except ValueError:
        found = None
    if found is None or (found.port or 0) > 0xFFFF:
        raise usage(f"{option} {text}: not an address", "Give 192.168.1.20, 192.168.1.20:7497 or [::1]:7497")
    return found


def parse_time(option: str, text: str | None, clock: Clock) -> TimeLimit | None:
    """Understand a date and time (of this clock unless it names a zone), a time of day, or a time after the beginning.

    Raises UserError for anything else.
    """
    if text is None:
        return None
    if match := RELATIVE.fullmatch(text):
        return TimeLimit(after_beginning_ns=round(float(match[1]) * UNITS[match[2]] * NANOSECONDS))
    try:
        if TIME_OF_DAY.fullmatch(text):
            return TimeLimit(of_day=time.fromisoformat(text.zfill(len(text) + (text[1] == ":"))), clock=clock)
        return TimeLimit(clock.read(datetime.fromisoformat(text)))
    except (ValueError, OverflowError, OSError):
        what_to_do = "Give a time, as 09:30 or 2026-01-05T09:30:00Z, or one after the beginning, as +90s"
        raise usage(f"{option} {text}: not a time", what_to_do) from None
