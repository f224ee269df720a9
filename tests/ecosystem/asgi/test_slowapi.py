"""slowapi: its decorator, its exception handler and its middleware."""

from __future__ import annotations

from typing import Any

import pytest
from slowapi import Limiter, _rate_limit_exceeded_handler
from slowapi.errors import RateLimitExceeded
from slowapi.middleware import SlowAPIASGIMiddleware, SlowAPIMiddleware
from slowapi.util import get_remote_address
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sanic_star import HTTPResponse, Request, Sanic, text
from tests.ecosystem.asgi.sites import client, site

# It asks `asyncio` for what Python 3.14 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:slowapi")


def limited(how: str, limiter: Limiter) -> Any:
    """Return an application with a limited handler of each kind, as the package's documentation writes it."""
    app: Any
    if how == "here":
        app = Sanic("limited")

        @app.get("/async")
        @limiter.limit("2/minute")
        async def coroutine(request: Request) -> HTTPResponse:
            return text("done")

        @app.get("/sync/<n:int>")
        @limiter.limit("2/minute")
        def function(request: Request, n: int) -> HTTPResponse:
            return text("done")

    else:

        @limiter.limit("2/minute")
        async def their_coroutine(request: StarletteRequest) -> Response:
            return PlainTextResponse("done")

        @limiter.limit("2/minute")
        def their_function(request: StarletteRequest) -> Response:
            return PlainTextResponse("done")

        app = Starlette(routes=[Route("/async", their_coroutine), Route("/sync/{n:int}", their_function)])
    app.state.limiter = limiter
    app.add_exception_handler(RateLimitExceeded, _rate_limit_exceeded_handler)
    return app


async def test_decorator(how: str) -> None:
    """Two requests a minute pass, with headers that count down; the third gets 429 with `Retry-After`."""
    app = limited(how, Limiter(key_func=get_remote_address, headers_enabled=True))
    async with client(app) as asking:
        for path in ("/async", "/sync/1"):
            for left in ("1", "0"):
                response = await asking.get(path)
                assert (response.status_code, response.headers["x-ratelimit-remaining"]) == (200, left)
            response = await asking.get(path)
            assert (response.status_code, response.json()) == (429, {"error": "Rate limit exceeded: 2 per 1 minute"})
            assert response.headers["x-ratelimit-remaining"] == "0"
            assert 0 < int(response.headers["retry-after"]) <= 60


@pytest.mark.parametrize("kind", [SlowAPIMiddleware, SlowAPIASGIMiddleware])
async def test_middleware(how: str, by: str, kind: Any) -> None:
    """Default limits count for each route separately, also in blueprints; another client has its own count."""
    app = site(how, [Middleware(kind)], by=by, mounts=False)
    app.state.limiter = Limiter(key_func=lambda request: request.headers["x-key"], default_limits=["2/minute"],
                                headers_enabled=True)  # fmt: skip
    app.add_exception_handler(RateLimitExceeded, _rate_limit_exceeded_handler)
    async with client(app) as asking:
        for path in ("/large", "/items/1", "/names/first"):
            statuses = [(await asking.get(path, headers={"x-key": "a"})).status_code for _ in range(3)]
            assert statuses == [200, 200, 429], path
        refused = await asking.get("/large", headers={"x-key": "a"})
        assert int(refused.headers["retry-after"]) <= 60
        other = await asking.get("/large", headers={"x-key": "b"})
        assert (other.status_code, other.headers["x-ratelimit-remaining"]) == (200, "1")
        # What has no route has no limit.
        assert [(await asking.get("/none", headers={"x-key": "a"})).status_code for _ in range(3)] == [404] * 3
