"""hypercorn: HTTP/2, and HTTP/3 where aioquic is installed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from socket import SOCK_DGRAM, socket
from ssl import SSLContext
from typing import Any

import hypercorn
from hypercorn.asyncio import serve as serve_hypercorn
from hypercorn.utils import LifespanFailureError

from sanic_star.applications import Application
from sanic_star.servers.serving import LAST_WORDS, Stop, lose_patience
from sanic_star.servers.settings import TLS, CannotServe, Settings

# How long connections may take to close, once all is sent, in seconds.
WAIT_FOR_FAREWELL = 3.0


class Config(hypercorn.Config):
    """hypercorn's configuration, with a context for TLS in place of paths."""

    tls: TLS | None = None

    @property
    def ssl_enabled(self) -> bool:
        """Whether connections are encrypted."""
        return self.tls is not None

    def create_ssl_context(self) -> SSLContext | None:
        """Return the context, which offers HTTP/2."""
        if self.tls is None:
            return None
        context = self.tls.make()
        context.set_alpn_protocols(self.alpn_protocols)
        return context


def make_config(settings: Settings, sockets: list[socket]) -> Config:
    """Return hypercorn's configuration for these settings, and for copies of these sockets, which it will close."""
    config = Config()
    config.tls = settings.tls
    streams = [f"fd://{os.dup(each.fileno())}" for each in sockets if each.type is not SOCK_DGRAM]
    config.bind = streams
    if settings.version == 3 and settings.tls is not None:
        config.quic_bind = [f"fd://{os.dup(each.fileno())}" for each in sockets if each.type is SOCK_DGRAM]
        # aioquic reads these itself.
        config.certfile, config.keyfile = settings.tls.cert, settings.tls.key
        config.keyfile_password = settings.tls.password
    config.alpn_protocols = ["h2", "http/1.1"] if settings.version > 1 else ["http/1.1"]
    config.backlog = settings.backlog
    config.loglevel = "WARNING"
    config.graceful_timeout = settings.graceful_timeout + LAST_WORDS
    config.shutdown_timeout = 2 * settings.graceful_timeout + 60
    config.startup_timeout = 24 * 3600  # a start that takes long is the application's own affair
    config.keep_alive_timeout = settings.keep_alive
    if settings.max_header_size is not None:
        config.h11_max_incomplete_size = settings.max_header_size
        config.h2_max_header_list_size = settings.max_header_size
    config.websocket_max_message_size = settings.ws_max_size
    config.websocket_ping_interval = settings.ws_ping_interval
    return config


async def serve(
    app: Application, settings: Settings, sockets: list[socket], stop: Stop, accepting: Callable[[], None]
) -> None:
    """Serve an application; see `sanic_star.servers.serving.Backend`.

    hypercorn asks for what shall end it once it accepts connections, and that is the moment for `after_server_start`.
    """

    async def until_stop() -> None:
        await app.lifecycle.after_start()
        accepting()
        await stop.wait()
        watchers.append(asyncio.ensure_future(lose_patience(app, settings.graceful_timeout)))

    if settings.tls is not None:
        # Closing, TLS waits half a minute for the client's farewell, and a client that keeps connections says none.
        # hypercorn passes no such option on; the event loop is ours for as long as it serves.
        loop: Any = asyncio.get_running_loop()
        loop.create_server = partial(loop.create_server, ssl_shutdown_timeout=WAIT_FOR_FAREWELL)
    task = asyncio.ensure_future(
        serve_hypercorn(app, make_config(settings, sockets), shutdown_trigger=until_stop, mode="asgi")  # type: ignore[arg-type]
    )
    watchers = [asyncio.ensure_future(stop.hurry(task.cancel))]
    try:
        await asyncio.wait({task})
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, LifespanFailureError):
            raise CannotServe(f"{app!r} could not be started: {error}") from None
        if error is not None:
            raise error
    finally:
        for each in watchers:
            each.cancel()
