"""`SanicTestClient`, the class of `app.test_client`, with the API of `sanic_testing`.

Each call starts the application, sends one request, stops the application, and returns the application's request object
and the response. This happens in the calling thread, on an event loop that is closed after the call. Listeners of all
four phases run each time, and no state remains for the next call, including cookies. If a test names an address, the
application is served there; otherwise no port is bound.

The calls take the arguments that `sanic_testing` passes to httpx, translated for `requests`. An exception in the
application is answered with status 500. Errors of the client are raised as `ValueError`, as in `sanic_testing`.
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
from sanic_star.testing._sanic_testing.keywords import configure, split_handshake_keywords, translate_keywords
from sanic_star.testing._sanic_testing.proxy import WebsocketProxy
from sanic_star.testing._sanic_testing.refusals import find_handler
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
from sanic_star.testing.deadline import DeadlineExceeded

__all__ = ["SanicTestClient"]

_HOST = "127.0.0.1"
# Tests for `sanic_testing` use URLs such as f"http://{HOST}:{PORT}/", where PORT is None. The client replaces it with
# its port.
_NO_PORT = re.compile(r"^(\w+://[^/?#]*):None(?=[/?#]|$)")
_logger = logging.getLogger("sanic.error")


class SanicTestClient(Verbs):
    """Starts an application, sends it one request and stops it, in each call.

    Args:
        app: any ASGI application; only applications of this package return their request object.
        port: the port to listen on; by default, no port is bound.
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
        # A port that was chosen by this client and not by the test.
        self._chosen_port: int | None = None
        self._in_process = InProcessConnection(app)
        self._session = self._in_process.session()
        # The connection of the current call.
        self._current_connection: Connection = self._in_process

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
        """Start the application, open a websocket, run `mimic`, stop the application.

        Args:
            uri: see `request`.
            gather_request: see `request`.
            subprotocols: the subprotocols that the client offers, the preferred one first.
            mimic: a coroutine function that acts as the client; its argument has `send`, `recv` and `close`.
            debug: see `request`.
            server_kwargs: see `request`.
            host: see `request`.
            kwargs: `extra_headers` or `headers`, `origin`, `params` and `cookies` of the handshake. With other
                arguments of `websockets.connect`, the application is served on a socket.

        Returns:
            The application's request object, and the client with the messages of both sides.

        Raises:
            RuntimeError: this thread runs an event loop; use the ASGI client there.
            ValueError: the application did not accept the handshake, or `mimic` failed; see the exception's cause.
            Exception: any exception of the application's start or stop.
        """
        handshake, connection_options = split_handshake_keywords(kwargs)
        with self._serving(debug, server_kwargs, host, bool(connection_options)) as connection:
            session = self._fresh_session(connection)
            url = self._url(uri, host, connection)
            url = "http" + url.removeprefix("ws") if url.startswith("ws") else url
            try:
                request, proxy = connection.websocket(
                    session, url, subprotocols, mimic, {**handshake, **connection_options}
                )
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
                request, response = connection.request(session, method, url, translate_keywords({**settings, **kwargs}))
            except Exception as error:
                if allow_none and isinstance(error, NO_RESPONSE):
                    return connection.last_request() if gather_request else None, None
                raise ValueError(f"Exception during request: [{error!r}]") from error
        return request if gather_request else None, TestingResponse(response)

    def get_new_session(self, **kwargs: Any) -> requests.Session:
        """Return the session of one request. Override it, for example to add headers to every request.

        Args:
            kwargs: the `session_kwargs` of the call.

        Returns:
            A session of `requests`; in `sanic_testing` it is a client of httpx.

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
        session = self._current_connection.session()
        configure(session, kwargs)
        return session

    def _session_for(self, connection: Connection, settings: dict[str, Any] | None) -> requests.Session:
        is_overridden = getattr(self.get_new_session, "__func__", None) is not SanicTestClient.get_new_session
        if not (settings or is_overridden):
            return self._fresh_session(connection)
        session = self.get_new_session(**settings or {})
        if not isinstance(session, requests.Session):
            raise TypeError(
                f"get_new_session() returned {type(session).__name__}, not a session of `requests`: "
                "return the session of super().get_new_session(**kwargs)"
            )
        connection.mount_on(session)
        return session

    def _fresh_session(self, connection: Connection) -> Session:
        if connection is not self._in_process:
            return connection.session()
        # The session is reused, because to create one takes longer than a request.
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
        address = apply_server_kwargs(self.app, server_kwargs, debug) if server_kwargs or debug else {}
        connection = self._connection(address, host, socket)
        with _test_mode(self.app):
            if in_event_loop():
                raise RuntimeError("test_client can't block inside a running event loop: await app.asgi_client there")
            connection.open(OwnLoop(), find_handler)
            try:
                if self.port is None or (connection is not self._in_process and self.port == self._chosen_port):
                    self.port = self._chosen_port = connection.port
                self._current_connection = connection
                yield connection
            finally:
                self._current_connection = self._in_process
                _close(connection)

    def _connection(self, address: dict[str, Any], host: str | None, socket: bool) -> Connection:
        requested_port = self.port if self.port != self._chosen_port else None
        address.pop("backlog", None)
        name = address.pop("host", None) or host or self.host
        if not (address or socket or requested_port or name != _HOST) or not hasattr(self.app, "create_server"):
            if address or socket:
                raise TypeError(
                    "only an application of this package can be served on a socket: "
                    "leave out the arguments that need one"
                )
            return self._in_process
        port = address.pop("port", None)
        if port is None:
            port = requested_port or (self._chosen_port if self._chosen_port != PORT_IN_PROCESS else 0) or 0
        return SocketConnection(self.app, name, port, address)


def _close(connection: Connection) -> None:
    """Stop the application. As in Sanic, a failed listener does not affect the response; the exception is logged."""
    try:
        connection.close()
    except DeadlineExceeded:
        raise
    except Exception:
        _logger.exception("The application's shutdown failed: fix its lifespan or its listeners.")


@contextmanager
def _test_mode(app: ASGIApp) -> Iterator[None]:
    """Set `test_mode` of the application's class within the block, if it has one, as `sanic_testing` does."""
    owner = next((cls for cls in type(app).__mro__ if "test_mode" in vars(cls)), None)
    if owner is None:
        yield
        return
    previous = vars(owner)["test_mode"]
    owner.test_mode = True  # type: ignore[attr-defined]
    try:
        yield
    finally:
        owner.test_mode = previous  # type: ignore[attr-defined]
