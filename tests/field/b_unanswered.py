"""B: the call itself gets no answer."""

from __future__ import annotations

from field.thread import Family, Meets, Thread, call, local, silent
from judging import Watch

from ibsniff.model import Fault

QUEUE = 51
"""What Java's default backlog holds on Linux."""
FIREWALL_AS_CAUSE = r"(?<![Nn]ot a )firewall"


def full_queue(every: float, held: int = QUEUE) -> tuple:  # type: ignore[type-arg]
    """Probes at a beat that are acknowledged and never served, then calls that are not even acknowledged."""
    unanswered = local(every * held).syn().syn(after=1.0).syn(after=2.0).syn(after=4.0)
    return (*(silent(local(every * number)) for number in range(held)), unanswered)


UNANSWERED: Family = {
    "B1": Thread(
        "mementum/backtrader 217",
        "0.0.0.127 typed for 127.0.0.1",
        (call("192.168.1.20:50001", "0.0.0.127:7497").syn().syn(after=1.0).syn(after=2.0),),
        "105",
        Fault.NETWORK,
        Meets.CAUSE,
        says=("cannot be a machine's address", "the address is wrong"),
    ),
    "B2": Thread(
        "microsoft/WSL 4139, 4585, 4274",
        "Windows' firewall treats vEthernet (WSL) as a public network",
        (call("172.24.46.63:50001", "172.24.32.1:7497").syn().syn(after=1.0).syn(after=2.0).syn(after=4.0),),
        "105",
        Fault.NETWORK,
        Meets.CAUSE,
        says=("A firewall drops the packets", r"Windows Defender rule for the vEthernet \(WSL\)"),
        never=("Trusted IPs", "Enable ActiveX"),
    ),
    "B3": Thread(
        "gnzsnz/ib-gateway-docker 77",
        "hung Gateway; a probe a minute filled its queue after 51 minutes",
        full_queue(60.0),
        "106 301 504",
        Fault.TWS_STATE,
        Meets.CAUSE,
        says=("51 earlier connections were accepted and never served", "This is not a firewall", "Recv-Q"),
        never=(FIREWALL_AS_CAUSE, "Trusted IPs"),
        watch=Watch(ended=6.0),
    ),
    "B4": Thread(
        "UnusualAlpha/ib-gateway-docker 52",
        "the same with a client each five minutes: 4 h 15 min",
        full_queue(300.0),
        "106 301 504",
        Fault.TWS_STATE,
        Meets.CAUSE,
        says=("51 earlier connections were accepted and never served", "This is not a firewall"),
        never=(FIREWALL_AS_CAUSE, "Trusted IPs"),
        watch=Watch(ended=6.0),
    ),
    "B5": Thread(
        "microsoft/WSL 10855, 13327",
        "mirrored mode delivers the RST to another port",
        (
            local(0, 7497).syn().syn(after=1.0).syn(after=2.0),
            call("127.0.0.1:55555", "127.0.0.1:7497", 0.001).refuse(),
        ),
        "004 008 106",
        Fault.TWS_STATE,
        Meets.NAMED,
        says=("WSL's mirrored mode loses the answer", "capture with `-i any`"),
        never=("Trusted IPs",),
        watch=Watch(ended=6.0),
    ),
}
