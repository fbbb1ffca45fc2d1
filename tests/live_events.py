"""A script of packets as a live source gives it."""

from __future__ import annotations

from collections.abc import Iterator

from wire import Wire

from ibsniff.capture.input_record import InputRecord
from ibsniff.model import NANOSECONDS, Frame, Tick


def events(record: InputRecord, wire: Wire, watched: float) -> Iterator[Frame | Tick]:
    """A wire as a live source gives it: frames, and ticks every quarter of a second in between and after."""
    frames = wire.frames()
    end_ns = frames[0].time_ns + round(watched * NANOSECONDS)
    now_ns = frames[0].time_ns
    for frame in [*frames, None]:
        until_ns = frame.time_ns if frame else end_ns
        while now_ns + NANOSECONDS // 4 <= until_ns:
            now_ns += NANOSECONDS // 4
            yield Tick(now_ns)
        if frame is not None:
            record.add_packet(frame.time_ns)
            yield frame
