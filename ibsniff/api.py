"""What ``import ibsniff`` offers, beside the types: captures into a report, and a report into JSON or Markdown."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from ibsniff import __version__
from ibsniff.analysis.api_traffic import API_PORTS, HIGHEST_PORT, Ports
from ibsniff.analysis.judgement import judge
from ibsniff.analysis.pipeline import Analysis as Pipeline
from ibsniff.analysis.reading import InputReader
from ibsniff.analysis.watched_until import watched_until as until
from ibsniff.capture.input_record import InputRecord
from ibsniff.model import ExitCode, Frame, Report, Tick, UserError

SHORTEST_PATIENCE, LONGEST_PATIENCE = 0.1, 86_400.0
"""Seconds. No TWS answers within less; more than a day is a mistake."""

Path = str | os.PathLike[str]


def analyze(
    paths: Path | Iterable[Path],
    *,
    ports: Iterable[int] = (),
    any_port: bool = False,
    watched_until: datetime | timedelta | None = None,
    patience: float | None = None,
    join: bool = False,
) -> Report:
    """Read capture files and report on every conversation with TWS or IB Gateway in them.

    Args:
        paths: A capture file, or several: pcap or pcapng, also compressed (gzip, bzip2, xz, zstd); ``-`` is standard
            input. Several files are independent captures, and their conversations are numbered on from one to the next.
        ports: TCP ports of TWS, Gateway or a relay, in addition to the usual ones (7496, 7497, 4001, 4002 and others).
        any_port: Look at every TCP conversation that speaks the IB API, whatever its port.
        watched_until: Until when the capture went on, if you know and the file does not say: a moment with a time zone,
            or a time after the last packet. A classic pcap file does not say it, and silence is proved by time.
        patience: Seconds (0.1 to 86400) without an answer after which a server counts as silent. By default 5 seconds,
            or what the client's library is known to wait.
        join: The files are pieces of one capture (``tcpdump -C``, ``-G``); they are put in order by their packets.

    Returns:
        The report: a value that does not change any more. ``report.verdict`` is None when there was no conversation.

    Raises:
        UserError: A file cannot be read, is no capture or is damaged before its first packet; or an argument is not
            understood. A capture that is damaged later is analysed as far as it goes, and the report says so.
    """
    vouched = None if watched_until is None else until(_aware(watched_until))
    reader = InputReader(_ports(ports, any_port), vouched, patience=_patience(patience))
    names = [os.fspath(paths)] if isinstance(paths, str | os.PathLike) else [os.fspath(path) for path in paths]
    if not names:
        raise UserError("no capture is named", "Name at least one file", ExitCode.USAGE)
    return judge([reader.read_joined(names)] if join else [reader.read(name) for name in names])


class Analysis:
    """Packets that you capture yourself, analysed as they come.

    Give it every packet of the interface, or those of the API's ports with ICMP and ARP, in the order of capture. A report
    can be taken at any time; it does not change when more packets come.
    """

    def __init__(
        self,
        name: str = "packets",
        *,
        ports: Iterable[int] = (),
        any_port: bool = False,
        patience: float | None = None,
    ) -> None:
        """Begin with no packets.

        Args:
            name: What the report calls this input.
            ports: As for ``analyze``.
            any_port: As for ``analyze``.
            patience: As for ``analyze``.

        Raises:
            UserError: An argument is not understood.
        """
        chosen = _ports(ports, any_port)
        self._record = InputRecord(name)
        self._pipeline = Pipeline(self._record, chosen.api, any_port=chosen.any, patience=_patience(patience))
        self._is_finished = False

    def feed(self, frame: Frame) -> None:
        """Take one packet.

        Args:
            frame: The packet with its number (from 1; findings name packets by it), its time in nanoseconds since the
                epoch, its link type (a LINKTYPE value: 1 for Ethernet, 101 for raw IP), the captured bytes, and its
                length on the wire. No content raises: what is no packet of the API is counted and skipped.

        Raises:
            RuntimeError: The analysis is finished.
        """
        self._check_open()
        self._record.add_link_type(frame.link_type)
        self._record.add_frames([frame])
        if frame.wire_length > len(frame.data):
            self._record.add_cut_by_snaplen(1)
        self._pipeline.feed(frame)

    def tick(self, time_ns: int) -> None:
        """Say that time has passed, and that all packets until then were given: silence is concluded from it.

        Args:
            time_ns: Nanoseconds since the epoch, by the clock that stamps the packets.

        Raises:
            RuntimeError: The analysis is finished.
        """
        self._check_open()
        self._record.follow_clock(True)
        self._pipeline.feed(Tick(time_ns))

    def set_dropped(self, packets: int) -> None:
        """Say how many packets were lost while capturing, in all so far: then a missing answer may be among them."""
        self._record.set_dropped(packets)

    def report(self) -> Report:
        """Report on the packets so far.

        Returns:
            The report: a value that does not change when more packets come.
        """
        return self._pipeline.report()

    def finish(self) -> Report:
        """Say that no more packets come, and report on all of them.

        Unlike ``report`` it also gives up waiting for segments that are missing, as at the end of a file.

        Returns:
            The report: a value that does not change any more.
        """
        if not self._is_finished:
            self._pipeline.finish()
            self._is_finished = True
        return self._pipeline.report()

    def _check_open(self) -> None:
        if self._is_finished:
            raise RuntimeError("this analysis is finished; begin another one")


def to_dict(report: Report, *, show_accounts: bool = False) -> dict[str, Any]:
    """Return the JSON document of a report, the same as ``ibsniff read --json`` prints; ``json.dumps`` takes it.

    Args:
        report: What ``analyze`` or an ``Analysis`` returned.
        show_accounts: Show account numbers; otherwise they are masked (``DU*****67``).

    Returns:
        The document; its ``schema_version`` says which fields it has.
    """
    from ibsniff.render.document import document  # noqa: PLC0415  (many programs need no document)

    return document(report, __version__, show_accounts)


def to_markdown(report: Report, *, show_accounts: bool = False) -> str:
    """Return a report as Markdown for a ticket, the same as ``ibsniff read --markdown`` prints.

    Args:
        report: What ``analyze`` or an ``Analysis`` returned.
        show_accounts: Show account numbers; otherwise they are masked (``DU*****67``).

    Returns:
        About twenty lines. Text of the wire in it is inert: no link, no mention, no HTML.
    """
    from ibsniff.render.markdown import markdown  # noqa: PLC0415  (many programs need no Markdown)

    return markdown(report, tool_version=__version__, show_accounts=show_accounts)


def _ports(added: Iterable[int], any_port: bool) -> Ports:
    api = set(API_PORTS)
    for port in added:
        if not (isinstance(port, int) and 1 <= port <= HIGHEST_PORT):
            raise UserError(f"{port!r} is not a TCP port", f"Give numbers from 1 to {HIGHEST_PORT}", ExitCode.USAGE)
        api.add(port)
    return Ports(frozenset(api), any_port)


def _patience(seconds: float | None) -> float | None:
    if seconds is not None and not SHORTEST_PATIENCE <= seconds <= LONGEST_PATIENCE:
        what_to_do = f"Give seconds from {SHORTEST_PATIENCE:g} to {LONGEST_PATIENCE:.0f}"
        raise UserError(f"a patience of {seconds!r} is not possible", what_to_do, ExitCode.USAGE)
    return seconds


def _aware(moment: datetime | timedelta) -> datetime | timedelta:
    if isinstance(moment, datetime) and moment.tzinfo is None:
        raise UserError("watched_until has no time zone", "Add one: moment.astimezone()", ExitCode.USAGE)
    return moment
