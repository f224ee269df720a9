"""The names of `sanic_testing.testing`: the clients, and the addresses that their requests go to."""

from typing import TYPE_CHECKING, Any

from sanic_star.testing._sanic_testing.response import TestingResponse
from sanic_star.testing.sanic import SanicTestClient

if TYPE_CHECKING:
    from sanic_star.testing.asgi import SanicASGITestClient

HOST = "127.0.0.1"
# `None` stands for any free port.
PORT: int | None = None
ASGI_HOST = "mockserver"
ASGI_PORT = 1234
ASGI_BASE_URL = f"http://{ASGI_HOST}:{ASGI_PORT}"

__all__ = [
    "ASGI_BASE_URL",
    "ASGI_HOST",
    "ASGI_PORT",
    "HOST",
    "PORT",
    "SanicASGITestClient",
    "SanicTestClient",
    "TestingResponse",
]


def __getattr__(name: str) -> Any:
    # Imported late: it requires httpx2, which is an extra, and the other client does not.
    if name != "SanicASGITestClient":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sanic_star.testing.asgi import SanicASGITestClient

    return SanicASGITestClient


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
