"""The access log where Sanic's has no counterpart: no client, no host, exceptions, other kinds of scope."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from sanic_star import Request, Sanic, empty, text
from sanic_star.compat._app.access_log import AccessLog
from sanic_star.testing import TestClient

SCOPE = {"type": "http", "method": "GET", "path": "/ü", "headers": [], "scheme": "https"}


async def receive() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: Any) -> None: ...


def answering(status: int, *headers: tuple[bytes, bytes]) -> AccessLog:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return AccessLog(app)


@pytest.mark.parametrize(
    ("scope", "host", "request_"),
    [
        ({}, "UNIX", "GET https:///%C3%BC"),
        ({"client": ("::1", 5), "server": ("s", 1)}, "::1:5", "GET https://s:1/%C3%BC"),
        ({"server": ("/run/app.sock", None)}, "UNIX", "GET https:///run/app.sock/%C3%BC"),
        (
            {"headers": [(b"host", b"h")], "raw_path": b"/%C3%BC", "query_string": b"a"},
            "UNIX",
            "GET https://h/%C3%BC?a",
        ),
        # What a client can say over HTTP/2, and where the server gives the decoded path only, writes no lines.
        ({"path": "/a\r\n200 OK"}, "UNIX", "GET https:///a%0D%0A200%20OK"),
        (
            {"path": "/a\r\n\x1b[2J", "raw_path": b"/a\r\n\x1b[2J", "query_string": b"\x9b\n"},
            "UNIX",
            "GET https:///a%0D%0A%1B[2J?%9B%0A",
        ),
        # A middleware has rewritten the path.
        ({"raw_path": b"/old"}, "UNIX", "GET https:///%C3%BC"),
    ],
)
async def test_missing_details_of_the_server(
    scope: dict[str, Any], host: str, request_: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sanic.access")
    await answering(200)({**SCOPE, **scope}, receive, send)
    [record] = caplog.records
    assert (record.host, record.request) == (host, request_)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("status", "headers", "size"),
    [(200, [(b"Content-Length", b"7")], 7), (200, [(b"content-length", b"x")], "chunked"), (204, [], 0), (101, [], 0)],
)
async def test_the_size_of_an_answer(
    status: int, headers: list[tuple[bytes, bytes]], size: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sanic.access")
    await answering(status, *headers)(SCOPE, receive, send)
    assert caplog.records[0].byte == size  # type: ignore[attr-defined]


async def test_a_request_without_a_response_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            raise ValueError("early")

    caplog.set_level(logging.INFO, "sanic.access")
    with pytest.raises(ValueError, match="early"):
        await AccessLog(silent)(SCOPE, receive, send)
    await AccessLog(silent)({"type": "websocket"}, receive, send)
    assert not caplog.records


def test_handled_exceptions_and_mounted_applications_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    app, below = Sanic("above"), Sanic("below")
    app.config.ACCESS_LOG = True
    app.mount("/below", below)

    @below.get("/here")
    async def here(request: Request) -> Any:
        return text("hi")

    @app.get("/error")
    async def error(request: Request) -> Any:
        raise ValueError("x")

    caplog.set_level(logging.INFO, "sanic.access")
    with TestClient(app, raise_server_exceptions=False) as client:
        client.get("/below/here")
        client.get("/error")
    logged = [(record.request, record.status) for record in caplog.records if record.name == "sanic.access"]  # type: ignore[attr-defined]
    assert logged == [("GET http://testserver/below/here", 200), ("GET http://testserver/error", 500)]


def test_a_level_above_information_is_silence(caplog: pytest.LogCaptureFixture) -> None:
    app = Sanic("quiet")
    app.config.ACCESS_LOG = True

    @app.get("/")
    async def root(request: Request) -> Any:
        return empty()

    caplog.set_level(logging.WARNING, "sanic.access")
    app.test_client.get("/")
    assert not [record for record in caplog.records if record.name == "sanic.access"]
