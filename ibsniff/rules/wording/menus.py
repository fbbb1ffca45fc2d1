"""Where TWS and Gateway have their settings, and what to enter there."""

from __future__ import annotations

from ibsniff.facts.network_path import hops
from ibsniff.facts.ports import application
from ibsniff.model import Connection


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
