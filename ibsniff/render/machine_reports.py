"""What the capturing machine said of the processes at the ends of conversations, in words: evidence besides the packets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ibsniff.formatting import date_and_time
from ibsniff.model import Conversation, Endpoint, MachineReport, Report, Side

HEADING = "This machine reports (not from the packets)"
MAX_LINES = 10
"""Processes that are listed; of more, their number."""
MAX_NAMES = 3
"""Conversations named in one line."""

Ends = tuple[Endpoint, Endpoint]


def of_conversations(report: Report) -> Mapping[str, list[MachineReport]]:
    """The reports about each conversation; of several with the same ends, they are about the latest that had begun."""
    by_ends: dict[tuple[int, Ends], list[Conversation]] = {}
    for one in report.conversations if any(facts.machine_reports for facts in report.inputs) else ():
        by_ends.setdefault((one.input, (one.connection.client, one.connection.server)), []).append(one)
    found: dict[str, list[MachineReport]] = {}
    for number, facts in enumerate(report.inputs):
        for each in facts.machine_reports:
            begun = [
                one
                for one in by_ends.get((number, (each.client, each.server)), ())
                if one.connection.first.time_ns <= each.time_ns
            ]
            if begun:
                found.setdefault(begun[-1].id, []).append(each)
    return found


def in_words(each: MachineReport, *, dated: bool = True) -> str:
    """One report as a sentence; the name of a program is quoted."""
    address = each.client if each.side is Side.CLIENT else each.server
    parts = [f"{each.side} {address} is {label(each)}"]
    if each.unread:
        parts.append(f"{each.unread:,} bytes of this conversation have arrived but it has not read them (Recv-Q)")
    if each.accept_queue:
        wait = "connection waits" if each.accept_queue == 1 else "connections wait"
        parts.append(f"{each.accept_queue:,} {wait} to be accepted (Recv-Q of its listening socket)")
    if each.close_wait:
        are = "is" if each.close_wait == 1 else "are"
        parts.append(f"{each.close_wait:,} of its sockets {are} in CLOSE_WAIT: only the other side has closed")
    if dated and len(parts) > 1:
        parts.append(f"seen at {date_and_time(each.time_ns)}")
    return "; ".join(parts)


def has_signs(each: MachineReport) -> bool:
    """Whether it says more than who it is."""
    return bool(each.unread or each.accept_queue or each.close_wait)


def label(each: MachineReport) -> str:
    """The process in words."""
    if each.process is None:
        return "a process of another user"
    name = f"{each.program:quoted}, " if each.program is not None else ""
    return f"{name}process {each.process}"


def program_of(reports: Iterable[MachineReport]) -> str:
    """The program at the client's end, quoted; empty if it is not known."""
    programs = (each.program for each in reports if each.side is Side.CLIENT and each.program is not None)
    return next((f"{program:quoted}" for program in programs), "")


def lines(report: Report) -> Iterator[str]:
    """A line for each process, with the conversations at whose end it is; the latest report speaks for all of them."""
    latest: dict[object, MachineReport] = {}
    names: dict[object, list[str]] = {}
    for id, reports in of_conversations(report).items():
        for each in reports:
            key: object = (each.side, each.server)
            if each.side is Side.CLIENT:
                key = (each.side, label(each))
            if key not in latest or each.time_ns >= latest[key].time_ns:
                latest[key] = each
            names.setdefault(key, []).append(id)
    for key in list(latest)[:MAX_LINES]:
        yield f"{_first_names(names[key])}: {in_words(latest[key])}"
    if len(latest) > MAX_LINES:
        more = len(latest) - MAX_LINES
        yield f"and {more:,} more {'process' if more == 1 else 'processes'}"


def _first_names(names: list[str]) -> str:
    """``c1, c2, c3 and 4 more``."""
    more = f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more
