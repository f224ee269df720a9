"""``TestClient``: a `requests` session that calls an ASGI app in process.

There is no port and, without a ``with`` block, no thread. The app's lifespan runs once: it starts with the first
request (or the ``with`` block) and stops with ``close`` (or the end of the block, or of the interpreter).
"""

import weakref
from collections.abc import AsyncIterable, Mapping, Sequence
from typing import Any, Self

import requests
from starlette.types import ASGIApp

from sanic_star.testing._asgi.exchange import AsyncBody
from sanic_star.testing._asgi.server import OwnLoop, PortalLoop, Server, close_with, in_event_loop
from sanic_star.testing._transports.in_process import ASGIAdapter, make_response
from sanic_star.testing.websocket import WebSocketSession, handshake_headers

__all__ = ["TestClient"]


class TestClient(requests.Session):
    """Send requests to an app in process.

    In a ``with`` block the app runs in a thread of its own, so that background tasks and timers go on between
    requests. Otherwise it runs in the calling thread, and only during a request.

    Args:
        app: any ASGI 3 app.
        base_url: what a URL without a host is appended to.
        raise_server_exceptions: whether an exception that the app raises is raised in the test; otherwise the client
            gets what a server would send, mostly a 500.
        root_path: where the app is mounted; the scope's ``root_path``.
        backend: `asyncio`, the only one that an app of this package runs on.
        backend_options: ``use_uvloop``, ``loop_factory`` and ``debug``, for the event loop.
        cookies: for every request.
        headers: for every request.
        follow_redirects: whether redirects are followed unless a call says otherwise by ``allow_redirects=False``.
        client: the client's address in the scope.

    Raises:
        ValueError: another backend.
        RuntimeError: from a request, when it is used without ``with`` inside a running event loop, or after it was
            closed.
        Exception: from the first request, or on entering the block, what the app's start-up raised.

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

    __test__ = False  # pytest takes the name for that of a test case

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
            raise ValueError(f"TestClient runs apps on asyncio, not on {backend!r}: leave out `backend`")
        self._loop_options = dict(backend_options or {})
        self._closed = False
        self.app = app
        self.base_url = base_url
        self.follow_redirects = follow_redirects
        # Proxies and .netrc have no say here, and looking for them takes longer than the app.
        self.trust_env = False
        self.headers.update({"User-Agent": "testclient", **(headers or {})})
        self.cookies.update(cookies or {})
        self._raise = raise_server_exceptions
        self._server: Server | None = None
        self._finalizer: weakref.finalize[..., Any] | None = None
        # A method bound to the session would tie it into a cycle, and delay the shutdown of a client that is dropped.
        this = weakref.ref(self)
        self._adapter = ASGIAdapter(
            app,
            lambda: this()._started(),  # type: ignore[union-attr]
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
        """Run the app's start-up now, in the calling thread; nothing happens when it has started.

        Raises:
            Exception: the app's own.
        """
        self._closed = False
        self._started()

    def close(self) -> None:
        """End open streams and websockets, run the app's shutdown and free the loop; ``start`` begins anew.

        Raises:
            Exception: the app's own.
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
        """Send a request, with the arguments of ``requests.Session.request``.

        Args:
            method: the HTTP method.
            url: absolute, or what comes after ``base_url``; anything whose ``str`` is a URL.
            args: as there.
            follow_redirects: overrules the client's setting.
            kwargs: as there; and ``content``, which is `data` that is no form.

        Raises:
            Exception: the app's own, with ``raise_server_exceptions``.
            requests.RequestException: as over a network, for instance when ``timeout`` seconds have passed.
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
        """Open a websocket when the returned session's ``with`` block is entered.

        Args:
            url: as for a request; ``ws`` and ``wss`` stand for ``http`` and ``https``.
            subprotocols: what the client offers.
            headers: for the handshake.
            params: for its query string.
            cookies: beside the client's own.

        Raises:
            WebSocketDenialResponse: on entering, when the app does not accept.
            Exception: the app's own.

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

        return WebSocketSession(self.app, scope, server, respond, raise_app_exceptions=self._raise)

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
        self._finalizer = close_with(self, server)

    def _absolute(self, url: str) -> str:
        if "://" in url.partition("?")[0]:
            return url
        return self.base_url.rstrip("/") + (url if url.startswith("/") else f"/{url}")
