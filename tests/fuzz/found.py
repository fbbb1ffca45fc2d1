"""What fuzzing found, as short as it can be made: a name, the harness, the bytes."""

from __future__ import annotations

FOUND: dict[str, tuple[str, bytes]] = {}
