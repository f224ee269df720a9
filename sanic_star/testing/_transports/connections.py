"""How the blocking clients of `sanic_testing` reach an app: in process, or over a socket.

In process is the rule: nothing listens, and a request costs little. A test that names an address, a certificate or
a socket means the real thing, and gets uvicorn on a loopback port. The app runs in the calling thread either way, on
the loop of the call; over a socket it is the client that runs in another thread.
"""

import io
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from typing import Any, Protocol, TypeVar

import requests
from starlette.types import ASGIApp

from sanic_star.testing._asgi.conversation import Conversation
from sanic_star.testing._asgi.loops import EventLoop
from sanic_star.testing._asgi.scopes import HOOK, StandIn, observe_requests
from sanic_star.testing._asgi.server import Server
from sanic_star.testing._sanic_testing.proxy import WebsocketProxy
from sanic_star.testing._transports.adapter import ASGIAdapter, make_response
from sanic_star.testing._transports.session import Session
from sanic_star.testing.deadline import DeadlineExceeded, within
from sanic_star.testing.websocket import denial, handshake_headers

__all__ = ["NO_RESPONSE", "PORT_IN_PROCESS", "Connection", "InProcess", "Mimic", "address_of"]

T = TypeVar("T")
Mimic = Callable[[WebsocketProxy], Coroutine[Any, Any, Any]]

# There is no port to listen on; a URL and a Host header need one all the same. It is that of the ASGI client.
PORT_IN_PROCESS = 1234
# That no response came, as opposed to that the test asked for nonsense.
NO_RESPONSE = (requests.Timeout, requests.ConnectionError, requests.exceptions.ChunkedEncodingError, DeadlineExceeded)


def address_of(scheme: str, host: str, port: int | None) -> str:
    """Give the beginning of a URL."""
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"


class Connection(Protocol):
    """An app that is served, and what can be asked of it."""

    port: int

    @property
    def base(self) -> str:
        """What URLs begin with."""
        raise NotImplementedError

    def open(self, loop: EventLoop, stand_in: StandIn | None = None) -> None:
        """Start the app; `stand_in` is as for `observe_requests`."""

    def close(self) -> None:
        """Stop the app, and free the loop."""

    def session(self) -> Session:
        """Give a new session that reaches the app."""

    def carry(self, session: requests.Session) -> None:
        """Let a session that somebody else has made reach the app."""

    def request(
        self, session: requests.Session, method: str, url: str, keywords: dict[str, Any]
    ) -> tuple[Any, requests.Response]:
        """Send a request; gives the app's request, None where it leaves none, and the response."""

    def websocket(
        self,
        session: requests.Session,
        url: str,
        subprotocols: Sequence[str] | None,
        mimic: Mimic | None,
        keywords: dict[str, Any],
    ) -> tuple[Any, WebsocketProxy]:
        """Open a websocket and let ``mimic`` talk; gives the app's request, and what was said."""

    def last_request(self) -> Any:
        """Give the request that the app has had last, with or without a response."""


class InProcess:
    """Call the app.

    Args:
        app: any ASGI app.
        host: for URLs.
        port: for URLs.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1", port: int = PORT_IN_PROCESS) -> None:
        self.port = port
        self.base = address_of("http", host, port)
        self._app = app
        self._server: Server | None = None
        self._observation = ExitStack()
        self._adapter = ASGIAdapter(app, self._running, raise_app_exceptions=False, client=("127.0.0.1", 50000))

    def open(self, loop: EventLoop, stand_in: StandIn | None = None) -> None:
        """Start the app."""
        server = Server(self._app, loop)
        with ExitStack() as observation:
            observation.enter_context(observe_requests(self._app, stand_in))
            server.start()
            self._observation = observation.pop_all()
        self._server = server

    def close(self) -> None:
        """Stop the app."""
        server, self._server = self._running(), None
        with self._observation:
            server.close()

    def session(self) -> Session:
        """Give a new session."""
        session = Session()
        self.carry(session)
        return session

    def carry(self, session: requests.Session) -> None:
        """Let a session reach the app."""
        session.mount("http://", self._adapter)
        session.mount("https://", self._adapter)

    def request(
        self, session: requests.Session, method: str, url: str, keywords: dict[str, Any]
    ) -> tuple[Any, requests.Response]:
        """Send a request."""
        response = session.request(method, url, **keywords)
        _frame(response)
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
        """Open a websocket.

        Raises:
            WebSocketDenialResponse: the app did not accept.
        """
        keywords["headers"] = {**handshake_headers(subprotocols), **(keywords.get("headers") or {})}
        handshake = session.prepare_request(requests.Request("GET", url, **keywords))
        server = self._running()
        scope = self._adapter.websocket_scope(handshake, server, subprotocols)
        proxy = WebsocketProxy(Conversation(self._app, scope, raise_app_exceptions=False))
        message = server.run(within(proxy.talk(mimic), f"the websocket {scope['path']} did not end"))
        if message["type"] != "websocket.accept":

            def respond(status: int, headers: list[tuple[bytes, bytes]], body: io.BufferedIOBase) -> requests.Response:
                return make_response(self._adapter, handshake, status, headers, body, scope)

            raise denial(message, respond)
        return _request_of(scope), proxy

    def last_request(self) -> Any:
        """Give the last request."""
        scope = self._adapter.last_scope
        return None if scope is None else _request_of(scope)

    def _running(self) -> Server:
        assert self._server is not None
        return self._server


def _frame(response: requests.Response) -> None:
    """Tell how the body came, as a server does that speaks HTTP/1.1: tests of streams ask whether it was in chunks."""
    if response.status_code not in (204, 304) and "content-length" not in response.headers:
        response.raw.headers.setdefault("transfer-encoding", "chunked")
        response.headers.setdefault("transfer-encoding", "chunked")


def _request_of(scope: dict[str, Any]) -> Any:
    return scope["extensions"][HOOK].get("request")
