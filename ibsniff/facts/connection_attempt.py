"""What the repeats of a SYN tell about an attempt to connect."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise

from ibsniff.formatting import seconds_between
from ibsniff.model import Connection

AFTER_SILENCE = 0.8
"""Seconds before a SYN is repeated when nothing came back: at least 1 (RFC 6298, 2.1), give or take a coarse clock.
Windows connects again half a second after a refusal."""


class SynPattern(StrEnum):
    """How the client's kernel repeated its SYN."""

    SENT_ONCE = "sent once"
    """The program gave up before a repeat was due, or something did answer."""
    REPEATED_SOON = "repeated too soon"
    """Sooner than after silence: an answer came that was not captured."""
    REPEATED_AFTER_SILENCE = "repeated after silence"


def syn_pattern(connection: Connection) -> SynPattern:
    """Tell whether the repeats of the SYN bear out that nothing came back."""
    if connection.syn_count < 2:
        return SynPattern.SENT_ONCE
    if any(seconds_between(first, again) < AFTER_SILENCE for first, again in pairwise(connection.syns)):
        return SynPattern.REPEATED_SOON
    return SynPattern.REPEATED_AFTER_SILENCE
