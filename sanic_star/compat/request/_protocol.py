"""Sanic's protocol and transport: they describe the connection, and accept a websocket handshake."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from starlette.types import Scope

from sanic_star.engine.requests import requests_begun

if TYPE_CHECKING:
    from sanic_star.compat.models.server_types import ConnInfo
    from sanic_star.compat.server.websockets.impl import WebsocketImplProtocol


class Transport:
    """Facts about the connection from the ASGI scope.

    Args:
        protocol: the protocol on it.
    """

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the address `peername` or `sockname`, or the default for any other name.

        Args:
            name: the name of the fact.
            default: returned if the fact is not known.

        >>> from sanic_star import Request
        >>> Request.build(scope={"client": ("10.0.0.7", 5000)}).transport.get_extra_info("peername")
        ('10.0.0.7', 5000)
        """
        if name in ("peername", "sockname"):
            return getattr(self._protocol.conn_info, name) or default
        return default

    def get_protocol(self) -> Protocol:
        """Return the protocol; `None` after the connection was closed, as in asyncio's transports."""
        # A test may have set an object that has only some attributes of a `ConnInfo`.
        is_lost = getattr(self._protocol.conn_info, "lost", False)
        # Annotated as never `None`, because few requests outlive their connection.
        return None if is_lost else self._protocol  # type: ignore[return-value]


class Protocol:
    """The attributes of Sanic's protocol that applications use.

    It has no reference to the request, which refers to it.

    Args:
        scope: the connection's ASGI scope.
        conn_info: facts about the connection.
        request_class: the type of requests.
    """

    def __init__(self, scope: Scope, conn_info: ConnInfo, request_class: type[Any]) -> None:
        self._scope = scope
        self.conn_info = conn_info
        self.request_class = request_class

    @property
    def app(self) -> Any:
        """The application."""
        return self._scope["app"]

    @property
    def ctx(self) -> Any:
        """An object for the user's attributes of the connection; under other servers than uvicorn, of this request."""
        return self.conn_info.ctx

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that runs the request."""
        return asyncio.get_running_loop()

    @property
    def transport(self) -> Transport:
        """The transport."""
        return Transport(self)

    @property
    def state(self) -> dict[str, int]:
        """A dictionary with `requests_count`, the number of requests on the connection so far.

        Only the server of `app.run` reports which requests share a connection. Under other servers the value is the
        number of requests that this process has begun to answer.
        """
        # A test may have set an object that has only some attributes of a `ConnInfo`.
        count = self.conn_info._count_requests() if hasattr(self.conn_info, "_count_requests") else None
        return {"requests_count": requests_begun() if count is None else count}

    @property
    def request_max_size(self) -> int | None:
        """The maximum size of a body in bytes."""
        return self.app.config.REQUEST_MAX_SIZE  # type: ignore[no-any-return]

    @property
    def request_timeout(self) -> float | None:
        """The maximum time for a part of a body, in seconds."""
        return self.app.config.REQUEST_TIMEOUT  # type: ignore[no-any-return]

    @property
    def response_timeout(self) -> float | None:
        """The maximum time until a response begins, in seconds."""
        return self.app.config.RESPONSE_TIMEOUT  # type: ignore[no-any-return]

    @property
    def keep_alive_timeout(self) -> float:
        """The maximum time that a connection stays idle, in seconds."""
        return self.app.config.KEEP_ALIVE_TIMEOUT  # type: ignore[no-any-return]

    async def websocket_handshake(
        self, request: Any, subprotocols: Sequence[str] | None = None
    ) -> WebsocketImplProtocol:
        """Accept a request that is a websocket handshake, in the handler of an HTTP route.

        When the handler ends, the websocket is closed, and the handler's response is dropped.

        Args:
            request: the handler's request.
            subprotocols: the subprotocols that the handler supports; the first one that the client also supports is
                used.

        Returns:
            The same websocket object as in `@app.websocket` handlers.

        Raises:
            SanicException: 426, the request is not a handshake.
            BadRequest: the client supports none of the handler's subprotocols.

        Examples:
            As in python-socketio:

                @app.get("/feed")
                async def feed(request):
                    websocket = await request.transport.get_protocol().websocket_handshake(request)
                    await websocket.send("hello")
                    return empty()
        """
        from sanic_star.compat.request._handshake import accept  # imported late: few applications use it

        return await accept(request, subprotocols or ())
