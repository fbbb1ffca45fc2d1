"""Captures of other programs, many of them broken on purpose: each ends in frames or in one clear error."""

from __future__ import annotations

from pathlib import Path

from corpus import CORPUS, needs_corpus, rows

from ibsniff.capture.files import open_capture
from ibsniff.model import UserError

pytestmark = needs_corpus

DIFFERENCES = {
    "pcap-invalid-version-2.pcap": "version 2.5: Wireshark reads it as 2.4, libpcap refuses it, and so do we",
}
"""Files of which the index counts packets that we do not, and why."""


def test_every_file_ends_in_frames_or_one_clear_error_and_counts_as_the_tools_do():
    files = rows("index.tsv")
    assert files
    different = {}
    for row in files:
        ours, told = outcome(CORPUS / row["path"])
        theirs = int(row["packets"]) if row["packets"] and row["capinfos_exit"] == "0" else None
        if theirs is not None and (ours, told) != (theirs, None):
            different[Path(row["path"]).name] = (ours, told)
    assert different.keys() == DIFFERENCES.keys()


def outcome(path: Path) -> tuple[int, str | None]:
    """The number of packets, and the description of the damage."""
    try:
        with open_capture(str(path)) as capture:
            numbers = [frame.number for frame in capture.frames()]
    except UserError as error:
        assert error.what_to_do  # noqa: PT017  (either is right)
        return 0, error.what
    assert numbers == sorted(set(numbers))
    assert len(numbers) == capture.facts.packets
    return capture.facts.packets, capture.facts.truncated
