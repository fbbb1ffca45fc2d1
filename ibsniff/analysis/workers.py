"""The same task for many items on all cores, with the results in the order of the items.

Each process has a pipe of its own: if it is killed in the middle of an answer, the pipe ends, and nobody waits for the rest.
(The pool of the standard library shares one pipe, and waits for ever if a process is killed in the middle of an answer.)
"""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple, TypeVar, cast

from ibsniff.model import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 4
"""Tasks given out or done per process: enough that no process waits, and few results wait for a slow one."""


def in_parallel(task: Callable[[Item], Result], items: Iterable[Item], jobs: int) -> Iterator[Result]:
    """Give each item to one of ``jobs`` processes and yield the results; ``task``, items and results are pickled.

    Processes are started with "spawn", which works on every system and beside threads. When the caller stops taking results
    they are terminated before this returns. Raises what the task raised, and UserError if a process is killed from outside.
    """
    workers: list[_Worker] = []
    working: dict[Connection, _Worker] = {}
    answers: dict[int, _Answer] = {}
    numbered = enumerate(items)
    wanted = 0
    try:
        while True:
            while len(working) < jobs and len(working) + len(answers) < AHEAD * jobs:
                if (given := next(numbered, None)) is None:
                    break
                worker = next((worker for worker in workers if worker.pipe not in working), None)
                if worker is None:
                    worker = _Worker(task)
                    workers.append(worker)
                worker.give(*given)
                working[worker.pipe] = worker
            if not working:
                return
            for pipe in wait(list(working)):
                worker = working.pop(cast(Connection, pipe))
                answers[worker.number] = worker.answer()
            while wanted in answers:
                answer = answers.pop(wanted)
                wanted += 1
                if answer.error is not None:
                    raise answer.error
                yield answer.result
    finally:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            worker.process.join()


class _Answer(NamedTuple):
    """The result for an item, or the error instead."""

    result: Any
    error: Exception | None


class _Worker:
    """A process that runs the task for one item after the other."""

    def __init__(self, task: Callable[[Any], Any]) -> None:
        spawn = get_context("spawn")
        self.pipe, theirs = spawn.Pipe()
        self.process = spawn.Process(target=_work, args=(task, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.number = -1

    def give(self, number: int, item: object) -> None:
        """Let it run the task for an item; ``number`` is the item's place among all."""
        self.number = number
        try:
            self.pipe.send(item)
        except ConnectionError:
            raise _killed() from None

    def answer(self) -> _Answer:
        """Wait for the result."""
        try:
            return cast(_Answer, self.pipe.recv())
        except (EOFError, OSError):
            raise _killed() from None


def _killed() -> UserError:
    return UserError("a process that was reading was killed", "Read with --jobs 1, which needs less memory")


def _work(task: Callable[[Any], Any], caller: Connection) -> None:
    """Run the task for item after item until the caller closes the pipe."""
    # Ctrl-C on a terminal goes to all processes; the caller handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, ConnectionError):
        while True:
            item = caller.recv()
            try:
                answer = _Answer(task(item), None)
            except Exception as error:
                error.add_note(traceback.format_exc())
                answer = _Answer(None, error)
            caller.send(answer)
