"""A transport adapter for `requests` that calls an ASGI application instead of using the network.

`InProcessConnection` combines the adapter with a server, for the blocking clients of `sanic_testing`.
"""

import io
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack
from http import HTTPStatus
from http.client import HTTPMessage
from types import SimpleNamespace
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from starlette.types import ASGIApp
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import ProtocolError

from sanic_star.testing._asgi.conversation import Conversation
from sanic_star.testing._asgi.exchange import CHUNK_SIZE, Exchange, IncompleteResponse, SlowResponse, body_chunks
from sanic_star.testing._asgi.scopes import HOOK, StandIn, connection_scope, fields_of, observe_requests
from sanic_star.testing._asgi.server import EventLoop, Server
from sanic_star.testing._sanic_testing.proxy import WebsocketProxy
from sanic_star.testing._transports.connections import PORT_IN_PROCESS, Mimic, address_of
from sanic_star.testing._transports.session import Session
from sanic_star.testing.deadline import within
from sanic_star.testing.websocket import denial, handshake_headers

__all__ = ["ASGIAdapter", "InProcessConnection", "make_response"]

Timeout = float | tuple[float | None, float | None] | None


class ASGIAdapter(HTTPAdapter):
    """Answers the requests of a session by calling an application.

    Args:
        app: the ASGI application.
        server: returns the started server; called for each request.
        raise_app_exceptions: whether exceptions of the application are raised in the test; otherwise the client gets
            what a server would send: status 500, or an incomplete body.
        root_path: the path under which the application is mounted.
        client: the address of the client.
    """

    def __init__(
        self,
        app: ASGIApp,
        server: Callable[[], Server],
        *,
        raise_app_exceptions: bool = True,
        root_path: str = "",
        client: tuple[str, int] | None = ("testclient", 50000),
    ) -> None:
        super().__init__()
        self._app = app
        self._server = server
        self._raise_app_exceptions = raise_app_exceptions
        self._root_path = root_path
        self._client = client
        # The scope of the last request, also if there was no response.
        self.last_scope: dict[str, Any] | None = None

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Timeout = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Run the application to its end, or with `stream` until it has sent the status.

        Raises:
            Exception: any exception of the application, with `raise_app_exceptions`.
            requests.exceptions.ReadTimeout: there was no response within `timeout` seconds.
            requests.exceptions.ChunkedEncodingError: the application stopped in the middle of the body.
        """
        server = self._server()
        scope = self._scope(request, server)
        scope["type"], scope["method"] = "http", request.method
        scope["extensions"]["http.response.debug"] = {}
        self.last_scope = scope
        app, raise_app_exceptions = self._app, self._raise_app_exceptions
        limit = timeout[1] if isinstance(timeout, tuple) else timeout
        source = None
        content: io.BufferedIOBase
        try:
            if stream:
                exchange = Exchange(
                    app, scope, body_chunks(request.body), stream=True, raise_app_exceptions=raise_app_exceptions
                )
                server.run(exchange.begin(limit))
                server.keep(exchange)
                source = _Stream(exchange, server, limit)
                content = io.BufferedReader(source, CHUNK_SIZE)
            else:
                complete = Exchange.complete(app, scope, request.body, limit, raise_app_exceptions=raise_app_exceptions)
                exchange, body = server.run(complete)
                content = io.BytesIO(body)
        except SlowResponse as error:
            raise requests.exceptions.ReadTimeout(str(error), request=request) from error
        except IncompleteResponse as error:
            raise requests.exceptions.ChunkedEncodingError(str(error), request=request) from error
        response = make_response(self, request, exchange.status, exchange.headers, content, scope, source)
        # Templates send their name and context in this message. As in Starlette's client, they are attributes of the
        # response.
        vars(response).update(exchange.debug)
        return response

    def websocket_scope(
        self, request: requests.PreparedRequest, server: Server, subprotocols: Sequence[str] | None
    ) -> dict[str, Any]:
        """Return the scope of a websocket for its handshake."""
        scope = self._scope(request, server)
        scope["type"], scope["scheme"] = "websocket", "wss" if scope["scheme"] == "https" else "ws"
        scope["subprotocols"] = list(subprotocols or ())
        scope["extensions"]["websocket.http.response"] = {}
        return scope

    def _scope(self, request: requests.PreparedRequest, server: Server) -> dict[str, Any]:
        assert request.url is not None
        return connection_scope(
            request.url,
            fields_of(request.headers),
            root_path=self._root_path,
            client=self._client,
            state=server.state,
        )


def make_response(
    adapter: HTTPAdapter,
    request: requests.PreparedRequest,
    status: int,
    headers: list[tuple[bytes, bytes]],
    body: io.BufferedIOBase,
    scope: dict[str, Any],
    source: "_Stream | None" = None,
) -> requests.Response:
    """Return the response as `requests` would read it from a socket; `raw.scope` is the scope of the request."""
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    raw = _RawResponse(
        body,
        headers=HTTPHeaderDict(pairs),
        status=status,
        version=11,
        reason=HTTPStatus(status).phrase if status in _STATUSES else "",
        preload_content=False,
        original_response=_cookie_source(pairs),
        request_method=request.method,
    )
    raw.scope, raw.source = scope, source
    return adapter.build_response(request, raw)


_STATUSES = frozenset(HTTPStatus)


def _cookie_source(headers: list[tuple[str, str]]) -> Any:
    # `http.cookiejar` reads the separate `Set-Cookie` headers from the message of `http.client`.
    message = HTTPMessage()
    for name, value in headers:
        if name.lower() == "set-cookie":
            message[name] = value
    return SimpleNamespace(msg=message, isclosed=lambda: False, close=lambda: None) if len(message) else None


class _RawResponse(HTTPResponse):
    """A response whose stream yields each chunk as soon as the application has sent it."""

    scope: dict[str, Any]
    source: "_Stream | None"

    def stream(self, amt: int | None = 2**16, decode_content: bool | None = None) -> Generator[bytes, None, None]:
        while True:
            try:
                data = self.read1(amt, decode_content)
            except ProtocolError:
                # urllib3 wraps each `OSError` as if it came from a socket. The application's own is raised unchanged.
                if self.source is not None and self.source.failure is not None:
                    raise self.source.failure  # noqa: B904 (it is the cause already)
                raise
            if not data:
                return
            yield data

    def release_conn(self) -> None:
        # Not in `close()`: the garbage collector calls that as well, at any time and from any thread.
        if self.source is not None:
            self.source.leave()


class _Stream(io.RawIOBase):
    """The body of a response that is still being sent, as a file; a read blocks until the next chunk."""

    def __init__(self, exchange: Exchange, server: Server, timeout: float | None) -> None:
        self.failure: Exception | None = None
        self._exchange = exchange
        self._server = server
        self._timeout = timeout
        self._unread = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._unread:
            self._unread = memoryview(self._next())
        size = min(len(buffer), len(self._unread))
        buffer[:size], self._unread = self._unread[:size], self._unread[size:]
        return size

    def leave(self) -> None:
        if self._exchange.ended:
            self._exchange.report()
        else:
            self._server.run(self._exchange.leave())

    def _next(self) -> bytes:
        try:
            return self._server.run(self._exchange.next_chunk(self._timeout))
        except SlowResponse as error:
            self.failure = requests.exceptions.ConnectionError(str(error))
        except IncompleteResponse as error:
            self.failure = requests.exceptions.ChunkedEncodingError(str(error))
            self.failure.__cause__ = error.__cause__
        except Exception as error:
            self.failure = error
        raise self.failure


class InProcessConnection:
    """Starts an application in process and sends requests to it.

    Args:
        app: any ASGI application.
        host: the host in URLs.
        port: the port in URLs.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1", port: int = PORT_IN_PROCESS) -> None:
        self.host = host
        self.port = port
        self.base = address_of("http", host, port)
        self._app = app
        self._server: Server | None = None
        # Restores the application's request factory at the end.
        self._cleanup = ExitStack()
        self._adapter = ASGIAdapter(app, self._started_server, raise_app_exceptions=False, client=("127.0.0.1", 50000))

    def open(self, loop: EventLoop, stand_in: StandIn | None = None) -> None:
        """Start the application."""
        with ExitStack() as cleanup:
            cleanup.enter_context(observe_requests(self._app, stand_in))
            server = Server(self._app, loop)
            server.start()
            self._cleanup = cleanup.pop_all()
        self._server = server

    def close(self) -> None:
        """Stop the application."""
        server, self._server = self._started_server(), None
        with self._cleanup:
            server.close()

    def session(self) -> Session:
        """Return a new session that sends its requests to the application."""
        session = Session()
        self.mount_on(session)
        return session

    def mount_on(self, session: requests.Session) -> None:
        """Make a session send its requests to the application."""
        session.mount("http://", self._adapter)
        session.mount("https://", self._adapter)

    def request(
        self, session: requests.Session, method: str, url: str, keywords: dict[str, Any]
    ) -> tuple[Any, requests.Response]:
        """Send a request; return the application's request object, `None` if there is none, and the response."""
        response = session.request(method, url, **keywords)
        _add_transfer_encoding(response)
        first: Any = response.history[0] if response.history else response
        return _request_of(first.raw.scope), response

    def websocket(
        self,
        session: requests.Session,
        url: str,
        subprotocols: Sequence[str] | None,
        mimic: Mimic | None,
        keywords: dict[str, Any],
    ) -> tuple[Any, WebsocketProxy]:
        """Open a websocket and run `mimic`; return the application's request object and the recorded messages.

        Raises:
            WebSocketDenialResponse: the application did not accept the handshake.
        """
        keywords["headers"] = {**handshake_headers(subprotocols), **(keywords.get("headers") or {})}
        handshake = session.prepare_request(requests.Request("GET", url, **keywords))
        server = self._started_server()
        scope = self._adapter.websocket_scope(handshake, server, subprotocols)
        proxy = WebsocketProxy(Conversation(self._app, scope, raise_app_exceptions=False))
        message = server.run(within(proxy.talk(mimic), f"the websocket {scope['path']} did not end"))
        if message["type"] != "websocket.accept":

            def respond(status: int, headers: list[tuple[bytes, bytes]], body: io.BufferedIOBase) -> requests.Response:
                return make_response(self._adapter, handshake, status, headers, body, scope)

            raise denial(message, respond)
        return _request_of(scope), proxy

    def last_request(self) -> Any:
        """Return the application's last request object."""
        scope = self._adapter.last_scope
        return None if scope is None else _request_of(scope)

    def _started_server(self) -> Server:
        assert self._server is not None
        return self._server


def _add_transfer_encoding(response: requests.Response) -> None:
    """Add the `transfer-encoding` that an HTTP/1.1 server would send; tests of streamed responses check it."""
    if response.status_code not in (204, 304) and "content-length" not in response.headers:
        response.raw.headers.setdefault("transfer-encoding", "chunked")
        response.headers.setdefault("transfer-encoding", "chunked")


def _request_of(scope: dict[str, Any]) -> Any:
    return scope["extensions"][HOOK].get("request")
