"""A: nothing listens, or a relay in front of nothing."""

from __future__ import annotations

from field.thread import Family, Meets, Thread, call, local, refused_legs, session

from ibsniff.model import Fault

CONTAINER = ("172.17.0.1:50001", "172.17.0.2:8888")
COMPOSE = ("172.18.0.3:50001", "172.18.0.2:4004")

CLOSED_PORT: Family = {
    "A1": Thread(
        "extrange/ibkr-docker 16",
        "Enable ActiveX and Socket Clients unticked; socat in front",
        refused_legs(call(*CONTAINER), "127.0.0.1:7497"),
        "101 107 501",
        Fault.NETWORK,
        Meets.NAMED,
        says=("is a relay. It accepted the connection .* was refused", "Enable ActiveX and Socket Clients"),
        never=("Trusted IPs", "localhost only"),
    ),
    "A2": Thread(
        "extrange/ibkr-docker 48",
        "the same box, live port",
        refused_legs(call(*CONTAINER), "127.0.0.1:7496"),
        "101 107 501",
        Fault.NETWORK,
        Meets.NAMED,
        says=("is a relay", "Enable ActiveX and Socket Clients"),
        never=("Trusted IPs", "localhost only"),
    ),
    "A3": Thread(
        "manhinhang/ib-gateway-docker 60",
        "a paper session listens on 4002, not 4001",
        (local(port=4001).syn().refuse(),),
        "101",
        Fault.UNDETERMINED,
        Meets.NAMED,
        says=("connects to another port .*4002/4001 Gateway paper/live",),
        never=("firewall", "tick Enable ActiveX", "with its socket API off"),
    ),
    "A4": Thread(
        "gnzsnz/ib-gateway-docker 83",
        "first too early (before login), then Gateway's own port between containers in place of 4004",
        (
            *refused_legs(call(*COMPOSE), "127.0.0.1:4002"),
            call("172.18.0.3:50002", "172.18.0.2:4002", 60).syn().refuse(),
        ),
        "101 102 107 501",
        Fault.UNDETERMINED,
        Meets.NAMED,
        says=("is a relay", "logged in", "offer Gateway to other containers on port 4004"),
        never=("Trusted IPs",),
    ),
    "A5": Thread(
        "gnzsnz/ib-gateway-docker 94",
        "mapped 4002:4002 in place of 4002:4004",
        refused_legs(call("127.0.0.1:50001", "127.0.0.1:4002"), "172.17.0.2:4002", "172.17.0.1:60000"),
        "102 107 501",
        Fault.NETWORK,
        Meets.CAUSE,
        says=("127.0.0.1:4002 is a relay", "published to the inner one", "on port 4004"),
        never=("Trusted IPs", "tick Enable"),
    ),
    "A6": Thread(
        "gnzsnz/ib-gateway-docker 328",
        "Gateway never came up (ARM); the relay's port was open",
        refused_legs(call(*COMPOSE), "127.0.0.1:4002"),
        "101 107 501",
        Fault.NETWORK,
        Meets.CAUSE,
        says=("172.18.0.2:4004 is a relay", "check that Gateway or TWS is running and logged in"),
        never=("Trusted IPs",),
    ),
    "A7": Thread(
        "UnusualAlpha/ib-gateway-docker 86",
        "login or second factor not finished",
        (local().syn().refuse(),),
        "101",
        Fault.UNDETERMINED,
        Meets.NAMED,
        says=("not logged in yet",),
        never=("firewall", "tick Enable"),
    ),
    "A8": Thread(
        "stoqey/ib 240",
        "daily restart",
        (
            session(local(0, 7497)).rst_server(after=5.0),
            *(local(10 + number, 7497).syn().refuse() for number in range(12)),
            session(local(80, 7497)),
        ),
        "101 405 507 508",
        Fault.TWS_STATE,
        Meets.CAUSE,
        says=("TWS restarted: it ended c1 .* refused 12 connection attempts, and worked again", "growing pauses"),
        never=("Enable ActiveX", "another port than"),
    ),
    "A9": Thread(
        "QuantConnect/Lean.Brokerages.InteractiveBrokers 246",
        "the auto restart's token had expired: Gateway closed and waited for the weekly login",
        (
            session(local(0)).rst_server(after=5.0),
            *(local(30 + 60 * number).syn().refuse() for number in range(5)),
        ),
        "101 405 507",
        Fault.TWS_STATE,
        Meets.CAUSE,
        says=("Gateway went down: .* did not come back in this capture", "waits for a login"),
        never=("restarted:", "Enable ActiveX"),
    ),
    "A10": Thread(
        "IB4m 31",
        "live and paper port mixed up",
        (local(port=7496).syn().refuse(),),
        "101",
        Fault.UNDETERMINED,
        Meets.NAMED,
        says=("connects to another port .*7497/7496 TWS paper/live",),
        never=("firewall",),
    ),
}
