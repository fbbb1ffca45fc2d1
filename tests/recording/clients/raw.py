"""A hand-written client: HOST PORT BYTES [BYTES]. Sends the first (hexadecimal), awaits an answer, sends the second.

Waits for the server to end, like a script that was told the next message would come.
"""

from __future__ import annotations

import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as connection:
    for data in sys.argv[3:]:
        connection.sendall(bytes.fromhex(data))
        connection.recv(65536)
    while connection.recv(65536):
        pass
