"""Test clients that call an application in process: no port, no network, and exceptions reach the test.

`TestClient` has the API of `requests` and calls any ASGI application. The other clients have the API of
`sanic_testing`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sanic_star.compat._support.lazy import late_modules

if TYPE_CHECKING:
    from sanic_star.testing._sanic_testing.proxy import WebsocketProxy
    from sanic_star.testing._sanic_testing.response import TestingResponse
    from sanic_star.testing.asgi import SanicASGITestClient
    from sanic_star.testing.client import TestClient
    from sanic_star.testing.deadline import DeadlineExceeded
    from sanic_star.testing.manager import TestManager
    from sanic_star.testing.reusable import ReusableClient
    from sanic_star.testing.sanic import SanicTestClient
    from sanic_star.testing.websocket import WebSocketDenialResponse, WebSocketSession

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

# The module of each name. A module is imported at the first use of its names: every run of pytest imports this package
# for its plugin, and one client needs httpx2, which is an extra.
_MODULES = {
    "DeadlineExceeded": "deadline",
    "ReusableClient": "reusable",
    "SanicASGITestClient": "asgi",
    "SanicTestClient": "sanic",
    "TestClient": "client",
    "TestManager": "manager",
    "TestingResponse": "_sanic_testing.response",
    "WebSocketDenialResponse": "websocket",
    "WebSocketSession": "websocket",
    "WebsocketProxy": "_sanic_testing.proxy",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        return late_modules(__name__)(name)
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
