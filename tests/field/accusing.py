"""Whom a report accuses, and conversations of every kind to accuse somebody for."""

from __future__ import annotations

from collections.abc import Callable

import ib_bytes
from field.thread import request, session, silent, started
from ib_bytes import HELLO
from judging import findings
from wire import Wire

from ibsniff.model import Confidence, Fault, Finding, Report, Severity

REMOTE, TWS = "192.168.1.30:50001", "192.168.1.5:7497"
START, ASK = ib_bytes.start_api(178, 7), request(49, 1)
TIME = request(49, 1, 1_700_000_000)
HARMLESS = (Fault.NONE, Fault.UNDETERMINED)

KINDS: dict[str, Callable[[Wire], Wire]] = {
    "silent": silent,
    "ready": lambda wire: session(wire).server(TIME, after=3.0),
    "ended": lambda wire: session(wire).rst_server(after=2.0),
    "refused": lambda wire: wire.syn().refuse(),
    "unanswered": lambda wire: wire.syn().again(1, after=1.0).again(2, after=2.0),
    "closed": lambda wire: wire.connect().client(HELLO).fin_server(after=0.004).fin_client(),
    "closed at once": lambda wire: wire.connect().fin_server(after=0.000_6).fin_client(),
    "empty": lambda wire: wire.connect().wait(2.0).close(),
    "broken": lambda wire: wire.connect().client(b"hello").fin_client(after=4.0),
    "turned away": lambda wire: started(wire).server(ib_bytes.error(178, 326, "in use")).fin_server(),
}


def accused(report: Report, *, guesses: bool = False) -> dict[Fault, str]:
    """Whom it blames, and by which rule; guesses do not count unless asked for."""

    def counts(finding: Finding) -> bool:
        sure = guesses or finding.confidence is not Confidence.LOW
        return sure and finding.fault not in HARMLESS and finding.severity is not Severity.NOTE

    return {finding.fault: finding.code for finding in findings(report) if counts(finding)}
