"""``ibsniff simulate``: a simulated TWS, to try ibsniff without a real one."""

from __future__ import annotations

from typing import Annotated

import typer

from ibsniff.cli import completion
from ibsniff.cli.app import app, handle_errors, print_line


@app.command()
def simulate(
    mode: Annotated[
        str,
        typer.Argument(
            metavar="MODE", help="How it behaves; 'list' prints all modes.", autocompletion=completion.modes
        ),
    ],
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Port to listen on; 0 chooses a free one.")
    ] = 7497,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    server_version: Annotated[int, typer.Option(metavar="N", help="The highest server version that it offers.")] = 178,
    delay: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="Delay in the modes that use one (see 'list').")
    ] = 3.0,
) -> None:
    """Stand in for a TWS that works or fails in a certain way, to try ibsniff without a real one."""
    from ibsniff import standin
    from ibsniff.render.text import visible_line

    with handle_errors():
        if mode == "list":
            for name, line in standin.MODES.items():
                print(f"{name:<20} {line}")
            return
        standin.serve(
            mode,
            host,
            port,
            server_version=server_version,
            delay=delay,
            on_event=lambda line: print_line(visible_line(line)),
        )
