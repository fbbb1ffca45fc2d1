"""What other processes are asked to do: in a module of its own, since they import it by its name."""

from __future__ import annotations

import os

from ibsniff.model import ExitCode, UserError


def square(number: int) -> int:
    return number * number


def process_id(_item: object) -> int:
    return os.getpid()


def fail(_item: object) -> int:
    raise UserError("what failed", "what to do", ExitCode.PERMISSION)


def die(_item: object) -> int:
    os._exit(9)
