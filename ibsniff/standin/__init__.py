"""A stand-in for TWS that works, or fails in a chosen way: to try ibsniff, to record captures, and for the tests.

It is not part of the analysis: it takes part in conversations, where the rest of the program only listens, and shares
nothing with it but the names and numbers of the protocol.
"""

from __future__ import annotations

from ibsniff.standin.server import MODES, serve

__all__ = ["MODES", "serve"]
