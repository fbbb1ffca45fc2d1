"""From a captured frame to the TCP segment in it, or to the reason why the frame is skipped.

A frame is read from the outside in: ``link`` finds the network layer, ``ip`` finds the transport layer, ``fragments``
reassembles IP fragments, and ``segment``, ``icmp`` and ``arp`` read what is inside. ``dissector`` connects these steps, and
has a fast path that skips other traffic without creating objects for it.
"""

from __future__ import annotations

from ibsniff.net.dissector import Dissector
from ibsniff.net.skip import SkipReason

__all__ = ["Dissector", "SkipReason"]
