"""uvicorn, with the application's four phases at their exact moments.

`before_server_start` runs in the lifespan's start-up, before the port is open; `after_server_start` when it is;
`before_server_stop` when the stop has begun, with connections open; `after_server_stop` in the lifespan's shutdown,
when they are closed.
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
from sanic_star.servers.stopping import CANCELLED_REQUESTS_S, POLL_S, Stalled, Stop

# For the lifespan of a server that ends at once: nobody tells it of the stop, its task is cancelled, and uvicorn would
# report that as an error of the application, with a traceback.
_SILENT = logging.Logger("sanic_star.servers.uvicorn", logging.CRITICAL + 1)
# How long a client that speaks TLS may take to confirm that a connection is closed, in seconds; it holds one meanwhile.
TLS_CLOSE_S = 3.0


class _SweptServer(uvicorn.Server):
    """uvicorn's server with time limits for connections.

    Args:
        app: the application.
        settings: how it is served.
        options: more of uvicorn's.
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
        # uvicorn listens likewise, but has no options for these two.
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
        """Do what uvicorn does ten times a second: once a second it makes the fields that each response gets."""
        ends = await super().on_tick(counter)
        fields = self.server_state.default_headers
        if not isinstance(fields, DefaultHeaders):
            self.server_state.default_headers = DefaultHeaders(fields)
        return ends

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the connections, then stop the application."""
        try:
            await super().shutdown(sockets)
        finally:
            if self._sweeper is not None:
                self._sweeper.stop()


class Server(_SweptServer):
    """uvicorn's server; calls the application's phases itself, and leaves signals to its caller.

    Args:
        app: the application.
        settings: how it is served.
        accepting: called when it accepts connections.
    """

    def __init__(self, app: Host, settings: Settings, accepting: Callable[[], None] = lambda: None) -> None:
        super().__init__(app, settings)
        self.accepting = accepting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen, then tell it so."""
        await super().startup(sockets)
        try:
            await self.app._engine.lifecycle.after_start()
        except BaseException:
            await self.shutdown(sockets)
            raise
        self.accepting()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell the application where nobody has, wait for requests, close the connections, then stop it."""
        try:
            await self.app._engine.lifecycle.before_stop()
        finally:
            for server in self.servers:
                server.close()
            await self._requests_ended()
            if self.server_state.tasks:
                # They ignore their cancellation: uvicorn need not wait for them once more.
                self.config.timeout_graceful_shutdown = POLL_S  # type: ignore[assignment]
            await super().shutdown(sockets)

    async def _requests_ended(self) -> None:
        """Let requests end, cut short those that don't in time, and close all connections."""
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
        stalled = Stalled()
        deadline = max(deadline, loop.time() + CANCELLED_REQUESTS_S)
        while state.connections and not self.force_exit:
            await asyncio.sleep(POLL_S)
            for connection in list(state.connections):
                transport: Any = connection.transport
                # All is sent. TLS waits for the client's farewell, and a client that keeps connections does not listen.
                is_sent = transport.is_closing() and not transport.get_write_buffer_size()
                if is_sent or stalled.has(transport) or loop.time() >= deadline:
                    transport.abort()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signals: one process may have several servers."""
        yield


def make_config(app: Host, settings: Settings, **options: Any) -> uvicorn.Config:
    """Return uvicorn's configuration for these settings.

    Args:
        app: the application.
        settings: how it is served.
        options: more of uvicorn's.
    """
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,  # the application's own, on sanic.access
        backlog=settings.backlog,
        timeout_graceful_shutdown=settings.graceful_timeout,  # type: ignore[arg-type]
        timeout_keep_alive=settings.keep_alive,  # type: ignore[arg-type]
        http=Limited if HAS_HTTPTOOLS else TimedH11,
        h11_max_incomplete_event_size=settings.max_header_size,
        ws_max_size=settings.ws_max_size,
        ws_ping_interval=settings.ws_ping_interval,
        ws_ping_timeout=settings.ws_ping_timeout,
        # Forwarding headers are the application's: PROXIES_COUNT and its like say what is trusted.
        proxy_headers=False,
        # As under Sanic, a response does not name its server.
        server_header=False,
        **{"lifespan": "on", **options},
    )
    # uvicorn tells of each step of its start and stop; `serving` has said it, in the words that users of Sanic know.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    if settings.tls is not None:
        make = settings.tls.make
        config.ssl_context_factory = lambda config, default: make()
    return config


async def serve(
    app: Host, settings: Settings, sockets: list[socket.socket], stop: Stop, accepting: Callable[[], None]
) -> None:
    """Serve an application; see `sanic_star.servers.backends.Serve`."""
    server = Server(app, settings, accepting)

    task = asyncio.current_task()

    def force() -> None:
        server.force_exit = True
        server.lifespan.logger = _SILENT

    async def watch() -> None:
        await stop.wait_announced()
        server.should_exit = True
        await stop.call_when_forced(force)
        # The last of its stop, the application's own, it waits for nevertheless.
        await asyncio.sleep(CANCELLED_REQUESTS_S)
        if task is not None:
            task.cancel()

    watcher = asyncio.ensure_future(watch())
    try:
        await server.serve(sockets)
    finally:
        watcher.cancel()


class Listening:
    """uvicorn inside of a running event loop, which leaves the application's start and stop to its caller.

    Args:
        app: the application.
        settings: how it is served.
        bound: the socket.
    """

    def __init__(self, app: Host, settings: Settings, bound: socket.socket) -> None:
        # Not this module's own: it calls the phases.
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
        """What is listened on."""
        return [] if self._closed else [self._bound]

    @property
    def connections(self) -> set[Any]:
        """The open connections."""
        return set(self._server.server_state.connections)

    @property
    def _closed(self) -> bool:
        return self._server.should_exit or self._bound.fileno() < 0

    def limit_stop(self, seconds: float) -> None:
        """Cancel requests that have not ended so many seconds after `close`, if they are not cancelled earlier."""
        limit = self._server.config.timeout_graceful_shutdown
        self._server.config.timeout_graceful_shutdown = seconds if limit is None else min(limit, seconds)  # type: ignore[assignment]

    @property
    def is_accepting(self) -> bool:
        """Whether it accepts connections."""
        return self._main is not None and not self._closed

    def close(self) -> None:
        """Stop to accept, and close connections as their requests end; does not wait."""
        self._server.should_exit = True
        if self._main is None:
            self._bound.close()
            return
        for server in self._server.servers:
            # uvicorn looks at `should_exit` 0.1 s later; until then it would accept.
            server.close()

    async def wait_closed(self) -> None:
        """Wait until all connections are closed, which `close` has begun."""
        if self._main is not None:
            await asyncio.wait({self._main})
            self._main.result()

    async def serve_forever(self) -> None:
        """Serve until it is closed, or the task that waits here is cancelled."""
        await self.accept()
        try:
            await self.wait_closed()
        finally:
            self.close()
            await self.wait_closed()
