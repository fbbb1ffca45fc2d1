"""Five short accounts of the same trouble ("the port is open, and the API says nothing"), each told by a capture."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from field.thread import told
from synthesise import CAPTURES

from ibsniff.analysis import reading
from ibsniff.analysis.api_traffic import Ports
from ibsniff.model import Fault, Report


@dataclass(frozen=True)
class Account:
    """What somebody tells, the capture of it, and what the report must say and must not."""

    story: str
    scenario: str
    code: str
    fault: Fault
    says: tuple[str, ...]
    never: tuple[str, ...]


ACCOUNTS = {
    "WSL with the wrong trusted address": Account(
        "TWS on Windows, the bot in WSL. I trusted my PC's address; it connects and times out.",
        "silent-ib-async-wsl",
        "IBS302",
        Fault.TWS_STATE,
        (
            r"add 172\.24\.46\.63 \(this one address, no range\) under Trusted IPs",
            r"probably the Windows host of this WSL",
            r"WSL's own address, not one of Windows; it changes with a restart",
            r"The reason is not 'Enable ActiveX and Socket Clients'",
            r"ib_async, which sends a hello like this, reports TimeoutError",
        ),
        (r"add 172\.24\.32\.1\b", r"`ss -ltn"),
    ),
    "macOS loopback, every box ticked": Account(
        "TWS and bot on one Mac. Enable ActiveX is ticked, localhost is trusted, port 7497 is open. No answer.",
        "silent-macos-loopback",
        "IBS301",
        Fault.TWS_STATE,
        (
            r"hangs or is still starting\. The client did its part",
            r"The reason is not 'Enable ActiveX and Socket Clients'",
            r"`netstat -Lan` for port 7497: a first number that stays above 0",
            r"`lsof -nP -iTCP:7497 -sTCP:LISTEN`",
        ),
        (r"trusted|localhost only", r"click Yes", r"firewall"),
    ),
    "works sometimes: a zombie session": Account(
        "Restarting the bot works sometimes. TWS says the id is in use, though the bot was closed.",
        "client-id-kept-by-zombie",
        "IBS506",
        Fault.TWS_STATE,
        (
            r"c1 from the same machine was closed by the client \(FIN\), but TWS had not closed its side",
            r"has worked since then",
            r"use another client id meanwhile",
        ),
        (r"trusted", r"Enable ActiveX", r"must close its old socket"),
    ),
    "Gateway behind socat, before login": Account(
        "The container is up and its port is open, yet every client times out.",
        "closed-by-relay-socat",
        "IBS501",
        Fault.NETWORK,
        (
            r"127\.0\.0\.1:4004 is a relay\. It accepted .* connected to 127\.0\.0\.1:4002; that connection was refused",
            r"not logged in yet",
            r"the server had closed the connection ",
        ),
        (r"trusted|localhost only", r"tick Enable", r"hangs or is still starting"),
    ),
    "a handshake test that is itself malformed": Account(
        "My test script proves it: I send the handshake by hand, and TWS does not answer. TWS is broken.",
        "hello-little-endian",
        "IBS203",
        Fault.CLIENT,
        (r"The client's hello is broken", r"TWS waits for bytes that never come", r"Send the bytes 41 50 49 00"),
        (r"trusted|localhost only", r"Restart", r"hangs or"),
    ),
}


def report_of(account: Account) -> Report:
    (capture,) = (CAPTURES / account.scenario).glob("capture.pcap*")
    return reading.read_files([str(capture)], Ports(), None).report


@pytest.mark.parametrize("name", ACCOUNTS)
def test_the_report_answers_the_account(name: str) -> None:
    account, report = ACCOUNTS[name], report_of(ACCOUNTS[name])
    assert report.verdict is not None
    assert (report.verdict.code, report.verdict.fault) == (account.code, account.fault)
    text = told(report)
    for pattern in account.says:
        assert re.search(pattern, text), f"'{pattern}' is not in:\n{text}"
    for pattern in account.never:
        assert not re.search(pattern, text, re.IGNORECASE), f"'{pattern}' is in:\n{text}"


def test_five_accounts_have_five_answers() -> None:
    assert len(ACCOUNTS) == len({account.code for account in ACCOUNTS.values()}) == 5
