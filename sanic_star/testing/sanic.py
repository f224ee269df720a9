"""``SanicTestClient``: what ``app.test_client`` is, with the calls of `sanic_testing`.

Each call starts the app, sends one request, stops the app, and returns the app's own request object with the response.
All of it happens in the calling thread, on an event loop that lives as long as the call: listeners of all four phases
run each time, and nothing of one call is left in the next, cookies included. A test that names an address gets a
server that listens there; otherwise nothing listens anywhere.

The keywords are those that `sanic_testing` hands to httpx; they are translated for `requests`. An exception in the app
is a response with status 500. What goes wrong on the client's side is a ValueError, as in `sanic_testing`.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import requests
from requests.cookies import RequestsCookieJar
from starlette.types import ASGIApp

from sanic_star.testing._asgi.server import OwnLoop, in_event_loop
from sanic_star.testing._sanic_testing.keywords import configure, for_handshake, for_requests
from sanic_star.testing._sanic_testing.proxy import WebsocketProxy
from sanic_star.testing._sanic_testing.refusals import refusal
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
from sanic_star.testing.deadline import DeadlineExceeded

__all__ = ["SanicTestClient"]

_HOST = "127.0.0.1"
# Tests for `sanic_testing` write f"http://{HOST}:{PORT}/", where PORT is None: the port is the client's own then.
_NO_PORT = re.compile(r"^(\w+://[^/?#]*):None(?=[/?#]|$)")
_logger = logging.getLogger("sanic.error")


class SanicTestClient(Verbs):
    """Send an app one request at a time, each between a start and a stop of its own.

    Args:
        app: the app; any ASGI app will do, but only one of this package gives its request object.
        port: the port to listen on; by default nothing listens, and requests need none.
        host: the address to listen on.

    Examples:
        >>> from starlette.applications import Starlette
        >>> from starlette.responses import PlainTextResponse
        >>> from starlette.routing import Route
        >>> async def hello(request):
        ...     return PlainTextResponse("Hello")
        >>> client = SanicTestClient(Starlette(routes=[Route("/", hello)]))
        >>> request, response = client.get("/")
        >>> response.status, response.text
        (200, 'Hello')
    """

    __test__ = False

    def __init__(self, app: ASGIApp, port: int | None = None, host: str = _HOST) -> None:
        self.app = app
        self.port = port
        self.host = host
        # The one that was not asked for.
        self._own_port: int | None = None
        self._in_process = InProcess(app)
        self._session = self._in_process.session()
        # How the app is reached at the moment.
        self._connected: Connection = self._in_process

    def websocket(
        self,
        uri: str = "/",
        gather_request: bool = True,
        *,
        subprotocols: Sequence[str] | None = None,
        mimic: Mimic | None = None,
        debug: bool = False,
        server_kwargs: dict[str, Any] | None = None,
        host: str | None = None,
        **kwargs: Any,
    ) -> tuple[Any, WebsocketProxy]:
        """Start the app, open a websocket, let ``mimic`` talk, stop the app.

        Args:
            uri: as in ``request``.
            gather_request: as in ``request``.
            subprotocols: what the client offers.
            mimic: a coroutine function that plays the client; it gets an object with ``send``, ``recv`` and ``close``.
            debug: as in ``request``.
            server_kwargs: as in ``request``.
            host: as in ``request``.
            kwargs: ``extra_headers`` or ``headers``, ``origin``, ``params`` and ``cookies`` for the handshake. Others
                are those of ``websockets.connect``, and ask for a socket.

        Returns:
            The request, and what was sent both ways.

        Raises:
            RuntimeError: this thread runs an event loop; the ASGI client works there.
            ValueError: the app did not accept, or ``mimic`` failed; the exception's cause says how.
            Exception: the app's own, from its start or its stop.
        """
        handshake, wire = for_handshake(kwargs)
        with self._serving(debug, server_kwargs, host, bool(wire)) as connection:
            session = self._fresh_session(connection)
            url = self._url(uri, host, connection)
            url = "http" + url.removeprefix("ws") if url.startswith("ws") else url
            try:
                request, proxy = connection.websocket(session, url, subprotocols, mimic, {**handshake, **wire})
            except Exception as error:
                raise ValueError(f"Exception during request: [{error!r}]") from error
        return request if gather_request else None, proxy

    def _request(
        self,
        method: str,
        uri: str = "/",
        gather_request: bool = True,
        debug: bool = False,
        server_kwargs: dict[str, Any] | None = None,
        host: str | None = None,
        allow_none: bool = False,
        *,
        session_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, Any]:
        with self._serving(debug, server_kwargs, host) as connection:
            try:
                session = self._session_for(connection, session_kwargs)
                settings = dict(getattr(session, "settings", ()))
                base = settings.pop("base_url", None)
                url = self._url(uri, host, connection) if base is None else f"{base.rstrip('/')}/{uri.lstrip('/')}"
                request, response = connection.request(session, method, url, for_requests({**settings, **kwargs}))
            except Exception as error:
                if allow_none and isinstance(error, NO_RESPONSE):
                    return connection.last_request() if gather_request else None, None
                raise ValueError(f"Exception during request: [{error!r}]") from error
        return request if gather_request else None, TestingResponse(response)

    def get_new_session(self, **kwargs: Any) -> requests.Session:
        """Make the session of one request; to be overridden, for headers that each request shall have, or the like.

        Args:
            kwargs: the ``session_kwargs`` of the call.

        Returns:
            A session of `requests`, where `sanic_testing` has one of httpx.

        Examples:
            >>> from sanic_star import Sanic, text
            >>> class Client(SanicTestClient):
            ...     def get_new_session(self, **kwargs):
            ...         return super().get_new_session(headers={"X-Tenant": "a"}, **kwargs)
            >>> app = Sanic("Tenants")
            >>> @app.get("/")
            ... async def tenant(request):
            ...     return text(request.headers["x-tenant"])
            >>> Client(app).get("/")[1].text
            'a'
        """
        session = self._connected.session()
        configure(session, kwargs)
        return session

    def _session_for(self, connection: Connection, settings: dict[str, Any] | None) -> requests.Session:
        overridden = getattr(self.get_new_session, "__func__", None) is not SanicTestClient.get_new_session
        if not (settings or overridden):
            return self._fresh_session(connection)
        session = self.get_new_session(**settings or {})
        if not isinstance(session, requests.Session):
            raise TypeError(
                f"get_new_session() gave {type(session).__name__}: the sessions of this client are of `requests`, so "
                "change what super().get_new_session(**kwargs) gives"
            )
        connection.carry(session)
        return session

    def _fresh_session(self, connection: Connection) -> Session:
        if connection is not self._in_process:
            return connection.session()
        # Made once, because it takes longer than a request.
        self._session.cookies = RequestsCookieJar()
        return self._session

    def _url(self, uri: str, host: str | None, connection: Connection) -> str:
        if uri.startswith(("http:", "https:", "ws:", "wss:")):
            return _NO_PORT.sub(rf"\1:{connection.port}", uri)
        base = connection.base
        if connection is self._in_process and (host or self.host, self.port) != (_HOST, connection.port):
            base = address_of("http", host or self.host, self.port)
        return base + uri.removeprefix("/")

    @contextmanager
    def _serving(
        self, debug: bool, server_kwargs: dict[str, Any] | None, host: str | None, socket: bool = False
    ) -> Iterator[Connection]:
        address = served_by(self.app, server_kwargs, debug) if server_kwargs or debug else {}
        connection = self._connection(address, host, socket)
        with _test_mode(self.app):
            if in_event_loop():
                raise RuntimeError("test_client can't block inside a running event loop: await app.asgi_client there")
            connection.open(OwnLoop(), refusal)
            try:
                if self.port is None or (connection is not self._in_process and self.port == self._own_port):
                    self.port = self._own_port = connection.port
                self._connected = connection
                yield connection
            finally:
                self._connected = self._in_process
                _close(connection)

    def _connection(self, address: dict[str, Any], host: str | None, socket: bool) -> Connection:
        asked = self.port if self.port != self._own_port else None
        address.pop("backlog", None)
        name = address.pop("host", None) or host or self.host
        if not (address or socket or asked or name != _HOST) or not hasattr(self.app, "create_server"):
            if address or socket:
                raise TypeError("only an app of this package is served on a socket: leave out what asks for one")
            return self._in_process
        port = address.pop("port", None)
        if port is None:
            port = asked or (self._own_port if self._own_port != PORT_IN_PROCESS else 0) or 0
        return OverSocket(self.app, name, port, address)


def _close(connection: Connection) -> None:
    """Stop the app. As under Sanic, a listener that fails then leaves the response alone; but the log tells of it."""
    try:
        connection.close()
    except DeadlineExceeded:
        raise
    except Exception:
        _logger.exception("The app's shutdown failed: mend what its lifespan or listeners do.")


@contextmanager
def _test_mode(app: ASGIApp) -> Iterator[None]:
    """Set ``test_mode`` where the app's class has it, as `sanic_testing` does for its requests."""
    owner = next((cls for cls in type(app).__mro__ if "test_mode" in vars(cls)), None)
    if owner is None:
        yield
        return
    before = vars(owner)["test_mode"]
    owner.test_mode = True  # type: ignore[attr-defined]
    try:
        yield
    finally:
        owner.test_mode = before  # type: ignore[attr-defined]
