"""What this machine says of both ends of a connection, as comments in a pcapng file, which our reader reads again.

A comment stands in a statistics block, as those of `comments` do, whose time stamp is the time of the report. It has the form
``process: 127.0.0.1:50123 to 127.0.0.1:7497, server end, process 1234, close-wait 3, accept-queue 2, unread 17, program java``.
"""

from __future__ import annotations

import ipaddress
import re

from ibsniff.model import Endpoint, MachineReport, Side, WireText

PROCESS = "process: "
UNKNOWN = "unknown"
MAX_PROGRAM = 100
"""Characters of a program's name."""
MAX_TOLD = 30
"""Reports about one end of a connection: later ones are not told. Each tells of a change, or of twice as much as before."""

_ADDRESS = r"(?:[0-9.]{7,15}|\[[0-9a-f:.]{2,45}\]):[0-9]{1,5}"
_NUMBER = rf"[0-9]{{1,15}}|{UNKNOWN}"
_FORM = re.compile(
    rf"process: ({_ADDRESS}) to ({_ADDRESS}), (client|server) end, process ({_NUMBER}), close-wait ([0-9]{{1,15}}), "
    rf"accept-queue ({_NUMBER}), unread ({_NUMBER}), program (.{{1,{MAX_PROGRAM}}})",
    re.DOTALL,
)


def as_comment(report: MachineReport) -> str:
    """One report as a comment."""
    program = UNKNOWN if report.program is None else report.program.unmasked[:MAX_PROGRAM] or UNKNOWN
    numbers = [_text(each) for each in (report.process, report.accept_queue, report.unread)]
    return (
        f"{PROCESS}{report.client} to {report.server}, {report.side} end, process {numbers[0]}, "
        f"close-wait {report.close_wait}, accept-queue {numbers[1]}, unread {numbers[2]}, program {program}"
    )


def parse_comment(comment: str, time_ns: int) -> MachineReport | None:
    """Read such a comment; None if it has another form, since any program could have written it."""
    found = _FORM.fullmatch(comment)
    ends = [_endpoint(found[1]), _endpoint(found[2])] if found is not None else []
    if found is None or None in ends:
        return None
    client, server = ends
    assert client is not None
    assert server is not None
    return MachineReport(
        time_ns=time_ns,
        client=client,
        server=server,
        side=Side(found[3]),
        process=_number(found[4]),
        program=None if found[8] == UNKNOWN else WireText(found[8]),
        close_wait=int(found[5]),
        accept_queue=_number(found[6]),
        unread=_number(found[7]),
    )


def is_news(before: MachineReport | None, now: MachineReport) -> bool:
    """Whether a report says more than the one before: another process, a sign that comes or goes, or twice as much of it."""
    if before is None or (before.process, before.program) != (now.process, now.program):
        return True
    pairs = (
        (before.close_wait, now.close_wait),
        (before.accept_queue or 0, now.accept_queue or 0),
        (before.unread or 0, now.unread or 0),
    )
    return any((was == 0) != (is_now == 0) or is_now >= 2 * was > 0 for was, is_now in pairs)


class MachineNews:
    """Which reports are told: not each of thousands of small changes."""

    def __init__(self) -> None:
        self._told: dict[tuple[Endpoint, Endpoint, Side], tuple[MachineReport, int]] = {}
        """The last one of each end, and how many there were; those of evicted conversations are forgotten."""

    def select(self, reports: list[MachineReport], present: set[tuple[Endpoint, Endpoint]]) -> list[MachineReport]:
        """The reports that are to be told; ``present`` are the ends of the conversations that are kept."""
        self._told = {key: told for key, told in self._told.items() if key[:2] in present}
        news = []
        for report in reports:
            key = report.client, report.server, report.side
            before, count = self._told.get(key, (None, 0))
            if count < MAX_TOLD and is_news(before, report):
                self._told[key] = report, count + 1
                news.append(report)
        return news


def _text(number: int | None) -> str:
    return UNKNOWN if number is None else str(number)


def _number(text: str) -> int | None:
    return None if text == UNKNOWN else int(text)


def _endpoint(text: str) -> Endpoint | None:
    address, _, port = text.rpartition(":")
    try:
        return Endpoint(ipaddress.ip_address(address.strip("[]")).packed, int(port)) if int(port) < 1 << 16 else None
    except ValueError:
        return None
