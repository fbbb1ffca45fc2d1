"""Segments -> streams of bytes that know their packets, and a record of how each connection went.

``sequence``           the 32-bit arithmetic, all of it
``direction``          one direction: what is in order, what waits behind a hole, when a hole is given up
``reassembly_buffer``  what waits, sorted and bounded
``hole_wait``          how long a hole is waited for
``recent_segments``    duplicates, and bytes that conflict with earlier ones
``damaged_segments``   segments with a wrong checksum
``connection``         two directions and what happens between them
``lifecycle``          how a connection opens, is refused and ends
``table``              which connection a segment belongs to, and who is the client
``columns``            the column lane: thousands of regular segments at once
``history``, ``state``  Zeek's letters and words for how a connection went
"""

from ibsniff.tcp.state import conn_state
from ibsniff.tcp.table import ConnectionTable

__all__ = ["ConnectionTable", "conn_state"]
