"""How one side ended a connection, as the verb of a sentence."""

from __future__ import annotations

from ibsniff.model import Ended, How


def closed_or_reset(ended: Ended) -> str:
    """``closed`` for a FIN, ``reset`` for a RST."""
    return "reset" if ended.how is How.RST else "closed"
