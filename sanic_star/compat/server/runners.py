"""Sanic's function that serves one application in this process."""

from __future__ import annotations

import socket
from ssl import SSLContext
from typing import Any

from sanic_star.compat._support.stand_ins import NotCarriedOver
from sanic_star.compat.http.constants import HTTP


def serve(
    host: str | None,
    port: int | None,
    app: Any,
    ssl: SSLContext | None = None,
    sock: socket.socket | None = None,
    unix: str | None = None,
    reuse_port: bool = False,
    loop: Any = None,
    protocol: Any = None,
    backlog: int = 100,
    register_sys_signals: bool = True,
    run_multiple: bool = False,
    run_async: bool = False,
    connections: Any = None,
    signal: Any = None,
    state: Any = None,
    asyncio_server_kwargs: dict[str, Any] | None = None,
    version: int = HTTP.VERSION_1,
) -> None:
    """Serve an application in this process until it is stopped, as `app.run(single_process=True)` does.

    Args:
        host: the address to listen on.
        port: the port to listen on.
        app: the application.
        ssl: a TLS context.
        sock: a bound socket.
        unix: the path of a unix socket to listen on.
        reuse_port: ignored: pass a socket with that option as `sock`.
        loop: ignored: the server creates its own.
        protocol: a protocol of Sanic's own server; ignored with a warning.
        backlog: the number of connections that may wait to be accepted.
        register_sys_signals: whether SIGINT and SIGTERM stop the server.
        run_multiple: ignored: use `app.run(workers=…)`.
        run_async: must be false.
        connections: ignored, like `signal` and `state`, which belong to Sanic's own server.
        signal: see `connections`.
        state: see `connections`.
        asyncio_server_kwargs: `backlog` and `ssl` replace the arguments of these names.
        version: the highest version of HTTP.

    Raises:
        NotCarriedOver: `run_async` is true; use `await app.create_server(…)`.
        SystemExit: with status 1: the address is in use, or the start failed.
    """
    if run_async:
        raise NotCarriedOver("serve(run_async=True) is not supported: use `await app.create_server(…)` instead")
    server_options = asyncio_server_kwargs or {}
    app.run(
        host,
        port,
        ssl=server_options.get("ssl", ssl),
        sock=sock,
        unix=unix,
        backlog=server_options.get("backlog", backlog),
        protocol=protocol,
        register_sys_signals=register_sys_signals,
        version=int(version),
        single_process=True,
    )
