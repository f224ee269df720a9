"""The scope of a mounted application, the URLs that it builds, and the view of middleware around it afterwards.

Each of the two applications, the outer and the mounted one, is Starlette's or Sanic's; where both are Starlette's, the
answers are the reference.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.routing import Mount, NoMatchFound, Route, WebSocketRoute
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from sanic_star import Request, Sanic, text
from sanic_star.compat.exceptions import URLBuildError
from sanic_star.testing import TestClient
from tests.engine.raw import Peer, ask, http_scope, websocket_scope

Seen = list[Any]
OTHERS = [kinds for kinds in product(("starlette", "sanic"), repeat=2) if kinds != ("starlette", "starlette")]


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class Noting:
    """Middleware that notes what the scope says when the application is over."""

    def __init__(self, app: ASGIApp, seen: Seen) -> None:
        self.app = app
        self.seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        finally:
            if scope["type"] != "lifespan":
                names = ("root_path", "app_root_path", "path", "path_params")
                marks = [getattr(scope.get(name), "mark", None) for name in ("router", "app")]
                endpoint, route = scope.get("endpoint"), scope.get("route")
                name = getattr(endpoint, "__name__", None)
                self.seen.append([*(scope.get(key) for key in names), *marks, name, getattr(route, "path", None)])


async def show(request: Any, **params: Any) -> JSONResponse:
    scope = request.scope
    marks = [getattr(scope[name], "mark", None) for name in ("router", "app")]
    return JSONResponse([*marks, scope["root_path"], scope.get("app_root_path"), str(request.base_url)])


async def fail(request: Any) -> JSONResponse:
    raise ValueError("no such value")


async def miss(request: Any) -> JSONResponse:
    raise HTTPException(404)


def application(kind: str, mark: str, seen: Seen | None = None, mounted: Any = None) -> Any:
    """Return an application with a name for each of its routes."""
    middleware = [] if seen is None else [Middleware(Noting, seen=seen)]
    if kind == "starlette":
        app: Any = Starlette(
            routes=[
                Route("/", show, name=mark),
                Route("/fail", fail),
                Route("/miss", miss),
                Route("/items/{id:int}", show, name="item"),
            ],
            middleware=middleware,
        )
    else:
        app = Sanic(mark.title(), middleware=middleware)
        app.get("/", name=mark)(show)
        app.get("/fail")(fail)
        app.get("/miss")(miss)
        app.get("/items/<id:int>", name="item")(show)
    if mounted is not None:
        app.mount("/m", mounted, name="m")
    app.mark, app.router.mark = mark, f"{mark} router"
    return app


def pair(outer: str, inner: str, seen: Seen) -> Any:
    return application(outer, "outer", seen, application(inner, "inner"))


BELOW = ("", "fail", "miss", "items/3", "items/x", "none")
PATHS = [f"{prefix}{path}" for prefix in ("/", "/m/") for path in BELOW]


async def answer(app: Any, path: str, root: str) -> list[Any]:
    peer = Peer()
    raised = None
    try:
        await app(http_scope(root + path, root_path=root), peer.receive, peer.send)
    except ValueError as error:
        raised = str(error)
    body = json.loads(peer.body) if peer.status == 200 else None
    return [raised, peer.status, body]


@pytest.mark.parametrize(("outer", "inner"), OTHERS)
@pytest.mark.parametrize("root", ["", "/api"])
async def test_the_scope_is_as_in_starlette(outer: str, inner: str, root: str) -> None:
    for path in PATHS:
        results = []
        for kinds in (("starlette", "starlette"), (outer, inner)):
            seen: Seen = []
            results.append([await answer(pair(*kinds, seen), path, root), seen])
        if results[0][0][1] == 404 and "miss" not in path:
            # What stands for a route where there is none is not compared.
            for _, seen in results:
                del seen[0][3:]
        assert results[0] == results[1], path


@pytest.mark.parametrize("inner", ["starlette", "sanic"])
async def test_behind_an_exception_the_scope_is_that_of_the_mount(inner: str) -> None:
    """Also where the outer application has a handler, and the exception has passed another middleware."""
    for handled in (True, False):
        seen: Seen = []
        app = pair("sanic", inner, seen)
        roots: Seen = []

        async def handle(request: Request, error: Exception, roots: Seen = roots) -> Any:
            roots.append((request.scope["root_path"], request.app.name, request.url_for("outer")))
            return text("handled")

        if handled:
            app.exception(ValueError)(handle)
        await answer(app, "/m/fail", "/api")
        assert seen[0][0] == "/api/m"
        if handled and inner == "starlette":
            assert roots == [("/api", "Outer", "http://testserver/api/")]


# URLs ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outer", ["starlette", "sanic"])
@pytest.mark.parametrize("root", ["", "/api", "/api/"])
async def test_a_mounted_application_finds_its_names_first(outer: str, root: str) -> None:
    inner: Sanic[Any, Any] = Sanic("Inner")

    @inner.get("/")
    async def inner_page(request: Request) -> Any:
        plain = request.starlette
        urls = [
            request.url_for("item", id=3),
            request.url_for("Inner.item", id=3),
            request.url_for("inner_page"),
            request.url_for("outer"),
            request.url_for("m:item", id=4),
            plain.url_for("item", id=3),
            plain.url_for("outer"),
        ]
        paths = [inner.url_for("item", id=3, q=1)]
        for name, failure in (("none", URLBuildError), ("item", URLBuildError)):
            with pytest.raises(failure):
                request.url_for(name)
            with pytest.raises(NoMatchFound):
                plain.url_for(name)
            with pytest.raises(URLBuildError):
                inner.url_for(name)
        return JSONResponse([*map(str, urls), *paths])

    @inner.get("/items/<id:int>")
    async def item(request: Request, id: int) -> Any:
        return text(str(id))

    app = application(outer, "outer", None, inner)
    if root.endswith("/") and outer == "starlette":
        return  # Starlette finds no route there.
    _, status, urls = await answer(app, "/m/" if not root.endswith("/") else "m/", root)
    assert status == 200
    base = "http://testserver" + root.rstrip("/")
    assert urls == [
        f"{base}/m/items/3",
        f"{base}/m/items/3",
        f"{base}/m/",
        f"{base}/",
        f"{base}/m/items/4",
        f"{base}/m/items/3",
        f"{base}/",
        f"{root.rstrip('/')}/m/items/3?q=1",
    ]


@pytest.mark.parametrize("path", ["/api/m/", "/api//m/"])
@pytest.mark.parametrize("inner", ["starlette", "sanic"])
async def test_a_slash_at_the_end_of_the_root_path_changes_no_answer(path: str, inner: str) -> None:
    """uvicorn puts `--root-path /api/` before the path as it is; a proxy may do without the second slash."""
    app = pair("sanic", inner, [])
    peer = await ask(app, http_scope(path, root_path="/api/"))
    assert peer.status == 200
    assert json.loads(peer.body)[-1] == "http://testserver/api/"
    peer = await ask(app, http_scope(path.removesuffix("m/"), root_path="/api/"))
    assert peer.status == 200


def test_templates_find_the_names_of_a_mounted_application(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ url_for('item', id=3) }} {{ url_for('outer') }}")
    templates = Jinja2Templates(directory=tmp_path)
    inner: Sanic[Any, Any] = Sanic("Inner")

    @inner.get("/page")
    async def page(request: Request) -> Any:
        which = request if "plain" not in request.args else request.starlette
        return templates.TemplateResponse(which, "page.html")

    inner.get("/items/<id:int>", name="item")(show)
    with TestClient(application("sanic", "outer", None, inner)) as client:
        for query in ("", "?plain=1"):
            assert client.get(f"/m/page{query}").text == f"{client.base_url}/m/items/3 {client.base_url}/"


@pytest.mark.parametrize("kind", ["sanic", "plain", "starlette"])
async def test_websockets_find_the_names_of_a_mounted_application(kind: str) -> None:
    inner: Sanic[Any, Any] = Sanic("Inner")
    inner.get("/items/<id:int>", name="item")(show)
    seen: Seen = []

    def note(connection: HTTPConnection) -> None:
        seen.extend([str(connection.url_for("item", id=3)), str(connection.url_for("outer"))])
        with pytest.raises(NoMatchFound):
            connection.url_for("none")

    @inner.websocket("/ws")
    async def speak(request: Request, ws: Any) -> None:
        note(ws if kind == "sanic" else ws.starlette)

    async def starlette_handler(websocket: WebSocket) -> None:
        # As in Starlette, its own routes ask the outermost application.
        await websocket.accept()
        seen.extend([str(websocket.url_for("m:item", id=3)), str(websocket.url_for("outer"))])
        await websocket.close()

    inner.router.routes.append(Mount("/s", routes=[WebSocketRoute("/ws", starlette_handler)]))
    peer = Peer()
    peer.messages = [{"type": "websocket.connect"}]
    path = "/m/s/ws" if kind == "starlette" else "/m/ws"
    await application("sanic", "outer", None, inner)(websocket_scope(path), peer.receive, peer.send)
    assert seen == ["http://testserver/m/items/3", "http://testserver/"]


@pytest.mark.parametrize("prefix", ["", "/board", "/a/b"])
def test_a_plain_asgi_application_in_a_mount_finds_the_names_of_the_application(prefix: str) -> None:
    seen: list[str] = []

    async def plain(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request.get_current()
        seen.extend([str(request.url_for("item", id=3)), request.app.url_for("item", id=3)])
        seen.append(str(request.url_for("sub", path="/x")))
        await text("plain")(scope, receive, send)

    app = Sanic("Outer")
    app.add_route(lambda request, id: text("item"), "/item/<id:int>", name="item")
    app.mount("/sub", plain, name="sub")
    served: Any = Starlette(routes=[Mount(prefix, app)]) if prefix else app
    client = TestClient(served)
    assert client.get(f"{prefix}/sub/page").text == "plain"
    host = "http://testserver"
    assert seen == [f"{host}{prefix}/item/3", f"{prefix}/item/3", f"{host}{prefix}/sub/x"]
