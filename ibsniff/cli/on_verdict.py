"""``live --on-verdict COMMAND``: a shell command for each conversation whose verdict is reached.

What is known goes into its environment, never onto its command line: wire text must not become shell code. It runs
beside the capture with whatever privileges are left by then, in a session of its own, so that Ctrl-C does not end it.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO

from ibsniff.analysis.watching import is_settled
from ibsniff.model import Conversation, Report
from ibsniff.render.text import Veil, prose, visible

MOST_AT_ONCE = 4
"""Commands running at the same time: a storm of reconnects must not become one of processes."""

MOST_WAITING = 100
"""Conversations whose command waits for its turn; beyond that none is run, and their number is said."""

SHOWN_BYTES = 16_384
"""Of what one command prints."""

LAST_SECONDS = 10.0
"""How long the end of the capture waits for commands that still run."""

Tell = Callable[[str], None]


@dataclass(slots=True)
class _Running:
    conversation: str
    process: subprocess.Popen[bytes]
    printed: IO[bytes]


class OnVerdict:
    """Runs the command, once a conversation."""

    def __init__(self, command: str, show_accounts: bool, tell: Tell) -> None:
        """``tell`` takes what the commands print, line by line."""
        self._command = command
        self._show_accounts = show_accounts
        self._tell = tell
        self._known: set[str] = set()
        """Conversations that had theirs; those folded meanwhile are forgotten, their ids never come back."""
        self._waiting: deque[tuple[str, dict[str, str]]] = deque()
        self._running: list[_Running] = []
        self._left_out = 0

    def look(self, seen: Report) -> None:
        """Run what is due; never waits."""
        veil = Veil.over(seen, self._show_accounts)
        present = {one.id for one in seen.conversations}
        self._known &= present
        for one in seen.conversations:
            if one.id not in self._known and is_settled(one):
                self._known.add(one.id)
                if len(self._waiting) < MOST_WAITING:
                    self._waiting.append((one.id, environment(one, veil)))
                else:
                    self._left_out += 1
        self._turn_over()

    def close(self) -> None:
        """Wait for what still runs, but not for ever; say what was not run."""
        deadline = time.monotonic() + LAST_SECONDS
        while (self._waiting or self._running) and time.monotonic() < deadline:
            self._turn_over()
            if self._running:
                time.sleep(0.02)
        for each in self._running:
            self._tell(f"--on-verdict: the command for {each.conversation} still runs, process {each.process.pid}")
            each.printed.close()
        if left_out := self._left_out + len(self._waiting):
            self._tell(f"--on-verdict: not run for {left_out:,} conversations: too many at once")

    def _turn_over(self) -> None:
        """See who is ready, and let the next ones begin."""
        for each in [each for each in self._running if each.process.poll() is not None]:
            self._running.remove(each)
            self._ended(each)
        while self._waiting and len(self._running) < MOST_AT_ONCE:
            self._begin(*self._waiting.popleft())

    def _begin(self, conversation: str, variables: dict[str, str]) -> None:
        try:
            with ExitStack() as unless_begun:
                printed = unless_begun.enter_context(tempfile.TemporaryFile())
                process = subprocess.Popen(
                    self._command,
                    shell=True,
                    stdin=subprocess.DEVNULL,
                    stdout=printed,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **variables},
                    start_new_session=True,
                )
                unless_begun.pop_all()  # closed when the command has ended
        except OSError as error:
            self._tell(f"--on-verdict: cannot be run: {error.strerror or error}")
        else:
            self._running.append(_Running(conversation, process, printed))

    def _ended(self, each: _Running) -> None:
        with each.printed as printed:
            printed.seek(0)
            for line in printed.read(SHOWN_BYTES).splitlines():
                self._tell(f"--on-verdict {each.conversation}: {visible(line)}")
        if code := each.process.returncode:
            self._tell(f"--on-verdict {each.conversation}: exit code {code}")


def environment(conversation: Conversation, veil: Veil) -> dict[str, str]:
    """Return the variables a command gets: plain text without control characters, accounts masked."""
    return {
        "IBSNIFF_CONVERSATION": conversation.id,
        "IBSNIFF_OUTCOME": conversation.outcome,
        "IBSNIFF_RUNG": conversation.rung,
        "IBSNIFF_FAULT": conversation.fault,
        "IBSNIFF_CODE": conversation.cause.code if conversation.cause else "",
        "IBSNIFF_CLIENT": str(conversation.connection.client),
        "IBSNIFF_SERVER": str(conversation.connection.server),
        "IBSNIFF_SUMMARY": prose(veil.text(conversation.summary)),
    }
