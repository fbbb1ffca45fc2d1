"""IB's data farms: which of them a system message of TWS is about.

The name stands at the end of the text: ``Market data farm connection is OK:usfarm``, ``HMDS data farm connection is
inactive but should be available upon demand.ushmds`` (IB's API documentation, system message codes).
"""

from __future__ import annotations

from ibsniff.ib import errors
from ibsniff.model import DataFarm, FarmKind, WireError

MAX_FARMS = 100
"""Farms kept of one conversation; IB has about thirty."""

KINDS = {
    errors.MARKET_DATA_FARM_BROKEN: FarmKind.MARKET_DATA,
    errors.MARKET_DATA_FARM_OK: FarmKind.MARKET_DATA,
    errors.MARKET_DATA_FARM_IDLE: FarmKind.MARKET_DATA,
    errors.MARKET_DATA_FARM_CONNECTING: FarmKind.MARKET_DATA,
    errors.HISTORICAL_FARM_BROKEN: FarmKind.HISTORICAL_DATA,
    errors.HISTORICAL_FARM_OK: FarmKind.HISTORICAL_DATA,
    errors.HISTORICAL_FARM_IDLE: FarmKind.HISTORICAL_DATA,
    errors.DEFINITION_FARM_BROKEN: FarmKind.SECURITY_DEFINITIONS,
    errors.DEFINITION_FARM_OK: FarmKind.SECURITY_DEFINITIONS,
}
"""Error number -> what the farm serves."""


def take_farm_message(farms: dict[DataFarm, WireError], error: WireError) -> None:
    """Keep the latest message about each farm, in the order in which TWS sent them."""
    kind = KINDS.get(error.code)
    if kind is None:
        return
    farm = DataFarm(kind, error.text.behind_last(":."))
    if farm in farms or len(farms) < MAX_FARMS:
        farms[farm] = error
