"""Time stamps that jump forward, and the bounds of time stamps that are accepted."""

from __future__ import annotations

from ibsniff.model import NANOSECONDS

MAX_TIME_NS = 2**63 - 1
"""The year 2262. A stamp beyond it is a broken clock or a wrong resolution, and no calendar library could show it."""

CLOCK_JUMP_NS = 3600 * NANOSECONDS
"""From so long a pause on it is worth a thought whether time passed at all. Clients give up within minutes."""

MAX_CLOCK_JUMPS = 100
"""Pauses kept: a port that is silent every night makes one a day."""
