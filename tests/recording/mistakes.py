"""What hand-written clients get wrong at the beginning, against a stand-in that behaves: one mistake a scenario."""

from __future__ import annotations

from ib_bytes import BROKEN_HELLOS, PROXY_HEADERS, fields, frame, hello, start_api
from recording.entries import HANGS, Recording

HELLOS = {
    "hello-without-length": ("2 no length", "sends the version range after API and NUL without its length"),
    "hello-framed-prefix": ("5 prefix framed too", "counts API and NUL into the message"),
    "hello-escaped-nul": ("7 prefix escaped wrong", "sends a backslash and a zero instead of the NUL"),
    "hello-dash": ("9 a dash", "writes a dash between the versions"),
    "fix-client-silent": ("29 FIX", "speaks FIX"),
    "websocket-client-silent": ("30 WebSocket", "asks for a WebSocket"),
}
"""Name -> which of ``BROKEN_HELLOS`` it is, and what the client does."""

STARTS = {
    "start-api-raw-id-too-late": (225, start_api(203), "a raw id and text where protobuf is expected"),
    "start-api-raw-id-too-early": (178, start_api(203), "a raw id where text is expected"),
    "start-api-without-capabilities": (178, frame(fields(71, 2, 7)), "one field too few"),
    "start-api-without-last-nul": (178, frame(fields(71, 2, 7)[:-1]), "no NUL after the last field"),
}
"""Name -> the server's version, the bytes, and what is wrong with them."""


def _hand_written(*steps: bytes | str) -> tuple[str, ...]:
    return ("raw", *(step if isinstance(step, str) else step.hex() for step in steps))


RECORDINGS = (
    *(
        Recording(name, f"A hand-written client {does}", _hand_written(BROKEN_HELLOS[mistake]), "silent", "connected",
                  "ok", hang=HANGS)
        for name, (mistake, does) in HELLOS.items()
    ),
    *(
        Recording(name, f"A hand-written client's START_API has {what}", _hand_written(hello(100, 225), "?", raw),
                  "replied", "answered", "ok", {"server_version": version}, hang=HANGS)
        for name, (version, raw, what) in STARTS.items()
    ),
    Recording("proxy-header-silent", "A relay puts a PROXY protocol header (send-proxy) in front of a good hello",
              _hand_written(PROXY_HEADERS["version 1, IPv4"] + hello(100, 225)), "silent", "connected", "ok", hang=HANGS),
    Recording("start-api-before-reply", "A hand-written client sends START_API before the version reply, and it works",
              _hand_written(hello(100, 178) + start_api(178), "?", "0.5s", "bye"), "replied", "ready", "ok"),
)  # fmt: skip
