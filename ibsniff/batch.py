"""The same task for many items on all cores, results in the order of the items."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from typing import TypeVar

from ibsniff.model import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 4
"""Tasks given out per process: enough that none waits, and few enough that results waiting for a slow one stay few."""


def in_parallel(task: Callable[[Item], Result], items: Iterable[Item], jobs: int) -> Iterator[Result]:
    """Give each item to one of ``jobs`` processes; ``task``, items and results are pickled on the way.

    Processes are started afresh ("spawn"), which works on every system and beside threads. When the caller stops taking
    results they are ended. Raises UserError when one is killed from outside.
    """
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _leave_interrupts_to_the_caller)
    given_out: deque[Future[Result]] = deque()
    is_done = False
    try:
        for item in items:
            given_out.append(pool.submit(task, item))
            if len(given_out) >= AHEAD * jobs:
                yield given_out.popleft().result()
        while given_out:
            yield given_out.popleft().result()
        is_done = True
    except BrokenProcessPool:
        raise UserError(
            "a process that was reading was killed", "read with --jobs 1, which takes less memory"
        ) from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in () if is_done else active_children():
            process.terminate()


def _leave_interrupts_to_the_caller() -> None:
    """A terminal's Ctrl-C goes to all processes; one report of it is enough."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
