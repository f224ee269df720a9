"""How the blocking clients of `sanic_testing` reach an application: in process, or over a socket.

By default they call it in process: no port is bound, and a request is cheap. If a test names an address, a certificate
or a socket, uvicorn serves the application on a loopback port. In both cases the application runs in the calling
thread, on the event loop of the call; over a socket, the client runs in another thread.
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

# No port is bound, but a URL and a `Host` header need one: the port of the ASGI client.
PORT_IN_PROCESS = 1234
# The exceptions if there is no response. Other exceptions mean that the test has passed invalid arguments.
NO_RESPONSE = (requests.Timeout, requests.ConnectionError, requests.exceptions.ChunkedEncodingError, DeadlineExceeded)


def address_of(scheme: str, host: str, port: int | None) -> str:
    """Return the beginning of a URL: scheme, host and port, with a slash at the end."""
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"


class Connection(Protocol):
    """A running application, and the requests that a client can send to it."""

    port: int

    @property
    def base(self) -> str:
        """The beginning of its URLs, with a slash at the end."""
        raise NotImplementedError

    def open(self, loop: EventLoop, stand_in: StandIn | None = None) -> None:
        """Start the application; for `stand_in`, see `observe_requests`."""

    def close(self) -> None:
        """Stop the application and close the event loop."""

    def session(self) -> Session:
        """Return a new session that sends its requests to the application."""

    def mount_on(self, session: requests.Session) -> None:
        """Make an existing session send its requests to the application."""

    def request(
        self, session: requests.Session, method: str, url: str, keywords: dict[str, Any]
    ) -> tuple[Any, requests.Response]:
        """Send a request; return the application's request object, `None` if there is none, and the response."""

    def websocket(
        self,
        session: requests.Session,
        url: str,
        subprotocols: Sequence[str] | None,
        mimic: Mimic | None,
        keywords: dict[str, Any],
    ) -> tuple[Any, WebsocketProxy]:
        """Open a websocket and run `mimic`; return the application's request object and the recorded messages."""

    def last_request(self) -> Any:
        """Return the last request object of the application, also if there was no response."""
