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
    """Tells of the connection what the ASGI scope knows.

    Args:
        protocol: the protocol on it.
    """

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return `peername` or `sockname`, or the default for anything else.

        >>> from sanic_star import Request
        >>> Request.build(scope={"client": ("10.0.0.7", 5000)}).transport.get_extra_info("peername")
        ('10.0.0.7', 5000)
        """
        if name in ("peername", "sockname"):
            return getattr(self._protocol.conn_info, name) or default
        return default

    def get_protocol(self) -> Protocol:
        """Return the protocol; None when the connection is closed, as transports of asyncio do."""
        # Tests set objects with some of the attributes of a `ConnInfo`.
        is_lost = getattr(self._protocol.conn_info, "lost", False)
        # Few requests outlive their connection, and no code should have to test for that.
        return None if is_lost else self._protocol  # type: ignore[return-value]


class Protocol:
    """What Sanic's applications ask the protocol of a request for.

    It is not given the request, which holds it.

    Args:
        scope: the connection's ASGI scope.
        conn_info: what is known of the connection.
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
        """A place for whatever belongs to the connection; under other servers than uvicorn, to this request of it."""
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
        """Facts about the connection: `requests_count`, how many requests it has brought so far.

        Where the server does not tell which requests share a connection, they are those that this process has begun to
        answer: under other servers than that of `app.run`.
        """
        # Tests set objects with some of the attributes of a `ConnInfo`.
        count = self.conn_info._count_requests() if hasattr(self.conn_info, "_count_requests") else None
        return {"requests_count": requests_begun() if count is None else count}

    @property
    def request_max_size(self) -> int | None:
        """The greatest size of a body, in bytes."""
        return self.app.config.REQUEST_MAX_SIZE  # type: ignore[no-any-return]

    @property
    def request_timeout(self) -> float | None:
        """How long a part of a body may take, in seconds."""
        return self.app.config.REQUEST_TIMEOUT  # type: ignore[no-any-return]

    @property
    def response_timeout(self) -> float | None:
        """How long a response may take to begin, in seconds."""
        return self.app.config.RESPONSE_TIMEOUT  # type: ignore[no-any-return]

    @property
    def keep_alive_timeout(self) -> float:
        """How long an idle connection stays, in seconds."""
        return self.app.config.KEEP_ALIVE_TIMEOUT  # type: ignore[no-any-return]

    async def websocket_handshake(
        self, request: Any, subprotocols: Sequence[str] | None = None
    ) -> WebsocketImplProtocol:
        """Accept the websocket handshake that a request is, in the handler of an HTTP route.

        When the handler ends, the websocket is closed; the response that the handler returns is dropped.

        Args:
            request: the request that the handler got.
            subprotocols: those that the handler speaks; the first that the client speaks too is taken.

        Returns:
            The websocket, as `@app.websocket` handlers get it.

        Raises:
            SanicException: 426, the request is no handshake.
            BadRequest: the handler speaks subprotocols, and the client none of them.

        Examples:
            As python-socketio does it:

                @app.get("/feed")
                async def feed(request):
                    websocket = await request.transport.get_protocol().websocket_handshake(request)
                    await websocket.send("hello")
                    return empty()
        """
        from sanic_star.compat.request._handshake import accept  # most applications have no websockets

        return await accept(request, subprotocols or ())
