"""The packet ring in memory shared with the kernel: PACKET_RX_RING, TPACKET_V3 (Linux's packet_mmap.rst).

The kernel fills blocks and hands them over one by one, when they are full or after a time; we copy the packets and return
the block. This needs no system call for each packet, while the queue of a socket needs one and takes a kilobyte of its
buffer for each small packet. A large ring needs no privilege, while the buffer of a socket is bounded by
``net.core.rmem_max``: with CAP_NET_RAW alone it holds about 200 packets. Every packet has the time at which it arrived,
not the time at which it was read.
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
"""One block holds any packet, or about 1500 small ones. The unused part of a block is lost, so larger blocks buffer less."""
MIN_RING_SIZE: Final = 8 * BLOCK_BYTES
HANDED_OVER_AFTER_MS: Final = 40
"""A block that is not full is handed over after one to two times this period, since the kernel's timer checks once in it."""

_REQUEST = Struct("=7I")
"""``struct tpacket_req3``: block size and count, frame size and count, timeout, private bytes, features."""
_NOMINAL_FRAME: Final = 2048  # TPACKET_V3 packs frames of any size, but requires that the frame count match the blocks
_BLOCK = Struct("=8xIIII")
"""``struct tpacket_block_desc``: its status, number of packets, offset of the first packet, and used length."""
_STATUS_AT: Final = 8
_FOR_US: Final = 1


class PacketRing:
    """The ring of one packet socket."""

    def __init__(self, sock: socket.socket, size: int, *, is_cooked: bool) -> None:
        """Request ``size`` bytes, and half as much each time the kernel lacks memory. Raises OSError below `MIN_RING_SIZE`.

        ``is_cooked``: the socket delivers packets without link headers.
        """
        sock.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
        self.size = _allotted(sock, size)
        self._memory = mmap.mmap(sock.fileno(), self.size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        self._block = 0
        self._is_cooked = is_cooked

    def take(self) -> RingBlock | None:
        """Return the next block; None when the kernel has not handed it over yet."""
        memory, block = self._memory, self._block
        status, count, first, end = _BLOCK.unpack_from(memory, block)
        if not status & _FOR_US:
            return None
        taken = RingBlock(memory[block : block + end], count, first, self._is_cooked)
        memory[block + _STATUS_AT : block + _STATUS_AT + 4] = bytes(4)  # return it to the kernel
        self._block = (block + BLOCK_BYTES) % self.size
        return taken

    def close(self) -> None:
        """Release the memory; calling it again does nothing."""
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
