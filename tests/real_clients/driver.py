"""Drive a client library by a plan and write down what the library itself did: LIBRARY PORT, the plan as JSON on stdin.

It runs in the virtual environment of the library (ibapi or ib_async, ib_insync) and uses nothing else. What is printed is
one JSON document: a list of calls, each with the number of the message that the library sent for it, and of callbacks, each
with the number of the message that the library was decoding. So the library says which message belongs to which call.
"""

from __future__ import annotations

import importlib
import inspect
import json
import logging
import os
import sys
import threading
import time
import traceback
from datetime import UTC
from functools import wraps

PATIENCE = 15.0
CALLS = ("req", "place", "cancel", "replace", "exercise", "calculate", "query", "subscribe", "unsubscribe", "set")
SIMPLE = (int, float, str, bool)


class Log:
    """Everything that happened, in the order in which the library saw it."""

    def __init__(self):
        self.entries, self.sent, self.received, self.decoding = [], 0, 0, False
        self.news = threading.Condition()

    def callback(self, name, arguments):
        if self.decoding and not name.endswith("ProtoBuf"):
            with self.news:
                self.entries.append({"callback": name, "message": self.received, "given": simple(arguments)})
                self.news.notify_all()

    def count(self, callback):
        return sum(entry.get("callback") == callback for entry in self.entries)


def simple(arguments):
    """Numbers and texts as they are; of an execution its order."""
    return [argument if isinstance(argument, SIMPLE) else getattr(argument, "orderId", None) for argument in arguments]


class Wrapper:
    """Hears what the library decodes, and passes it on to the library's own wrapper if it has one."""

    defaultTimezone = UTC

    def __init__(self, log, inner=None):
        self._log, self._inner = log, inner

    def __getattr__(self, name):
        inner = getattr(self._inner, name, None)
        if inner is not None and not callable(inner):
            return inner

        def hear(*arguments):
            self._log.callback(name, arguments)
            return inner(*arguments) if inner else None

        return hear


def watch_decoder(log, decoder):
    """Count the messages that the library decodes, and know while it does."""
    for name in ("interpret", "processProtoBuf"):
        if (method := getattr(decoder, name, None)) is not None:
            setattr(decoder, name, counted(log, method))


def counted(log, method):
    @wraps(method)
    def decode(self, fields, *number):
        if number == (0,) or not (number or fields):  # before there is a message
            return method(self, fields, *number)
        log.received += 1
        log.decoding = True
        try:
            return method(self, fields, *number)
        finally:
            log.decoding = False

    return decode


def watch_calls(log, client):
    """Note each request that anybody makes of the client, and the number of the message that it sends."""
    for name in ("sendMsg", "sendMsgProtoBuf"):
        if (send := getattr(client, name, None)) is not None:
            setattr(client, name, counting(log, send))
    for name in dir(type(client)):
        if name.startswith(CALLS) and not name.endswith("ProtoBuf") and callable(method := getattr(client, name)):
            setattr(client, name, noting(log, name, method))


def counting(log, send):
    def sending(*message):
        if message[-1] is not None:  # ib_async calls itself so when it may send again
            log.sent += 1
        return send(*message)

    return sending


def noting(log, name, method):
    parameters = inspect.signature(method).parameters

    def call(*given, **named):
        before = log.sent
        entry = {"call": name, "given": simple(given)}
        log.entries.append(entry)
        try:
            return method(*given, **named)
        finally:
            entry["message"] = log.sent if log.sent > before else None

    call.__signature__ = inspect.Signature(list(parameters.values()))
    return call


class Official:
    """IB's own client: a thread reads, another one decodes."""

    def __init__(self, log, port):
        self.log = log
        names = ("contract", "execution", "order", "scanner", "client", "decoder")
        self.modules = [importlib.import_module(f"ibapi.{name}") for name in names]
        watch_decoder(log, self.modules[-1].Decoder)
        self.client = self.modules[-2].EClient(Wrapper(log))
        watch_calls(log, self.client)
        self.client.connect("127.0.0.1", port, 7)
        self.decoding = threading.Thread(target=self.client.run, daemon=True)
        self.decoding.start()

    def wait_for(self, callback, count):
        with self.log.news:
            return self.log.news.wait_for(lambda: self.log.count(callback) >= count, PATIENCE)

    def leave(self):
        self.client.disconnect()
        self.decoding.join(PATIENCE)


class Framework:
    """ib_async and ib_insync, with what they ask for when they connect; one thread does all."""

    def __init__(self, log, port, name):
        library = importlib.import_module(name)
        self.log, self.modules = log, (library, library.objects)
        watch_decoder(log, importlib.import_module(f"{name}.decoder").Decoder)
        self.ib = library.IB()
        self.client = self.ib.client
        self.client.MaxRequests = 0  # what it holds back would be counted as sent
        self.client.decoder.wrapper = self.client.wrapper = Wrapper(log, self.ib.wrapper)
        watch_calls(log, self.client)
        self.ib.connect("127.0.0.1", port, clientId=7, timeout=PATIENCE)

    def wait_for(self, callback, count):
        until = time.monotonic() + PATIENCE
        while self.log.count(callback) < count and time.monotonic() < until:
            self.ib.sleep(0.002)
        return self.log.count(callback) >= count

    def leave(self):
        self.ib.disconnect()


class Driver:
    """Does what a plan says."""

    def __init__(self, library, port):
        self.log = Log()
        self.side = Official(self.log, port) if library == "ibapi" else Framework(self.log, port, library)
        self.side.wait_for("nextValidId", 1)

    def follow(self, plan):
        for name, *arguments in plan:
            if name == "wait":
                self.ask_and_wait(*arguments)
            elif (method := getattr(self.side.client, name, None)) is not None:
                method(*self.fitting(method, [self.made(argument) for argument in arguments]))
        self.side.leave()

    def ask_and_wait(self, call, callback, *arguments):
        """Everything that the server sends before the answer is here when the answer is."""
        expected = self.log.count(callback) + 1
        getattr(self.side.client, call)(*arguments)
        if not self.side.wait_for(callback, expected):
            raise TimeoutError(f"{call} was not answered")

    def fitting(self, method, arguments):
        """No more arguments than this library's method has, and its own objects for those that are missing."""
        wanted = list(inspect.signature(method).parameters)
        arguments = arguments[: len(wanted)]
        for name in wanted[len(arguments) :]:
            if name == "orderCancel":
                arguments.append(importlib.import_module("ibapi.order_cancel").OrderCancel())
            else:
                arguments.append(False if name == "professionalCustomer" else "")
        return arguments

    def made(self, argument):
        """``Contract do-fill``: an object of the library's class, with the word where the server finds it."""
        if not isinstance(argument, str) or not argument.startswith(
            ("Contract", "Order", "Execution", "Scanner", "Wsh")
        ):
            return argument
        name, _, word = argument.partition(" ")
        made = next(getattr(module, name) for module in self.side.modules if hasattr(module, name))()
        fields = {
            "Contract": {"symbol": word, "secType": "STK", "exchange": "SMART", "currency": "USD"},
            "Order": {"action": "BUY", "orderType": "LMT", "totalQuantity": 1, "lmtPrice": 1.0},
            "ExecutionFilter": {"symbol": word},
            "WshEventData": {"conId": 265598},
            "ScannerSubscription": {"scanCode": word, "instrument": "STK", "locationCode": "STK.US.MAJOR"},
        }[name]
        for field, value in fields.items():
            setattr(made, field, value)
        return made


def main():
    logging.disable()
    driver = Driver(sys.argv[1], int(sys.argv[2]))
    driver.follow(json.load(sys.stdin))
    log = driver.log
    heard = {entry["message"] for entry in log.entries if "callback" in entry}
    not_heard = [number for number in range(1, log.received + 1) if number not in heard]
    json.dump({"entries": log.entries, "received": log.received, "sent": log.sent, "not_heard": not_heard}, sys.stdout)


def fail(*_):
    """Threads of the library would keep the program alive."""
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    threading.excepthook = lambda problem: fail(traceback.print_exception(problem.exc_value))
    try:
        main()
    except BaseException:
        fail()
