"""What ``record.py`` records, by name."""

from __future__ import annotations

from recording import alone, mistakes, together

RECORDINGS = {each.name: each for each in (*alone.RECORDINGS, *mistakes.RECORDINGS, *together.RECORDINGS)}
