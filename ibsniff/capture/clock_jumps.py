"""Jumps in the time stamps of a capture, and the latest time stamp that is accepted."""

from __future__ import annotations

from ibsniff.model import NANOSECONDS

MAX_TIME_NS = 2**63 - 1
"""The year 2262. A later time stamp comes from a broken clock or a wrong resolution, and does not fit into 64 bits."""

CLOCK_JUMP_NS = 3600 * NANOSECONDS
"""A pause of this length or more is noted, since perhaps only the clock moved. Clients give up within minutes."""

MAX_CLOCK_JUMPS = 100
"""Jumps that are kept. A port without traffic at night adds one each day."""
