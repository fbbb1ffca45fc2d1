"""Parts of remedies that several rules give: where TWS and Gateway have their settings, and what to enter or check there."""

from __future__ import annotations

from ibsniff.facts.network_path import hops
from ibsniff.facts.ports import application
from ibsniff.model import Connection

RELAY_KEEPS_PORT = "A relay usually listens on this port, not TWS, so TWS's own API port needs no change."


def settings_path(port: int) -> str:
    """Where the API settings are, in the application that usually listens on a port."""
    paths = {
        "TWS": "TWS, Global Configuration > API > Settings",
        "Gateway": "Gateway, Configure > Settings > API > Settings",
    }
    return paths.get(application(port), "TWS (Global Configuration) or Gateway (Configure > Settings), API > Settings")


def auto_restart(port: int) -> str:
    """Where the time of the nightly restart is set."""
    paths = {"TWS": "Global Configuration > Lock and Exit", "Gateway": "Configure > Settings > Lock and Exit"}
    return f"Auto restart under {paths.get(application(port), 'Lock and Exit in its settings')}"


def address_to_trust(connection: Connection) -> str:
    """The address TWS sees, as it must be entered in Trusted IPs."""
    return connection.client.ip


def trusted_entry(connection: Connection) -> str:
    """The address to enter in Trusted IPs: the client's, unless machines on the way may have replaced it."""
    address, single = address_to_trust(connection), _single_entry(connection)
    return (
        f"the address that TWS sees ({address} unless it is changed on the way; {single})"
        if hops(connection)
        else f"{address} ({single})"
    )


def _single_entry(connection: Connection) -> str:
    """How to enter that address: the list takes single addresses, and IPv4 and IPv6 ones are separate entries."""
    return (
        "this one address, no range"
        if len(connection.client.address) == 4
        else "this IPv6 address, no range; an IPv4 entry does not cover it"
    )


def look_into_its_log(connection: Connection) -> str:
    """What to check next. ib-ruby and tws_async quote logs with this line; AutoRevOption's hung TWS logged nothing."""
    capture = "" if connection.same_host else "capture on the server's machine too, and "
    return (
        f"If that does not solve it, {capture}check whether TWS's log says 'Starting new conversation with client on' "
        "at that time. If nothing is logged then, it probably hangs."
    )


def not_the_checkbox(port: int) -> str:
    """Correct common wrong advice (extrange/ibkr-docker 16 and 48; heshiming/ibga 18: Gateway has no such checkbox)."""
    checkbox = (
        "The reason is not 'Enable ActiveX and Socket Clients': with that checkbox unticked, the port is closed and "
        "connections are refused."
    )
    return f"{checkbox} Gateway has no such checkbox at all." if application(port) == "Gateway" else checkbox
