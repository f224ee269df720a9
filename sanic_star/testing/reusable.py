"""`ReusableClient` starts an application once for many requests, with the API of `sanic_testing`.

The application runs on one event loop in the calling thread, only during a call. As in `sanic_testing`, the client
keeps cookies, does not follow redirects, and raises its errors unchanged.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Self, TypeVar

from starlette.types import ASGIApp

from sanic_star.testing._asgi.server import OwnLoop, in_event_loop
from sanic_star.testing._sanic_testing.keywords import configure, split_handshake_keywords, translate_keywords
from sanic_star.testing._sanic_testing.proxy import WebsocketProxy
from sanic_star.testing._sanic_testing.response import TestingResponse
from sanic_star.testing._sanic_testing.verbs import Verbs
from sanic_star.testing._transports.connections import (
    NO_RESPONSE,
    PORT_IN_PROCESS,
    Connection,
    Mimic,
    address_of,
)
from sanic_star.testing._transports.in_process import InProcessConnection
from sanic_star.testing._transports.session import Session
from sanic_star.testing._transports.sockets import SocketConnection, apply_server_kwargs
from sanic_star.testing.testing import HOST, PORT

__all__ = ["HOST", "PORT", "ReusableClient"]

T = TypeVar("T")


class ReusableClient(Verbs):
    """Sends many requests to an application that it starts once; use it in a `with` block.

    Args:
        app: any ASGI application; only applications of this package return their request object.
        host: the address to listen on. By default, without a port, no port is bound.
        port: the port to listen on; 0 for any free port.
        loop: the event loop of the application, which is not closed; by default a new one.
        server_kwargs: arguments of `app.run`.
        client_kwargs: arguments of `httpx.AsyncClient` for all requests: `headers`, `cookies`, `auth`, `params`,
            `timeout` (seconds), `follow_redirects`, `max_redirects`, `verify`, `cert` and `base_url`.

    Examples:
        >>> from starlette.applications import Starlette
        >>> from starlette.responses import PlainTextResponse
        >>> from starlette.routing import Route
        >>> async def hello(request):
        ...     return PlainTextResponse("Hello")
        >>> with ReusableClient(Starlette(routes=[Route("/", hello)])) as client:
        ...     client.get("/")[1].status
        200
    """

    __test__ = False

    def __init__(
        self,
        app: ASGIApp,
        host: str = HOST,
        port: int | None = PORT,
        loop: asyncio.AbstractEventLoop | None = None,
        server_kwargs: dict[str, Any] | None = None,
        client_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.app = app
        self.host = host
        self.debug = False
        self._loop = loop
        self._client_kwargs = client_kwargs or {}
        self._stopped = False
        self._session: Session | None = None
        address = apply_server_kwargs(app, server_kwargs, False) if server_kwargs else {}
        address.pop("backlog", None)
        self.host = address.pop("host", host)
        port = address.pop("port", port)
        self._connection: Connection
        if address or port is not None or self.host != HOST:
            self._connection = SocketConnection(app, self.host, port or 0, address)
        else:
            self._connection = InProcessConnection(app)
        self.port = port or (PORT_IN_PROCESS if isinstance(self._connection, InProcessConnection) else 0)

    def run(self) -> None:
        """Start the application.

        Raises:
            RuntimeError: the application is running, or this thread runs an event loop.
            Exception: any exception of the application's start.
        """
        if self._session is not None:
            raise RuntimeError("this ReusableClient is already running: call stop() first")
        advice = "ReusableClient can't block inside a running event loop: await app.asgi_client there"
        if in_event_loop():
            raise RuntimeError(advice)
        session = self._connection.session()
        configure(session, self._client_kwargs)
        self._own_loop = OwnLoop("await app.asgi_client there", self._loop)
        self._connection.open(self._own_loop)
        self._session, self._stopped = session, False
        self.port = self._connection.port

    def stop(self) -> None:
        """Stop the application, if it is running.

        Raises:
            Exception: any exception of the application's stop.
        """
        if self._session is not None:
            self._session, self._stopped = None, True
            self._connection.close()

    def __enter__(self) -> Self:
        self.run()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def websocket(
        self,
        uri: str = "/",
        gather_request: bool = True,
        *,
        subprotocols: Sequence[str] | None = None,
        mimic: Mimic | None = None,
        **kwargs: Any,
    ) -> tuple[Any, WebsocketProxy]:
        """Open a websocket, run `mimic`, close the websocket.

        Args:
            uri: see `request`.
            gather_request: see `request`.
            subprotocols: the subprotocols that the client offers, the preferred one first.
            mimic: a coroutine function that acts as the client; its argument has `send`, `recv` and `close`.
            kwargs: see `SanicTestClient.websocket`.

        Returns:
            The application's request object, and the client with the messages of both sides.

        Raises:
            RuntimeError: the client is not running, or this thread runs an event loop.
            TypeError: an argument needs a socket, and the client has none.
            Exception: the application did not accept the handshake; or any exception of `mimic`.
        """
        session = self._open_session()
        handshake, connection_options = split_handshake_keywords(kwargs)
        if connection_options and isinstance(self._connection, InProcessConnection):
            raise TypeError(
                f"{', '.join(connection_options)} needs a socket: create the client with a port, 0 for any free port"
            )
        url = self._url(uri, session.settings.get("base_url"))
        url = "http" + url.removeprefix("ws") if url.startswith("ws") else url
        request, proxy = self._connection.websocket(
            session, url, subprotocols, mimic, {**handshake, **connection_options}
        )
        return request if gather_request else None, proxy

    def _request(
        self,
        method: str,
        uri: str = "/",
        gather_request: bool = True,
        debug: bool = False,
        server_kwargs: dict[str, Any] | None = None,
        host: str | None = None,
        port: int | None = None,
        allow_none: bool = False,
        **kwargs: Any,
    ) -> tuple[Any, Any]:
        # `server_kwargs` have no effect: as in Sanic, the server is running and its address is fixed.
        session = self._open_session()
        if debug:
            apply_server_kwargs(self.app, None, True)
        settings = {"follow_redirects": False, **session.settings, **kwargs}
        base = settings.pop("base_url", None)
        if host is not None or port is not None:
            base = address_of(self._connection.base.partition(":")[0], host or self.host, port or self.port)
        try:
            answer = self._connection.request(session, method, self._url(uri, base), translate_keywords(settings))
        except NO_RESPONSE:
            if not allow_none:
                raise
            return self._connection.last_request() if gather_request else None, None
        request, response = answer
        return request if gather_request else None, TestingResponse(response)

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the application's event loop, for tests that connect to the port by themselves.

        Raises:
            RuntimeError: the client is not running, or this thread runs an event loop.
        """
        try:
            self._open_session()
        except RuntimeError:
            coroutine.close()
            raise
        return self._own_loop.run(coroutine)

    def _open_session(self) -> Session:
        if self._session is None:
            reason = "was stopped" if self._stopped else "is not running"
            raise RuntimeError(f"this ReusableClient {reason}: call run(), or use it in a `with` block")
        return self._session

    def _url(self, uri: str, base: str | None) -> str:
        if uri.startswith(("http:", "https:", "ws:", "wss:")):
            return uri
        return (base.rstrip("/") + "/" if base else self._connection.base) + uri.removeprefix("/")
