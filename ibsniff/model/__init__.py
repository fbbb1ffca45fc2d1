"""Every type that passes from one room to the next, one page for each border, in the order data flows.

| page | border |
|---|---|
| `errors.py` | the edges -> the user |
| `frames.py` | capture -> net |
| `inputs.py` | capture -> report: what a capture says of itself |
| `packets.py` | net -> tcp |
| `connection.py` | tcp -> ib |
| `requests.py` | ib -> diagnosis: the requests and orders of a conversation |
| `dialogue.py` | ib -> diagnosis |
| `report.py` | diagnosis -> rules -> render |
| `streams.py` | tcp -> render, for `ibsniff streams`, which alone imports it |
| `arrays.py` | the arrays of the column lane, which alone imports it, and numpy with it |

There is no behaviour here beyond constructors, copies and simple properties. Times are integers, nanoseconds since the
epoch (``time_ns``); packet numbers are Wireshark's ``frame.number``, counted from 1 in each input. Addresses are packed
bytes (4 or 16) until they are shown.

Every start of the program pays for the definition of these types, so they are made of what is defined fastest. What never
changes is a ``NamedTuple``; what grows is a dataclass; a frozen dataclass takes four times as long as a ``NamedTuple``, and
is used where a type has a length of its own or a field with a default that can change. The pages do without ``from
__future__ import annotations``, because ``NamedTuple`` compiles each annotation that is a string: a millisecond in all.
"""

from __future__ import annotations

from ibsniff.masking.wire_text import WireBytes, WireText
from ibsniff.model.connection import ColumnRun, Connection, Ended, Gap, Half, How, Mark, Moment, Run, Side, Stall
from ibsniff.model.dialogue import (
    PATIENCE,
    DataFarm,
    Dialect,
    Dialogue,
    ErrorTally,
    FarmKind,
    Hello,
    Message,
    Reply,
    ReplyKind,
    Start,
    StartForm,
)
from ibsniff.model.errors import ExitCode, UserError
from ibsniff.model.frames import NANOSECONDS, Columns, Frame, Lane, Tick
from ibsniff.model.inputs import ClockJump, InputFacts, InputState, Loss, MachineReport, WatchedBy
from ibsniff.model.packets import (
    ACK,
    FIN,
    PSH,
    RST,
    SYN,
    Arp,
    Endpoint,
    Packet,
    Segment,
    SegmentColumns,
    StrayHello,
    Unreachable,
    UnreachableKind,
)
from ibsniff.model.report import (
    LADDER,
    Alternative,
    Capture,
    Confidence,
    Conversation,
    Evidence,
    Fault,
    Finding,
    Narrowed,
    Outcome,
    Problem,
    Report,
    Rung,
    ServerOutage,
    Severity,
    Verdict,
)
from ibsniff.model.requests import NO_REQUESTS, LateAnswer, Request, Requests, RequestState, WireError

__all__ = [
    "ACK",
    "FIN",
    "LADDER",
    "NANOSECONDS",
    "NO_REQUESTS",
    "PATIENCE",
    "PSH",
    "RST",
    "SYN",
    "Alternative",
    "Arp",
    "Capture",
    "ClockJump",
    "ColumnRun",
    "Columns",
    "Confidence",
    "Connection",
    "Conversation",
    "DataFarm",
    "Dialect",
    "Dialogue",
    "Ended",
    "Endpoint",
    "ErrorTally",
    "Evidence",
    "ExitCode",
    "FarmKind",
    "Fault",
    "Finding",
    "Frame",
    "Gap",
    "Half",
    "Hello",
    "How",
    "InputFacts",
    "InputState",
    "Lane",
    "LateAnswer",
    "Loss",
    "MachineReport",
    "Mark",
    "Message",
    "Moment",
    "Narrowed",
    "Outcome",
    "Packet",
    "Problem",
    "Reply",
    "ReplyKind",
    "Report",
    "Request",
    "RequestState",
    "Requests",
    "Run",
    "Rung",
    "Segment",
    "SegmentColumns",
    "ServerOutage",
    "Severity",
    "Side",
    "Stall",
    "Start",
    "StartForm",
    "StrayHello",
    "Tick",
    "Unreachable",
    "UnreachableKind",
    "UserError",
    "Verdict",
    "WatchedBy",
    "WireBytes",
    "WireError",
    "WireText",
]
