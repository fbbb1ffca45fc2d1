"""Segments -> streams of bytes that know their packets, and the story of each connection.

``sequence``    the 32-bit arithmetic, all of it
``direction``   one direction: what is in order, what waits behind a hole, when a hole is given up
``pieces``      what waits, sorted and bounded
``damage``      what has a wrong checksum, and what that means
``connection``  two directions and the connection's story: handshake, refusal, end, history
``table``       which connection a segment belongs to, and who is the client
``state``       Zeek's one word for how it went
"""

from ibsniff.tcp.state import conn_state
from ibsniff.tcp.table import ConnectionTable

__all__ = ["ConnectionTable", "conn_state"]
