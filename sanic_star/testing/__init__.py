"""In-process clients to test an app with: no port, no network, and exceptions that reach the test.

``TestClient`` is for any ASGI app; the others have the calls of `sanic_testing`.
"""

from typing import TYPE_CHECKING, Any

from sanic_star.testing.client import TestClient
from sanic_star.testing.deadline import DeadlineExceeded
from sanic_star.testing.manager import TestManager
from sanic_star.testing.proxy import WebsocketProxy
from sanic_star.testing.response import TestingResponse
from sanic_star.testing.reusable import ReusableClient
from sanic_star.testing.sanic import SanicTestClient
from sanic_star.testing.websocket import WebSocketDenialResponse, WebSocketSession

if TYPE_CHECKING:
    from sanic_star.testing.asgi import SanicASGITestClient

__all__ = [
    "DeadlineExceeded",
    "ReusableClient",
    "SanicASGITestClient",
    "SanicTestClient",
    "TestClient",
    "TestManager",
    "TestingResponse",
    "WebSocketDenialResponse",
    "WebSocketSession",
    "WebsocketProxy",
]


def __getattr__(name: str) -> Any:
    # httpx2 is an extra, and the other clients have no use for it.
    if name != "SanicASGITestClient":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sanic_star.testing.asgi import SanicASGITestClient

    return SanicASGITestClient
