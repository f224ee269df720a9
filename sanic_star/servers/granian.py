"""granian's embedded server: its Rust runtime speaks HTTP, and the application runs on this process's event loop."""

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
from sanic_star.servers.stopping import CANCELLED_REQUESTS_S, POLL_S, Stop, end_requests_after, wait_for_first

# The smallest buffer that granian's HTTP library accepts, in bytes.
MIN_BUFFER_SIZE = 8192
# For options that have no value for "unlimited", in seconds.
UNLIMITED_S = 24 * 3600


class Server(Embedded):
    """granian's embedded server on a bound socket.

    Args:
        args: arguments of granian's server.
        inherited: the socket.
        options: options of granian's server.
    """

    def __init__(self, *args: Any, inherited: socket, **options: Any) -> None:
        super().__init__(*args, **options)
        self._inherited = inherited

    def _init_shared_socket(self) -> None:
        # granian would bind a socket for each worker with SO_REUSEPORT: if a worker dies, the connections that wait in
        # its queue are lost.
        unix = self._inherited.family is getattr(AddressFamily, "AF_UNIX", None)
        holder: Any = SocketHolder
        self._shd = holder(os.dup(self._inherited.fileno()), unix, self.backlog)
        self._ssp = None


def make_server(app: Host, settings: Settings, inherited: socket) -> Server:
    """Return granian's server.

    Args:
        app: the application.
        settings: the settings of its server.
        inherited: the bound socket.
    """
    tls = settings.tls
    http1, http2 = HTTP1Settings(keep_alive=settings.keep_alive > 0), HTTP2Settings()
    heads = [limit for limit in (settings.request_timeout, settings.head_timeout) if limit]
    http1.header_read_timeout = max(int(min(heads, default=UNLIMITED_S) * 1000), 1)
    if settings.max_header_size is not None:
        http1.max_buffer_size = max(settings.max_header_size, MIN_BUFFER_SIZE)
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
    app: Host, settings: Settings, sockets: list[socket], stop: Stop, on_accepting: Callable[[], None]
) -> None:
    """Serve an application; see `sanic_star.servers.backends.Serve`."""
    server = make_server(app, settings, sockets[0])
    task = asyncio.ensure_future(server.serve())
    try:
        # granian does not report that it listens; it does so right after the application's start.
        while not task.done() and not app._engine.lifecycle.is_up:
            await asyncio.wait({task}, timeout=0.01)
        if task.done() or app._engine.lifecycle.stage != "running":
            raise CannotServe(f"{app!r} could not be started")
        await app._engine.lifecycle.after_start()
        on_accepting()
        await wait_for_first(stop.wait_announced(), [task])
        if stop.has_ended_endless and not stop.is_forced:
            # granian's threads still hold the last messages, and drop them when they stop.
            await asyncio.sleep(DRAIN_NOTICE_S)
    finally:
        server.stop()  # type: ignore[no-untyped-call,unused-ignore]
        # granian closes a copy of this socket. While this one is open, new clients would wait in its queue.
        sockets[0].close()
        await _wait_for_end(app, task, stop, settings.graceful_timeout)
        if not stop.is_forced:
            await app._engine.lifecycle.stop()  # does nothing if granian has done it


async def _wait_for_end(app: Host, task: asyncio.Task[None], stop: Stop, grace_period: float) -> None:
    """Wait until granian has ended, which waits for the requests in flight.

    Requests are cancelled after the grace period, and granian itself when the stop is forced.

    Args:
        app: the application.
        task: the task that runs granian.
        stop: the stop of this process.
        grace_period: how long requests may take, in seconds.
    """
    ending_requests = asyncio.ensure_future(end_requests_after(app, grace_period))
    force_task = asyncio.ensure_future(stop.call_when_forced(task.cancel))
    await asyncio.wait({task}, timeout=grace_period + CANCELLED_REQUESTS_S)
    # Requests have ended, but listeners and background tasks may take longer: they have limits of their own.
    while app._engine.lifecycle.stage == "closing" and not task.done():
        await asyncio.wait({task}, timeout=POLL_S)
    for pending in (task, ending_requests, force_task):
        pending.cancel()
    await asyncio.gather(task, return_exceptions=True)
