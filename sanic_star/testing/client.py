"""`TestClient`: a `requests` session that calls an ASGI application in process.

It uses no port and, without a `with` block, no thread. The application starts once, at the first request or the
beginning of the `with` block. It stops at `close`, at the end of the block, or at the end of the interpreter.
"""

import weakref
from collections.abc import AsyncIterable, Mapping, Sequence
from typing import Any, Self

import requests
from starlette.types import ASGIApp

from sanic_star.testing._asgi.exchange import AsyncBody
from sanic_star.testing._asgi.server import OwnLoop, PortalLoop, Server, close_with_owner, in_event_loop
from sanic_star.testing._transports.in_process import ASGIAdapter, make_response
from sanic_star.testing.websocket import WebSocketSession, handshake_headers

__all__ = ["TestClient"]


class TestClient(requests.Session):
    """Sends requests to an application in process.

    In a `with` block, the application runs in a thread of its own, so that background tasks and timers go on between
    requests. Otherwise it runs in the calling thread, only during a request.

    Args:
        app: any ASGI 3 application.
        base_url: the beginning of URLs that have no host.
        raise_server_exceptions: whether exceptions of the application are raised in the test; otherwise the client gets
            what a server would send, usually status 500.
        root_path: the path under which the application is mounted; `root_path` of the scope.
        backend: `asyncio`; applications of this package run on no other one.
        backend_options: options of the event loop: `use_uvloop`, `loop_factory` and `debug`.
        cookies: cookies of all requests.
        headers: headers of all requests.
        follow_redirects: whether to follow redirects, unless a call has `allow_redirects=False`.
        client: the address of the client in the scope.

    Raises:
        ValueError: `backend` is not `asyncio`.
        RuntimeError: from a request without `with` inside a running event loop, or after `close`.
        Exception: from the first request, or at the beginning of the block: any exception of the application's start.

    Examples:
        >>> from starlette.applications import Starlette
        >>> from starlette.responses import PlainTextResponse
        >>> from starlette.routing import Route
        >>> async def hello(request):
        ...     return PlainTextResponse("Hello")
        >>> with TestClient(Starlette(routes=[Route("/", hello)])) as client:
        ...     client.get("/").text
        'Hello'
    """

    __test__ = False  # pytest would collect the class because of its name

    def __init__(
        self,
        app: ASGIApp,
        base_url: str = "http://testserver",
        raise_server_exceptions: bool = True,
        root_path: str = "",
        backend: str = "asyncio",
        backend_options: Mapping[str, Any] | None = None,
        cookies: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        follow_redirects: bool = True,
        client: tuple[str, int] | None = ("testclient", 50000),
    ) -> None:
        super().__init__()
        if backend != "asyncio":
            raise ValueError(f"TestClient runs applications on asyncio, not on {backend!r}: leave out `backend`")
        self._loop_options = dict(backend_options or {})
        self._closed = False
        self.app = app
        self.base_url = base_url
        self.follow_redirects = follow_redirects
        # No proxies and no `.netrc`: they have no effect here, and looking for them takes longer than the request.
        self.trust_env = False
        self.headers.update({"User-Agent": "testclient", **(headers or {})})
        self.cookies.update(cookies or {})
        self._raise_app_exceptions = raise_server_exceptions
        self._server: Server | None = None
        self._finalizer: weakref.finalize[..., Any] | None = None
        # A bound method would create a reference cycle, which delays the shutdown of a client that goes out of scope.
        client_reference = weakref.ref(self)
        self._adapter = ASGIAdapter(
            app,
            lambda: client_reference()._started(),  # type: ignore[union-attr]
            raise_app_exceptions=raise_server_exceptions,
            root_path=root_path,
            client=client,
        )
        self.mount("http://", self._adapter)
        self.mount("https://", self._adapter)

    def __enter__(self) -> Self:
        self.close()
        self._serve(Server(self.app, PortalLoop(self._loop_options)))
        return self

    def start(self) -> None:
        """Start the application now, in the calling thread, if it has not started.

        Raises:
            Exception: any exception of the application's start.
        """
        self._closed = False
        self._started()

    def close(self) -> None:
        """End open streams and websockets, stop the application, close the event loop; `start` starts it again.

        Raises:
            Exception: any exception of the application's stop.
        """
        self._closed = True
        server, self._server = self._server, None
        if server is not None:
            assert self._finalizer is not None
            self._finalizer.detach()
            server.close()

    def request(  # type: ignore[override]
        self, method: str, url: Any, *args: Any, follow_redirects: bool | None = None, **kwargs: Any
    ) -> requests.Response:
        """Send a request, with the arguments of `requests.Session.request`.

        Args:
            method: the HTTP method.
            url: an absolute URL, or one that is appended to `base_url`; any object whose `str` is a URL.
            args: arguments of `requests.Session.request`.
            follow_redirects: overrides the client's setting.
            kwargs: arguments of `requests.Session.request`, and `content`, a body that is not a form.

        Raises:
            Exception: any exception of the application, with `raise_server_exceptions`.
            requests.RequestException: as over a network, for example if there is no response within `timeout` seconds.
        """
        if (content := kwargs.pop("content", None)) is not None:
            kwargs["data"] = AsyncBody(content) if isinstance(content, AsyncIterable) else content
        allow = kwargs.pop("allow_redirects", True) and self.follow_redirects
        kwargs["allow_redirects"] = allow if follow_redirects is None else follow_redirects
        return super().request(method, self._absolute(str(url)), *args, **kwargs)

    def websocket_connect(
        self,
        url: str,
        subprotocols: Sequence[str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        params: Any = None,
        cookies: Mapping[str, str] | None = None,
    ) -> WebSocketSession:
        """Return a session that opens a websocket at the beginning of its `with` block.

        Args:
            url: see `request`; the schemes `ws` and `wss` may be used as well.
            subprotocols: the subprotocols that the client offers, the preferred one first.
            headers: headers of the handshake.
            params: query parameters of the handshake.
            cookies: cookies of the handshake, in addition to the client's cookies.

        Raises:
            WebSocketDenialResponse: at the beginning of the block, if the application does not accept the handshake.
            Exception: any exception of the application.

        Examples:
            >>> from starlette.applications import Starlette
            >>> from starlette.routing import WebSocketRoute
            >>> async def echo(websocket):
            ...     await websocket.accept()
            ...     await websocket.send_text(await websocket.receive_text())
            ...     await websocket.close()
            >>> with TestClient(Starlette(routes=[WebSocketRoute("/", echo)])) as client:
            ...     with client.websocket_connect("/") as websocket:
            ...         websocket.send_text("Hello")
            ...         websocket.receive_text()
            'Hello'
        """
        absolute = self._absolute(url)
        if absolute.startswith("ws"):
            absolute = "http" + absolute.removeprefix("ws")
        handshake = {**handshake_headers(subprotocols), **(headers or {})}
        request = self.prepare_request(
            requests.Request("GET", absolute, headers=handshake, params=params, cookies=dict(cookies or {}))
        )
        server = self._started()
        scope = self._adapter.websocket_scope(request, server, subprotocols)

        def respond(status: int, response_headers: list[tuple[bytes, bytes]], body: Any) -> requests.Response:
            response = make_response(self._adapter, request, status, response_headers, body, scope)
            self.cookies.update(response.cookies)
            return response

        return WebSocketSession(self.app, scope, server, respond, raise_app_exceptions=self._raise_app_exceptions)

    def _started(self) -> Server:
        if self._server is None:
            if self._closed:
                raise RuntimeError("this TestClient was closed: call start(), or use it in a `with` block")
            if in_event_loop():
                raise RuntimeError(
                    "TestClient can't block inside a running event loop: use it in a `with` block, or app.asgi_client"
                )
            self._serve(Server(self.app, OwnLoop(options=self._loop_options)))
        assert self._server is not None
        return self._server

    def _serve(self, server: Server) -> None:
        self._closed = False
        server.start()
        self._server = server
        self._finalizer = close_with_owner(self, server)

    def _absolute(self, url: str) -> str:
        if "://" in url.partition("?")[0]:
            return url
        return self.base_url.rstrip("/") + (url if url.startswith("/") else f"/{url}")
