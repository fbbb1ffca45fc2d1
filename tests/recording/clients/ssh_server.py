"""An SSH server on port 2222 that lets everybody in and forwards what it is asked to: the far end of ``ssh -L``."""

from __future__ import annotations

import asyncio

import asyncssh


class Open(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return False

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        return True


async def main() -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    await asyncssh.listen("127.0.0.1", 2222, server_factory=Open, server_host_keys=[key])
    print("listening on 2222", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
