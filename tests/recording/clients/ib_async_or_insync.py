"""Connect with ib_async or ib_insync as a bot would: PACKAGE HOST PORT, and how patient and how busy it is."""

from __future__ import annotations

import argparse
import importlib
import time

parser = argparse.ArgumentParser()
parser.add_argument("package")
parser.add_argument("host")
parser.add_argument("port", type=int)
parser.add_argument("--client-id", type=int, default=7)
parser.add_argument("--attempts", type=int, default=1)
parser.add_argument("--pause", type=float, default=0.7, help="seconds between attempts")
parser.add_argument("--timeout", type=float, default=4, help="seconds")
parser.add_argument("--stay", type=int, default=0, help="seconds; asks for the time every second")
parser.add_argument("--quotes", type=int, nargs="?", const=1, default=0, help="ask for market data when ready")
parser.add_argument("--again", action="store_true", help="ask for market data again after error 1101")
parser.add_argument("--order", action="store_true", help="place an order when ready")
parser.add_argument("--contracts", nargs="*", default=[], help="symbols of stocks to look up when ready")
parser.add_argument("--busy", type=float, default=0, help="seconds in which the program does not read")
arguments = parser.parse_args()


def subscribe_again(ib, contracts):
    def on_error(request, code, *_):
        for contract in contracts if code == 1101 else ():
            ib.cancelMktData(contract)
            ib.reqMktData(contract)

    return on_error


library = importlib.import_module(arguments.package)

for attempt in range(arguments.attempts):
    ib = library.IB()
    try:
        ib.connect(arguments.host, arguments.port, clientId=arguments.client_id, timeout=arguments.timeout)
        print("ready", flush=True)
        contracts = [library.Contract(conId=265598 + number, exchange="SMART") for number in range(arguments.quotes)]
        for contract in contracts:
            ib.reqMktData(contract)
        if contracts:
            ib.sleep(0.5)
        if arguments.again:
            ib.errorEvent += subscribe_again(ib, contracts)
        if arguments.contracts:
            ib.qualifyContracts(*(library.Stock(symbol, "SMART", "USD") for symbol in arguments.contracts))
        if arguments.order:
            ib.placeOrder(library.Contract(conId=265598, exchange="SMART"), library.LimitOrder("BUY", 100, 187.0))
        time.sleep(arguments.busy)
        for _ in range(arguments.stay):
            ib.reqCurrentTime()
            ib.sleep(1)
        if arguments.attempts == 1 or attempt:
            ib.reqCurrentTime()
            ib.disconnect()
            break
        while ib.isConnected():
            ib.sleep(0.1)
    except Exception as problem:
        print(f"{type(problem).__name__}: {problem}", flush=True)
    time.sleep(arguments.pause if arguments.attempts > 1 else 0)
