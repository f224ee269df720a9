"""uvicorn, with the four phases of an application.

`before_server_start` runs in the lifespan's start-up, before the port is open, and `after_server_start` when it is
open. `before_server_stop` runs at the beginning of the stop, while connections are open, and `after_server_stop` in the
lifespan's shutdown, when they are closed.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn

from sanic_star.engine.os_signals import DRAIN_NOTICE_S
from sanic_star.engine.seams import Host
from sanic_star.servers.connections import ConnectionSweeper, Limits
from sanic_star.servers.heads import CLOSE, HAS_HTTPTOOLS, DefaultHeaders, Limited, TimedH11
from sanic_star.servers.settings import CannotServe, Settings
from sanic_star.servers.stopping import CANCELLED_REQUESTS_S, POLL_S, StalledConnections, Stop

# A logger that drops everything. The application logs the exceptions of its start and stop; uvicorn would log them
# again, and also the cancellation when the stop is forced.
_SILENT = logging.Logger("sanic_star.servers.uvicorn", logging.CRITICAL + 1)
# How long a client with TLS may take to confirm the end of a connection, in seconds; until then it occupies a file.
TLS_CLOSE_S = 3.0


class _SweptServer(uvicorn.Server):
    """uvicorn's server with time limits for connections.

    Args:
        app: the application.
        settings: the settings of its server.
        options: further options of uvicorn.
    """

    def __init__(self, app: Host, settings: Settings, **options: Any) -> None:
        super().__init__(make_config(app, settings, **options))
        self.app = app
        self.limits = Limits(
            settings.request_timeout, settings.head_timeout, settings.body_timeout, settings.keep_alive
        )
        self._sweeper: ConnectionSweeper | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen on sockets.

        Args:
            sockets: bound sockets.

        Raises:
            CannotServe: the application could not be started; the reason is in the log.
        """
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise CannotServe(f"{self.app!r} could not be started")
        config, loop, state = self.config, asyncio.get_running_loop(), self.server_state
        sweeper = self._sweeper = ConnectionSweeper(state.connections, self.limits)
        protocol: Any = config.http_protocol_class
        make = partial(protocol, config, state, self.lifespan.state, loop, sweeper)
        # uvicorn's own `startup` does the same, but has no options for these two.
        tls: dict[str, Any] = {}
        if config.ssl is not None:
            tls = {"ssl_handshake_timeout": self.limits.request_timeout, "ssl_shutdown_timeout": TLS_CLOSE_S}
        self.servers = [
            await loop.create_server(make, sock=bound, ssl=config.ssl, backlog=config.backlog, **tls)
            for bound in sockets or ()
        ]
        sweeper.start()
        self.started = True

    async def on_tick(self, counter: int) -> bool:
        """Replace the default header fields, which uvicorn renews in this method once a second.

        Args:
            counter: the number of calls; uvicorn makes ten in a second.

        Returns:
            Whether the server stops.
        """
        stops = await super().on_tick(counter)
        fields = self.server_state.default_headers
        if not isinstance(fields, DefaultHeaders):
            self.server_state.default_headers = DefaultHeaders(fields)
        return stops

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the connections, then stop the application."""
        try:
            await super().shutdown(sockets)
        finally:
            if self._sweeper is not None:
                self._sweeper.stop()


class Server(_SweptServer):
    """uvicorn's server; it runs the application's phases itself, and leaves signals to its caller.

    Args:
        app: the application.
        settings: the settings of its server.
        on_accepting: called when the server accepts connections.
    """

    def __init__(self, app: Host, settings: Settings, on_accepting: Callable[[], None] = lambda: None) -> None:
        super().__init__(app, settings)
        self.on_accepting = on_accepting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, listen on sockets, then run `after_server_start`."""
        self.lifespan.logger = _SILENT
        await super().startup(sockets)
        try:
            await self.app._engine.lifecycle.after_start()
        except BaseException:
            await self.shutdown(sockets)
            raise
        self.on_accepting()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Run `before_server_stop` if it has not run, wait for requests, close connections, stop the application."""
        try:
            await self.app._engine.lifecycle.before_stop()
        finally:
            for server in self.servers:
                server.close()
            await self._end_connections()
            if self.server_state.tasks:
                # They ignore their cancellation, so uvicorn need not wait for them again.
                self.config.timeout_graceful_shutdown = POLL_S  # type: ignore[assignment]
            await super().shutdown(sockets)

    async def _end_connections(self) -> None:
        """Wait for requests, cancel them after the grace period, and close all connections."""
        state, loop = self.server_state, asyncio.get_running_loop()
        state.default_headers = DefaultHeaders([*state.default_headers, CLOSE])
        if state.connections and not self.force_exit and not self.app._engine.limits.cancels_at_stop:
            await asyncio.sleep(DRAIN_NOTICE_S)
        patience = self.config.timeout_graceful_shutdown
        deadline = loop.time() + (float("inf") if patience is None else patience)
        while state.tasks and not self.force_exit:
            if loop.time() >= deadline:
                self.app._engine.sweeper.abort_all()
                await asyncio.wait(state.tasks, timeout=CANCELLED_REQUESTS_S)
                break
            await asyncio.sleep(POLL_S)
        for connection in list(state.connections):
            connection.shutdown()
        stalled_connections = StalledConnections()
        deadline = max(deadline, loop.time() + CANCELLED_REQUESTS_S)
        while state.connections and not self.force_exit:
            await asyncio.sleep(POLL_S)
            for connection in list(state.connections):
                transport: Any = connection.transport
                # Everything is sent. TLS waits for the client to confirm the end, which some clients never do.
                is_sent = transport.is_closing() and not transport.get_write_buffer_size()
                if is_sent or stalled_connections.is_stalled(transport) or loop.time() >= deadline:
                    transport.abort()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers, because a process may have several servers."""
        yield


def make_config(app: Host, settings: Settings, **options: Any) -> uvicorn.Config:
    """Return uvicorn's configuration.

    Args:
        app: the application.
        settings: the settings of its server.
        options: further options of uvicorn.
    """
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,  # the application has its own, on sanic.access
        backlog=settings.backlog,
        timeout_graceful_shutdown=settings.graceful_timeout,  # type: ignore[arg-type]
        timeout_keep_alive=settings.keep_alive,  # type: ignore[arg-type]
        http=Limited if HAS_HTTPTOOLS else TimedH11,
        h11_max_incomplete_event_size=settings.max_header_size,
        ws_max_size=settings.ws_max_size,
        ws_ping_interval=settings.ws_ping_interval,
        ws_ping_timeout=settings.ws_ping_timeout,
        # The application reads forwarding headers itself; `PROXIES_COUNT` and similar settings say what is trusted.
        proxy_headers=False,
        # As under Sanic, a response does not name its server.
        server_header=False,
        **{"lifespan": "on", **options},
    )
    # uvicorn logs each step of its start and stop; `serving` logs them, too, with Sanic's messages.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    if settings.tls is not None:
        make = settings.tls.make
        config.ssl_context_factory = lambda config, default: make()
    return config


async def serve(
    app: Host, settings: Settings, sockets: list[socket.socket], stop: Stop, on_accepting: Callable[[], None]
) -> None:
    """Serve an application; see `sanic_star.servers.backends.Serve`."""
    server = Server(app, settings, on_accepting)

    task = asyncio.current_task()

    def force() -> None:
        server.force_exit = True

    async def watch() -> None:
        await stop.wait_announced()
        server.should_exit = True
        await stop.call_when_forced(force)
        # `force_exit` does not end uvicorn's wait for the lifespan's shutdown.
        await asyncio.sleep(CANCELLED_REQUESTS_S)
        if task is not None:
            task.cancel()

    watcher = asyncio.ensure_future(watch())
    try:
        await server.serve(sockets)
    finally:
        watcher.cancel()


class Listening:
    """uvicorn in a running event loop; its caller starts and stops the application.

    Args:
        app: the application.
        settings: the settings of its server.
        bound: the socket.
    """

    def __init__(self, app: Host, settings: Settings, bound: socket.socket) -> None:
        # Not `Server`, which runs the phases.
        self._server = _SweptServer(app, settings, lifespan="off")
        self._bound = bound
        self._main: asyncio.Task[None] | None = None

    async def accept(self) -> None:
        """Accept connections, if that has not begun."""
        if self._main is not None:
            return
        config = self._server.config
        config.load()
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup([self._bound])
        self._main = asyncio.ensure_future(self._serve())

    async def _serve(self) -> None:
        await self._server.main_loop()
        await self._server.shutdown([self._bound])

    @property
    def sockets(self) -> list[socket.socket]:
        """The socket, in a list; empty after `close`."""
        return [] if self._closed else [self._bound]

    @property
    def connections(self) -> set[Any]:
        """The open connections."""
        return set(self._server.server_state.connections)

    @property
    def _closed(self) -> bool:
        return self._server.should_exit or self._bound.fileno() < 0

    def limit_stop(self, seconds: float) -> None:
        """Set the latest time at which requests are cancelled after `close`.

        Args:
            seconds: the time after `close`, in seconds; a shorter grace period stays.
        """
        limit = self._server.config.timeout_graceful_shutdown
        self._server.config.timeout_graceful_shutdown = seconds if limit is None else min(limit, seconds)  # type: ignore[assignment]

    @property
    def is_accepting(self) -> bool:
        """Whether the server accepts connections."""
        return self._main is not None and not self._closed

    def close(self) -> None:
        """Accept no further connections, and close the others when their requests end; does not wait."""
        self._server.should_exit = True
        if self._main is None:
            self._bound.close()
            return
        for server in self._server.servers:
            # uvicorn reads `should_exit` every 0.1 s, and would accept connections until then.
            server.close()

    async def wait_closed(self) -> None:
        """Wait until all connections are closed; called after `close`."""
        if self._main is not None:
            await asyncio.wait({self._main})
            self._main.result()

    async def serve_forever(self) -> None:
        """Serve until `close` is called, or the calling task is cancelled."""
        await self.accept()
        try:
            await self.wait_closed()
        finally:
            self.close()
            await self.wait_closed()
