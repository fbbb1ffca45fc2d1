"""Who is who, in words: a row for each program, relay, server and client id (`participants`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ibsniff.clock import UTC_CLOCK, Clock
from ibsniff.ib.names import DEFAULT_PORTS
from ibsniff.render.participants import MAX_NAMED, IdHolder, Participants, Program, Server
from ibsniff.render.server_clock import server_clock_line


class Row(NamedTuple):
    """One of them in words; ``text`` may quote the wire."""

    label: str
    text: str


def rows(who: Participants, clock: Clock = UTC_CLOCK) -> Iterator[Row]:
    """A row for each of them."""
    for number, program in enumerate(who.programs, 1):
        label = "your program" if len(who.programs) == 1 else f"program {number}"
        label = "one of these" if program.is_one_of_others else label
        yield Row(label, _program_in_words(program, who))
    for relay in who.relays:
        yield Row(
            "relay", f"{relay.endpoint}; passes connections on to {relay.behind} (as {relay.outer} to {relay.inner})"
        )
    alike: dict[tuple[str, str], list[Server]] = {}
    for server in who.servers:
        told = _server_label(server), _server_in_words(server, who).removeprefix(str(server.endpoint))
        alike.setdefault(told, []).append(server)
    for (label, words), servers in alike.items():
        yield Row(label, ", ".join(str(server.endpoint) for server in servers) + words)
        for line in filter(None, (server_clock_line(server.clock, clock) for server in servers)):
            yield Row("", line)
    if machines := _machines(who):
        yield Row("machines", machines)
    for holder in who.holders:
        yield Row("client id", _holder_in_words(holder))
    if who.omitted:
        yield Row("", f"… {who.omitted:,} more programs and servers")


def _machines(who: Participants) -> str:
    if who.one_machine is None or not who.programs:
        return ""
    if not who.one_machine and any(server.reached_through for server in who.servers):
        return ""  # which machine answered says more
    if not who.one_machine and len(who.servers) > 1:
        return "several, or several containers: the addresses differ"
    if not who.one_machine:
        return "two, or two containers: the addresses of the program and the server differ"
    return f"one: the program and the server run on it{f' ({who.system})' if who.system else ''}"


def _program_in_words(program: Program, who: Participants) -> str:
    address = f"[{program.address}]" if ":" in program.address and program.port is not None else program.address
    parts = [address if program.port is None else f"{address}:{program.port}"]
    if who.one_machine is None:
        parts.append("on the machine of the server" if program.same_machine else "on another machine than the server")
    parts += [program.system] if program.system and not who.one_machine else []
    parts += [program.speaks] if program.speaks else []
    parts += [_numbers("client id", program.client_ids)] if program.client_ids else []
    parts += ["attempts that sent no client id"] if program.is_one_of_others else []
    parts += ["perhaps two programs with the same client id"] if program.may_be_several else []
    if len(who.programs) > 1:
        beyond = program.conversation_count - len(program.conversations)
        parts.append(", ".join(program.conversations) + (f" and {beyond:,} more" if beyond else ""))
    return "; ".join(parts)


def _server_label(server: Server) -> str:
    if server.service:
        return "not TWS"
    if not server.is_tws:
        return "server"
    usual = DEFAULT_PORTS.get(server.endpoint.port, "")
    return "Gateway" if "Gateway" in usual else "TWS" if "TWS" in usual else "TWS or Gateway"


def _server_in_words(server: Server, who: Participants) -> str:
    parts = [str(server.endpoint)]
    parts += [f"it speaks {server.service}"] if server.service else []
    parts += [f"usually {'a ' if server.usual.startswith('relay') else ''}{server.usual}"] if server.usual else []
    parts += [_numbers("server version", server.versions)] if server.versions else []
    parts += [f"redirects to {server.redirects_to:quoted}"] if server.redirects_to else []
    if not who.one_machine:
        parts += [one for one in (server.system, server.reached_through) if one]
    return "; ".join(parts)


def _holder_in_words(holder: IdHolder) -> str:
    number = "the id" if holder.client_id is None else f"{holder.client_id}"
    if holder.held_by is None:
        return f"{number} was refused to {holder.asked_by}; no connection in this capture is known to have held it"
    speaks = f" ({holder.speaks})" if holder.speaks else ""
    return f"{number} was refused to {holder.asked_by} because {holder.held_by} from {holder.client}{speaks} held it"


def _numbers(noun: str, numbers: tuple[int, ...]) -> str:
    more = f" and {len(numbers) - MAX_NAMED:,} more" if len(numbers) > MAX_NAMED else ""
    return f"{noun}{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers[:MAX_NAMED]))}{more}"


def markdown_items(who: Participants, text: Callable[[str], str]) -> Iterator[str]:
    """For Markdown: an item for each. ``text`` masks and escapes a line."""
    for row in rows(who):
        yield text(f"{row.label}: {row.text}" if row.label else row.text)
