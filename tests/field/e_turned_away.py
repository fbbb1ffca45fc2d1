"""E: the hello is answered, the session refused."""

from __future__ import annotations

import ib_bytes
from field.thread import Family, Meets, Thread, answered, local, request, said, session, silent, started
from judging import Watch

from ibsniff.model import PATIENCE, Fault

IN_USE = said(326, "Unable to connect as the client id is already in use. Retry with a unique client id.")
LOG = "since API is not accepted"
LONG = Watch(ended=PATIENCE + 1)

TURNED_AWAY: Family = {
    "E1": Thread(
        "erdewit/ib_insync 76, 106, 339, 360, 376",
        "the client id is in use",
        (started(local()).server(IN_USE).fin_server(),),
        "310",
        Fault.CLIENT,
        Meets.CAUSE,
        says=("Client id 7 is already in use",),
        never=("Trusted IPs",),
    ),
    "E2": Thread(
        "nautechsystems/nautilus_trader 4412, 3796",
        "a quick reconnect: the old session was not torn down yet",
        (session(local(0)), started(local(30)).server(IN_USE).fin_server()),
        "310 506",
        Fault.CLIENT,
        Meets.CAUSE,
        says=("c1 from the same machine was still open", "must close its old socket"),
        never=("Trusted IPs",),
    ),
    "E3": Thread(
        "ib-api-reloaded/ib_async 152",
        "likely a duplicate id",
        (started(local(), client_id=1).server(IN_USE).fin_server(),),
        "310",
        Fault.CLIENT,
        Meets.CAUSE,
        says=("Client id 1 is already in use",),
    ),
    "E4": Thread(
        "stoqey/ib 162",
        "never established: 71 and 17 in one packet, closed 4 ms later, sometimes",
        (answered(local(0, 7496), 151).client(ib_bytes.start_api(151) + request(17, 1)).fin_server(after=0.004),),
        "213 311",
        Fault.UNDETERMINED,
        Meets.OPEN,
        says=("The packets do not show why", "send nothing between START_API and nextValidId", LOG),
        never=("Trusted IPs", "Enable ActiveX"),
    ),
    "E5": Thread(
        "ib-api-reloaded/ib_async 143",
        "never established: closed 500 ms after START_API, the id unique",
        (started(local()).fin_server(after=0.5),),
        "311",
        Fault.UNDETERMINED,
        Meets.OPEN,
        says=("closed the connection 500 ms after START_API, without a reason", LOG),
        never=("Trusted IPs", "Enable ActiveX"),
    ),
    "E6": Thread(
        "ib-api-reloaded/ib_async 169",
        "never established",
        (started(local()).rst_server(after=0.05),),
        "311",
        Fault.UNDETERMINED,
        Meets.OPEN,
        says=("without a reason", LOG),
        never=("Trusted IPs", "Enable ActiveX"),
    ),
    "E7": Thread(
        "tws_async 2",
        "never established: 'API is not accepted' in the log",
        (started(local(0, 4001), client_id=1).fin_server(after=0.004),),
        "311",
        Fault.UNDETERMINED,
        Meets.OPEN,
        says=("TWS does not accept the API in its present state", "Terminating async queue"),
        never=("Trusted IPs", "Enable ActiveX"),
    ),
    "E8": Thread(
        "stoqey/ib 195",
        "likely: reconnected while TWS started, and left a zombie with its id",
        (
            silent(local(0, 7497)),
            started(local(10, 7497)),
            *(started(local(20 + 7 * number + number**2, 7497)).server(IN_USE).fin_server() for number in range(3)),
        ),
        "301 310 312 506",
        Fault.TWS_STATE,
        Meets.NAMED,
        says=("c2 from the same machine was still open",),
        watch=LONG,
    ),
    "E9": Thread(
        "gofinance/ib 8, 17",
        "the client speaks the legacy dialect to a newer TWS",
        (local(0, 7497).connect().client(ib_bytes.legacy_hello(63)).server(ib_bytes.reply(76)).fin_client(after=0.1),),
        "210",
        Fault.CLIENT,
        Meets.CAUSE,
        says=("server version 76",),
    ),
    "E10": Thread(
        "pilwon/node-ib 131",
        "TWS's notice 'socket client out of date' is only a notice",
        (session(local(0, 7497)),),
        "",
        Fault.NONE,
        Meets.CAUSE,
        says=("the API session is ready",),
    ),
    "E11": Thread(
        "erdewit/ib_insync 616",
        "works with TWS stable, not latest; the mechanism is open",
        (started(local(0, 7497)).server(ib_bytes.managed_accounts(178)).fin_client(after=6.0),),
        "312",
        Fault.UNDETERMINED,
        Meets.NAMED,
        says=("never became ready: nextValidId did not come", "stable"),
    ),
    "E12": Thread(
        "emptist/ib_tws_api",
        "the client's bytes: one dot; no prefix",
        (
            local(0, 7496).connect().client(b"API\0\0\0\0\x08v100.200").rst_server(after=0.001),
            local(9, 7496).connect().client(b"\0\0\0\x09v100..187").fin_server(after=0.05),
        ),
        "202 205",
        Fault.CLIENT,
        Meets.CAUSE,
        says=("Send the bytes 41 50 49 00",),
        never=("Trusted IPs", "localhost only"),
    ),
}
