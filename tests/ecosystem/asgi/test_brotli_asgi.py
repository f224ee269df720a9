"""brotli-asgi: its middleware."""

from __future__ import annotations

import brotli
import pytest
from brotli_asgi import BrotliMiddleware
from starlette.middleware import Middleware

from tests.ecosystem.asgi.sites import client, site


@pytest.mark.parametrize("path", ["/large", "/stream", "/ours/large", "/theirs/stream"])
async def test_compression(how: str, by: str, path: str) -> None:
    """Large responses and streams are compressed with Brotli, or with gzip if the client accepts only that."""
    async with client(site(how, [Middleware(BrotliMiddleware)], by=by)) as asking:
        async with asking.stream("GET", path, headers={"Accept-Encoding": "br"}) as response:
            body = b"".join([part async for part in response.aiter_raw()])
        assert (response.headers["content-encoding"], response.headers["vary"]) == ("br", "Accept-Encoding")
        assert brotli.decompress(body) == b"x" * 10_000
        assert int(response.headers.get("content-length", len(body))) == len(body) < 1000
        for accept, used in (("gzip", "gzip"), ("identity", None), ("", None)):
            response = await asking.get(path, headers={"Accept-Encoding": accept})
            assert (response.headers.get("content-encoding"), response.text) == (used, "x" * 10_000)


async def test_what_is_left_alone(how: str, by: str) -> None:
    """Small responses and error pages arrive complete, a 500 too, with the right length."""
    async with client(site(how, [Middleware(BrotliMiddleware, minimum_size=1_000_000)], by=by)) as asking:
        for path, status in (("/", 200), ("/none", 404), ("/fails", 500)):
            response = await asking.get(path, headers={"Accept-Encoding": "br"})
            assert (response.status_code, response.headers.get("content-encoding")) == (status, None)
            assert int(response.headers["content-length"]) == len(response.content)
        response = await asking.head("/large", headers={"Accept-Encoding": "br"})
        assert (response.status_code, response.content) == (405 if how == "here" else 200, b"")
