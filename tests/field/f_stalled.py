"""F: connected, then stalls or errors."""

from __future__ import annotations

import ib_bytes
from field.thread import Family, Meets, Thread, Unplayable, local, request, said, session, started
from judging import Watch

from ibsniff.model import PATIENCE, Fault

LONG = Watch(ended=PATIENCE + 1)
READ_ONLY = said(321, "Error validating request.-'bW' : cause - The API interface is currently in Read-Only mode.")
SETTINGS = ("Trusted IPs", "Enable ActiveX")

STALLED: Family = {
    "F1": Thread(
        "erdewit/ib_insync 386 (skozlovf)",
        "no accountDownloadEnd for one of several accounts",
        (
            session(local(0, 7497))
            .client(request(6, 2, 1, "DU1234567"))
            .server(request(6, 2, "AccountType", "INDIVIDUAL", "", "DU1234567"))
            .fin_client(after=6.0),
        ),
        "408",
        Fault.UNDETERMINED,
        Meets.CAUSE,
        says=("the answer to REQ_ACCT_DATA did not end .ACCT_DOWNLOAD_END", "TimeoutError although it is connected"),
        never=SETTINGS,
    ),
    "F2": Thread(
        "erdewit/ib_insync 638, ib_async 82",
        "likely: Gateway 1023 to 1025 leave out the executions' end",
        (session(local()).client(request(7, 3, 1, 0, "", "", "", "", "", "")).fin_client(after=6.0),),
        "408",
        Fault.UNDETERMINED,
        Meets.CAUSE,
        says=("the answer to REQ_EXECUTIONS did not end", "fetchFields"),
        never=SETTINGS,
    ),
    "F3": Thread(
        "erdewit/ib_insync 224",
        "read-only: completed orders are refused, and the client waits for their end",
        (session(local(0, 7497)).client(request(99, 0)).server(READ_ONLY).fin_client(after=6.0),),
        "401",
        Fault.TWS_CONFIG,
        Meets.CAUSE,
        says=("untick Read-Only API",),
        never=SETTINGS,
    ),
    "F4": Thread(
        "IbcAlpha/IBC 341, extrange/ibkr-docker 119, bankroll 65",
        "read-only",
        (session(local()).client(request(3, 45, 1)).server(READ_ONLY),),
        "401",
        Fault.TWS_CONFIG,
        Meets.CAUSE,
        says=("Gateway, Configure > Settings > API > Settings: untick Read-Only API",),
        never=SETTINGS,
    ),
    "F5": Thread(
        "erdewit/ib_insync 201, IB4m 38",
        "too many messages a second",
        (
            session(local(0, 7497))
            .client(request(9, 8, 1) * 80)
            .server(said(100, "Max rate of messages per second has been exceeded") * 3)
            .fin_server(),
        ),
        "402",
        Fault.CLIENT,
        Meets.CAUSE,
        says=("reported error 100 3 times and ended the session", "at most 50 messages a second"),
        never=SETTINGS,
    ),
    "F6": Thread(
        "lbilli/Jib.jl 38",
        "since 10.16 TWS delays messages in place of rejecting them: no fault",
        (session(local(0, 7497)).client(request(49, 1) * 60).server(request(49, 1, 1790000000) * 60, after=1.2),),
        "",
        Fault.NONE,
        Meets.CAUSE,
    ),
    "F7": Thread(
        "IbcAlpha/IBC 251",
        "IB's nightly reset: 1100, then 1102 after 15 s",
        (
            session(local())
            .server(said(1100, "Connectivity between IB and the TWS has been lost."), after=60.0)
            .server(said(1102, "Connectivity restored - data maintained."), after=15.0),
        ),
        "403",
        Fault.NONE,
        Meets.CAUSE,
        says=("lost its connection to IB's servers and has it back",),
        never=("restarted:", *SETTINGS),
    ),
    "F8": Thread(
        "QuantConnect/Lean.Brokerages.InteractiveBrokers 242",
        "the nightly restart: all sockets reset at 23:45:00, usable at 23:46:19",
        (
            session(local(0)).rst_server(after=20.0),
            session(local(1)).rst_server(after=19.0),
            *(local(25 + 11 * number + number**2).syn().refuse() for number in range(5)),
            session(local(99)),
        ),
        "101 405 507",
        Fault.TWS_STATE,
        Meets.CAUSE,
        says=("Gateway restarted: .* worked again 79 s later", "Auto restart"),
        never=SETTINGS,
    ),
    "F9": Thread(
        "TraderAlice/OpenAlice 294",
        "a stopped Gateway process: established, acknowledged, mute",
        (
            session(local())
            .client(request(49, 1), after=30.0)
            .server(request(49, 1, 1790000000))
            .client(request(49, 1), after=30.0),
        ),
        "409",
        Fault.TWS_STATE,
        Meets.CAUSE,
        says=("TWS stopped answering", "frozen or hangs"),
        never=SETTINGS,
        watch=Watch(ended=12.0),
    ),
    "F10": Thread(
        "erdewit/ib_insync 655, 419",
        "never established: dropped during the account download, the client perhaps too slow",
        (
            session(local(0, 7497))
            .client(request(6, 2, 1, "DU1234567"))
            .server(request(6, 2, "AccountType", "INDIVIDUAL", "", "DU1234567"))
            .ack(window=0)
            .fin_server(after=2.0),
        ),
        "405 406",
        Fault.UNDETERMINED,
        Meets.OPEN,
        says=("the server ended it", "stopped reading 1 time", "not known whether TWS closes connections for that"),
        never=(*SETTINGS, "usually means"),
    ),
    "F11": Unplayable("erdewit/ib_insync 227", "says only that it timed out: no port, no platform, no log"),
    "F12": Thread(
        "sparkstartconsulting/IBKR-API-Rust 42",
        "likely: the client does not close its old socket after a drop, and its id stays taken",
        (
            session(local(0, 7497)).fin_server(after=20.0).ack(),
            started(local(30, 7497))
            .server(said(326, "Unable to connect as the client id is already in use."))
            .fin_server(),
        ),
        "310 405",
        Fault.CLIENT,
        Meets.NAMED,
        says=("an old connection of the same program that TWS has not closed yet",),
        never=SETTINGS,
    ),
    "F13": Thread(
        "many logs of TWS",
        "requests before nextValidId vanish: 'since API is not accepted'",
        (started(local(0, 7497)).client(request(61, 1)).server(ib_bytes.ready(178), after=0.3),),
        "408",
        Fault.UNDETERMINED,
        Meets.NAMED,
        says=("sent before nextValidId came, and TWS ignored it", "since API is not accepted"),
        never=SETTINGS,
        watch=LONG,
    ),
}
