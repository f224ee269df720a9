"""How the blocking clients of `sanic_testing` reach an app: in process, or over a socket.

In process is the rule: nothing listens, and a request costs little. A test that names an address, a certificate or
a socket means the real thing, and gets uvicorn on a loopback port. The app runs in the calling thread either way, on
the loop of the call; over a socket it is the client that runs in another thread.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

import requests

from sanic_star.testing._asgi.scopes import StandIn
from sanic_star.testing._asgi.server import EventLoop
from sanic_star.testing._sanic_testing.proxy import WebsocketProxy
from sanic_star.testing._transports.session import Session
from sanic_star.testing.deadline import DeadlineExceeded

__all__ = ["NO_RESPONSE", "PORT_IN_PROCESS", "Connection", "Mimic", "address_of"]

T = TypeVar("T")
Mimic = Callable[[WebsocketProxy], Coroutine[Any, Any, Any]]

# No port is listened on, but a URL and a Host header need one: that of the ASGI client.
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
