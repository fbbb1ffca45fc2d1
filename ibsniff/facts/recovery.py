"""Whether what an error of TWS reported was over later: a lost connection to IB's servers, or to a data farm."""

from __future__ import annotations

from ibsniff.ib import errors
from ibsniff.model import Conversation, Moment, WireError

FARM_RESTORED = {
    errors.MARKET_DATA_FARM_BROKEN: errors.MARKET_DATA_FARM_OK,
    errors.HISTORICAL_FARM_BROKEN: errors.HISTORICAL_FARM_OK,
    errors.DEFINITION_FARM_BROKEN: errors.DEFINITION_FARM_OK,
}
"""A broken data farm, and the message that says that it works again."""


def over_since(conversation: Conversation, error: WireError) -> Moment | None:
    """When TWS reported that this was over; None if it did not, or if it is nothing that can be over."""
    dialogue = conversation.dialogue
    if error.code in errors.IB_CONNECTION_DOWN:
        last = dialogue.ib_connection
        return last.moment if last is not None and last.code in errors.IB_CONNECTION_RESTORED else None
    if error.code in FARM_RESTORED:
        name = error.text.behind_last(":.")
        last = next((said for farm, said in dialogue.farms.items() if farm.name == name), None)
        return last.moment if last is not None and last.code == FARM_RESTORED[error.code] else None
    return None
