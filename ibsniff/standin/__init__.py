"""A stand-in TWS that behaves, or misbehaves in a named way: for trying ibsniff, for recordings and for tests.

It stands beside the flow: it takes part where the rest of the program only listens, and shares nothing with it but
the names of the protocol.
"""

from __future__ import annotations

from ibsniff.standin.server import MODES, serve

__all__ = ["MODES", "serve"]
