"""Packets in memory shared with the kernel: PACKET_RX_RING in its third version (packet_mmap.rst in Linux' documentation).

The kernel fills blocks and hands them over one by one, full or after a time; we copy the packets out and give the block
back. That costs no system call per packet, where a socket's queue asks for one and charges a kilobyte for each small
packet; and its size needs no privilege, where a socket's is bounded by ``net.core.rmem_max``: with CAP_NET_RAW alone
that is some 200 packets. Every packet bears the time at which it came, not the time at which it is read.
"""

from __future__ import annotations

import errno
import mmap
import socket
from struct import Struct
from typing import Final

from ibsniff.capture.ring_block import RingBlock

SOL_PACKET: Final = 263
PACKET_RX_RING, PACKET_VERSION, TPACKET_V3 = 5, 10, 2

BLOCK_BYTES: Final = 1 << 18
"""Holds any packet, or some 1500 small ones. What is not filled in time is lost room: few large blocks would buffer less."""
MIN_RING_SIZE: Final = 8 * BLOCK_BYTES
HANDED_OVER_AFTER_MS: Final = 40
"""A block that is not full is handed over after this time, or twice as much (the kernel's timer looks once a period)."""

_REQUEST = Struct("=7I")
"""``struct tpacket_req3``: block size and count, frame size and count, time-out, private bytes, features."""
_NOMINAL_FRAME: Final = 2048  # version 3 packs frames of any size, and yet insists on a product
_BLOCK = Struct("=8xIIII")
"""``struct tpacket_block_desc``: of it the status, how many packets, where in the block the first is, and where it ends."""
_STATUS_AT: Final = 8
_FOR_US: Final = 1


class PacketRing:
    """The ring of one packet socket."""

    def __init__(self, sock: socket.socket, size: int, *, is_cooked: bool) -> None:
        """Ask for ``size`` bytes, and for half as long as the kernel has not so much. Raises OSError when it has none.

        ``is_cooked``: of a socket that gives packets without link headers.
        """
        sock.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
        self.size = _allotted(sock, size)
        self._memory = mmap.mmap(sock.fileno(), self.size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        self._block = 0
        self._is_cooked = is_cooked

    def take(self) -> RingBlock | None:
        """The next block; None when the kernel has not handed it over yet."""
        memory, block = self._memory, self._block
        status, count, first, end = _BLOCK.unpack_from(memory, block)
        if not status & _FOR_US:
            return None
        taken = RingBlock(memory[block : block + end], count, first, self._is_cooked)
        memory[block + _STATUS_AT : block + _STATUS_AT + 4] = bytes(4)  # the kernel's again
        self._block = (block + BLOCK_BYTES) % self.size
        return taken

    def close(self) -> None:
        """Give the memory back; harmless when repeated."""
        self._memory.close()


def _allotted(sock: socket.socket, size: int) -> int:
    while True:
        blocks = size // BLOCK_BYTES
        frames = blocks * (BLOCK_BYTES // _NOMINAL_FRAME)
        request = _REQUEST.pack(BLOCK_BYTES, blocks, _NOMINAL_FRAME, frames, HANDED_OVER_AFTER_MS, 0, 0)
        try:
            sock.setsockopt(SOL_PACKET, PACKET_RX_RING, request)
        except OSError as error:
            if error.errno != errno.ENOMEM or size <= MIN_RING_SIZE:
                raise
            size //= 2
        else:
            return blocks * BLOCK_BYTES
