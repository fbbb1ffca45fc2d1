"""ibsniff reads the packets between a trading program and TWS or IB Gateway, and reports what failed and who must act.

From Python::

    import ibsniff

    report = ibsniff.analyze("bot.pcapng")
    if report.verdict is not None and report.verdict.fault is not ibsniff.Fault.NONE:
        print(report.verdict.summary)

The names in ``__all__`` are the public interface. Every other module and name in this package is private and may change
in any version. Text and bytes from the wire are a ``WireText`` or ``WireBytes``, and a sentence may quote one: as a ``str``
both show no account numbers, and neither do ``to_dict`` and ``to_markdown``. The content itself is in ``unmasked``.
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "Alternative",
    "Analysis",
    "ClockJump",
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
    "FarmKind",
    "Fault",
    "Finding",
    "Frame",
    "Gap",
    "Half",
    "Hello",
    "How",
    "InputFacts",
    "LateAnswer",
    "Loss",
    "MachineReport",
    "Message",
    "Moment",
    "Narrowed",
    "Outcome",
    "Problem",
    "Reply",
    "ReplyKind",
    "Report",
    "Request",
    "RequestState",
    "Requests",
    "Rung",
    "ServerOutage",
    "Severity",
    "Side",
    "Stall",
    "Start",
    "StartForm",
    "Unreachable",
    "UnreachableKind",
    "UserError",
    "Verdict",
    "WatchedBy",
    "WireBytes",
    "WireError",
    "WireText",
    "__version__",
    "analyze",
    "to_dict",
    "to_markdown",
]

if TYPE_CHECKING:
    from ibsniff.api import Analysis, analyze, to_dict, to_markdown
    from ibsniff.model import (
        Alternative,
        ClockJump,
        Confidence,
        Connection,
        Conversation,
        DataFarm,
        Dialect,
        Dialogue,
        Ended,
        Endpoint,
        ErrorTally,
        Evidence,
        FarmKind,
        Fault,
        Finding,
        Frame,
        Gap,
        Half,
        Hello,
        How,
        InputFacts,
        LateAnswer,
        Loss,
        MachineReport,
        Message,
        Moment,
        Narrowed,
        Outcome,
        Problem,
        Reply,
        ReplyKind,
        Report,
        Request,
        Requests,
        RequestState,
        Rung,
        ServerOutage,
        Severity,
        Side,
        Stall,
        Start,
        StartForm,
        Unreachable,
        UnreachableKind,
        UserError,
        Verdict,
        WatchedBy,
        WireBytes,
        WireError,
        WireText,
    )
else:

    def __getattr__(name: str) -> object:
        """Import a public name when it is first used: ``import ibsniff`` itself costs next to nothing."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415  (the command line does not need it)

        api = import_module("ibsniff.api")
        value = getattr(api, name) if hasattr(api, name) else getattr(import_module("ibsniff.model"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
