"""A server inside of an event loop that runs already, step by step in its caller's hands."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from sanic_star.compat.exceptions import SanicException

if TYPE_CHECKING:
    import socket

    from sanic_star.servers.settings import Settings


class AsyncioServer:
    """What `app.create_server` returns; the address is bound when it is made.

    Listeners run where the methods named after their moments are called, and only there; where requests come to an
    application that nobody has started, the first one starts it.

    Args:
        app: the application.
        settings: how it is served.
        bound: the socket.
        listening: whether it listens already.

    Examples:
        A whole life::

            server = await app.create_server(port=8000)
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

    def __init__(self, app: Any, settings: Settings, bound: socket.socket, listening: bool = True) -> None:
        # uvicorn is loaded only where it serves.
        from sanic_star.servers.uvicorn import Listening

        self.app = app
        self.loop = asyncio.get_running_loop()
        self.server = Listening(app, settings, bound)
        self._begun = False
        self._listening = listening

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
        self._begun = True

    async def before_start(self) -> None:
        """Start the application, with the listeners for `before_server_start`."""
        self._check("dispatch server event")
        self.app._engine.lifecycle.exact = True
        await self.app._engine.lifecycle.ensure_started()
        self.app._engine.started()

    async def after_start(self) -> None:
        """Run the listeners for `after_server_start`."""
        self._check("dispatch server event")
        await self.app._engine.lifecycle.after_start()

    async def before_stop(self) -> None:
        """Run the listeners for `before_server_stop`; websockets and event streams end."""
        self._check("dispatch server event")
        await self.app._engine.lifecycle.before_stop()

    async def after_stop(self) -> None:
        """Stop the application, with the listeners for `after_server_stop`."""
        self._check("dispatch server event")
        try:
            await self.app._engine.lifecycle.stop()
        finally:
            self.app._engine.lifecycle.exact = False

    def is_serving(self) -> bool:
        """Tell whether its address is listened on."""
        return self._listening and bool(self.server.sockets)

    async def start_serving(self) -> None:
        """Accept connections."""
        self._check("run Sanic server")
        await self.server.accept()
        self._listening = True

    async def serve_forever(self) -> None:
        """Accept connections until it is closed, or this is cancelled."""
        await self.start_serving()
        await self.server.serve_forever()

    def close(self) -> asyncio.Task[None]:
        """Stop to accept connections; those that are there end with their requests.

        Returns:
            A task that ends with the last of them.
        """
        self.server.close()
        return asyncio.ensure_future(self.wait_closed())

    async def wait_closed(self) -> None:
        """Wait until the last connection is closed."""
        await self.server.wait_closed()

    def __await__(self) -> Generator[Any, None, AsyncioServer]:
        """Start, accept connections, and go on: for those who hand it to their event loop."""

        async def begin() -> AsyncioServer:
            await self.startup()
            await self.start_serving()
            return self

        return begin().__await__()

    def _check(self, what: str) -> None:
        if not self._begun:
            raise SanicException(f"Cannot {what} without first running await server.startup()")
