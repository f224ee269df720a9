"""``SanicTestClient``: what ``app.test_client`` is, with the calls of `sanic_testing`.

Each call starts the app, sends one request, stops the app, and returns the app's own request object with the response.
All of it happens in the calling thread, on an event loop that lives as long as the call: listeners of all four phases
run each time, and nothing of one call is left in the next, cookies included.

The keywords are those that `sanic_testing` hands to httpx; they are translated here for `requests`. An exception in
the app is a response with status 500. What goes wrong on the client's side is a ValueError, as in `sanic_testing`.
"""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import requests
from requests.cookies import RequestsCookieJar
from starlette.types import ASGIApp

from sanic_star.testing.adapter import ASGIAdapter, make_response
from sanic_star.testing.conversation import Conversation
from sanic_star.testing.keywords import for_requests
from sanic_star.testing.loops import OwnLoop, in_event_loop
from sanic_star.testing.proxy import WebsocketProxy
from sanic_star.testing.response import TestingResponse
from sanic_star.testing.scopes import HOOK, leave_requests
from sanic_star.testing.server import Server
from sanic_star.testing.websocket import denial, handshake_headers

__all__ = ["SanicTestClient"]

# There is no port to listen on; a URL and a Host header need one all the same. It is that of the ASGI client.
_PORT = 1234

Mimic = Callable[[WebsocketProxy], Coroutine[Any, Any, Any]]


class SanicTestClient:
    """Send an app one request at a time, each between a start and a stop of its own.

    Args:
        app: the app; any ASGI app will do, but only one of this package gives its request object.
        port: the port in the requests' URL; nothing listens there.
        host: the host in the requests' URL.

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

    def __init__(self, app: ASGIApp, port: int | None = None, host: str = "127.0.0.1") -> None:
        self.app = app
        self.port = port
        self.host = host
        self._server: Server | None = None
        self._session = requests.Session()
        self._session.trust_env = False
        self._adapter = ASGIAdapter(app, self._running, raise_app_exceptions=False, client=("127.0.0.1", 50000))
        self._session.mount("http://", self._adapter)
        self._session.mount("https://", self._adapter)

    def request(self, uri: str = "/", *args: Any, method: str = "GET", **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Start the app, send a request, stop the app.

        Args:
            uri: what comes after host and port, or an absolute URL.
            args: ``gather_request``, ``debug``, ``server_kwargs``, ``host`` and ``allow_none``, in this order.
            method: the HTTP method.
            gather_request: whether the app's request object is wanted; None is returned in its place otherwise.
            debug: switches the app's debug mode on, for good.
            server_kwargs: accepted for compatibility; there is no server.
            host: for the URL of this request.
            allow_none: accepted for compatibility; there always is a response.
            kwargs: what httpx takes: ``params headers cookies auth timeout content data json files``; redirects are
                followed unless ``follow_redirects`` or ``allow_redirects`` is false.

        Returns:
            The request, the first one when there were redirects, and the response.

        Raises:
            RuntimeError: this thread runs an event loop; the ASGI client works there.
            ValueError: the client could not complete the request.
            Exception: the app's own, from its start or its stop.
        """
        return self._request(method.upper(), uri, *args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a GET; see ``request`` for the arguments."""
        return self._request("GET", *args, **kwargs)

    def post(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a POST; see ``request`` for the arguments."""
        return self._request("POST", *args, **kwargs)

    def put(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a PUT; see ``request`` for the arguments."""
        return self._request("PUT", *args, **kwargs)

    def patch(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a PATCH; see ``request`` for the arguments."""
        return self._request("PATCH", *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a DELETE; see ``request`` for the arguments."""
        return self._request("DELETE", *args, **kwargs)

    def options(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send an OPTIONS; see ``request`` for the arguments."""
        return self._request("OPTIONS", *args, **kwargs)

    def head(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a HEAD; see ``request`` for the arguments."""
        return self._request("HEAD", *args, **kwargs)

    def websocket(
        self,
        uri: str = "/",
        gather_request: bool = True,
        *,
        subprotocols: Sequence[str] | None = None,
        mimic: Mimic | None = None,
        debug: bool = False,
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
            host: as in ``request``.
            kwargs: ``headers``, ``params`` and ``cookies`` for the handshake.

        Returns:
            The request, and what was sent both ways.

        Raises:
            RuntimeError: as in ``request``.
            ValueError: the app did not accept, or ``mimic`` failed; the exception's cause says how.
            Exception: the app's own, from its start or its stop.
        """
        url = self._url(uri, host)
        if url.startswith("ws"):
            url = "http" + url.removeprefix("ws")
        keywords = {name: value for name, value in for_requests(kwargs).items() if name in _HANDSHAKE}
        keywords["headers"] = {**handshake_headers(subprotocols), **(keywords.get("headers") or {})}
        handshake = self._session.prepare_request(requests.Request("GET", url, **keywords))
        with self._serving(debug) as server:
            scope = self._adapter.websocket_scope(handshake, server, subprotocols)
            proxy = WebsocketProxy(Conversation(self.app, scope, raise_app_exceptions=False))

            def respond(status: int, headers: list[tuple[bytes, bytes]], body: Any) -> requests.Response:
                return make_response(self._adapter, handshake, status, headers, body, scope)

            try:
                message = server.run(proxy.talk(mimic))
                if message["type"] != "websocket.accept":
                    raise denial(message, respond)
            except Exception as error:
                raise ValueError(f"Exception during request: [{error!r}]") from error
        return _request_of(scope) if gather_request else None, proxy

    def _request(
        self,
        method: str,
        uri: str = "/",
        gather_request: bool = True,
        debug: bool = False,
        server_kwargs: dict[str, Any] | None = None,
        host: str | None = None,
        allow_none: bool = False,
        **kwargs: Any,
    ) -> tuple[Any, TestingResponse]:
        with self._serving(debug):
            try:
                response = self._session.request(method, self._url(uri, host), **for_requests(kwargs))
            except Exception as error:
                raise ValueError(f"Exception during request: [{error!r}]") from error
        first: Any = response.history[0] if response.history else response
        return _request_of(first.raw.scope) if gather_request else None, TestingResponse(response)

    def _url(self, uri: str, host: str | None) -> str:
        if uri.startswith(("http:", "https:", "ws:", "wss:")):
            return uri
        self.port = self.port or _PORT
        return f"http://{host or self.host}:{self.port}/{uri.removeprefix('/')}"

    @contextmanager
    def _serving(self, debug: bool) -> Iterator[Server]:
        if in_event_loop():
            raise RuntimeError("test_client can't block inside a running event loop: await app.asgi_client there")
        if debug:
            self.app.debug = True  # type: ignore[attr-defined]
        self._session.cookies = RequestsCookieJar()
        with _test_mode(self.app):
            leave_requests(self.app)
            server = Server(self.app, OwnLoop())
            server.start()
            self._server = server
            try:
                yield server
            finally:
                self._server = None
                server.close()

    def _running(self) -> Server:
        assert self._server is not None
        return self._server


_HANDSHAKE = {"headers", "params", "cookies"}


def _request_of(scope: dict[str, Any]) -> Any:
    return scope["extensions"][HOOK].get("request")


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
