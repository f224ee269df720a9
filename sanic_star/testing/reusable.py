"""``ReusableClient``: one start of an app for many requests, with the calls of `sanic_testing`.

The app runs on one event loop in the calling thread, and only while something is asked of it. Cookies are kept from
request to request, redirects are not followed, and the client's own errors come out as they are, as in `sanic_testing`.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Self, TypeVar

from starlette.types import ASGIApp

from sanic_star.testing._asgi.server import OwnLoop, in_event_loop
from sanic_star.testing._sanic_testing.keywords import configure, for_handshake, for_requests
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
from sanic_star.testing._transports.in_process import InProcess
from sanic_star.testing._transports.session import Session
from sanic_star.testing._transports.sockets import OverSocket, served_by
from sanic_star.testing.testing import HOST, PORT

__all__ = ["HOST", "PORT", "ReusableClient"]

T = TypeVar("T")


class ReusableClient(Verbs):
    """Send an app many requests between one start and one stop; use it in a ``with`` block.

    Args:
        app: the app; any ASGI app will do, but only one of this package gives its request object.
        host: the address to listen on. Without one, and without a port, nothing listens, and requests need nothing.
        port: the port to listen on; 0 for any that is free.
        loop: the event loop that the app runs on; stays open.
        server_kwargs: as for ``app.run``.
        client_kwargs: for all requests, what ``httpx.AsyncClient`` takes: ``headers cookies auth params timeout
            follow_redirects max_redirects verify cert base_url``.

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
        address = served_by(app, server_kwargs, False) if server_kwargs else {}
        address.pop("backlog", None)
        self.host = address.pop("host", host)
        port = address.pop("port", port)
        self._connection: Connection
        if address or port is not None or self.host != HOST:
            self._connection = OverSocket(app, self.host, port or 0, address)
        else:
            self._connection = InProcess(app)
        self.port = port or (PORT_IN_PROCESS if isinstance(self._connection, InProcess) else 0)

    def run(self) -> None:
        """Start the app.

        Raises:
            RuntimeError: it runs, or this thread runs an event loop.
            Exception: the app's own.
        """
        if self._session is not None:
            raise RuntimeError("this ReusableClient runs its app already: call stop() first")
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
        """Stop the app; nothing happens when it does not run.

        Raises:
            Exception: the app's own.
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
        """Open a websocket, let ``mimic`` talk, close it.

        Args:
            uri: as in ``request``.
            gather_request: as in ``request``.
            subprotocols: what the client offers.
            mimic: a coroutine function that plays the client; it gets an object with ``send``, ``recv`` and ``close``.
            kwargs: for the handshake, as in ``SanicTestClient.websocket``.

        Returns:
            The request, and what was sent both ways.

        Raises:
            RuntimeError: the client does not run, or this thread runs an event loop.
            TypeError: a keyword that only a socket has, and there is none.
            Exception: the app did not accept; or what ``mimic`` raised.
        """
        session = self._running()
        handshake, wire = for_handshake(kwargs)
        if wire and isinstance(self._connection, InProcess):
            raise TypeError(f"only over a socket there is {', '.join(wire)}: give the client a port, 0 for any")
        url = self._url(uri, session.settings.get("base_url"))
        url = "http" + url.removeprefix("ws") if url.startswith("ws") else url
        request, proxy = self._connection.websocket(session, url, subprotocols, mimic, {**handshake, **wire})
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
        # As in Sanic, a server that runs has its address, and `server_kwargs` come too late.
        session = self._running()
        if debug:
            served_by(self.app, None, True)
        settings = {"follow_redirects": False, **session.settings, **kwargs}
        base = settings.pop("base_url", None)
        if host is not None or port is not None:
            base = address_of(self._connection.base.partition(":")[0], host or self.host, port or self.port)
        try:
            answer = self._connection.request(session, method, self._url(uri, base), for_requests(settings))
        except NO_RESPONSE:
            if not allow_none:
                raise
            return self._connection.last_request() if gather_request else None, None
        request, response = answer
        return request if gather_request else None, TestingResponse(response)

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the event loop of the app, as tests do that talk to the port by themselves.

        Raises:
            RuntimeError: the client does not run, or this thread runs an event loop.
        """
        try:
            self._running()
        except RuntimeError:
            coroutine.close()
            raise
        return self._own_loop.run(coroutine)

    def _running(self) -> Session:
        if self._session is None:
            reason = "was stopped" if self._stopped else "does not run yet"
            raise RuntimeError(f"this ReusableClient {reason}: call run(), or use it in a `with` block")
        return self._session

    def _url(self, uri: str, base: str | None) -> str:
        if uri.startswith(("http:", "https:", "ws:", "wss:")):
            return uri
        return (base.rstrip("/") + "/" if base else self._connection.base) + uri.removeprefix("/")
