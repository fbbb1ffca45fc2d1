"""A hand-written client: HOST PORT STEP...; at the end it waits for the server to close.

A step is bytes to send (hexadecimal), ``?`` (wait for an answer), ``1.5s`` (wait so long), ``1.5r`` (read
for so long), ``ready`` (say so) or ``bye`` (close, and end).
"""

from __future__ import annotations

import select
import socket
import sys
import time

with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as connection:
    for step in sys.argv[3:]:
        if step == "bye":
            sys.exit()
        elif step == "ready":
            print(step, flush=True)
        elif step == "?":
            connection.recv(65536)
        elif step.endswith("s"):
            time.sleep(float(step[:-1]))
        elif step.endswith("r"):
            until = time.monotonic() + float(step[:-1])
            while select.select([connection], [], [], max(0.0, until - time.monotonic()))[0] and connection.recv(65536):
                pass
        else:
            connection.sendall(bytes.fromhex(step))
    while connection.recv(65536):
        pass
