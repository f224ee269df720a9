"""Absolute URLs: their host is the configured public one, and a malformed one raises no error."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Route as StarletteRoute
from starlette.staticfiles import StaticFiles

from sanic_star import Request, Sanic, json, text
from sanic_star.compat.request._url import RequestURL
from sanic_star.testing import TestClient
from tests.engine.processes import TIMEOUT_S, UVICORN, process

MALFORMED = (
    *("[::1", "::1]", "[]", "[::1]:80x", "[1:2::::]", "[::1]x", "[v1.a]", "a:b:c", "a:", ":80", "", ":", "a:99999"),
    *("a b", "a:-1", "a:+80", "a: 80", "é", "a.é:80", "\u2100.test", "u@h", "u:p@h", "@", "/", "//", "h/admin?x"),
    *("h?x", "h#f", "a\\b", "h/admin", "a" * 400, "a" * 400 + ":80", "\udce9", "\t", "%41", "a%00b", "<a>", "a,b"),
    *("a;b", "*", "..", "-", "\x7f"),
)
PARTS = ("scheme", "netloc", "hostname", "port", "username", "password", "fragment", "is_secure", "components")
# Each attribute of a request that depends on its URL.
ATTRIBUTES = (
    *("host", "server_name", "server_port", "server_path", "scheme", "path", "raw_url", "request_line", "head", "args"),
    *("url", "base_url", "query_string", "query_params", "forwarded", "remote_addr", "client_ip", "ip", "client"),
)
CHANGES: dict[str, Callable[[RequestURL], object]] = {
    "a scheme": lambda url: url.replace(scheme="https"),
    "a path": lambda url: url.replace(path="/other"),
    "a port": lambda url: url.replace(port=8080),
    "a host": lambda url: url.replace(hostname="b.test"),
    "text": lambda url: url.replace("show", "other"),
    "a parameter": lambda url: url.include_query_params(b=2),
    "parameters": lambda url: url.replace_query_params(b=2),
    "no parameter": lambda url: url.remove_query_params("a"),
}


def application(**config: Any) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Public")
    app.config.update(config)

    @app.get("/show")
    async def show(request: Request) -> Any:
        return text(f"{request.url.path} {request.url.hostname} {request.url.port}")

    return app


@pytest.mark.parametrize("config", [{}, {"PROXIES_COUNT": 1}, {"SERVER_NAME": "https://a.test"}], ids=str)
@pytest.mark.parametrize("host", MALFORMED)
def test_a_malformed_host_raises_nowhere(host: str, config: dict[str, Any]) -> None:
    value = host.encode("utf-8", "surrogateescape")
    names = (b"host", b"x-forwarded-host") if config else (b"host",)
    headers = [(b"x-forwarded-for", b"1.1.1.1"), *((name, value) for name in names)]
    request = Request.build("GET", "/show?a=1", app=application(**config), scope={"headers": headers})
    for name in ATTRIBUTES:
        str(getattr(request, name))
    for url in (request.url, request.base_url, request.url_for("show")):
        for name in PARTS:
            getattr(url, name)
        for change in CHANGES.values():
            change(url)
    str(request.starlette.url), str(request.starlette.base_url)
    assert (request.url.path, request.url.query) == ("/show", "a=1")


@pytest.mark.parametrize(
    ("host", "name", "port"),
    [("a.test", "a.test", None), ("A.test:80", "a.test", 80), ("[::1]:8080", "::1", 8080), ("a_b:1", "a_b", 1)],
)
def test_a_proper_host_is_in_the_parts(host: str, name: str, port: int | None) -> None:
    url = Request.build("GET", "/show", headers={"host": host}, app=application()).url
    assert (url, url.hostname, url.port, url.path) == (f"http://{host}/show", name, port, "/show")


def test_a_malformed_host_over_a_socket(tmp_path: Path) -> None:
    script = """
    from sanic_star import json

    @app.get("/show")
    async def show(request):
        return json([request.url.path, request.url.hostname, request.url.port, str(request.base_url)])
    """
    with process(tmp_path, script, *UVICORN, "served:app") as server:
        server.get()
        for host in MALFORMED:
            with closing(socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S)) as client:
                value = host.encode("utf-8", "surrogateescape")
                client.sendall(b"GET /show HTTP/1.1\r\nconnection: close\r\nhost: " + value + b"\r\n\r\n")
                answer = client.makefile("rb").read()
            # The server refuses some itself.
            assert answer.split()[1] in (b"200", b"400"), host
            assert b"400" in answer.split(b"\r\n")[0] or b'["/show",' in answer
    assert "Traceback" not in server.log


@pytest.mark.parametrize(
    ("config", "public"),
    [
        ({}, "http://evil.test"),
        ({"SERVER_NAME": "https://public.test"}, "https://public.test"),
        ({"SERVER_NAME": "public.test:8443"}, "http://public.test:8443"),
        ({"PROXIES_COUNT": 1}, "https://forwarded.test"),
    ],
    ids=str,
)
def test_redirects_lead_to_the_public_host(config: dict[str, Any], public: str, tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "below"):
        directory.mkdir(exist_ok=True)
        (directory / "index.html").write_text("a page")
    app = application(**config)

    async def endpoint(request: Any) -> PlainTextResponse:
        return PlainTextResponse("answered")

    async def away(request: Any) -> RedirectResponse:
        return RedirectResponse("http://evil.test.example/x")

    @app.get("/urls")
    async def urls(request: Request) -> Any:
        return json([str(request.base_url), str(request.url), str(request.url_for("urls"))])

    app.router.routes.append(StarletteRoute("/starlette/", endpoint))
    app.mount("/files", StaticFiles(directory=tmp_path, html=True))
    app.mount("/inner", Starlette(routes=[StarletteRoute("/a/", endpoint), StarletteRoute("/away", away)]))
    client = TestClient(app)
    headers = {
        "host": "evil.test",
        "x-forwarded-for": "1.1.1.1",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "forwarded.test",
    }
    for path in ("/starlette", "/files", "/files/below", "/inner/a"):
        response = client.get(path, headers=headers, allow_redirects=False)
        assert (response.status_code, response.headers["location"]) == (307, f"{public}{path}/")
    # What is no URL of this server stays.
    elsewhere = client.get("/inner/away", headers=headers, allow_redirects=False)
    assert elsewhere.headers["location"] == "http://evil.test.example/x"
    assert client.get("/urls", headers=headers).json() == [f"{public}/", f"{public}/urls", f"{public}/urls"]
    query = client.get("/starlette?a=%FF&b=%26", headers=headers, allow_redirects=False)
    assert query.headers["location"] == f"{public}/starlette/?a=%FF&b=%26"


async def test_a_redirect_of_a_query_that_is_not_utf_8() -> None:
    app: Any = application()

    async def endpoint(request: Any) -> PlainTextResponse:
        return PlainTextResponse("answered")

    app.router.routes.append(StarletteRoute("/starlette/", endpoint))
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/starlette", "query_string": b"a=\xff", "headers": []}
    await app({**scope, "http_version": "1.1", "scheme": "http", "server": ("h.test", 80)}, receive, send)
    assert dict(sent[0]["headers"])[b"location"] == b"http://h.test/starlette/?a=%FF"
