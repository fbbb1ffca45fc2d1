"""What other processes are asked to do: in a module of its own, since they import it by its name."""

from __future__ import annotations

import os

from ibsniff.model import ExitCode, UserError


def square(number: int) -> int:
    return number * number


def process_id(_item: object) -> int:
    return os.getpid()


def more_than_a_pipe_holds(_item: object) -> bytes:
    return bytes(3_000_000)


def divide(number: int) -> float:
    return 1 / number


def fail(_item: object) -> int:
    raise UserError("what failed", "what to do", ExitCode.PERMISSION)


def die(_item: object) -> int:
    os._exit(9)
