"""A server inside of an event loop that runs already, step by step in its caller's hands."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from sanic_star.compat.exceptions import SanicException

if TYPE_CHECKING:
    import socket

    from sanic_star.servers.settings import Settings


# The servers of each application that have started it.
_started: WeakKeyDictionary[Any, WeakSet[AsyncioServer]] = WeakKeyDictionary()


class AsyncioServer:
    """A server that the caller starts and stops; `await app.create_server(…)` returns one.

    It answers requests from the moment that `create_server` returns, or from `start_serving()` if `create_server` got
    `asyncio_server_kwargs={"start_serving": False}`. Listeners run in the methods that are named after their moments.
    If a request arrives before `before_start()`, that request starts the application. Several servers may start one
    application: its listeners run with the first that starts it, and with the last that stops it. (Sanic 25.12 starts
    it once, and raises an exception at the second time.)

    Args:
        app: the application.
        settings: how it is served.
        bound: the socket.

    Examples:
        A whole life::

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

    def __init__(self, app: Any, settings: Settings, bound: socket.socket) -> None:
        # uvicorn is loaded only where it serves.
        from sanic_star.servers.uvicorn import Listening

        self.app = app
        self.loop = asyncio.get_running_loop()
        self.server = Listening(app, settings, bound)
        self._is_started = self._is_closed = self._serves_forever = False
        # Whether `before_stop` and `after_stop` were called.
        self._is_stopping = self._has_stopped = False

    @property
    def connections(self) -> set[Any]:
        """The open connections."""
        found: set[Any] = self.server.connections
        return found

    @property
    def sockets(self) -> list[socket.socket]:
        """What is listened on; empty once it is closed."""
        found: list[socket.socket] = self.server.sockets
        return found

    async def startup(self) -> None:
        """Make it ready; comes before everything else."""
        self._is_started = True

    async def before_start(self) -> None:
        """Start the application, with the listeners for `before_server_start`.

        Raises:
            SanicException: `startup` was not called.
        """
        self._check("dispatch server event")
        await self._start()

    async def after_start(self) -> None:
        """Run the listeners for `after_server_start`; start the application first if that has not been done.

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
        """Run the listeners for `before_server_stop`; websockets and event streams end.

        Nothing happens while another server, which has started the application too, goes on.

        Raises:
            SanicException: `startup` was not called.
        """
        self._check("dispatch server event")
        self._is_stopping = True
        if any(not server._is_stopping for server in self._open_servers()):
            return
        await self.app._engine.lifecycle.before_stop()

    async def after_stop(self) -> None:
        """Stop the application, with the listeners for `after_server_stop`.

        Nothing happens while another server, which has started the application too, goes on.

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
        """Tell whether it accepts connections."""
        return self.server.is_accepting

    async def start_serving(self) -> None:
        """Accept connections, unless it does already.

        Raises:
            SanicException: `startup` was not called.
            RuntimeError: it is closed. (Sanic 25.12 raises a `TypeError` of asyncio.)
        """
        self._check("run Sanic server")
        if self._is_closed:
            raise RuntimeError("The server is closed: make another one with app.create_server(…)")
        await self.server.accept()

    async def serve_forever(self) -> None:
        """Accept connections until it is closed, or this is cancelled.

        Raises:
            SanicException: `startup` was not called.
            RuntimeError: it is closed, or something else waits in `serve_forever` already.
        """
        await self.start_serving()
        if self._serves_forever:
            raise RuntimeError("serve_forever() is running already; wait_closed() waits for its end")
        self._serves_forever = True
        try:
            await self.server.serve_forever()
        finally:
            self._serves_forever = False
            self._is_closed = True

    def close(self) -> asyncio.Task[None]:
        """Stop to accept connections; those that are there end with their requests.

        Returns:
            A task that ends with the last of them.
        """
        self._is_closed = True
        self.server.close()
        return asyncio.ensure_future(self.wait_closed())

    async def wait_closed(self) -> None:
        """Wait until the last connection is closed."""
        await self.server.wait_closed()

    def __await__(self) -> Generator[Any, None, AsyncioServer]:
        """Accept connections and return: for code that hands the server to its event loop."""

        async def begin() -> AsyncioServer:
            await self.startup()
            await self.start_serving()
            return self

        return begin().__await__()

    def _check(self, what: str) -> None:
        if not self._is_started:
            raise SanicException(f"Cannot {what} without first running await server.startup()")
