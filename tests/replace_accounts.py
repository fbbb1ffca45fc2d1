"""``python tests/replace_accounts.py CAPTURE ...`` writes stand-ins over the accounts in captures that will be shared.

Each account becomes one of the same length (``DU0000001``, see ``ibsniff/ib/accounts.py``), so nothing else moves. TCP
checksums that were right are right afterwards. It says what it could not replace: accounts that packets cut in two, and
those of an unusual form. The files are changed in place: work on a copy.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scapy.all import conf

from ibsniff.analysis.api_traffic import Ports
from ibsniff.analysis.reading import read_files
from ibsniff.capture.files import open_capture
from ibsniff.ib.accounts import stand_in
from ibsniff.regression.accounts import accounts_in
from ibsniff.render.text import mask_account


def replace(path: Path) -> tuple[int, list[str]]:
    """Replace what can be; return how many accounts that were, and those that are still there."""
    content = bytearray(path.read_bytes())
    names = stand_ins(found(path), bytes(content))
    whole = sum(name in content for name in names)
    at = 0
    with open_capture(str(path)) as source:
        for frame in source.frames():
            at = content.index(frame.data, at)
            content[at : at + len(frame.data)] = frame_without(frame.data, frame.link_type, names)
            at += len(frame.data)
    path.write_bytes(without(bytes(content), names))  # comments as well
    return whole, found(path)


def found(path: Path) -> list[str]:
    return accounts_in(path, read_files([str(path)], Ports(any=True)).report)


def stand_ins(accounts: list[str], content: bytes) -> dict[bytes, bytes]:
    """Account -> stand-in, numbered in the order in which the file names them."""
    names: dict[bytes, bytes] = {}
    for account in sorted(accounts, key=lambda account: content.find(account.encode("utf-8", "replace"))):
        try:
            names[account.encode("utf-8", "replace")] = stand_in(account, len(names) + 1).encode()
        except ValueError:
            continue
    return names


def without(data: bytes, names: dict[bytes, bytes]) -> bytes:
    for account in sorted(names, key=len, reverse=True):
        data = data.replace(account, names[account])
    return data


def frame_without(data: bytes, link_type: int, names: dict[bytes, bytes]) -> bytes:
    """The frame with stand-ins; its checksum is corrected only if it was right (a sending machine captures it unfinished)."""
    changed = without(data, names)
    if changed == data or link_type not in conf.l2types or with_checksum(data, link_type) != data:
        return changed
    return with_checksum(changed, link_type)


def with_checksum(data: bytes, link_type: int) -> bytes:
    packet = conf.l2types[link_type](data)
    if "TCP" in packet:
        del packet["TCP"].chksum
    return bytes(packet)


if __name__ == "__main__":
    incomplete = False
    for name in sys.argv[1:]:
        replaced, left = replace(Path(name))
        told = f"; still there: {', '.join(map(mask_account, left))}" if left else ""
        print(f"{name}: {replaced} accounts replaced{told}")
        incomplete |= bool(left)
    sys.exit(incomplete)
