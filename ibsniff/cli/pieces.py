"""What is said before the reports on files that look like pieces of one capture and were not joined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ibsniff.analysis.pieces import Edges, edges_of, pieces
from ibsniff.analysis.snapshot import Snapshot
from ibsniff.formatting import counted
from ibsniff.model import UserError, WireText
from ibsniff.render.text import Masker

MAX_NAMES = 3


def noting_edges(results: Iterator[Snapshot | UserError], edges: list[Edges | None]) -> Iterator[Snapshot | UserError]:
    """Pass on what was read of each input, and note its ends."""
    for result in results:
        edges.append(None if isinstance(result, UserError) else edges_of(result))
        yield result


def pieces_note(paths: Sequence[str], captures: Sequence[Edges | None], show_accounts: bool) -> str:
    """The files that look like pieces of one capture, the proof, and what to do; empty if there are none."""
    masker = Masker(show_accounts=show_accounts)
    notes = []
    for found in pieces(captures):
        chosen = [paths[number] for number in found.numbers]
        these = f"These {len(chosen)} files" if len(chosen) == len(paths) else _named(chosen)
        notes.append(
            f"{these} look like pieces of one capture: read them with --join. The connection {found.client} → "
            f"{found.server} goes on from one to the next."
        )
    return masker.visible_line(" ".join(notes[:MAX_NAMES]))


def _named(paths: Sequence[str]) -> str:
    """The files by name; of many the first ones."""
    more = len(paths) - MAX_NAMES
    names = [f"{WireText(path):quoted}" for path in paths[:MAX_NAMES]]
    names += [counted(more, "more file")] if more > 0 else []
    return f"{', '.join(names[:-1])} and {names[-1]}"
