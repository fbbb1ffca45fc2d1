"""How a live capture ends, and how it is suspended: signals, and terminals that are closed."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ibsniff.cli.errors import discard_output

if TYPE_CHECKING:
    from types import FrameType


@contextmanager
def stopped_by_signals(stop: Callable[[], None], hurry: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Let Ctrl-C, a termination signal or a closed terminal end the capture but not the report; Ctrl-C again ends both.

    Unless ``hurry`` can shorten what is left to do until the report: then it takes a third Ctrl-C.
    """

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop()
        signal.signal(signal.SIGINT, handle_again)

    def handle_again(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if not hurry():
            signal.default_int_handler(number, frame)

    ends = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # A shell starts background jobs (&) with Ctrl-C ignored; but a script that sends it means it, as with tcpdump.
    wanted = [each for each in ends if each == signal.SIGINT or signal.getsignal(each) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class SuspendRequest:
    """Ctrl-Z: the signal only asks for it, and the process stops when nothing is being painted."""

    def __init__(self) -> None:
        self.wanted = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if sys.platform != "win32" and signal.getsignal(signal.SIGTSTP) is not signal.SIG_IGN:
            self._before = signal.signal(signal.SIGTSTP, self._request)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if sys.platform != "win32" and self._before is not None:
            signal.signal(signal.SIGTSTP, self._before)
            self._before = None

    def _request(self, _number: int, _frame: FrameType | None) -> None:
        self.wanted = True

    def stop_process(self) -> None:
        """Stop this process until the shell continues it."""
        self.wanted = False
        if sys.platform != "win32":
            os.kill(os.getpid(), signal.SIGSTOP)


def discard_terminal_output() -> None:
    """Discard all further output to a terminal that is gone, so that printing raises no error."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            if stream.isatty() or os.isatty(stream.fileno()) or _is_gone(stream.fileno()):
                discard_output(stream)


def _is_gone(descriptor: int) -> bool:
    """Tell whether this was a terminal that is gone: isatty(3) no longer recognises it, and it cannot be written to."""
    try:
        os.write(descriptor, b"")
    except OSError as error:
        return error.errno == errno.EIO
    return False


def survives_hangup() -> bool:
    """Tell whether the process is meant to continue when the terminal is closed (nohup)."""
    return hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
