"""granian, in its embedded form: its Rust runtime speaks HTTP, the application runs on this process's event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from socket import AddressFamily, socket
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels
from granian.server.embed import Server as Embedded

from sanic_star.engine.os_signals import DRAIN_NOTICE_S
from sanic_star.engine.seams import Host
from sanic_star.servers.settings import CannotServe, Settings
from sanic_star.servers.stopping import CANCELLED_REQUESTS_S, POLL_S, Stop, end_requests_after, first

# What the HTTP library of granian insists on, in bytes.
LEAST_BUFFER = 8192
# For options that know no "without limit", in seconds.
A_DAY = 24 * 3600


class Server(Embedded):
    """granian's embedded server, on a socket that is there already."""

    def __init__(self, *args: Any, inherited: socket, **options: Any) -> None:
        super().__init__(*args, **options)
        self._inherited = inherited

    def _init_shared_socket(self) -> None:
        # granian binds by itself, with SO_REUSEPORT: connections that wait in a worker's own queue die with it.
        unix = self._inherited.family is getattr(AddressFamily, "AF_UNIX", None)
        holder: Any = SocketHolder
        self._shd = holder(os.dup(self._inherited.fileno()), unix, self.backlog)
        self._ssp = None


def make_server(app: Host, settings: Settings, inherited: socket) -> Server:
    """Return granian's server for these settings."""
    tls = settings.tls
    http1, http2 = HTTP1Settings(keep_alive=settings.keep_alive > 0), HTTP2Settings()
    heads = [limit for limit in (settings.request_timeout, settings.head_timeout) if limit]
    http1.header_read_timeout = max(int(min(heads, default=A_DAY) * 1000), 1)
    if settings.max_header_size is not None:
        http1.max_buffer_size = max(settings.max_header_size, LEAST_BUFFER)
        http2.max_headers_size = settings.max_header_size
    return Server(
        app,
        interface=Interfaces.ASGI,
        address=settings.host,
        port=settings.port,
        inherited=inherited,
        backlog=settings.backlog,
        http=HTTPModes.auto if settings.version == 2 else HTTPModes.http1,
        http1_settings=http1,
        http2_settings=http2,
        log_level=LogLevels.warning,
        ssl_cert=Path(tls.cert) if tls and tls.cert else None,
        ssl_key=Path(tls.key) if tls and tls.key else None,
        ssl_key_password=tls.password if tls else None,
    )


async def serve(
    app: Host, settings: Settings, sockets: list[socket], stop: Stop, accepting: Callable[[], None]
) -> None:
    """Serve an application; see `sanic_star.servers.backends.Serve`."""
    server = make_server(app, settings, sockets[0])
    task = asyncio.ensure_future(server.serve())
    try:
        # It says nothing when it listens: that is in the step that follows the application's start.
        while not task.done() and not app._engine.lifecycle.is_up:
            await asyncio.wait({task}, timeout=0.01)
        if task.done() or app._engine.lifecycle.stage != "running":
            raise CannotServe(f"{app!r} could not be started")
        await app._engine.lifecycle.after_start()
        accepting()
        await first(stop.wait_announced(), [task])
        if stop.ended_endless and not stop.forced:
            # What was sent last is in the hands of its threads, and goes under when they are told to stop.
            await asyncio.sleep(DRAIN_NOTICE_S)
    finally:
        server.stop()  # type: ignore[no-untyped-call,unused-ignore]
        # granian closes a copy: with this one open, new clients would wait in the queue until the last request ends.
        sockets[0].close()
        await _ended(app, task, stop, settings.graceful_timeout)
        if not stop.forced:
            await app._engine.lifecycle.stop()  # where granian did not come to it


async def _ended(app: Host, task: asyncio.Task[None], stop: Stop, patience: float) -> None:
    """Wait until granian has ended, which waits for the requests in flight; after a while, or told so, end them."""
    impatient = asyncio.ensure_future(end_requests_after(app, patience))
    forcing = asyncio.ensure_future(stop.call_when_forced(task.cancel))
    await asyncio.wait({task}, timeout=patience + CANCELLED_REQUESTS_S)
    # Requests are over, but listeners and tasks may take longer, and have limits of their own.
    while app._engine.lifecycle.stage == "closing" and not task.done():
        await asyncio.wait({task}, timeout=POLL_S)
    for pending in (task, impatient, forcing):
        pending.cancel()
    await asyncio.gather(task, return_exceptions=True)
