"""``live --on-verdict COMMAND``: a shell command for each conversation when its verdict is reached.

The verdict is passed in the environment, never on the command line: text from the wire must not become shell code. The
command runs in parallel with the capture, without capabilities and, under sudo, as the user who ran it, unless
``--on-verdict-as-root`` asks for root's privileges. It runs in a session of its own, so that Ctrl-C does not end it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO

from ibsniff.analysis.changes import is_settled
from ibsniff.capture.privilege import held_capabilities
from ibsniff.formatting import counted
from ibsniff.model import Conversation, Report
from ibsniff.render.text import Masker, visible

MAX_RUNNING = 4
"""Commands running at the same time: many reconnects must not start as many processes."""

MAX_WAITING = 100
"""Conversations whose command waits; for further ones no command is run, and their number is reported."""

MAX_SHOWN_BYTES = 16_384
"""Shown of the output of one command."""

MAX_WAIT_SECONDS = 10.0
"""How long the end of the capture waits for commands that are still running."""

WITHOUT_PRIVILEGES = """
import os, sys
from ibsniff.capture.privilege import drop_privileges
drop_privileges(keep_reading=False)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""A program that gives up the privileges it has, and becomes the program in its arguments."""

PrintLine = Callable[[str], None]


@dataclass(slots=True)
class _Running:
    conversation: str
    process: subprocess.Popen[bytes]
    printed: IO[bytes]


class OnVerdict:
    """Runs the command once for each conversation."""

    def __init__(self, command: str, show_accounts: bool, print_line: PrintLine, *, as_root: bool = False) -> None:
        """``print_line`` takes the output of the commands, line by line.

        The command gets none of the capabilities that this process has, unless ``as_root``.
        """
        self._command = command
        self._as_root = as_root
        self._show_accounts = show_accounts
        self._print_line = print_line
        self._done: set[str] = set()
        """Conversations whose command was run; evicted ones are forgotten, because their ids never come back."""
        self._waiting: deque[tuple[str, dict[str, str]]] = deque()
        self._running: list[_Running] = []
        self._left_out = 0

    def update(self, report: Report) -> None:
        """Run the commands that are due, without waiting for them."""
        masker = Masker.for_report(report, self._show_accounts)
        dropped = sum(facts.dropped or 0 for facts in report.inputs)
        self._done &= {one.id for one in report.conversations}
        for one in report.conversations:
            if one.id not in self._done and is_settled(one):
                self._done.add(one.id)
                if len(self._waiting) < MAX_WAITING:
                    self._waiting.append((one.id, environment(one, masker, dropped)))
                else:
                    self._left_out += 1
        self._collect_and_start()

    def close(self) -> None:
        """Wait a limited time for the commands that are still running; report those that were not run."""
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        while (self._waiting or self._running) and time.monotonic() < deadline:
            self._collect_and_start()
            if self._running:
                time.sleep(0.02)
        for each in self._running:
            self._print_line(
                f"--on-verdict: the command for {each.conversation} is still running (process {each.process.pid})"
            )
            each.printed.close()
        if left_out := self._left_out + len(self._waiting):
            self._print_line(
                f"--on-verdict: not run for {counted(left_out, 'conversation')}, because there were too many at once"
            )

    def _collect_and_start(self) -> None:
        """Collect the commands that have ended, and start the next ones."""
        for each in [each for each in self._running if each.process.poll() is not None]:
            self._running.remove(each)
            self._report_end(each)
        while self._waiting and len(self._running) < MAX_RUNNING:
            self._start(*self._waiting.popleft())

    def _start(self, conversation: str, variables: dict[str, str]) -> None:
        try:
            with ExitStack() as on_failure:
                printed = on_failure.enter_context(tempfile.TemporaryFile())
                process = subprocess.Popen(
                    self._arguments(),
                    shell=sys.platform == "win32",
                    stdin=subprocess.DEVNULL,
                    stdout=printed,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **variables},
                    start_new_session=True,
                )
                on_failure.pop_all()  # the file is closed when the command has ended
        except OSError as error:
            self._print_line(f"--on-verdict: the command cannot be run: {error.strerror or error}")
        else:
            self._running.append(_Running(conversation, process, printed))

    def _arguments(self) -> str | list[str]:
        if sys.platform == "win32":
            return self._command
        shell = ["/bin/sh", "-c", self._command]
        if self._as_root or not held_capabilities():
            return shell
        return [sys.executable, "-I", "-c", WITHOUT_PRIVILEGES, *shell]

    def _report_end(self, each: _Running) -> None:
        with each.printed as printed:
            printed.seek(0)
            for line in printed.read(MAX_SHOWN_BYTES).splitlines():
                self._print_line(f"--on-verdict {each.conversation}: {visible(line)}")
        if code := each.process.returncode:
            self._print_line(f"--on-verdict {each.conversation}: exit code {code}")


def environment(conversation: Conversation, masker: Masker, dropped: int) -> dict[str, str]:
    """Return the variables for a command: text without control characters, with accounts masked.

    ``dropped`` is the number of packets that the capture has lost so far.
    """
    return {
        "IBSNIFF_CONVERSATION": conversation.id,
        "IBSNIFF_OUTCOME": conversation.outcome,
        "IBSNIFF_RUNG": conversation.rung,
        "IBSNIFF_FAULT": conversation.fault,
        "IBSNIFF_CONFIDENCE": conversation.confidence,
        "IBSNIFF_DROPPED": str(dropped),
        "IBSNIFF_CODE": conversation.cause.code if conversation.cause else "",
        "IBSNIFF_CLIENT": str(conversation.connection.client),
        "IBSNIFF_SERVER": str(conversation.connection.server),
        "IBSNIFF_SUMMARY": masker.visible_line(conversation.summary),
    }
