"""secure: its ASGI middleware, and headers that are set on a response."""

from __future__ import annotations

from typing import Any

import pytest
from secure import Preset, Secure
from secure.middleware import SecureASGIMiddleware
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware

from sanic_star import HTTPResponse, Request
from tests.ecosystem.asgi.sites import client, site

EXPECTED = {name.lower(): value for name, value in Secure.with_default_headers().header_items()}


@pytest.mark.parametrize("path", ["/", "/none", "/stream", "/ours/items/1", "/theirs/none"])
async def test_middleware(how: str, by: str, path: str) -> None:
    """Every response has each header of the policy once, error pages and mounted applications too."""
    policy = Middleware(SecureASGIMiddleware, secure=Secure.with_default_headers())
    async with client(site(how, [policy], by=by)) as asking:
        response = await asking.get(path)
    assert EXPECTED.keys() >= {"content-security-policy", "strict-transport-security", "x-frame-options"}
    assert {name: response.headers.get_list(name) for name in EXPECTED} == {n: [v] for n, v in EXPECTED.items()}


async def test_headers_of_a_response(how: str) -> None:
    """A response middleware sets the headers, as a synchronous and as an asynchronous function."""
    strict = Secure.from_preset(Preset.STRICT)
    app = site(how, mounts=False)
    if how == "here":

        @app.on_response
        async def protect(request: Request, response: HTTPResponse) -> None:
            await strict.set_headers_async(response)
            strict.set_headers(response)

    else:

        async def protect_theirs(request: Any, call_next: Any) -> Any:
            response = await call_next(request)
            await strict.set_headers_async(response)
            strict.set_headers(response)
            return response

        app.add_middleware(BaseHTTPMiddleware, dispatch=protect_theirs)
    expected = {name.lower(): value for name, value in strict.header_items()}
    async with client(app) as asking:
        for path in ("/", "/none"):
            response = await asking.get(path)
            assert {name: response.headers.get(name) for name in expected} == expected
