"""Many connections at once that say nothing and stay: HOST PORT COUNT [SECONDS]; without SECONDS, as long as it lives."""

from __future__ import annotations

import socket
import sys
import time

host, port, count = sys.argv[1:4]
crowd = [socket.create_connection((host, int(port))) for _ in range(int(count))]
print("crowded", flush=True)
if sys.argv[4:]:
    time.sleep(float(sys.argv[4]))
else:
    sys.stdin.read()
