"""A back end for tests that plays a script, and a live source over one or several of them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable

from ibsniff.capture.backend import LinkState, RawPacket, Statistics
from ibsniff.model import Frame


class Script:
    """A back end that hands over these packets, each time one entry.

    None is a wait without a packet, and a callable is done instead; an error is raised, and ``state`` says what it meant.
    """

    link_type = 1
    delay_ns = 1_000_000
    buffer_bytes = 1 << 20

    def __init__(self, *script: RawPacket | list[RawPacket] | OSError | Callable[[], object] | None) -> None:
        self.script = iter(script)
        self.closed = 0
        self.dropped: int | None = 0
        self.state: LinkState | None = LinkState("lo", True)
        self.ready, self.never_silent = socket.socketpair()
        self.never_silent.send(b"!")

    def fileno(self) -> int:
        return self.ready.fileno()

    def receive(self) -> list[RawPacket]:
        entry = next(self.script, None)
        if isinstance(entry, OSError):
            raise entry
        if callable(entry):
            entry()
            return []
        return entry if isinstance(entry, list) else [entry] if entry else []

    def link_state(self) -> LinkState | None:
        return self.state

    def statistics(self) -> Statistics:
        return Statistics(10, self.dropped)

    def close(self) -> None:
        self.closed += 1
        self.ready.close()
        self.never_silent.close()


def raw(frames: Iterable[Frame]) -> list[RawPacket]:
    """Frames as a back end has them."""
    return [RawPacket(frame.time_ns, frame.data, frame.wire_length) for frame in frames]
