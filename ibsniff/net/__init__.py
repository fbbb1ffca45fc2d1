"""From a captured frame to the TCP segment in it, or to the reason why there is none that matters.

A frame is peeled from the outside: ``link`` finds the network layer, ``ip`` the transport layer, ``fragments`` joins
what IP cut up, ``segment``, ``icmp`` and ``arp`` read what is inside. ``dissector`` is the way through, and holds the
short cut that drops other people's traffic before an object is made for it.
"""

from __future__ import annotations

from ibsniff.net.dissector import Dissector
from ibsniff.net.skip import SkipReason

__all__ = ["Dissector", "SkipReason"]
