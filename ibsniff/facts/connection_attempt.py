"""What repeated SYNs show about a connection attempt."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise

from ibsniff.formatting import seconds_between
from ibsniff.model import Connection

AFTER_SILENCE = 0.8
"""Seconds before a SYN is repeated when nothing came back: at least 1 (RFC 6298, 2.1), less the error of a clock.
Windows connects again half a second after a refusal."""


class SynPattern(StrEnum):
    """How the client's kernel repeated its SYN."""

    SENT_ONCE = "sent once"
    """The program gave up before a repeat was due, or something did answer."""
    REPEATED_SOON = "repeated too soon"
    """Sooner than a kernel repeats an unanswered SYN: an answer came that was not captured."""
    REPEATED_AFTER_SILENCE = "repeated after silence"


def syn_pattern(connection: Connection) -> SynPattern:
    """How the SYN was repeated, which shows whether nothing came back."""
    if connection.syn_count < 2:
        return SynPattern.SENT_ONCE
    if any(seconds_between(first, again) < AFTER_SILENCE for first, again in pairwise(connection.syns)):
        return SynPattern.REPEATED_SOON
    return SynPattern.REPEATED_AFTER_SILENCE
