"""Who is who: the programs that connected, what they connected to, a relay between them, and who holds a client id.

A program is recognised by its address, its kind of hello and its client id: a bot that reconnects is one program, however
many connections it makes. A library is a guess from the versions in the hello, and a port says only what usually listens there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ibsniff.facts.network_path import System, client_system, network_path, system
from ibsniff.facts.relay_legs import legs
from ibsniff.facts.server_clock import ServerClock, server_clock
from ibsniff.ib import errors
from ibsniff.ib.names import DEFAULT_PORTS, RELAY_PORTS
from ibsniff.model import Connection, Conversation, Dialect, Endpoint, Hello, Report, WireText
from ibsniff.timeline.dialogues import guessed_library

MAX_PROGRAMS, MAX_SERVERS, MAX_RELAYS, MAX_HOLDERS = 8, 8, 4, 4
"""Of each kind that are told: with more, the conversations tell more than a list."""
MAX_NAMED = 4
"""Conversations, addresses or versions named of one of them."""
LOOPBACK = "loopback"
"""Stands for all loopback addresses: a program that tries localhost over IPv6 and then over IPv4 is one program."""
SHARED_CLIENT_ID = "IBS506"
"""The finding that says which conversation held the client id that another one asked for."""


class Program(NamedTuple):
    """One program that connected, as far as the packets tell programs apart."""

    address: str
    port: int | None
    """The port it connected from; None if it made several connections."""
    same_machine: bool
    """It runs on the machine of the server; or this is not known to be so."""
    system: str
    """The operating system, if the packets show it; usually empty."""
    speaks: str
    """``ib_async 2.x, or a fork?``; ``HTTP`` if that is what it sent; empty if it sent no hello."""
    client_ids: tuple[int, ...]
    conversations: tuple[str, ...]
    """The first of its conversations."""
    conversation_count: int
    """How many there are."""
    may_be_several: bool
    """One of its conversations was refused because another one held its client id: these may be two programs."""
    servers: tuple[Endpoint, ...]
    """What it connected to."""
    is_one_of_others: bool
    """Attempts that sent no client id: they belong to one or several of the other programs of this address."""


class Server(NamedTuple):
    """What the programs connected to."""

    endpoint: Endpoint
    is_tws: bool
    """It answered as only TWS and IB Gateway do."""
    service: str
    """The protocol of a server that is none of these, as ``HTTP``; else empty."""
    usual: str
    """What usually listens on that port, as ``TWS, paper trading``; empty for other ports."""
    versions: tuple[int, ...]
    """Server versions that it stated."""
    redirects_to: WireText | None
    clock: ServerClock | None
    """The time and zone that it stated last."""
    system: str
    reached_through: str
    """What kind of machine answered, if the packets show more than its address."""


class Relay(NamedTuple):
    """A program that passes connections on."""

    endpoint: Endpoint
    """Where it listens."""
    behind: Endpoint
    """What it connects to."""
    outer: str
    inner: str
    """The ids of the first pair of conversations: the one that it accepted, and the one that it made for it."""


class IdHolder(NamedTuple):
    """Who held the client id that a conversation asked for."""

    client_id: int | None
    asked_by: str
    """The conversation that was rejected."""
    held_by: str | None
    """The conversation that held the id; None if it is not in the capture."""
    client: Endpoint | None
    """Of that conversation."""
    speaks: str
    """Its library, as far as its hello tells."""


class Participants(NamedTuple):
    """Everybody in a report, or in one conversation."""

    programs: tuple[Program, ...]
    servers: tuple[Server, ...]
    relays: tuple[Relay, ...]
    holders: tuple[IdHolder, ...]
    one_machine: bool | None
    """Whether both ends of every connection are the same machine; None if of some only, or if there are none."""
    system: str
    """The operating system of that one machine, if the packets show it."""
    omitted: int
    """Programs and servers beyond those that are kept."""


def participants(report: Report) -> Participants:
    """Everybody who takes part in the conversations of a report."""
    return participants_of(report.conversations, report)


def participants_of(conversations: Sequence[Conversation], report: Report) -> Participants:
    """Everybody who takes part in these conversations of a report: its other conversations may hold the client id."""
    relayed = {inner.id: outer for each in _by_input(conversations) for outer, inner in legs(each)}
    inner_legs = [one for one in conversations if one.id in relayed]
    from_clients = [one for one in conversations if one.id not in relayed]
    relays = _relays(inner_legs, relayed)
    programs = _programs(from_clients)
    servers = _servers(conversations, {relay.endpoint for relay in relays})
    same = {one.connection.same_host for one in from_clients}
    return Participants(
        programs=tuple(programs[:MAX_PROGRAMS]),
        servers=tuple(servers[:MAX_SERVERS]),
        relays=tuple(relays[:MAX_RELAYS]),
        holders=tuple(_holders(conversations, report))[:MAX_HOLDERS],
        one_machine=True in same if len(same) == 1 else None,
        system=_common(system(one.connection) for one in from_clients) if same == {True} else "",
        omitted=max(0, len(programs) - MAX_PROGRAMS) + max(0, len(servers) - MAX_SERVERS),
    )


def _by_input(conversations: Iterable[Conversation]) -> Iterable[list[Conversation]]:
    found: dict[int, list[Conversation]] = {}
    for one in conversations:
        found.setdefault(one.input, []).append(one)
    return found.values()


# ---------------------------------------------------------------------------------------------------------------
# Programs


def _programs(conversations: Sequence[Conversation]) -> list[Program]:
    """One for each address, kind of hello and client id; attempts without a hello belong to the only one of their address."""
    groups: Groups = {}
    for one in conversations:
        start = one.dialogue.start
        address = LOOPBACK if one.connection.client.is_loopback else one.connection.client.ip
        key = address, what_it_speaks(one.dialogue.hello), start.client_id if start else None
        groups.setdefault(key, []).append(one)
    if len(_adopted(groups)) > MAX_PROGRAMS:
        groups = _without_ids(groups)
    adopted = _adopted(groups)
    with_id = {address for address, _, client_id in adopted if client_id is not None}
    own = {key: group for key, group in adopted.items() if _is_own(key, with_id)}
    others: Groups = {}
    for key, group in adopted.items():
        if key not in own:
            others.setdefault((key[0], "", None), []).extend(group)
    known = [_program(group, key[1]) for key, group in own.items()]
    return [*known, *(_program(group, "", is_one_of_others=True) for group in others.values())]


def _is_own(key: Key, with_id: set[str]) -> bool:
    """Tell whether a group is a program of its own: it sent a client id, or something that the others did not send."""
    address, speaks, client_id = key
    return client_id is not None or address not in with_id or speaks.startswith(NO_LIBRARY)


Kind = tuple[str, str]
"""An address and a kind of hello; empty for no hello, which may be any of that address."""
Key = tuple[str, str, int | None]
"""The same and a client id."""
Groups = dict[Key, list[Conversation]]


def _adopted(groups: Groups) -> Groups:
    """Those that say little about their program join the only group of their address that they can belong to."""
    kept = {key: list(group) for key, group in groups.items()}
    with_id, with_hello = defaultdict[Kind, list[Key]](list), defaultdict[Kind, list[Key]](list)
    for key in groups:
        address, speaks, client_id = key
        for kind in {(address, speaks), (address, "")}:
            if client_id is not None:
                with_id[kind].append(key)
            elif speaks:
                with_hello[kind].append(key)
    for key in groups:
        address, speaks, client_id = key
        fitting = with_id[address, speaks] or ([] if speaks else with_hello[address, ""])
        if client_id is None and len(fitting) == 1 and fitting[0] in kept:
            kept[fitting[0]] += kept.pop(key)
    return kept


def _without_ids(groups: Groups) -> Groups:
    """The same with all client ids of one address and kind of hello together."""
    merged: Groups = {}
    for (address, speaks, _), group in groups.items():
        merged.setdefault((address, speaks, None), []).extend(group)
    return merged


def _program(group: list[Conversation], speaks: str, *, is_one_of_others: bool = False) -> Program:
    group.sort(key=lambda one: (one.input, one.connection.first.packet))
    connection = group[0].connection
    ids = dict.fromkeys(one.dialogue.start.client_id for one in group if one.dialogue.start)
    return Program(
        address=connection.client.ip,
        port=connection.client.port if len(group) == 1 else None,
        same_machine=connection.same_host,
        system=_common(client_system(one.connection) for one in group),
        speaks=speaks,
        client_ids=tuple(number for number in ids if number is not None),
        conversations=tuple(one.id for one in group[:MAX_NAMED]),
        conversation_count=len(group),
        may_be_several=_refused_while_open(group),
        servers=tuple(dict.fromkeys(one.connection.server for one in group))[:MAX_NAMED],
        is_one_of_others=is_one_of_others,
    )


def _refused_while_open(group: list[Conversation]) -> bool:
    """Tell whether one of these was refused its client id while one that was accepted went on."""
    open_until_ns = 0
    for one in group:
        refused = errors.CLIENT_ID_IN_USE in one.dialogue.errors
        if refused and one.connection.first.time_ns < open_until_ns:
            return True
        if not refused and one.dialogue.start is not None:
            ended = one.connection.ended
            open_until_ns = max(open_until_ns, ended.moment.time_ns if ended else one.watched_until_ns)
    return False


def what_it_speaks(hello: Hello | None) -> str:
    """The library that a hello suggests, or the protocol that it is; empty if there is none."""
    if hello is None or hello.dialect is Dialect.NOT_CAPTURED:
        return ""
    if not hello.is_valid:
        return f"it sent {hello.dialect}" if hello.dialect in OTHER_PROTOCOLS else "its hello is not valid"
    library = guessed_library(hello)
    if library is None:
        return f"unknown library (versions {hello.min_version or hello.max_version} to {hello.max_version})"
    return f"{library}?" if "fork" in library else f"{library}, or a fork?"


NO_LIBRARY = ("it sent ", "its hello ")
"""How ``what_it_speaks`` begins for what no library sends."""
OTHER_PROTOCOLS = (Dialect.HTTP, Dialect.TLS, Dialect.FIX, Dialect.SSH, Dialect.PROXY, Dialect.TEXT, Dialect.UNKNOWN)


def _common(systems: Iterable[System | None]) -> str:
    """The system, if all packets that show one agree."""
    known = {one for one in systems if one is not None}
    return str(known.pop()) if len(known) == 1 else ""


# ---------------------------------------------------------------------------------------------------------------
# Servers and relays


def _servers(conversations: Iterable[Conversation], relays: set[Endpoint]) -> list[Server]:
    groups: dict[Endpoint, list[Conversation]] = {}
    for one in conversations:
        if one.connection.server not in relays:
            groups.setdefault(one.connection.server, []).append(one)
    return [_server(endpoint, group) for endpoint, group in groups.items()]


def _server(endpoint: Endpoint, group: list[Conversation]) -> Server:
    replies = [one.dialogue.reply for one in group if one.dialogue.reply is not None]
    versions = dict.fromkeys(reply.server_version for reply in replies if reply.is_whole)
    return Server(
        endpoint=endpoint,
        is_tws=any(reply.is_whole for reply in replies) or any(one.dialogue.mid_stream_frames for one in group),
        service=next((reply.service for reply in replies if reply.service), ""),
        usual=DEFAULT_PORTS.get(endpoint.port) or RELAY_PORTS.get(endpoint.port, ""),
        versions=tuple(one for one in versions if one is not None and one >= 0)[:MAX_NAMED],
        redirects_to=next((reply.redirect for reply in replies if reply.redirect), None),
        clock=next(filter(None, map(server_clock, reversed(group))), None),
        system=_common(system(one.connection) for one in group),
        reached_through=_reached_through(group[0].connection),
    )


def _reached_through(connection: Connection) -> str:
    path = network_path(connection)
    return str(path.answerer) if path is not None else ""


def _relays(inner_legs: Iterable[Conversation], relayed: dict[str, Conversation]) -> list[Relay]:
    found: dict[tuple[Endpoint, Endpoint], Relay] = {}
    for inner in inner_legs:
        outer = relayed[inner.id]
        pair = outer.connection.server, inner.connection.server
        found.setdefault(pair, Relay(*pair, outer.id, inner.id))
    return list(found.values())


def _holders(conversations: Iterable[Conversation], report: Report) -> Iterator[IdHolder]:
    """Who held an id that was asked for: as the finding says, or somebody who is not in the capture."""
    asked, by_id = {one.id: one for one in conversations}, _by_id(report)
    told = set[int | None]()
    for finding in report.findings:
        if finding.code != SHARED_CLIENT_ID or len(finding.conversations) < 2:
            continue
        later, first = finding.conversations[:2]
        holder = by_id.get(first)
        if later in asked and holder is not None:
            told.add(_client_id(asked[later]))
            speaks = what_it_speaks(holder.dialogue.hello)
            yield IdHolder(_client_id(asked[later]), later, first, holder.connection.client, speaks)
    for one in asked.values():
        client_id = _client_id(one)
        if errors.CLIENT_ID_IN_USE in one.dialogue.errors and client_id not in told:
            told.add(client_id)
            yield IdHolder(client_id, one.id, None, None, "")


def _by_id(report: Report) -> dict[str, Conversation]:
    """The conversations, if any finding speaks of a shared client id."""
    is_told = any(finding.code == SHARED_CLIENT_ID for finding in report.findings)
    return {one.id: one for one in report.conversations} if is_told else {}


def _client_id(one: Conversation) -> int | None:
    return one.dialogue.start.client_id if one.dialogue.start is not None else None
