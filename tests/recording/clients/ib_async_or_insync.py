"""Connect with ib_async or ib_insync as a bot would: LIBRARY HOST PORT [ATTEMPTS] [SECONDS TO STAY] [TIMEOUT]."""

from __future__ import annotations

import importlib
import sys
import time

library, host, port = sys.argv[1:4]
attempts, stay, timeout = (*sys.argv[4:], *("1", "0", "4")[len(sys.argv) - 4 :])
IB = importlib.import_module(library).IB

for attempt in range(int(attempts)):
    ib = IB()
    try:
        ib.connect(host, int(port), clientId=7, timeout=float(timeout))
        print("ready", flush=True)
        for _ in range(int(stay)):
            ib.reqCurrentTime()
            ib.sleep(1)
        if attempts == "1" or attempt:
            ib.reqCurrentTime()
            ib.disconnect()
            break
        while ib.isConnected():
            ib.sleep(0.1)
    except Exception as problem:
        print(f"{type(problem).__name__}: {problem}", flush=True)
    time.sleep(0.7 if attempts != "1" else 0)
