"""The root path: of a proxy that serves the application below a prefix, and of mounts around it.

uvicorn puts it before the path that came, as the ASGI specification says; hypercorn, granian and daphne leave the path.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount as StarletteMount
from starlette.routing import Route as StarletteRoute
from starlette.types import Receive, Scope, Send

from sanic_star import HTTPResponse, Request, Sanic, json, text
from sanic_star.testing import TestClient
from tests.engine.processes import TIMEOUT_S, free_port, is_open, process

COMMANDS = {
    "uvicorn": "-m uvicorn --root-path /api --port {port} served:app",
    "hypercorn": "-m hypercorn --root-path /api --bind 127.0.0.1:{port} served:app",
    "granian": "-m granian --interface asgi --url-path-prefix /api --port {port} served:app",
    "daphne": "-m daphne --root-path /api -b 127.0.0.1 -p {port} served:app",
}
SCRIPT = """
from sanic_star import json

@app.on_request
async def guard(request):
    if request.path.startswith(("/admin", "/inner/admin")):
        return text("guarded", 403)

@app.get("/admin")
@app.get("/admin/below", name="below")
async def admin(request):
    return text("secret")

@app.get("/urls")
async def urls(request):
    return json([request.path, request.url, request.url.path, request.server_path, request.url_for("urls"),
                 str(request.base_url)])

inner = Sanic("Inner")

@inner.get("/admin")
async def inner_admin(request):
    return text("secret")

@inner.get("/urls")
async def inner_urls(request):
    return json([request.path, request.url, request.server_path, request.url_for("inner_urls")])

app.mount("/inner", inner)
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_guard_matches_under_each_server(tmp_path: Path, name: str) -> None:
    port = free_port()
    command = COMMANDS[name].format(port=port).split()
    with process(tmp_path, SCRIPT, sys.executable, *command) as server:
        server.until(lambda: is_open(port))

        def get(path: str) -> requests.Response:
            return requests.get(f"http://127.0.0.1:{port}{path}", headers={"host": "h.test"}, timeout=TIMEOUT_S)

        for path in ("/admin", "/admin/below", "/%61dmin", "/inner/admin", "/inner/%61dmin"):
            assert get(path).status_code == 403, path
        base = "http://h.test/api"
        assert get("/urls").json() == ["/urls", f"{base}/urls", "/api/urls", "/api/urls", f"{base}/urls", f"{base}/"]
        inner = f"{base}/inner/urls"
        assert get("/inner/urls").json() == ["/urls", inner, "/api/inner/urls", inner]


def test_uvicorn_with_a_prefix_that_has_escapes_and_a_slash_at_its_end(tmp_path: Path) -> None:
    port = free_port()
    command = COMMANDS["uvicorn"].replace("/api", "/caf%C3%A9/").format(port=port).split()
    with process(tmp_path, SCRIPT, sys.executable, *command) as server:
        server.until(lambda: is_open(port))
        base = f"http://127.0.0.1:{port}"
        assert requests.get(f"{base}/%61dmin", timeout=TIMEOUT_S).status_code == 403
        for path in ("/urls", "/inner/urls"):
            where, url, *urls = requests.get(base + path, timeout=TIMEOUT_S).json()
            public = f"/caf%C3%A9{path}"
            assert (where, url, urls[-2 if path == "/urls" else -1]) == ("/urls", base + public, base + public)
            assert public in urls


def application() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Rooted")

    @app.on_request
    async def guard(request: Request) -> HTTPResponse | None:
        return text("guarded", 403) if request.path.startswith("/admin") else None

    @app.get("/admin/<rest:path>", name="admin")
    @app.get("/show/<rest:path>", name="show")
    async def show(request: Request, rest: str) -> HTTPResponse:
        return json([request.path, str(request.url), request.server_path, request.raw_url.decode()])

    return app


def below(prefix: str, app: Any) -> Any:
    return Starlette(routes=[StarletteMount(prefix, app=app)])


@pytest.mark.parametrize(
    ("outer", "root", "path"),
    [
        (None, "", ""),
        (None, "/api", "/api"),
        (None, "/api/", "/api"),
        (None, "/api", ""),
        (None, "/a b/é", "/a%20b/%C3%A9"),
        ("/mount", "", "/mount"),
        ("/mount", "/api", "/api/mount"),
    ],
)
def test_path_is_below_the_root_path(outer: str | None, root: str, path: str) -> None:
    app = application()
    client = TestClient(below(outer, app) if outer else app, root_path=root, base_url="http://h.test")
    assert client.get(f"{path}/admin/x").status_code == 403
    seen = client.get(f"{path}/show/a%2Fb%20c?q=1").json()
    prefix = path or root
    public = f"{prefix}/show/a%2Fb%20c"
    assert seen[:2] == ["/show/a%2Fb%20c", f"http://h.test{public}?q=1"]
    assert seen[3] == f"{path}/show/a%2Fb%20c?q=1"


@pytest.mark.parametrize("root", ["/api/", "/", "/a b/"])
def test_root_path_with_a_slash_at_its_end(root: str) -> None:
    """uvicorn puts it before the path as it is, so that two slashes follow each other."""
    app = application()
    app.mount("/page", PlainTextResponse("page"))
    client = TestClient(app, root_path=root, base_url="http://h.test")
    assert client.get(f"{root}/admin/x").status_code == 403
    seen = client.get(f"{root}/show/a%2Fb").json()
    below_root = f"{quote(root.rstrip('/'))}/show/a%2Fb"
    assert seen[:2] == ["/show/a%2Fb", f"http://h.test{below_root}"]
    assert client.get(f"{root}/page/x").text == "page"


def test_only_a_whole_prefix_is_stripped() -> None:
    client = TestClient(application(), root_path="/sh", base_url="http://h.test")
    assert client.get("/show/x").json()[:3] == ["/show/x", "http://h.test/sh/show/x", "/sh/show/x"]


@pytest.mark.parametrize("keeps", [True, False], ids=["path with the prefix", "path without it"])
def test_a_guard_in_front_of_mounts_and_routes_of_starlette(keeps: bool) -> None:
    app: Sanic[Any, Any] = Sanic("Front")
    paths: list[str] = []

    async def endpoint(request: Any) -> PlainTextResponse:
        return PlainTextResponse("answered")

    @app.on_request
    async def note(request: Request) -> None:
        paths.append(request.path)

    app.mount("/inner", Starlette(routes=[StarletteRoute("/a b", endpoint), StarletteRoute("/", endpoint)]))
    app.router.routes.append(StarletteRoute("/starlette/{x}", endpoint))
    prefix = "/api" if keeps else ""
    client = TestClient(app, root_path="/api")
    for path in ("/inner/a%20b", "/inner/", "/inner", "/starlette/%61"):
        assert client.get(prefix + path).text == "answered", path
    assert paths == ["/inner/a b", "/inner/", "/inner", "/starlette/a"]


def test_the_path_is_unchanged_after_a_mount() -> None:
    app: Sanic[Any, Any] = Sanic("Entered")
    requests_seen: list[Request] = []

    @app.on_request
    async def note(request: Request) -> None:
        requests_seen.append(request)

    async def endpoint(request: Any) -> PlainTextResponse:
        return PlainTextResponse(f"{requests_seen[0].path} {requests_seen[0].scope['root_path']}")

    app.mount("/inner", Starlette(routes=[StarletteRoute("/a", endpoint)]))
    client = TestClient(app, root_path="/api")
    assert client.get("/api/inner/a").text == "/inner/a /api/inner"


def test_a_directory_redirects_to_its_public_path(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    app: Sanic[Any, Any] = Sanic("Directories")
    app.static("/files", tmp_path, directory_view=True)
    for prefix in ("/api", ""):
        client = TestClient(app, root_path="/api")
        response = client.get(f"{prefix}/files/below", allow_redirects=False)
        assert (response.status_code, response.headers["location"]) == (302, "/api/files/below/")


@pytest.mark.parametrize("root", ["/", "/api", "/api/"])
def test_a_mount_at_the_root_gets_one_path_in_both_spellings(root: str) -> None:
    async def show(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(f"{scope['path']} {scope['raw_path'].decode()}")(scope, receive, send)

    app: Sanic[Any, Any] = Sanic("Spelled")
    app.mount("/", show, lifespan=False)
    client = TestClient(app, root_path=root)
    public = root.rstrip("/")
    assert client.get(root).text == f"{public}/ {public}/"
    assert client.get(f"{public}/a").text == f"{public}/a {public}/a"
