"""A server in a running event loop, which the caller controls step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from sanic_star.compat.exceptions import SanicException

if TYPE_CHECKING:
    import socket

    from sanic_star.servers.settings import Settings


# By application, the servers that have started it.
_started: WeakKeyDictionary[Any, WeakSet[AsyncioServer]] = WeakKeyDictionary()


class AsyncioServer:
    """A server that the caller starts and stops; `await app.create_server(…)` returns one.

    It accepts requests when `create_server` returns; with `asyncio_server_kwargs={"start_serving": False}`, from
    `start_serving()` on. Listeners run in the methods named after their events. A request that arrives before
    `before_start()` starts the application. Several servers may start one application: start listeners run with the
    first server, stop listeners with the last one. (Sanic 25.12 raises an exception at the second start.)

    Args:
        app: the application.
        settings: the settings of the server.
        sock: the bound socket.

    Examples:
        All steps::

            server = await app.create_server(port=8000, asyncio_server_kwargs={"start_serving": False})
            await server.startup()
            await server.before_start()
            await server.start_serving()
            await server.after_start()
            ...
            await server.before_stop()
            server.close()
            await server.wait_closed()
            await server.after_stop()
    """

    def __init__(self, app: Any, settings: Settings, sock: socket.socket) -> None:
        # Imported late: uvicorn is needed only to serve.
        from sanic_star.servers.uvicorn import Listening

        self.app = app
        self.loop = asyncio.get_running_loop()
        self.server = Listening(app, settings, sock)
        self._is_started = self._is_closed = self._serves_forever = False
        # Whether `before_stop` and `after_stop` were called.
        self._is_stopping = self._has_stopped = False

    @property
    def connections(self) -> set[Any]:
        """The open connections."""
        connections: set[Any] = self.server.connections
        return connections

    @property
    def sockets(self) -> list[socket.socket]:
        """The listening sockets; empty after `close`."""
        sockets: list[socket.socket] = self.server.sockets
        return sockets

    async def startup(self) -> None:
        """Prepare the server; must be called first."""
        self._is_started = True

    async def before_start(self) -> None:
        """Start the application, and run the listeners of `before_server_start`.

        Raises:
            SanicException: `startup` was not called.
        """
        self._check("dispatch server event")
        await self._start()

    async def after_start(self) -> None:
        """Run the listeners of `after_server_start`; start the application first if it is not started.

        Raises:
            SanicException: `startup` was not called.
        """
        self._check("dispatch server event")
        await self._start()
        await self.app._engine.lifecycle.after_start()

    async def _start(self) -> None:
        _started.setdefault(self.app, WeakSet()).add(self)
        self._is_stopping = self._has_stopped = False
        lifecycle = self.app._engine.lifecycle
        if lifecycle.is_down:
            lifecycle.starter = "server"
            try:
                await lifecycle.ensure_started()
            except BaseException:
                lifecycle.starter = "lifespan"
                raise
            self.app._engine.started()
        else:
            # A request may be starting it.
            await lifecycle.ensure_started()

    async def before_stop(self) -> None:
        """Run the listeners of `before_server_stop`, and end websockets and event streams.

        Does nothing while another server that has also started the application is open.

        Raises:
            SanicException: `startup` was not called.
        """
        self._check("dispatch server event")
        self._is_stopping = True
        if any(not server._is_stopping for server in self._open_servers()):
            return
        await self.app._engine.lifecycle.before_stop()

    async def after_stop(self) -> None:
        """Stop the application, and run the listeners of `after_server_stop`.

        Does nothing while another server that has also started the application is open.

        Raises:
            SanicException: `startup` was not called.
        """
        self._check("dispatch server event")
        self._is_stopping = self._has_stopped = True
        if any(not server._has_stopped for server in self._open_servers()):
            return
        try:
            await self.app._engine.lifecycle.stop()
        finally:
            self.app._engine.lifecycle.starter = "lifespan"

    def _open_servers(self) -> list[AsyncioServer]:
        """Return the other servers that have started the application and are not closed."""
        return [server for server in _started.get(self.app, ()) if server is not self and not server._is_closed]

    def is_serving(self) -> bool:
        """Return whether the server accepts connections."""
        return self.server.is_accepting

    async def start_serving(self) -> None:
        """Accept connections, unless the server already does.

        Raises:
            SanicException: `startup` was not called.
            RuntimeError: the server is closed. (Sanic 25.12 raises a `TypeError` of asyncio.)
        """
        self._check("run Sanic server")
        if self._is_closed:
            raise RuntimeError("The server is closed: create another one with app.create_server(…)")
        await self.server.accept()

    async def serve_forever(self) -> None:
        """Accept connections until the server is closed, or the task is cancelled.

        Raises:
            SanicException: `startup` was not called.
            RuntimeError: the server is closed, or `serve_forever` is already running.
        """
        await self.start_serving()
        if self._serves_forever:
            raise RuntimeError("serve_forever() is already running: use wait_closed() to wait for its end")
        self._serves_forever = True
        try:
            await self.server.serve_forever()
        finally:
            self._serves_forever = False
            self._is_closed = True

    def close(self) -> asyncio.Task[None]:
        """Stop accepting connections; open ones end with their requests.

        Returns:
            A task that ends with the last connection.
        """
        self._is_closed = True
        self.server.close()
        return asyncio.ensure_future(self.wait_closed())

    async def wait_closed(self) -> None:
        """Wait until the last connection is closed."""
        await self.server.wait_closed()

    def __await__(self) -> Generator[Any, None, AsyncioServer]:
        """Accept connections and return the server, for code that passes the server to an event loop."""

        async def start_and_return() -> AsyncioServer:
            await self.startup()
            await self.start_serving()
            return self

        return start_and_return().__await__()

    def _check(self, action: str) -> None:
        if not self._is_started:
            raise SanicException(f"Cannot {action} without first running await server.startup()")
