"""How a live capture ends, and how it pauses: signals, and terminals that go away."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ibsniff.cli.app import let_go

if TYPE_CHECKING:
    from types import FrameType


@contextmanager
def stopping(stop: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C, a termination signal and a closed terminal end the capture, not the report; Ctrl-C again ends both."""

    def heed(_number: int, _frame: FrameType | None) -> None:
        stop()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    ends = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # a shell starts what ends in & with Ctrl-C ignored, yet a script that sends it on purpose means it, as with tcpdump
    wanted = [each for each in ends if each == signal.SIGINT or signal.getsignal(each) is not signal.SIG_IGN]
    before = {number: signal.signal(number, heed) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Pauses:
    """Ctrl-Z: wished for by a signal, fulfilled when nobody is in the middle of painting."""

    def __init__(self) -> None:
        self.wanted = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if sys.platform != "win32" and signal.getsignal(signal.SIGTSTP) is not signal.SIG_IGN:
            self._before = signal.signal(signal.SIGTSTP, self._wish)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if sys.platform != "win32" and self._before is not None:
            signal.signal(signal.SIGTSTP, self._before)
            self._before = None

    def _wish(self, _number: int, _frame: FrameType | None) -> None:
        self.wanted = True

    def pause(self) -> None:
        """Stop until the shell lets us go on."""
        self.wanted = False
        if sys.platform != "win32":
            os.kill(os.getpid(), signal.SIGSTOP)


def let_go_of_terminal() -> None:
    """The terminal is gone: what is still said goes nowhere, and raises nothing."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            if stream.isatty() or os.isatty(stream.fileno()) or _is_gone(stream.fileno()):
                let_go(stream)


def _is_gone(descriptor: int) -> bool:
    """A terminal that hung up is no terminal any more for isatty(3), and cannot be written to."""
    try:
        os.write(descriptor, b"")
    except OSError as error:
        return error.errno == errno.EIO
    return False


def outlives_terminal() -> bool:
    """Tell whether whoever started us wants us to go on when the terminal is closed (nohup)."""
    return hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
