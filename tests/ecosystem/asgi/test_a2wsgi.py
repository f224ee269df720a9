"""a2wsgi: a WSGI application mounted, and an application of this package run as WSGI."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any
from wsgiref.util import setup_testing_defaults

from a2wsgi import ASGIMiddleware, WSGIMiddleware
from flask import Flask, redirect, request, url_for

from tests.ecosystem.asgi.sites import client, site


def flask() -> Flask:
    """Return a WSGI application."""
    app = Flask(__name__)

    @app.post("/echo/<int:number>")
    def echo(number: int) -> Any:
        return {"number": number, "size": len(request.get_data()), "path": request.path, "root": request.script_root}

    @app.get("/away")
    def away() -> Any:
        return redirect(url_for("echo", number=1))

    @app.get("/stream")
    def stream() -> Any:
        return (b"x" * 1000 for _ in range(10)), {"content-type": "text/plain"}

    @app.get("/fail")
    def fail() -> Any:
        raise ValueError("Flask fails")

    return app


async def test_mounted(how: str) -> None:
    """A mounted Flask application gets bodies, knows its prefix, streams, and answers 404, 405 and 500."""
    app = site(how, mounts=False)
    app.mount("/flask", WSGIMiddleware(flask()))
    async with client(app) as asking:
        answer = await asking.post("/flask/echo/7", content=b"x" * 300_000)
        assert answer.json() == {"number": 7, "size": 300_000, "path": "/echo/7", "root": "/flask"}
        assert (await asking.get("/flask/away")).headers["location"] == "/flask/echo/1"
        assert (await asking.get("/flask/stream")).text == "x" * 10_000
        statuses = [(await asking.get(f"/flask/{path}")).status_code for path in ("none", "echo/7", "fail")]
        assert statuses == [404, 405, 500]


def call(wsgi: Any, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of a request to a WSGI application."""
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path}
    setup_testing_defaults(environ)
    environ |= {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/json", "wsgi.input": io.BytesIO(body)}
    begun: list[Any] = []
    parts: Iterable[bytes] = wsgi(environ, lambda status, headers, exc_info=None: begun.append((status, headers)))
    content = b"".join(parts)
    status, headers = begun[-1]
    return int(status.split()[0]), {name.lower(): value for name, value in headers}, content


def test_as_wsgi(how: str) -> None:
    """Run as a WSGI application, it starts with the first request, and answers bodies, streams, 404, 405, bad JSON."""
    wsgi = ASGIMiddleware(site(how))
    assert call(wsgi, "GET", "/items/5")[::2] == (200, b"5")
    assert call(wsgi, "POST", "/echo", b'{"a": "\xc3\xbc"}')[::2] == (200, '{"a":"ü"}'.encode())
    assert call(wsgi, "GET", "/stream")[::2] == (200, b"x" * 10_000)
    assert call(wsgi, "GET", "/none")[0] == 404
    status, headers, _ = call(wsgi, "GET", "/echo")
    assert (status, headers["allow"]) == (405, "POST")
    assert call(wsgi, "GET", "/theirs/items/5")[::2] == (200, b"5")
    if how == "here":
        assert call(wsgi, "POST", "/echo", b"{")[0] == 400
