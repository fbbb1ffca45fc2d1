"""The clients that are recorded, and where they come from."""

from __future__ import annotations

import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

from recording.machines import run

HERE = Path(__file__).resolve().parent
INSTALLED = Path(tempfile.gettempdir()) / "ibsniff-clients"
"""Where they are installed unless the user names another folder."""


@dataclass(frozen=True)
class Client:
    shown: str
    """Its name in ``made``."""
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
    "crowd": Client("a crowd of bare sockets", (sys.executable, f"{HERE}/clients/crowd.py", "{host}", "{port}")),
}
SERVERS = {
    "Hung.java": (("java", f"{HERE}/clients/Hung.java", "{port}"), "listening on"),
    "python -m http.server": ((sys.executable, "-um", "http.server", "-b", "127.0.0.1", "{port}"), "Serving HTTP"),
    "openssl s_server": (("openssl", "s_server", "-accept", "{port}", "-nocert", "-psk", "00"), "ACCEPT"),
}
"""Programs beside the stand-in: the command, and what it prints when it listens."""
RELAYS = {
    "socat": "socat TCP-LISTEN:{port},fork,reuseaddr TCP:127.0.0.1:{target}",
    "socat -T": "socat -T 6 TCP-LISTEN:{port},fork,reuseaddr TCP:127.0.0.1:{target}",
    "ssh": "ssh -N -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -p 2222 "
    "-L {port}:127.0.0.1:{target} nobody@127.0.0.1",
}
"""Programs that listen on one port and connect to another."""
RELAYS_SHOWN = {
    "socat": "socat TCP-LISTEN:{port},fork TCP:127.0.0.1:{target}",
    "socat -T": "socat -T 6 TCP-LISTEN:{port},fork TCP:127.0.0.1:{target}",
    "ssh": "ssh -L {port}:127.0.0.1:{target}",
}
"""Their names in ``made``."""
SSH_SERVER = "asyncssh"
"""The virtual environment, and the package, of ``ssh_server.py``."""
NPM_PACKAGES = ("@stoqey/ib@1.6.10", "ib@0.2.9")


def python_of(clients: Path, key: str) -> Path:
    return clients / key.replace("/", "-") / "bin" / "python"


def client_command(client: tuple[str, ...], inside: list[str], clients: Path, host: str, port: int) -> list[str]:
    key, *arguments = client
    filled = {"python": python_of(clients, key), "host": host, "port": port}
    environment = ["env", f"NODE_PATH={clients / 'node_modules'}"]
    return [*inside, *environment, *(part.format(**filled) for part in CLIENTS[key].command), *arguments]


def install(clients: Path) -> None:
    """Make what is not there yet: a virtual environment per Python library, one node_modules."""
    install_with_pip(clients)
    if not python_of(clients, SSH_SERVER).exists():
        print("installing asyncssh", flush=True)
        venv.create(python_of(clients, SSH_SERVER).parent.parent, with_pip=True)
        run(str(python_of(clients, SSH_SERVER)), "-m", "pip", "install", "--quiet", "asyncssh==2.21.1")
    if not (clients / "node_modules").exists():
        print("installing the npm packages", flush=True)
        run("npm", "install", "--silent", "--prefix", str(clients), *NPM_PACKAGES)


def install_with_pip(clients: Path = INSTALLED) -> None:
    """Make a virtual environment for each Python client library that has none yet."""
    for key, client in CLIENTS.items():
        if client.packages and not python_of(clients, key).exists():
            print(f"installing {client.shown}", flush=True)
            venv.create(python_of(clients, key).parent.parent, with_pip=True)
            run(str(python_of(clients, key)), "-m", "pip", "install", "--quiet", *client.packages)
