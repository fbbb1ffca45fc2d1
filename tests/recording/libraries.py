"""The clients that are recorded, and where they come from."""

from __future__ import annotations

import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from recording.machines import run
from recording.scenarios import Recording

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Client:
    shown: str
    """How ``made`` calls it."""
    command: tuple[str, ...]
    """With {python}, {clients}, {host} and {port} to fill in; further arguments follow."""
    packages: tuple[str, ...] = ()
    """For pip."""


_ASYNC = ("{python}", f"{HERE}/clients/ib_async_or_insync.py")
CLIENTS = {
    "ib_async": Client("ib_async 2.1.0", (*_ASYNC, "ib_async", "{host}", "{port}"), ("ib_async==2.1.0",)),
    "ib_insync": Client("ib_insync 0.9.86", (*_ASYNC, "ib_insync", "{host}", "{port}"), ("ib_insync==0.9.86",)),
    "ibapi": Client(
        "ibapi 9.81.1", ("{python}", f"{HERE}/clients/ibapi_client.py", "{host}", "{port}"), ("ibapi==9.81.1.post1",)
    ),
    "nautilus-ibapi": Client(
        "nautilus-ibapi 10.46.1",
        ("{python}", f"{HERE}/clients/ibapi_client.py", "{host}", "{port}"),
        ("nautilus-ibapi==10.46.1", "protobuf"),
    ),
    "@stoqey/ib": Client("@stoqey/ib 1.6.10", ("node", f"{HERE}/clients/stoqey.js", "{host}", "{port}")),
    "ib": Client("npm ib 0.2.9", ("node", f"{HERE}/clients/npm_ib.js", "{host}", "{port}")),
    "curl": Client("curl", ("curl", "--silent", "--max-time", "5", "http://{host}:{port}/")),
    "openssl": Client("openssl s_client", ("openssl", "s_client", "-connect", "{host}:{port}")),
    "raw": Client("a bare socket", (sys.executable, f"{HERE}/clients/raw.py", "{host}", "{port}")),
}
NPM_PACKAGES = ("@stoqey/ib@1.6.10", "ib@0.2.9")


def python_of(clients: Path, key: str) -> Path:
    return clients / key.replace("/", "-") / "bin" / "python"


def client_command(recording: Recording, inside: list[str], clients: Path) -> list[str]:
    key, *arguments = recording.client
    filled = {"python": python_of(clients, key), "host": recording.host, "port": recording.port}
    environment = ["env", f"NODE_PATH={clients / 'node_modules'}"]
    return [*inside, *environment, *(part.format(**filled) for part in CLIENTS[key].command), *arguments]


def install(clients: Path) -> None:
    """Make what is not there yet: a virtual environment per Python library, one node_modules."""
    for key, client in CLIENTS.items():
        if client.packages and not python_of(clients, key).exists():
            print(f"installing {client.shown}", flush=True)
            venv.create(python_of(clients, key).parent.parent, with_pip=True)
            run(str(python_of(clients, key)), "-m", "pip", "install", "--quiet", *client.packages)
    if not (clients / "node_modules").exists():
        print("installing the npm packages", flush=True)
        run("npm", "install", "--silent", "--prefix", str(clients), *NPM_PACKAGES)
