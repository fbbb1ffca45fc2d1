"""The only exception that a user ever sees, and the exit codes of the command."""

from __future__ import annotations

from enum import IntEnum

from ibsniff.masking.sentence import sentence


class ExitCode(IntEnum):
    """The exit codes of the command line."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    INPUT = 3
    PERMISSION = 4
    INTERRUPTED = 130


class UserError(Exception):
    """Something that the user can fix. ``what`` says in one line what failed, ``what_to_do`` how to go on.

    Only the edges raise it (``capture``, ``cli``, ``regression``, ``standin``, ``api``); the content of packets never does.
    Names of captures stand in it as `WireText`, since people name files after accounts.
    """

    def __init__(self, what: str, what_to_do: str, exit_code: ExitCode = ExitCode.INPUT) -> None:
        self.what = sentence(what)
        self.what_to_do = sentence(what_to_do)
        super().__init__(self.what)
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[type[UserError], tuple[str, str, ExitCode]]:
        """It can be passed from one process to another."""
        return UserError, (self.what, self.what_to_do, self.exit_code)
