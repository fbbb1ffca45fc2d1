"""What goes wrong at the edges: the only exception a user ever sees, and the exit codes of the process."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says when it ends."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    INPUT = 3
    PERMISSION = 4
    INTERRUPTED = 130


class UserError(Exception):
    """Something the user can mend: what failed, in one line, and what to do about it, in another.

    Raised by the edges alone (``capture``, ``cli``, ``regress``, ``standin``): wire content never raises.
    """

    def __init__(self, what: str, what_to_do: str, exit_code: ExitCode = ExitCode.INPUT) -> None:
        super().__init__(what)
        self.what = what
        self.what_to_do = what_to_do
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[type[UserError], tuple[str, str, ExitCode]]:
        """One process may hand it to another."""
        return UserError, (self.what, self.what_to_do, self.exit_code)
