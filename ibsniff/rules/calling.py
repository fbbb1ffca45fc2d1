"""Whether a call that seems unanswered was: its kernel's repeats tell what came back, captured or not."""

from __future__ import annotations

from itertools import pairwise

from ibsniff.model import Connection
from ibsniff.rules.words import seconds_between

AFTER_SILENCE = 0.8
"""Seconds before a SYN is repeated when nothing came back: 1 at the least (RFC 6298, 2.1), give or take a coarse clock.
Windows calls again half a second after a refusal."""


def asked_once(connection: Connection) -> str:
    """Say, as the end of a sentence, why the repeats do not bear out that nothing came back; empty when they do."""
    if connection.syn_count < 2:
        return ", or the program gave up within a second: it called only once"
    if any(seconds_between(first, again) < AFTER_SILENCE for first, again in pairwise(connection.syns)):
        return ", or the answer was not captured: it called again sooner than after silence"
    return ""
