"""Connect with IB's own Python client (any version of the package ibapi): HOST PORT. Waits as long as it does."""

from __future__ import annotations

import sys

from ibapi.client import EClient
from ibapi.wrapper import EWrapper


class Client(EWrapper, EClient):
    def __init__(self) -> None:
        EClient.__init__(self, self)

    def nextValidId(self, orderId: int) -> None:
        print("ready", flush=True)
        self.reqCurrentTime()

    def currentTime(self, time: int) -> None:
        self.disconnect()

    def error(self, *what: object) -> None:
        print(*what, flush=True)


client = Client()
client.connect(sys.argv[1], int(sys.argv[2]), 7)
client.run()
