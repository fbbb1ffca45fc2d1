"""The same task for many items on all cores, results in the order of the items.

Each process has a pipe of its own: one that is ended in the middle of an answer leaves an end of file there, and nobody
waits for the rest. (The pool of the standard library shares one pipe and, its processes ended in mid-answer, waits for
ever.)
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
"""Tasks given out or done per process: enough that none waits, few enough that results waiting for a slow one stay few."""


def in_parallel(task: Callable[[Item], Result], items: Iterable[Item], jobs: int) -> Iterator[Result]:
    """Give each item to one of ``jobs`` processes; ``task``, items and results are pickled on the way.

    ProcessWatcher are started afresh ("spawn"), which works on every system and beside threads. When the caller stops taking
    results they are ended, and gone when this returns. Raises what the task raised, and UserError when a process is
    killed from outside.
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
    """What became of an item: a result, unless there is an error."""

    result: Any
    error: Exception | None


class _Worker:
    """A process that does the task for one item after the other."""

    def __init__(self, task: Callable[[Any], Any]) -> None:
        spawn = get_context("spawn")
        self.pipe, theirs = spawn.Pipe()
        self.process = spawn.Process(target=_work, args=(task, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.number = -1

    def give(self, number: int, item: object) -> None:
        """Let it do the task for an item; ``number`` is the item's place among all."""
        self.number = number
        try:
            self.pipe.send(item)
        except ConnectionError:
            raise _killed() from None

    def answer(self) -> _Answer:
        """Wait for what became of the item."""
        try:
            return cast(_Answer, self.pipe.recv())
        except (EOFError, OSError):
            raise _killed() from None


def _killed() -> UserError:
    return UserError("a process that was reading was killed", "read with --jobs 1, which takes less memory")


def _work(task: Callable[[Any], Any], caller: Connection) -> None:
    """Answer item after item, until the caller is gone."""
    # A terminal's Ctrl-C goes to all processes; one report of it is enough.
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
