"""Serve the `app` of a module on a free port: `python -m tests.ecosystem.serve HOW MODULE`.

HOW is `sanic` (Sanic itself, on its own server), `here` (this package through the alias, by `app.run`) or `uvicorn`
(this package through the alias, under uvicorn). The socket listens before the module is imported, so a client that
connects early waits and is not refused.
"""

from __future__ import annotations

import socket
import sys
from importlib import import_module

HOWS = ("sanic", "here", "uvicorn")


def main(how: str, module: str) -> None:
    """Import the module, print the address and serve until a signal ends it."""
    if how != "sanic":
        from sanic_star.compat import install

        install()
    listener = socket.create_server(("127.0.0.1", 0))
    app = import_module(module).app
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    if how == "uvicorn":
        import uvicorn

        uvicorn.Server(uvicorn.Config(app, lifespan="on")).run(sockets=[listener])
    else:
        app.run(sock=listener, single_process=True, motd=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
